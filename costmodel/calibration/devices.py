"""A device of one's own: a few numbers on a bundled family, fitted to a table of measured latencies."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.calibration.fitting import Fit, fit
from costmodel.calibration.held_out import HeldOut, figures, held_out_seconds
from costmodel.calibration.left_out import LeftOut, counted, in_words, listed, place_of
from costmodel.calibration.limits import limits_of
from costmodel.calibration.observations import Observations, observations
from costmodel.calibration.parameters import Choice
from costmodel.calibration.plausibility import doubts, refusal
from costmodel.calibration.problem import Problem
from costmodel.calibration.ranges import batches_of, macs_of
from costmodel.calibration.refitting import baselines_of, fold_key
from costmodel.calibration.selectable import check_conditions, check_formats, check_runtime
from costmodel.calibration.templates import family_of_runtime, template_of
from costmodel.errors import ParameterError
from costmodel.hardware import IDEALISED, Calibration, Device, HardwareProfile, load_device
from costmodel.hardware import profile_of as hardware_profile
from costmodel.latency.families import Family
from costmodel.measured import Measured, measured_table, read_shapes
from costmodel.measured.cells import whole_cell
from costmodel.records import record, replace
from costmodel.validation.profiles import conditions_of_row
from costmodel.validation.subjects import Subjects

LEAST_ROWS = 3
SHOWN = 8
"""Names that an error lists."""


@record
class DeviceFit:
    """The calibration of a device, runtime, number format and conditions: its numbers, what was refused, and its
    figures on rows that were not fitted. `calibration` is what `--write` writes; `left_out` are the rows of the device
    and runtime that no calibration was fitted to."""

    profile: HardwareProfile
    calibration: Calibration
    fit: Fit
    held_out: HeldOut
    fitted: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def setting(self) -> str:
        """device:runtime:dtype, and the conditions."""
        return self.fit.problem.parts[0].setting


def calibrate(
    *data: str | os.PathLike[str] | Measured, device: str, runtime: str, family: str | None = None,
    shapes: Sequence[str | os.PathLike[str]] = (), by: str | None = None, folds: int = 5, seed: int = 0,
) -> list[DeviceFit]:  # fmt: skip
    """Fit a device's own numbers on the constants of a runtime family: one calibration per number format and set of
    conditions among the rows of that device.

    `data` are tables in the layout of `hardware/measured`, `device` a bundled one or a hardware file, `family` a file
    of `hardware/runtimes` (default: that of the device's runtime, or the one of the runtime's name). The family's own
    constants stay. A number that the rows do not tell stays where the family's devices have it, and is said so.

    >>> [found, _] = calibrate("tflite_phones", device="pixel_4", runtime="tflite")
    >>> found.setting, found.calibration.n, found.calibration.held_out_by, found.left_out
    ('pixel_4:tflite:float32:threads=4', 4, 'network', ())

    Raises: UnknownNameError and ParameterError for what does not fit together, and for numbers that cannot be true;
    PredictionError where SciPy is not installed; SpecError for a file that is wrong, and for rows with a number format
    or conditions that no profile can have.
    """
    check_runtime(runtime)
    known = load_device(device)
    chosen = family_of_runtime(known, runtime, family)
    tables = [measured_table(each) for each in data]
    if not tables:
        raise ParameterError("give at least one table of measured latencies")
    _check_rows(tables, known, runtime)
    rows = _rows_of(tables, known, runtime)
    check_conditions(rows)
    check_formats(rows, known)
    template, free = template_of(chosen, known)
    asked = _Asked(tables, chosen, known, runtime, template, Choice(rules=False, only=free))
    left: dict[str, LeftOut] = {}
    parts = _parts(asked, Subjects([read_shapes(os.fspath(path)) for path in shapes]), left)
    groups = _groups(parts, by, left)
    left_out = tuple(left.values())
    if not groups:
        words = "\n  ".join(in_words(left_out)) or "no row has a latency"
        raise ParameterError(f"nothing of {known.name} can be calibrated:\n  {words}")
    fits = [_fitted(asked, group, by or fold_key(group), folds, seed, left_out) for group in groups]
    refused = [
        refusal(each.fit, reasons) for each in fits if (reasons := doubts(each.fit, each.held_out, each.profile))
    ]
    if refused:
        raise ParameterError("\n".join(refused))
    return fits


@record
class _Asked:
    """What is calibrated: rows of a device and runtime on a family, from a template, with some numbers free."""

    tables: Sequence[Measured]
    family: Family
    device: Device
    runtime: str
    template: Calibration
    choice: Choice


def _check_rows(tables: Sequence[Measured], device: Device, runtime: str) -> None:
    """Raise: ParameterError unless there are rows of the device and the runtime, each given once."""
    paths = [os.path.realpath(table.path) for table in tables if table.path]
    twice = [path for at, path in enumerate(paths) if path in paths[:at]]
    if twice:
        raise ParameterError(f"{twice[0]} is given twice; its rows would count twice")
    there = sorted({str(name) for table in tables for name in table.frame["device"]})
    if device.name not in there:
        raise ParameterError(f"no row is of the device {device.name!r}; the rows are of {listed(there, SHOWN)}")
    own = {str(name) for table in tables for name in table.frame["runtime"][table.frame["device"] == device.name]}
    if not own & {"", runtime}:
        raise ParameterError(
            f"no row of {device.name} is of the runtime {runtime!r}; they are of {listed(sorted(own), SHOWN)}"
        )


def _rows_of(tables: Sequence[Measured], device: Device, runtime: str) -> list[tuple[Measured, dict[str, Any]]]:
    """The rows of a device and runtime that have a latency."""
    found: list[tuple[Measured, dict[str, Any]]] = []
    for table in tables:
        frame = table.frame
        own = (frame["device"] == device.name) & frame["runtime"].isin(["", runtime]) & (frame["latency_seconds"] > 0)
        found += [(table, {str(key): value for key, value in row.items()}) for row in frame[own].to_dict("records")]
    return found


def _parts(asked: _Asked, subjects: Subjects, left: dict[str, LeftOut]) -> list[Observations]:
    """The rows as observations. Those that cannot be are added to `left`, with those that no number can change."""
    profiles: dict[tuple[Any, ...], HardwareProfile] = {}

    def profile_of(table: Measured, row: Mapping[str, Any]) -> HardwareProfile | None:
        known = asked.device
        if row["device"] != known.name or row["runtime"] not in ("", asked.runtime) or place_of(table, row) in left:
            return None
        conditions = {key: whole_cell(value) for key, value in conditions_of_row(row).items()}
        dtype = row["dtype"] or known.dtype
        key = dtype, *sorted(conditions.items())
        if key not in profiles:
            own = replace(asked.template, conditions=conditions)
            profiles[key] = replace(hardware_profile(known, IDEALISED, dtype), runtime=asked.runtime, calibration=own)
        return profiles[key]

    def leave(row: LeftOut) -> None:
        left[row.place] = row

    parts = observations(asked.tables, asked.family, profile_of, subjects, leave)
    free = _priced_at_nothing(asked.family, parts, asked.choice)
    for row in free:
        leave(row)
    return observations(asked.tables, asked.family, profile_of, subjects) if free else parts


def _priced_at_nothing(family: Family, parts: Sequence[Observations], choice: Choice) -> list[LeftOut]:
    """The observations that the family predicts to take no time, whatever its numbers are: they have no logarithm."""
    if not parts:
        return []
    problem = Problem(family, parts, choice)
    with np.errstate(divide="ignore", invalid="ignore"):
        is_priced = np.isfinite(problem.log_seconds(problem.starts))
    rows = [(place, name) for part in parts for place, name in zip(part.places, part.names, strict=True)]
    reason = f"the family {family.name} prices it at 0 s; give another --family that knows it"
    return [LeftOut(*row, reason) for row, priced in zip(rows, is_priced.tolist(), strict=True) if not priced]


def _groups(parts: Sequence[Observations], by: str | None, left: dict[str, LeftOut]) -> list[list[Observations]]:
    """The observations of each calibration. Those that are too few are added to `left`."""
    found: dict[str, list[Observations]] = {}
    for part in parts:
        found.setdefault(part.setting, []).append(part)
    for setting, group in list(found.items()):
        reason = _too_few(setting, group, by or fold_key(group))
        if reason:
            rows = [(place, name) for part in group for place, name in zip(part.places, part.names, strict=True)]
            left.update({place: LeftOut(place, name, reason) for place, name in rows})
            del found[setting]
    return list(found.values())


def _too_few(setting: str, group: Sequence[Observations], by: str) -> str:
    """Why observations are no calibration; "" where they can be one."""
    count = sum(map(len, group))
    if count < LEAST_ROWS:
        return (
            f"{counted(count, 'row')} of {setting} {'are' if count > 1 else 'is'} too few; measure {LEAST_ROWS} or more"
        )
    keys = {key for part in group for key in part.keys[by]}
    if len(keys) < 2:
        return f"all {count} rows of {setting} are of one {by}, so that nothing can be held out; measure another {by}"
    return ""


def _fitted(
    asked: _Asked, parts: Sequence[Observations], by: str, folds: int, seed: int, left_out: tuple[LeftOut, ...]
) -> DeviceFit:
    profile, family = parts[0].profile, asked.family
    assert profile.calibration is not None
    problem = Problem(family, parts, replace(asked.choice, limits=limits_of(family, profile, asked.choice.only or ())))
    made = fit(problem)
    measured = np.exp(problem.log_measured)
    held = figures(held_out_seconds(problem, by, folds, seed), measured, by, folds)
    old = profile.calibration
    values = {name: float(f"{value:.4g}") for (_, _, name), value in made.values.items()}
    assert held.accuracy.median_ape is not None
    assert held.accuracy.within_20 is not None
    own = replace(
        old, factors={key: values.get(key, value) for key, value in old.factors.items()},
        numbers={key: values.get(key, value) for key, value in old.numbers.items()},
        baselines=baselines_of(parts)[problem.parts[0].setting],
        calibrated_on=", ".join(table.name for table in asked.tables), n=len(problem),
        date=datetime.date.today().isoformat(), held_out_by=by, held_out_median_ape=held.accuracy.median_ape,
        held_out_within_20=held.accuracy.within_20, held_out_low=held.low, held_out_high=held.high, grade=held.grade,
        batch=batches_of(parts), macs=macs_of(parts),
    )  # fmt: skip
    return DeviceFit(
        replace(profile, calibration=own), own, made, held, tuple(name for _, _, name in made.values), left_out
    )
