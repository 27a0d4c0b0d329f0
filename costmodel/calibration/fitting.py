"""Robust, regularised least squares on log(predicted / measured), and what the data cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.identifiability import Refusal, refused
from costmodel.calibration.parameters import COMMON, FACTOR, NUMBER, SET, Parameter
from costmodel.calibration.problem import Problem
from costmodel.calibration.scientific import optimize, sparse
from costmodel.latency.bounds import EFFICIENCIES
from costmodel.records import record

SCALE = 0.08
"""Deviation of a logarithm up to which an error counts by its square, beyond by its size (soft L1)."""
LEAST_SCALE = 0.02
"""Where errors are smaller than SCALE, their own spread counts, down to this: measurements repeat no better."""
COARSE_SCALE = 0.5
"""A first fit from far away, in which no row is an outlier."""
TOLERANCE, COARSE_TOLERANCE = 1e-4, 1e-2
"""Relative changes of the sum of squares below which a fit, and a first fit, ends."""
COARSE_OVERLAP = 1.0
"""Of the first fits: in a maximum of compute and transfer, a constant of the smaller one has next to no slope."""
MOST_DENSE = 500
"""Parameters up to which a step is found by a decomposition; beyond, by iterations on sparse matrices."""
SLOW, LEAST_SLOPE, MOST_DEAD_ENDS = 0.02, 0.02, 12
"""How slow a rate is tried that no time depends on, below which part of any row's time that is, and how many are."""
EXCESS_SPREAD = 0.01
"""An effective efficiency beyond what is possible is as unlikely as this small deviation."""
AVERAGE_SPREAD = 0.05
"""Factors of the devices of a family average 1: without that, they and the family's constants share one freedom."""
HELD_SPREAD = 1e-3
"""A refused parameter stays this near to its prior."""


@record
class Fit:
    """A solution: `logarithms` of the parameters of its problem, the `scale` of the errors, and what was refused."""

    problem: Problem
    logarithms: NDArray[Any]
    scale: float
    refusals: tuple[Refusal, ...]

    @property
    def values(self) -> dict[tuple[str, str, str], float]:
        """The fitted numbers by kind, owner and name."""
        pairs = zip(self.problem.parameters, np.exp(self.logarithms).tolist(), strict=True)
        return {(each.kind, each.owner, each.name): value for each, value in pairs}

    @property
    def predicted_seconds(self) -> NDArray[Any]:
        """Seconds of every observation of the problem, fitted or not."""
        made: NDArray[Any] = np.exp(self.problem.log_seconds(self.logarithms))
        return made

    def __repr__(self) -> str:
        return f"<Fit of {len(self.logarithms)} numbers to {len(self.problem)} observations>"


def fit(
    problem: Problem, rows: NDArray[Any] | None = None, start: str = "neutral", refuse: bool = True,
    scale: float | None = None,
) -> Fit:  # fmt: skip
    """Fit the parameters of a problem to its observations, or to those that `rows` marks.

    Least squares on log(predicted / measured) in units of `scale`, soft L1, plus each parameter's distance from its
    prior: `set` values from the common value of that constant, factors and `times` from 1. `scale` is the spread of
    the errors; by default it is found from them, once. `start` is neutral or file; with neutral nothing of the fitted
    numbers that a file holds enters. Deterministic.

    Raises: PredictionError where SciPy is not installed.
    """
    task = _Task(problem, np.ones(len(problem), bool) if rows is None else rows)
    if not len(problem.parameters):
        return Fit(problem, np.zeros(0), SCALE, ())
    first = SCALE if scale is None else scale
    found = task.solved(problem.values, first) if start == "file" else task.from_neutral(first)
    used, found = task.to_scale(found, first, scale is None)
    if start != "file":
        used, found = task.to_scale(task.without_dead_ends(found, used), used, scale is None)
    refusals: tuple[Refusal, ...] = ()
    if refuse:
        refusals = refused(problem, task.rows, found, *task.precisions(found, used))
        if refusals:
            task.hold([each.parameter for each in refusals])
            found = task.solved(found, used)
    return Fit(problem, found, used, refusals)


