"""A device of one's own: a few numbers on a bundled family, fitted to a table of measured latencies."""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from costmodel.calibration.baselines import fitted_baselines, plain_of
from costmodel.calibration.fitting import Fit, fit
from costmodel.calibration.held_out import HeldOut, figures, held_out_seconds
from costmodel.calibration.observations import Observations, conditions_of_row, observations
from costmodel.calibration.parameters import Choice
from costmodel.calibration.problem import Problem
from costmodel.calibration.refitting import fold_key
from costmodel.calibration.writing import with_calibration, write_whole
from costmodel.errors import ParameterError, UnknownNameError, nearest
from costmodel.files import Document, parse, read
from costmodel.hardware import IDEALISED, Calibration, Device, HardwareProfile, calibrations, devices, load_device
from costmodel.hardware import profile_of as hardware_profile
from costmodel.latency.families import Family, families, family_named
from costmodel.measured import Measured, bundled_measured, read_measured, read_shapes
from costmodel.records import record, replace
from costmodel.validation.subjects import Subjects

LEAST_ROWS = 3
FITTED_NUMBERS = frozenset({"time_factor", "inference_seconds"})
PLAIN = ("compute", "bandwidth", "overhead_seconds")
"""What is fitted where no other device of the family tells what devices differ in."""


