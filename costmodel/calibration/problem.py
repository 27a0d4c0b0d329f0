"""Predicted seconds of all observations and their derivatives by the logarithms of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.design import INSIDE, Design, designs_of
from costmodel.calibration.observations import Observations
from costmodel.calibration.parameters import Choice, data_scales, parameters_of
from costmodel.calibration.scientific import sparse
from costmodel.calibration.tape import Traced, slopes
from costmodel.latency.bounds import EFFICIENCIES
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
        self.designs = designs_of(parts, family, self.parameters)
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
        made = np.zeros(len(self))
        for each in self.designs:
            made[each.places] = np.log(_Evaluation(each, self, logarithms, sharpest).seconds())
        return made

    def log_slopes(self, logarithms: NDArray[Any], sharpest: float = np.inf) -> NDArray[Any]:
        """Its derivatives: observations x parameters."""
        made: NDArray[Any] = self.sparse_log_slopes(logarithms, sharpest).toarray()
        return made

    def sparse_log_slopes(self, logarithms: NDArray[Any], sharpest: float = np.inf) -> Any:
        """The same as a sparse matrix: most observations know nothing of the numbers of other devices."""
        blocks = [_Evaluation(each, self, logarithms, sharpest).log_slopes() for each in self.designs]
        order = np.argsort(np.concatenate([each.places for each in self.designs]))
        return sparse().vstack(blocks, format="csr")[order]

    def excesses(self, logarithms: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """By how much logarithms of effective efficiencies exceed what is possible, and the derivatives."""
        seen: dict[tuple[Any, ...], tuple[float, NDArray[Any]]] = {}
        for each in self.designs:
            for name in EFFICIENCIES:
                pattern = each.patterns.get(name)
                if pattern is None or not pattern.is_fitted:
                    continue
                over = np.log(pattern.values(logarithms)) - np.log(pattern.most)
                for at in np.flatnonzero((over > 0) & (np.diff(pattern.members.indptr) > 0)).tolist():
                    row = pattern.members[at]
                    key = name, *row.indices.tolist(), float(pattern.most[at])
                    seen[key] = float(over[at]), row.toarray()[0]
        if not seen:
            return np.zeros(0), np.zeros((0, len(self.parameters)))
        return np.array([over for over, _ in seen.values()]), np.array([row for _, row in seen.values()])


class _Evaluation:
    """One design at one point: seconds of its observations, and their derivatives."""

    def __init__(self, design: Design, problem: Problem, logarithms: NDArray[Any], sharpest: float) -> None:
        self.design, self.family, self.terms = design, problem.family, problem.choice.terms
        self.sharpest = sharpest
        self.values = {name: pattern.values(logarithms) for name, pattern in design.patterns.items()}
        outside = {name: pattern.columns(logarithms) for name, pattern in design.outside.items()}
        self.inference = outside["inference_seconds"] * ("inference" in self.terms)
        self.factor = outside["network_factor"]

    def seconds(self) -> NDArray[Any]:
        """Seconds of each observation."""
        latency = np.concatenate([self._rows(chosen, False)[0] for chosen in self._chunks()])
        made: NDArray[Any] = self.inference + self.factor * self._totals(latency)
        return made

    def log_slopes(self) -> Any:
        """Derivatives of the logarithms of the seconds: observations x parameters, sparse."""
        design = self.design
        found = [self._rows(chosen, True) for chosen in self._chunks()]
        total = self._totals(np.concatenate([latency for latency, _ in found]))
        seconds = self.inference + self.factor * total
        scale = self.factor / seconds
        count = len(design.places)
        starts = np.searchsorted(design.observation, np.arange(count + 1))
        width = design.patterns["time_factor"].members.shape[1]
        made = sparse().csr_matrix((count, width))
        for name in found[0][1]:
            slope = np.concatenate([by[name] for _, by in found])
            entries = (scale[design.observation] * design.weight * slope[design.row], design.row, starts)
            pattern = design.patterns[name]
            made = made + sparse().csr_matrix(entries, shape=(count, len(slope))) @ pattern.row_members()
        for name, part in (("inference_seconds", self.inference), ("network_factor", self.factor * total)):
            members = design.outside[name]
            if members.is_fitted:
                made = made + sparse().diags(part / seconds) @ members.row_members()
        return made

    def _chunks(self) -> list[slice]:
        rows = len(self.design.batch)
        return [slice(start, start + ROWS_AT_ONCE) for start in range(0, rows, ROWS_AT_ONCE)]

    def _totals(self, latency: NDArray[Any]) -> NDArray[Any]:
        design = self.design
        return np.bincount(design.observation, design.weight * latency[design.row], len(design.places))

    def _rows(self, chosen: slice, with_slopes: bool) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """Seconds of some rows, and their derivatives by the logarithm of every constant and number that is fitted."""
        design, tape = self.design, list[Traced]()
        leaves: dict[str, tuple[int, NDArray[Any]]] = {}
        given: dict[str, Any] = {}
        batch = design.batch[chosen]
        for name, pattern in design.patterns.items():
            column = self.values[name][pattern.of_row[chosen]]
            if pattern.scale is not None:
                column = column * pattern.scale[chosen]
            given[name] = column
            is_on = name in INSIDE or CONSTANTS[name].term in self.terms
            if with_slopes and pattern.is_fitted and is_on:
                given[name] = Traced(tape, column)
                leaves[name] = given[name].at, column
        if np.isfinite(self.sharpest) and "overlap" in self.terms:
            own = given.get("overlap", np.full(len(batch), np.inf))
            given["overlap"] = np.minimum(own, self.sharpest)
        rates = {name: column[chosen] for name, column in design.rates.items()}
        numbers = {name: given.pop(name) for name in INSIDE}
        columns = {name: column[chosen] for name, column in design.columns.items()}
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            all_rates = Rates(**rates, factors={}, numbers=numbers, levels=design.levels)
            times = row_times(columns, Matched(given, {}), all_rates, batch, self.family, self.terms)
            latency = times.latency_seconds
            found = slopes(latency, tape) if with_slopes else {}
            by = {
                name: np.where(np.isfinite(column), found.get(at, 0.0) * column, 0.0)
                for name, (at, column) in leaves.items()
            }
        seconds = latency.value if isinstance(latency, Traced) else np.broadcast_to(latency, batch.shape)
        return np.asarray(seconds, float), by