class _Task:
    """The residuals of one fit: errors, then distances from priors, averages and excesses."""

    def __init__(self, problem: Problem, rows: NDArray[Any]) -> None:
        self.problem, self.rows = problem, rows
        self.parameters = problem.parameters
        self._prior, self._centres = _prior_rows(self.parameters)
        self._averages = _average_rows(self.parameters, observed_settings(problem, rows))
        self._low = np.log([each.least for each in self.parameters])
        self._high = np.log([each.most for each in self.parameters])

    def hold(self, names: Sequence[Parameter]) -> None:
        """Keep parameters at their priors."""
        for name in names:
            at = self.parameters.index(name)
            self._prior[at] *= name.spread / HELD_SPREAD
            self._centres[at] *= name.spread / HELD_SPREAD

    def from_neutral(self, scale: float) -> NDArray[Any]:
        """The solution from neutral values: first with every error counted by its square nearly, then sharper."""
        found = self.solved(self.problem.starts, COARSE_SCALE, COARSE_TOLERANCE, COARSE_OVERLAP)
        found = self.solved(found, scale, COARSE_TOLERANCE, COARSE_OVERLAP)
        return self.solved(found, scale)

    def to_scale(self, found: NDArray[Any], scale: float, is_open: bool) -> tuple[float, NDArray[Any]]:
        """The spread of the errors and the solution for it, where that is another than the one it was found with."""
        own = self.spread_of(found) if is_open else scale
        return (own, self.solved(found, own)) if abs(np.log(own / scale)) > 0.3 else (scale, found)

    def without_dead_ends(self, found: NDArray[Any], scale: float) -> NDArray[Any]:
        """A rate of the smaller of compute and transfer has next to no slope, however slow it is in truth: try each
        such rate slow, and keep what fits better."""
        slopes = abs(self.problem.sparse_log_slopes(found)[self.rows]).max(axis=0).toarray()[0]
        dead = [
            at for at, each in enumerate(self.parameters)
            if each.kind != COMMON and each.constant in EFFICIENCIES and slopes[at] < LEAST_SLOPE
        ]  # fmt: skip
        for at in dead[:MOST_DEAD_ENDS]:
            trial = found.copy()
            trial[at] = max(trial[at] + np.log(SLOW), self._low[at])
            if abs(self.problem.sparse_log_slopes(trial)[self.rows, at]).max() < LEAST_SLOPE:
                continue
            trial = self.solved(trial, scale, COARSE_TOLERANCE)
            if self.cost(trial, scale) < self.cost(found, scale) - 1:
                found = self.solved(trial, scale)
        return found

    def cost(self, x: NDArray[Any], scale: float) -> float:
        """What the solution makes least."""
        squares = self._residuals(x, scale, np.inf) ** 2
        count = int(self.rows.sum())
        return float((2 * ((1 + squares[:count]) ** 0.5 - 1)).sum() + squares[count:].sum())

    def solved(
        self, start: NDArray[Any], scale: float, tolerance: float = TOLERANCE, sharpest: float = np.inf
    ) -> NDArray[Any]:
        """The solution from a start."""
        count = int(self.rows.sum())

        def robust(squares: NDArray[Any]) -> NDArray[Any]:
            made = np.array([squares, np.ones_like(squares), np.zeros_like(squares)])
            root = 1 + squares[:count]
            made[:, :count] = 2 * (root**0.5 - 1), root**-0.5, -0.5 * root**-1.5
            return made

        start = np.clip(start, self._low + 1e-6, self._high - 1e-6)
        solution = optimize().least_squares(
            lambda x: self._residuals(x, scale, sharpest), start, lambda x: self._slopes(x, scale, sharpest),
            loss=robust, bounds=(self._low, self._high), x_scale=np.array([each.spread for each in self.parameters]),
            ftol=tolerance, xtol=1e-6, gtol=1e-8, max_nfev=60,
        )  # fmt: skip
        logarithms: NDArray[Any] = solution.x
        return logarithms

    def _residuals(self, x: NDArray[Any], scale: float, sharpest: float) -> NDArray[Any]:
        errors = (self.problem.log_seconds(x, sharpest) - self.problem.log_measured)[self.rows] / scale
        return np.concatenate([errors, self._prior @ x - self._centres, self._averages @ x, self._excesses(x)[0]])

    def _slopes(self, x: NDArray[Any], scale: float, sharpest: float) -> Any:
        errors = self.problem.sparse_log_slopes(x, sharpest)[self.rows] / scale
        parts = [self._prior, self._averages, self._excesses(x)[1]]
        if len(x) > MOST_DENSE:
            return sparse().vstack([errors, *map(sparse().csr_matrix, parts)], format="csr")
        return np.concatenate([errors.toarray(), *parts])

    def _excesses(self, x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """One residual per parameter of an efficiency, so that their number does not change."""
        over, slopes = self.problem.excesses(x)
        return np.array([over.sum()]) / EXCESS_SPREAD, slopes.sum(axis=0, keepdims=True) / EXCESS_SPREAD

    def spread_of(self, x: NDArray[Any]) -> float:
        """The spread of the errors, from their median size and the freedom that the fit has used."""
        errors = (self.problem.log_seconds(x) - self.problem.log_measured)[self.rows]
        data, prior = self.precisions(x, SCALE)
        used: float = float(np.trace(np.linalg.solve(data + prior, data)))
        left = max(len(errors) - used, 0.25 * len(errors))
        spread = 1.4826 * float(np.median(np.abs(errors))) * (len(errors) / left) ** 0.5
        return float(np.clip(spread, LEAST_SCALE, SCALE))

    def precisions(self, x: NDArray[Any], scale: float) -> tuple[NDArray[Any], NDArray[Any]]:
        """What the data and the prior say of the parameters, as matrices of Gauss-Newton."""
        errors = (self.problem.log_seconds(x) - self.problem.log_measured)[self.rows] / scale
        weights = (1 + errors**2) ** -0.5
        slopes = self.problem.sparse_log_slopes(x)[self.rows] / scale
        prior = np.concatenate([self._prior, self._averages])
        return (slopes.T @ sparse().diags(weights) @ slopes).toarray(), prior.T @ prior


def _prior_rows(parameters: Sequence[Parameter]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and centres of (parameter - centre) / spread; a rule's value is measured from the common one."""
    common = {each.name: at for at, each in enumerate(parameters) if each.kind == COMMON}
    rows, centres = np.zeros((len(parameters), len(parameters))), np.zeros(len(parameters))
    for at, each in enumerate(parameters):
        rows[at, at] = 1 / each.spread
        if each.kind == SET and each.name in common:
            rows[at, common[each.name]] = -1 / each.spread
        else:
            centres[at] = np.log(each.start) / each.spread
    return rows, centres


def observed_settings(problem: Problem, rows: NDArray[Any]) -> set[str]:
    """The calibrations that any of these rows is of."""
    names = np.array([part.setting for part in problem.parts for _ in range(len(part))])
    return set(names[rows].tolist())


def _average_rows(parameters: Sequence[Parameter], observed: set[str]) -> NDArray[Any]:
    """One row per factor that all calibrations with rows have, where the family's own numbers are free too. One whose
    rows are left out takes no part: its factors stay at 1, the average of the others."""
    if not any(each.kind == SET for each in parameters):
        return np.zeros((0, len(parameters)))
    members: dict[str, list[int]] = {}
    for at, each in enumerate(parameters):
        is_factor = each.kind == FACTOR or (each.kind == NUMBER and each.name == "time_factor")
        if is_factor and each.owner in observed:
            members.setdefault(each.name, []).append(at)
    shared = [rows for rows in members.values() if len(rows) == len(observed)]
    made = np.zeros((len(shared), len(parameters)))
    for row, places in enumerate(shared):
        made[row, places] = 1 / (AVERAGE_SPREAD * len(places))
    return made