@record
class DeviceFit:
    """The calibration of a device, runtime, number format and conditions: its numbers, what was refused, and its
    figures on rows that were not fitted. `calibration` is what `--write` writes."""

    profile: HardwareProfile
    calibration: Calibration
    fit: Fit
    held_out: HeldOut
    fitted: tuple[str, ...]
    skipped: int

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

    Raises: UnknownNameError and ParameterError for what does not fit together, PredictionError where SciPy is not
    installed or the device has no peak, SpecError for a file that is wrong.
    """
    known = load_device(device)
    chosen = family_of_runtime(known, runtime, family)
    tables = [_table(each) for each in data]
    if not tables:
        raise ParameterError("give at least one table of measured latencies")
    _check_rows(tables, known, runtime)
    template, free = _template(chosen, known.name)
    profiles: dict[tuple[Any, ...], HardwareProfile] = {}

    def profile_of(table: Measured, row: Mapping[str, Any]) -> HardwareProfile | None:
        if row["device"] != known.name or row["runtime"] not in ("", runtime):
            return None
        conditions = {key: _plain(value) for key, value in conditions_of_row(row).items()}
        dtype = row["dtype"] or known.dtype
        key = dtype, *sorted(conditions.items())
        if key not in profiles:
            plain = hardware_profile(known, IDEALISED, dtype)
            own = replace(template, conditions=conditions, calibrated_on=table.name)
            profiles[key] = replace(plain, runtime=runtime, calibration=own)
        return profiles[key]

    subjects = Subjects([read_shapes(os.fspath(path)) for path in shapes])
    parts = observations(tables, chosen, profile_of, subjects)
    names = ", ".join(table.name for table in tables)
    total = sum(_count(table, known, runtime) for table in tables)
    skipped = total - sum(len(part) for part in parts)
    if not parts:
        raise ParameterError(
            f"none of the {total} networks of {known.name} has known operators; give their shapes with --shapes, or "
            "name them as in hardware/measured/networks.csv"
        )
    groups = _by_setting(parts)
    rows = [sum(map(len, group)) for group in groups]
    if max(rows) < LEAST_ROWS:
        raise ParameterError(f"{groups[0][0].setting}: {rows[0]} rows are too few; a calibration needs {LEAST_ROWS}")
    return [
        _fitted(chosen, group, free, by, folds, seed, names, skipped)
        for group, count in zip(groups, rows, strict=True)
        if count >= LEAST_ROWS
    ]


def family_of_runtime(device: Device, runtime: str, family: str | None) -> Family:
    """The family that is named, else that of the device's runtime, else the one with the runtime's name.

    Raises: UnknownNameError
    """
    stated = {settings.get("family") for settings in device.runtimes.get(runtime, {}).values()} - {None}
    name = family or next(iter(sorted(map(str, stated))), None) or (runtime if runtime in families() else None)
    if name is None:
        hint = nearest(runtime, families()) or f"give --family, one of {', '.join(families())}"
        raise UnknownNameError(f"no runtime family is called {runtime!r}; {hint}")
    return family_named(name)


def _table(data: str | os.PathLike[str] | Measured) -> Measured:
    if isinstance(data, Measured):
        return data
    name = os.fspath(data)
    return bundled_measured()[name] if name in bundled_measured() else read_measured(name)


def _check_rows(tables: Sequence[Measured], device: Device, runtime: str) -> None:
    """Raise: ParameterError unless there are rows of the device and the runtime."""
    there = sorted({str(name) for table in tables for name in table.frame["device"]})
    if device.name not in there:
        raise ParameterError(f"no row is of the device {device.name!r}; the rows are of {_listed(there)}")
    own = {str(name) for table in tables for name in table.frame["runtime"][table.frame["device"] == device.name]}
    if not own & {"", runtime}:
        raise ParameterError(
            f"no row of {device.name} is of the runtime {runtime!r}; they are of {_listed(sorted(own))}"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _count(table: Measured, device: Device, runtime: str) -> int:
    frame = table.frame
    rows = (frame["device"] == device.name) & frame["runtime"].isin(["", runtime]) & (frame["latency_seconds"] > 0)
    return int(rows.sum())


def _template(family: Family, device: str) -> tuple[Calibration, frozenset[str]]:
    """A calibration in the middle of those of the family's other devices, and which of its numbers are fitted. What is
    not fitted, such as the capacity of a memory, is the device's own where it is known."""
    own_ones, others = members_of(family, device), members_of(family, device, others=True)
    factors = _middle([each.factors for each in others]) or _neutral([each.factors for each in own_ones])
    numbers = _middle([each.numbers for each in others]) or _neutral([each.numbers for each in own_ones])
    known = _middle([each.numbers for each in own_ones])
    numbers |= {key: value for key, value in known.items() if key not in FITTED_NUMBERS}
    if any("activation_spill" in rule.sets for rule in family.rules):
        numbers.setdefault("activation_capacity_bytes", 1e6)
    if any("weight_spill" in rule.sets for rule in family.rules):
        numbers.setdefault("weight_capacity_bytes", 1e6)
    own = {key for key in factors if "@" not in key} | (numbers.keys() & FITTED_NUMBERS)
    if not own - {"inference_seconds"}:
        has_overhead = any("overhead_seconds" in rule.sets for rule in family.rules)
        own |= {*PLAIN} if has_overhead else {*PLAIN[:2]}
        factors = factors | {key: factors.get(key, 1.0) for key in own & {*PLAIN}}
    empty = Calibration(family.name, {}, factors, numbers, (), {}, "", 1, "", "", 0.0, 1.0, 1.0, 1.0, "A")
    return empty, frozenset(own)


def members_of(family: Family, own: str, others: bool = False) -> list[Calibration]:
    """The calibrations of a bundled device with this family, or those of the other devices."""
    return [
        calibration
        for name in devices()
        for device in [load_device(name)]
        for runtime, formats in device.runtimes.items()
        for dtype in formats
        for calibration in calibrations(device, runtime, dtype)
        if calibration.family == family.name and (name == own) != others
    ]


