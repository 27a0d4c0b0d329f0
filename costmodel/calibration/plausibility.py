"""Whether a fit can be true: numbers at a bound, efficiencies that no device has, rows that no number explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.baselines import plain_of
from costmodel.calibration.fitting import Fit
from costmodel.calibration.held_out import HeldOut
from costmodel.calibration.left_out import SHOWN, listed
from costmodel.calibration.limits import impossible
from costmodel.hardware import HardwareProfile
from costmodel.latency.bounds import EFFICIENCIES
from costmodel.latency.constants import EFFICIENCY_MOST, WINOGRAD_MOST

LEAST_EFFICIENCY = 1e-3
"""Of a peak or bandwidth. The least that the operators of a bundled calibration reach at best is 2e-3, two apart that
name another unit's peak."""
MOST_APART = 300.0
"""Times that rows take longer or shorter than on the family's other devices: units of time differ by 1,000."""
MOST_ERROR, MOST_ERROR_AT_BOUND = 1.0, 0.5
"""Median held-out errors beyond which nothing was fitted, and beyond which a number at its bound, or one time for all
rows that is nearer, is no chance. Of 615 bundled calibrations ten are beyond the second, half of them of one row, and
two beyond the first: one row of an NPU, and a GPU under Vulkan."""
MOST_SPREAD = 100.0
"""The most that the ends of the band may be apart, high / low; no bundled calibration's are."""
LEAST_GAIN = 2.0
"""Times that the median of the other rows may be nearer to a row than a fit to them, where the error is small."""
NEAR_BOUND = 0.02
"""Of a logarithm: excesses are held back by a penalty, which stops a little before or behind the bound."""


def at_bound(fit: Fit) -> tuple[str, ...]:
    """The fitted numbers that rows have driven to the bound of what is possible."""
    problem = fit.problem
    gone = {refusal.parameter for refusal in fit.refusals}
    low = np.log([each.least for each in problem.parameters])
    high = np.log([each.most for each in problem.parameters])
    near = (fit.logarithms < low + NEAR_BOUND) | (fit.logarithms > high - NEAR_BOUND)
    for design in problem.designs:
        for name in EFFICIENCIES:
            pattern = design.patterns.get(name)
            if pattern is not None and pattern.is_fitted:
                over = np.log(pattern.values(fit.logarithms)) > np.log(pattern.most) - NEAR_BOUND
                near[np.unique(pattern.members[np.flatnonzero(over)].indices)] = True
    return tuple(
        each.name for each, is_near in zip(problem.parameters, near, strict=True) if is_near and each not in gone
    )


def best_efficiencies(fit: Fit, time_factor: float) -> dict[str, float]:
    """The greatest part of the peak, and of the bandwidth, that any measured operator reaches by a number that the rows
    tell. A time factor makes all operators slower, whatever their efficiency."""
    parameters = fit.problem.parameters
    told = {each.name for each in parameters} - {refusal.parameter.name for refusal in fit.refusals}
    marks = np.array([each.name in told for each in parameters], bool)
    found: dict[str, float] = {}
    for design in fit.problem.designs:
        for name in EFFICIENCIES:
            pattern = design.patterns.get(name)
            if pattern is None:
                continue
            values = pattern.values(fit.logarithms) / time_factor
            if "time_factor" not in told:
                values = values[np.asarray(pattern.members @ marks > 0)]
            if len(values):
                found[name] = max(found.get(name, 0.0), float(values.max()))
    return found


def doubts(fit: Fit, held: HeldOut, profile: HardwareProfile) -> list[str]:
    """Why a fit cannot be true, in words; none where it can. `profile` has the calibration that came of it."""
    assert profile.calibration is not None
    time_factor = profile.calibration.numbers.get("time_factor", 1.0)
    return [*_rates(fit, time_factor), *impossible(fit.problem.family, profile), *_distance(fit), *_errors(fit, held)]


def refusal(fit: Fit, reasons: Sequence[str]) -> str:
    """The message for a fit that is in doubt: what is wrong with which rows, and what to write instead."""
    parts = fit.problem.parts
    places = [place for part in parts for place in part.places]
    profile = parts[0].profile
    return (
        f"{parts[0].setting} is not calibrated, for its numbers cannot be true: {'; '.join(reasons)}. "
        f"Its {len(places)} rows are {listed(places, SHOWN)}. Is latency_seconds in seconds, not in milliseconds or "
        "microseconds? If so, correct what differs: the networks or shapes of these rows, or the "
        f"{profile.macs_per_second:g} MACs/s and {profile.bytes_per_second:g} bytes/s of {profile.device.name}"
    )


def _rates(fit: Fit, time_factor: float) -> list[str]:
    """Rows beyond the peak, and efficiencies next to nothing."""
    parts, found = fit.problem.parts, []
    peak = parts[0].profile.macs_per_second
    rates = np.concatenate([plain_of(part).macs / part.seconds for part in parts]) / peak
    most = EFFICIENCY_MOST * WINOGRAD_MOST
    if np.median(rates) > most:
        found.append(
            f"half of the rows run at {np.median(rates):,.1f} times the peak or more, and {most:g} times are possible"
        )
    of_what = {"compute": "the peak", "bandwidth": "the bandwidth"}
    for name, value in best_efficiencies(fit, time_factor).items():
        if value < LEAST_EFFICIENCY:
            found.append(f"the times are so long that no operator reaches more than {value:.2g} of {of_what[name]}")
    return found


def _distance(fit: Fit) -> list[str]:
    """How much longer or shorter all rows take than the fit started from."""
    apart = float(np.exp(np.median(fit.problem.log_measured - fit.problem.log_seconds(fit.problem.starts))))
    if 1 / MOST_APART <= apart <= MOST_APART:
        return []
    words = f"{apart:,.0f} times as long as" if apart > 1 else f"1/{1 / apart:,.0f} of the time that they take"
    return [f"half of the rows take {words} on the family's other devices, for the same peak and bandwidth"]


def _errors(fit: Fit, held: HeldOut) -> list[str]:
    """Rows that the fit does not predict."""
    error = held.accuracy.median_ape
    assert error is not None
    said = f"the median error of rows left out is {error:,.1%}"
    if error > MOST_ERROR:
        return [said]
    if not 0 < held.low <= held.high <= MOST_SPREAD * min(held.low, 1):
        return [f"{said}, and measured / predicted of four of five lies between {held.low:.2g} and {held.high:.2g}"]
    bound = at_bound(fit)
    if bound and error > MOST_ERROR_AT_BOUND:
        return [f"{said}, with {' and '.join(bound)} at the bound of what is possible"]
    alone = _error_of_one_time(np.exp(fit.problem.log_measured))
    if held.grade == "C" and error > alone * (1 if error > MOST_ERROR_AT_BOUND else LEAST_GAIN):
        return [f"{said}, but {alone:.1%} where each is predicted by the median of the others, whatever network it is"]
    return []


def _error_of_one_time(seconds: NDArray[np.float64]) -> float:
    """The median error of each row, predicted by the median of the others."""
    others = np.array([np.median(np.delete(seconds, at)) for at in range(len(seconds))])
    return float(np.median(np.abs(others / seconds - 1)))
