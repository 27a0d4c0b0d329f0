"""Predicted seconds of all observations and their derivatives by the logarithms of the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.design import EFFICIENCIES, Design, design_of
from costmodel.calibration.observations import Observations
from costmodel.calibration.parameters import Choice, data_scales, parameters_of
from costmodel.calibration.tape import Traced, slopes
from costmodel.latency.constants import CONSTANTS
from costmodel.latency.families import Family
from costmodel.latency.model import Rates, row_times
from costmodel.latency.rules import Matched

ROWS_AT_ONCE = 8192
"""Rows that are computed together: their columns stay in a processor's cache."""


class Problem:
    """Observations of a family and its free parameters. Vectors of `logarithms` are in the order of `parameters`."""

    def __init__(self, family: Family, parts: Sequence[Observations], choice: Choice | None = None) -> None:
        self.family, self.parts = family, tuple(parts)
        self.choice = Choice() if choice is None else choice
        self.settings = {
            part.setting: part.profile.calibration for part in parts if part.profile.calibration is not None
        }
        scales, inference = data_scales(parts)
        self.parameters = parameters_of(family, self.settings, self.choice, scales, inference)
        self.designs = [design_of(part, family, self.settings[part.setting], self.parameters) for part in parts]
        self.log_measured = np.log(np.concatenate([part.seconds for part in parts]))

    def __len__(self) -> int:
        return len(self.log_measured)

    def keys(self, by: str) -> list[str]:
        """What each observation is held out by."""
        return [key for part in self.parts for key in part.keys[by]]

    @property
    def starts(self) -> NDArray[Any]:
        """Logarithms to start from that no measurement of this runtime has shaped, but times per operator."""
        return np.log([each.start for each in self.parameters]) if self.parameters else np.zeros(0)

    @property
    def values(self) -> NDArray[Any]:
        """Logarithms of what the files say."""
        return np.log([each.value for each in self.parameters]) if self.parameters else np.zeros(0)

    def log_seconds(self, logarithms: NDArray[Any], sharpest: float = np.inf) -> NDArray[Any]:
        """Logarithm of the predicted seconds of every observation; `sharpest` limits the exponent of the overlap."""
        parts = [self._seconds(each, logarithms, False, sharpest)[0] for each in self.designs]
        made: NDArray[Any] = np.log(np.concatenate(parts))
        return made

    def log_slopes(self, logarithms: NDArray[Any], sharpest: float = np.inf) -> NDArray[Any]:
        """Its derivatives: observations x parameters."""
        rows = []
        for each in self.designs:
            seconds, by = self._seconds(each, logarithms, True, sharpest)
            rows.append(by / seconds[:, None])
        return np.concatenate(rows)

    def _seconds(self, design: Design, logarithms: NDArray[Any], with_slopes: bool, sharpest: float) -> Any:
        return _part_seconds(design, self.family, self.choice.terms, logarithms, with_slopes, sharpest)

    def excesses(self, logarithms: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """By how much logarithms of effective efficiencies exceed what is possible, and the derivatives."""
        seen: dict[bytes, tuple[float, NDArray[Any]]] = {}
        for each in self.designs:
            for name in EFFICIENCIES:
                pattern = each.patterns.get(name)
                if pattern is None or not pattern.is_fitted:
                    continue
                over = np.log(pattern.values(logarithms)) - np.log(pattern.most)
                for at in np.flatnonzero((over > 0) & pattern.members.any(axis=1)):
                    row = pattern.members[at]
                    seen[name.encode() + row.tobytes() + pattern.most[at].tobytes()] = float(over[at]), row
        if not seen:
            return np.zeros(0), np.zeros((0, len(self.parameters)))
        return np.array([over for over, _ in seen.values()]), np.array([row for _, row in seen.values()])


def _part_seconds(
    design: Design, family: Family, terms: frozenset[str], logarithms: NDArray[Any], with_slopes: bool, sharpest: float
) -> tuple[NDArray[Any], Any]:
    """Seconds of each observation of a part, and their derivatives by the logarithms of the parameters."""
    count, width = len(design.part), len(logarithms)
    values = {name: pattern.values(logarithms) for name, pattern in design.patterns.items()}
    numbers = {name: value if at < 0 else float(np.exp(logarithms[at])) for name, (value, at) in design.numbers.items()}
    rows = len(design.batch)
    latency = np.zeros(rows)
    by_leaf: dict[str, NDArray[Any]] = {}
    for start in range(0, rows, ROWS_AT_ONCE):
        chosen = slice(start, start + ROWS_AT_ONCE)
        latency[chosen], own = _rows(design, family, terms, values, numbers, chosen, with_slopes, sharpest)
        for name, slope in own.items():
            by_leaf.setdefault(name, np.zeros(rows))[chosen] = slope
    total = np.bincount(design.observation, design.weight * latency[design.row], count)
    of_network = not design.part.of_kernels
    factor = numbers.get("network_factor", 1.0) if of_network else 1.0
    inference = numbers.get("inference_seconds", 0.0) if of_network and "inference" in terms else 0.0
    seconds = inference + factor * total
    if not with_slopes:
        return seconds, None
    by = np.zeros((count, width))
    for name, slope in by_leaf.items():
        weighted = design.weight * slope[design.row]
        if name in design.patterns:
            pattern = design.patterns[name]
            width_of = len(pattern.fixed)
            cells = design.observation * width_of + pattern.of_row[design.row]
            summed = np.bincount(cells, weighted, count * width_of).reshape(count, width_of)
            by += factor * (summed @ pattern.members)
        else:
            by[:, design.numbers[name][1]] += factor * np.bincount(design.observation, weighted, count)
    outside: dict[str, Any] = {"inference_seconds": inference, "network_factor": factor * total}
    for name, slope in outside.items():
        at = design.numbers.get(name, (0.0, -1))[1]
        if of_network and at >= 0:
            by[:, at] += slope
    return seconds, by


def _rows(
    design: Design, family: Family, terms: frozenset[str], values: Mapping[str, NDArray[Any]],
    numbers: Mapping[str, float], chosen: slice, with_slopes: bool, sharpest: float,
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:  # fmt: skip
    """Seconds of some rows, and their derivatives by the logarithm of every constant and number that is fitted."""
    tape: list[Traced] = []
    leaves: dict[str, tuple[int, NDArray[Any]]] = {}
    batch = design.batch[chosen]
    constants: dict[str, Any] = {}
    for name, pattern in design.patterns.items():
        column = values[name][pattern.of_row[chosen]]
        if pattern.scale is not None:
            column = column * pattern.scale[chosen]
        constants[name] = column
        if with_slopes and pattern.is_fitted and CONSTANTS[name].term in terms:
            constants[name] = Traced(tape, column)
            leaves[name] = constants[name].at, column
    if np.isfinite(sharpest) and "overlap" in terms:
        constants["overlap"] = np.minimum(constants.get("overlap", np.full(len(batch), np.inf)), sharpest)
    given: dict[str, Any] = dict(numbers)
    for name, (_, at) in design.numbers.items():
        if with_slopes and at >= 0 and name not in ("inference_seconds", "network_factor"):
            column = np.full(len(batch), numbers[name])
            given[name] = Traced(tape, column)
            leaves[name] = given[name].at, column
    profile = design.part.profile
    calibration = profile.calibration
    assert calibration is not None
    dtype = profile.dtype
    rates = Rates(
        profile.macs_per_second, profile.bytes_per_second, dtype.activation_bits / 8, dtype.weight_bits / 8, {}, given,
        calibration.levels,
    )  # fmt: skip
    columns = {name: column[chosen] for name, column in design.columns.items()}
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        times = row_times(columns, Matched(constants, {}), rates, batch, family, terms)
        latency = times.latency_seconds
        found = slopes(latency, tape) if with_slopes else {}
        by = {
            name: np.where(np.isfinite(column), found[at] * column, 0.0)
            for name, (at, column) in leaves.items()
            if at in found
        }
    seconds = latency.value if isinstance(latency, Traced) else np.broadcast_to(latency, batch.shape)
    return np.asarray(seconds, float), by