def _neutral(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The names of what the tables have, at 1: values of the same device would say what is to be found."""
    return {name: 1.0 for table in tables for name in table if name != "inference_seconds"}


def _middle(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The geometric mean of what at least half of the tables have."""
    names = [name for name in dict.fromkeys(key for table in tables for key in table)]
    found = {name: [table[name] for table in tables if table.get(name, 0) > 0] for name in names}
    return {
        name: math.exp(sum(map(math.log, values)) / len(values))
        for name, values in found.items()
        if values and 2 * len(values) >= len(tables)
    }


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _by_setting(parts: Sequence[Observations]) -> list[list[Observations]]:
    found: dict[str, list[Observations]] = {}
    for part in parts:
        found.setdefault(part.setting, []).append(part)
    return list(found.values())


def _fitted(
    family: Family, parts: Sequence[Observations], free: frozenset[str], by: str | None, folds: int, seed: int,
    names: str, skipped: int,
) -> DeviceFit:  # fmt: skip
    problem = Problem(family, parts, Choice(rules=False, only=free))
    made = fit(problem)
    by = by or fold_key(parts)
    measured = np.exp(problem.log_measured)
    held = figures(held_out_seconds(problem, by, folds, seed), measured, by, folds)
    old = parts[0].profile.calibration
    assert old is not None
    values = {name: float(f"{value:.4g}") for (_, _, name), value in made.values.items()}
    baselines = fitted_baselines(plain_of(parts[0]), parts[0].seconds)
    assert held.accuracy.median_ape is not None
    assert held.accuracy.within_20 is not None
    own = replace(
        old, factors={key: values.get(key, value) for key, value in old.factors.items()},
        numbers={key: values.get(key, value) for key, value in old.numbers.items()},
        baselines=baselines, calibrated_on=names, n=len(problem), date=datetime.date.today().isoformat(),
        held_out_by=by, held_out_median_ape=held.accuracy.median_ape, held_out_within_20=held.accuracy.within_20,
        held_out_low=held.low, held_out_high=held.high, grade=held.grade,
    )  # fmt: skip
    profile = replace(parts[0].profile, calibration=own)
    return DeviceFit(profile, own, made, held, tuple(name for _, _, name in made.values), skipped)


def table_of(calibration: Calibration) -> dict[str, Any]:
    """A calibration as the table of a hardware file."""
    return {
        "conditions": dict(calibration.conditions),
        "factors": dict(calibration.factors),
        "numbers": dict(calibration.numbers),
        "baselines": dict(calibration.baselines),
        "calibrated_on": calibration.calibrated_on,
        "n": calibration.n,
        "date": datetime.date.fromisoformat(calibration.date),
        "held_out_by": calibration.held_out_by,
        "held_out_median_ape": calibration.held_out_median_ape,
        "held_out_within_20": calibration.held_out_within_20,
        "held_out_low": calibration.held_out_low,
        "held_out_high": calibration.held_out_high,
        "grade": calibration.grade,
    }


def write_device(found: Sequence[DeviceFit], device: str, path: str) -> None:
    """Put calibrations into a hardware file: one that exists, else a copy of the device's own.

    Raises: ParameterError where the file cannot be written or is of another device, SpecError where it is wrong.
    """
    if not path.endswith(".toml"):
        raise ParameterError(f"{path!r} is no hardware file; end its name with .toml")
    name = found[0].profile.device.name
    text = read(path).text if os.path.exists(path) else _text_of(device)
    stated = parse(text, path).get("device", {}).get("name")
    if stated != name:
        raise ParameterError(f"{path} is the file of {stated}, not of {name}")
    for each in found:
        source = f"calibration on {each.calibration.calibrated_on}"
        own = each.calibration
        text = with_calibration(text, each.profile.runtime, each.profile.dtype.name, own.family, table_of(own), source)
    from costmodel.hardware_schema import check_device
    from costmodel.latency.schema import check_calibrations

    document = Document(path, text, parse(text, path), False)
    check_device(document)
    check_calibrations(document)
    try:
        write_whole(path, text)
    except OSError as error:
        raise ParameterError(f"{path} cannot be written: {error.strerror}") from None


def _text_of(device: str) -> str:
    from costmodel.files import text_of_bundled

    return read(device).text if device.endswith(".toml") else text_of_bundled("hardware", device)
