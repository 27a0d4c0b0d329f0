"""Folds, and predictions of every observation by a fit that has not seen it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.accuracy import Accuracy, accuracy_of, grade_of
from costmodel.calibration.fitting import Fit, fit, observed_settings
from costmodel.calibration.observations import DEVICE
from costmodel.calibration.problem import Problem
from costmodel.errors import ParameterError
from costmodel.records import record
from costmodel.validation.profiles import distance


@record
class HeldOut:
    """Figures of predictions that were not fitted: `accuracy`, the 10th and 90th percentile of measured / predicted,
    the grade, and what was left out together."""

    accuracy: Accuracy
    low: float
    high: float
    by: str
    folds: int

    @property
    def grade(self) -> str:
        """A, B or C, by the median error, the number of rows and the width of the band."""
        assert self.accuracy.median_ape is not None
        return grade_of(self.accuracy.median_ape, self.accuracy.n, self.low, self.high)


def folds_of(keys: Sequence[str], folds: int, seed: int = 0) -> NDArray[Any]:
    """The fold of each row; equal keys are in one fold, folds have equally many keys, and the order is drawn by the
    seed.

    >>> folds_of(["a", "b", "a", "c"], 3).tolist()
    [0, 1, 0, 2]

    Raises: ParameterError where there are fewer keys than two.
    """
    distinct = sorted(set(keys), key=lambda key: hashlib.md5(f"{seed}:{key}".encode()).hexdigest())
    if len(distinct) < 2:
        raise ParameterError(f"nothing can be held out: all {len(keys)} rows are of one kind, {distinct[0]!r}")
    if folds < 2:
        raise ParameterError(f"folds = {folds} must be 2 or more")
    place = {key: at % min(folds, len(distinct)) for at, key in enumerate(distinct)}
    return np.array([place[key] for key in keys])


def held_out_seconds(
    problem: Problem, by: str = "network", folds: int = 5, seed: int = 0, start: str = "neutral",
    progress: Callable[[str], None] | None = None, scale: float | None = None,
) -> NDArray[Any]:  # fmt: skip
    """Seconds of every observation, predicted by a fit to the folds that it is not in. Each fit starts from neutral
    values: one that starts from a fit to all rows remembers what it should not have seen. A device that is left out
    whole is predicted with the numbers of the one most alike (`borrowed`) and its own datasheet."""
    keys = problem.keys(by)
    fold = folds_of(keys, len(set(keys)) if by == DEVICE else folds, seed)
    seconds = np.full(len(problem), np.nan)
    for at in range(int(fold.max()) + 1):
        left_out = fold == at
        made = fit(problem, ~left_out, start, scale=scale)
        found = borrowed(made, ~left_out) if by == DEVICE else made.logarithms
        seconds[left_out] = np.exp(problem.log_seconds(found))[left_out]
        if progress is not None:
            progress(f"fold {at + 1} of {int(fold.max()) + 1}: {int(left_out.sum())} rows left out")
    return seconds


def borrowed(made: Fit, rows: NDArray[Any]) -> NDArray[Any]:
    """The logarithms of a fit to some rows, where calibrations without any of these have the factors and numbers of the
    one whose conditions are most alike; sizes of memories stay their own."""
    problem, found = made.problem, made.logarithms.copy()
    observed = observed_settings(problem, rows)
    place = {(each.kind, each.owner, each.name): at for at, each in enumerate(problem.parameters)}
    for at, each in enumerate(problem.parameters):
        if each.owner in problem.settings and each.owner not in observed and "capacity" not in each.name:
            conditions = dict(problem.settings[each.owner].conditions)
            likely = [other for other in observed if (each.kind, other, each.name) in place]
            if likely:
                best = min(likely, key=lambda other: (distance(problem.settings[other].conditions, conditions), other))
                found[at] = made.logarithms[place[each.kind, best, each.name]]
    return found


def figures(predicted: NDArray[Any], measured: NDArray[Any], by: str, folds: int) -> HeldOut:
    """The figures of some held-out predictions."""
    ratio = measured / predicted
    low, high = (float(np.quantile(ratio, part)) for part in (0.1, 0.9))
    return HeldOut(accuracy_of(predicted, measured), low, high, by, folds)
