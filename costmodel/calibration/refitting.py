"""A bundled family and its devices, fitted again to the bundled measurements."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.accuracy import Accuracy, accuracy_of, grade_of
from costmodel.calibration.baselines import fitted_baselines, plain_of
from costmodel.calibration.fitting import Fit, fit
from costmodel.calibration.held_out import HeldOut, figures, held_out_seconds
from costmodel.calibration.observations import KERNEL, NETWORK, Observations, observations
from costmodel.calibration.parameters import COMMON, FACTOR, NUMBER, SET, TIMES
from costmodel.calibration.problem import Problem
from costmodel.calibration.ranges import kinds_words, range_words
from costmodel.calibration.writing import replaced, write_whole
from costmodel.files import folder
from costmodel.hardware import Calibration, HardwareProfile, calibrations, load_device
from costmodel.latency.families import Family, family_named
from costmodel.measured import Measured, bundled_measured
from costmodel.records import record
from costmodel.validation.profiles import conditions_of_row, distance, match
from costmodel.validation.subjects import Subjects

NEAR = 0.5
"""Conditions that differ by less are those that a row does not state."""


@record
class Refit:
    """A family fitted again: the fit to all rows, figures of each calibration held out and fitted, and baselines."""

    family: Family
    fit: Fit
    held_out: Mapping[str, HeldOut]
    fitted: Mapping[str, Accuracy]
    baselines: Mapping[str, Mapping[str, float]]


def bundled_observations(family: Family, tables: Sequence[str] = ()) -> list[Observations]:
    """The bundled measurements of all calibrations of a family: rows of the tables that a calibration names."""
    subjects = Subjects()
    known = bundled_measured()

    def profile_of(table: Measured, row: Mapping[str, Any]) -> HardwareProfile | None:
        conditions = conditions_of_row(row)
        found = match(row["device"], row["runtime"], row["dtype"], conditions).profile
        if found is None or found.calibration is None or found.calibration.family != family.name:
            return None
        named = [name for name in known if name in found.calibration.calibrated_on]
        near = distance(found.calibration.conditions, conditions) < NEAR
        return found if near and (not named or table.name in named) else None

    return observations([known[name] for name in tables or known], family, profile_of, subjects)


def refit(
    name: str, by: str | None = None, folds: int = 5, seed: int = 0, start: str = "neutral",
    progress: Callable[[str], None] = lambda words: None, hold_out: bool = True, scale: float | None = None,
) -> Refit:  # fmt: skip
    """Fit a bundled family and all its calibrations to the bundled measurements, and hold out folds of them.

    `by` is what is left out together: network, kernel, device or row; by default networks, or shapes of kernels where
    only these were measured.

    Raises: UnknownNameError, PredictionError where SciPy is not installed.
    """
    family = family_named(name)
    parts = bundled_observations(family)
    problem = Problem(family, parts)
    progress(f"{len(problem):,} rows of {len(problem.settings)} calibrations, {len(problem.parameters)} numbers")
    made = fit(problem, start=start, scale=scale)
    by = by or fold_key(parts)
    rows = rows_of_settings(problem)
    measured = np.exp(problem.log_measured)
    held: dict[str, HeldOut] = {}
    if hold_out:
        seconds = held_out_seconds(problem, by, folds, seed, progress=progress, scale=scale)
        held = {key: figures(seconds[at], measured[at], by, folds) for key, at in rows.items()}
    predicted = made.predicted_seconds
    fitted = {key: accuracy_of(predicted[at], measured[at]) for key, at in rows.items()}
    return Refit(family, made, held, fitted, baselines_of(parts))


def fold_key(parts: Sequence[Observations]) -> str:
    """What is left out together unless asked otherwise: networks, or shapes where only kernels were measured."""
    return KERNEL if all(part.of_kernels for part in parts) else NETWORK


def rows_of_settings(problem: Problem) -> dict[str, NDArray[Any]]:
    """The observations of each calibration."""
    names = np.array([part.setting for part in problem.parts for _ in range(len(part))])
    return {name: np.flatnonzero(names == name) for name in problem.settings}


def baselines_of(parts: Sequence[Observations]) -> dict[str, dict[str, float]]:
    """The simpler predictors of each calibration; of one with both, those of its networks."""
    found: dict[str, dict[str, float]] = {}
    for part in sorted(parts, key=lambda each: each.of_kernels):
        if part.setting not in found:
            found[part.setting] = fitted_baselines(plain_of(part), part.seconds)
    return found


def new_texts(result: Refit, date: datetime.date) -> dict[str, str]:
    """Path and new text of the family's file and of the files of its devices."""
    texts: dict[str, str] = {}
    places = {rule.name: at for at, rule in enumerate(result.family.rules)}
    changes: dict[tuple[str | int, ...], float] = {}
    for (kind, owner, name), value in result.fit.values.items():
        if kind in (SET, TIMES):
            changes["rule", places[owner], kind, name] = value
    path = os.path.join(folder("hardware/runtimes"), result.family.name + ".toml")
    texts[path] = replaced(_read(path), changes)
    if result.family.kinds:
        texts[path] = with_words(texts[path], ("runtime",), {"kinds": kinds_words(result.fit.problem.parts)})
    for setting, rows in rows_of_settings(result.fit.problem).items():
        device = setting.partition(":")[0]
        path = os.path.join(folder("hardware"), device + ".toml")
        text = texts.get(path) or _read(path)
        texts[path] = _with_numbers(text, result, setting, len(rows), date)
    return texts


