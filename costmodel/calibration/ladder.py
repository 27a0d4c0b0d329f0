"""Which term earns its place: every term added, and left out, each fitted again and held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.accuracy import Accuracy, accuracy_of
from costmodel.calibration.baselines import Plain, baseline_seconds, fitted_baselines, plain_of
from costmodel.calibration.held_out import folds_of, held_out_seconds
from costmodel.calibration.observations import NETWORK, Observations
from costmodel.calibration.parameters import Choice
from costmodel.calibration.problem import Problem
from costmodel.calibration.refitting import rows_of_settings
from costmodel.latency.constants import CONSTANTS, TERMS
from costmodel.latency.families import Family
from costmodel.records import record, replace

FULL = "full"
LEAST_GAIN = 0.001
"""A term that lowers the median error on rows that were not fitted by less than this does not help."""


@record
class Step:
    """One row of the ladder: its name, how many numbers it fits, figures of all rows and of each calibration, and
    for a term whether it helps."""

    name: str
    numbers: int
    accuracy: Accuracy
    by_setting: dict[str, Accuracy]
    helps: bool | None = None


def ladder(
    family: Family, parts: Sequence[Observations], by: str = NETWORK, folds: int = 5, seed: int = 0,
    progress: Callable[[str], None] = lambda words: None,
) -> list[Step]:  # fmt: skip
    """The simple predictors, the terms that the family uses one after the other in the order of `TERMS`, all of them,
    and all but each; every step is fitted again and its figures are of rows that were not fitted.

    A term helps if the error without it is larger than with all, by LEAST_GAIN of the median.

    Raises: PredictionError where SciPy is not installed.
    """
    climb = _Climb(family, parts, by, folds, seed, progress)
    steps = [climb.plain("MACs only", "macs"), climb.datasheet(), climb.plain("two fitted numbers", "two_fitted")]
    used = used_terms(family, parts)
    on: list[str] = []
    for term in used:
        on.append(term)
        if on == ["fusion"]:
            steps.append(climb.plain("+ fusion", "two_fitted", own=True))
        elif len(on) < len(used):
            steps.append(climb.step(f"+ {term}", frozenset(on)))
    full = climb.step(FULL, frozenset(used))
    steps.append(full)
    for term in used:
        without = climb.step(f"- {term}", frozenset(used) - {term})
        assert without.accuracy.median_ape is not None
        assert full.accuracy.median_ape is not None
        helps = without.accuracy.median_ape - full.accuracy.median_ape > LEAST_GAIN
        steps.append(replace(without, helps=helps))
    return steps


def used_terms(family: Family, parts: Sequence[Observations]) -> list[str]:
    """The terms that a constant of the family, or a number of its calibrations, switches on."""
    named = {CONSTANTS[name].term for rule in family.rules for name in (*rule.sets, *rule.times)}
    calibrations = [part.profile.calibration for part in parts if part.profile.calibration is not None]
    if any("inference_seconds" in each.numbers for each in calibrations):
        named.add("inference")
    if any(each.levels for each in calibrations):
        named.add("tiers")
    return [
        name for name in TERMS if name in named | {"efficiency"} | ({"fusion"} if family.fusion != "folded" else set())
    ]


def columns_of(steps: Sequence[Step]) -> dict[str, list[Any]]:
    """The ladder as columns: one entry per step and calibration, and one for all rows together."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("step", "calibration", "n", "numbers", "median_ape", "within_20", "mape", "helps")
    }
    for step in steps:
        for setting, accuracy in ({"all": step.accuracy} | step.by_setting).items():
            for name, value in (
                ("step", step.name), ("calibration", setting), ("n", accuracy.n), ("numbers", step.numbers),
                ("median_ape", accuracy.median_ape), ("within_20", accuracy.within_20), ("mape", accuracy.mape),
                ("helps", step.helps),
            ):  # fmt: skip
                columns[name].append(value)
    return columns


class _Climb:
    """What the steps share: observations, folds, and the figures."""

    def __init__(
        self, family: Family, parts: Sequence[Observations], by: str, folds: int, seed: int,
        progress: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.family, self.parts, self.by, self.folds, self.seed = family, parts, by, folds, seed
        self.progress = progress
        self.seconds = np.concatenate([part.seconds for part in parts])
        self.rows = rows_of_settings(Problem(family, parts, Choice(rules=False, factors=False, numbers=False)))
        keys = [key for part in parts for key in part.keys[by]]
        self.fold = folds_of(keys, len(set(keys)) if by == "device" else folds, seed)

    def figures(self, name: str, numbers: int, predicted: NDArray[Any]) -> Step:
        own = {key: accuracy_of(predicted[at], self.seconds[at]) for key, at in self.rows.items()}
        step = Step(name, numbers, accuracy_of(predicted, self.seconds), own)
        if step.accuracy.median_ape is not None:
            self.progress(f"{name}: {step.accuracy.median_ape:.2%}")
        return step

    def step(self, name: str, terms: frozenset[str]) -> Step:
        """The figures with some terms on."""
        parts = self.parts if "fusion" in terms or self.family.fusion == "folded" else [
            replace(part, own=part.folded) for part in self.parts
        ]  # fmt: skip
        problem = Problem(self.family, parts, Choice(terms=terms | {"fusion"}))
        seconds = held_out_seconds(problem, self.by, self.folds, self.seed)
        return self.figures(name, len(problem.parameters), seconds)

    def plain(self, name: str, predictor: str, own: bool = False) -> Step:
        """The figures of a simpler predictor, its rates fitted for each calibration; `own`: on the operators as the
        family's fold rule leaves them."""
        predicted = np.full(len(self.seconds), np.nan)
        start = 0
        for part in self.parts:
            rows = np.arange(start, start + len(part))
            start += len(part)
            work = plain_of(replace(part, folded=part.own) if own else part)
            for fold in range(int(self.fold.max()) + 1):
                left_out = self.fold[rows] == fold
                if left_out.any() and not left_out.all():
                    numbers = fitted_baselines(_some(work, ~left_out), part.seconds[~left_out])
                    if predictor in ("two_fitted",) or "macs_macs_per_second" in numbers:
                        predicted[rows[left_out]] = baseline_seconds(work, numbers)[predictor][left_out]
        return self.figures(name, (1 if predictor == "macs" else 2) * len(self.rows), _positive(predicted))

    def datasheet(self) -> Step:
        """The figures of Eq. 1 on the datasheet, where there is one."""
        predicted = []
        for part in self.parts:
            profile = part.profile
            fitted = profile.device.bandwidth.fitted or any(
                peak.fitted for peak in profile.device.peaks.values() if peak.macs_per_second == profile.macs_per_second
            )
            work = plain_of(part)
            none = np.full(len(part), np.nan)
            predicted.append(none if fitted else work.eq1(profile.macs_per_second, profile.bytes_per_second))
        return self.figures("Eq. 1, datasheet", 0, _positive(np.concatenate(predicted)))


def _positive(seconds: NDArray[Any]) -> NDArray[Any]:
    """Seconds, none where a predictor says 0: rows without MACs have no time by MACs alone."""
    return np.where(seconds > 0, seconds, np.nan)


def _some(work: Plain, chosen: NDArray[Any]) -> Plain:
    """The work of some observations."""
    counts = np.diff([*work.starts, len(work.row_macs)])
    rows = np.repeat(chosen, counts)
    starts = np.concatenate([[0], np.cumsum(counts[chosen])[:-1]]).astype(int)
    return Plain(work.macs[chosen], work.row_macs[rows], work.row_bytes[rows], work.repeats[rows], starts)
