"""The two simpler predictors, fitted to the same rows: one rate of MACs, and Eq. 1 with two rates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.observations import Observations
from costmodel.calibration.scientific import optimize
from costmodel.records import record
from costmodel.roofline import layer_bytes

MACS, TWO_MACS, TWO_BYTES = "macs_macs_per_second", "two_macs_per_second", "two_bytes_per_second"
SCALE = 0.08
_RIDGES = np.logspace(-3, 5, 161)
"""Ridge points to start from, in MACs per byte."""


@record
class Plain:
    """Work of some observations under the fold rule of the simpler predictors: MACs in all, and MACs, bytes and
    repeats of each operator."""

    macs: NDArray[np.float64]
    row_macs: NDArray[np.float64]
    row_bytes: NDArray[np.float64]
    repeats: NDArray[np.float64]
    starts: NDArray[np.int64]

    def eq1(self, macs_per_second: float, bytes_per_second: float) -> NDArray[np.float64]:
        """The sum over operators of max(MACs/P, bytes/B) (MobileNetV4, arXiv:2404.10518, Eq. 1)."""
        seconds = np.maximum(self.row_macs / macs_per_second, self.row_bytes / bytes_per_second)
        made: NDArray[np.float64] = np.add.reduceat(seconds * self.repeats, self.starts)
        return made


def plain_of(part: Observations) -> Plain:
    """The work of the observations of a profile."""
    operators = part.folded
    sizes, batch = operators.workload.sizes, operators.each(part.batch)
    activations = (sizes["input_elements"] + sizes["output_elements"]) * batch
    moved = layer_bytes(activations, sizes["weight_elements"], part.profile.dtype)
    macs = sizes["macs"] * batch
    return Plain(operators.total(macs), macs, moved, np.asarray(operators.workload.repeats, float), operators.starts)


def fitted_baselines(plain: Plain, seconds: NDArray[np.float64]) -> dict[str, float]:
    """The rates with the least error: soft L1 on log(predicted / measured), as everything that is fitted here. A rate
    that no row tells is left out: of MACs or bytes that no row has, or that never take longer than the other.

    Raises: PredictionError where SciPy is not installed.
    """
    log_seconds = np.log(seconds)
    found: dict[str, float] = {}
    has_macs = plain.macs > 0
    if has_macs.any():
        found[MACS] = float(np.exp(_middle(np.log(plain.macs[has_macs]) - log_seconds[has_macs])))
    if not (plain.eq1(1.0, 1.0) > 0).any():
        return found
    starts = []
    for ridge in _RIDGES.tolist():
        work = plain.eq1(1.0, 1 / ridge)
        usable = work > 0
        errors = np.log(work[usable]) - log_seconds[usable]
        rate = float(np.median(errors))
        starts.append((float(_soft(errors - rate).sum()), rate, float(np.log(ridge))))
    _, rate, log_ridge = min(starts)

    def errors_at(x: NDArray[np.float64]) -> NDArray[np.float64]:
        work = np.maximum(plain.eq1(float(np.exp(x[0])), float(np.exp(x[0] - x[1]))), 1e-300)
        made: NDArray[np.float64] = np.clip(np.log(work) - log_seconds, -50, 50)
        return made

    solved = optimize().least_squares(errors_at, [rate, log_ridge], loss="soft_l1", f_scale=SCALE).x
    candidates = [solved, np.array([rate, log_ridge])]
    best = min(candidates, key=lambda x: float(_soft(errors_at(x)).sum()))
    macs_per_second, bytes_per_second = float(np.exp(best[0])), float(np.exp(best[0] - best[1]))
    longer = plain.row_macs / macs_per_second - plain.row_bytes / bytes_per_second
    if not (longer > 0).any():
        return found | {TWO_BYTES: bytes_per_second}
    return found | ({TWO_MACS: macs_per_second, TWO_BYTES: bytes_per_second} if (longer < 0).any() else {})


def baseline_seconds(plain: Plain, numbers: Mapping[str, float]) -> dict[str, NDArray[np.float64]]:
    """Seconds by MACs alone, and by Eq. 1 with two fitted rates."""
    macs = plain.macs / numbers[MACS] if MACS in numbers else np.full(len(plain.macs), np.nan)
    two = np.full(len(plain.macs), np.nan)
    if TWO_MACS in numbers:
        two = plain.eq1(numbers[TWO_MACS], numbers[TWO_BYTES])
    return {"macs": macs, "two_fitted": two}


def _soft(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    made: NDArray[np.float64] = 2 * ((1 + (errors / SCALE) ** 2) ** 0.5 - 1)
    return made


def _middle(values: NDArray[np.float64]) -> float:
    """The number that is nearest to all values by soft L1: between their mean and their median."""
    middle = float(np.median(values))
    for _ in range(50):
        weights = (1 + ((values - middle) / SCALE) ** 2) ** -0.5
        middle = float((weights * values).sum() / weights.sum())
    return middle