def write(result: Refit, date: datetime.date | None = None) -> list[str]:
    """Write the new numbers into the family's file and the files of its devices; the paths."""
    texts = new_texts(result, date or datetime.date.today())
    for path, text in texts.items():
        write_whole(path, text)
    return list(texts)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _with_numbers(text: str, result: Refit, setting: str, count: int, date: datetime.date) -> str:
    profile = next(part.profile for part in result.fit.problem.parts if part.setting == setting)
    own = profile.calibration
    assert own is not None
    place = _place(profile, own)
    values = {(kind, name): value for (kind, owner, name), value in result.fit.values.items() if owner == setting}
    tables = {FACTOR: "factors", NUMBER: "numbers"}
    changes = {(*place, tables[kind], name): value for (kind, name), value in values.items() if kind != COMMON}
    changes |= {
        (*place, "baselines", name): value for name, value in result.baselines[setting].items() if name in own.baselines
    }
    changes[(*place, "n")] = count
    held = result.held_out.get(setting)
    grade = grade_of(own.held_out_median_ape, count, own.held_out_low, own.held_out_high)
    if held is not None:
        assert held.accuracy.median_ape is not None
        grade = held.grade
        assert held.accuracy.within_20 is not None
        changes |= {
            (*place, "held_out_median_ape"): held.accuracy.median_ape,
            (*place, "held_out_within_20"): held.accuracy.within_20,
            (*place, "held_out_low"): held.low,
            (*place, "held_out_high"): held.high,
        }
    text = replaced(text, changes)
    if own.note:
        grade = max(grade, own.grade)  # the note says why it is lower than its figures
    words = {"date": date.isoformat(), "grade": f'"{grade}"'} | ({"held_out_by": f'"{held.by}"'} if held else {})
    if own.batch is not None:
        words |= range_words([part for part in result.fit.problem.parts if part.setting == setting])
    return with_words(text, place, words)


def with_words(text: str, place: tuple[str | int, ...], words: Mapping[str, str]) -> str:
    """The text with other words at some keys of a table, written as TOML writes them."""
    from costmodel.positions import position

    for key, word in words.items():
        line, column = position(text, (*place, key))
        lines = text.split("\n")
        old = lines[line - 1]
        rest = old[column - 1 :]
        end = rest.index('"', 1) + 1 if rest.startswith('"') else len(rest.split("#")[0].rstrip())
        lines[line - 1] = old[: column - 1] + word + rest[end:]
        text = "\n".join(lines)
    return text


def _place(profile: HardwareProfile, own: Calibration) -> tuple[str | int, ...]:
    """The key path of a calibration in its device's file."""
    known = calibrations(load_device(profile.device.name), profile.runtime, profile.dtype.name)
    return "runtime", profile.runtime, profile.dtype.name, "calibration", known.index(own)
