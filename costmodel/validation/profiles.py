"""Which profile predicts a measured row: the calibration whose conditions come nearest to those of the row."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from costmodel.errors import CostmodelError, ParameterError
from costmodel.hardware import (
    IDEALISED,
    Device,
    HardwareProfile,
    calibrations,
    devices,
    load_device,
    profile_of,
)
from costmodel.measured import note_values
from costmodel.records import record, replace

NOT_STATED = "not_stated"
"""The runtime of a profile for measurements whose source does not say what they ran on."""
UNCALIBRATED = "none"
"""What `Match.calibrated` says where nothing was fitted: Eq. 1 on datasheet numbers."""
NO_PROFILE = "no profile of the device (--hardware FILE takes a hardware file)"
NO_PEAK = "no peak of the device in this number format"
CONDITIONS = (
    "layout", "threads", "runtime_version", "powersave", "gpu_device", "clock_hz", "core", "round", "mode",
    "quantisation", "system",
)  # fmt: skip
"""Columns and note keys of a measured row that a calibration may be made for."""


@record
class Match:
    """The profile for a row, or why there is none. `calibrated` says what its constants were fitted under: the row's
    own conditions, `nearest` to them, or `none` (Eq. 1 on datasheet numbers)."""

    profile: HardwareProfile | None
    calibrated: str
    reason: str = ""


def devices_of_files(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Device]:
    """The devices of hardware files, by the name that stands in the file and by the path of the file.

    Raises: SpecError for a file that is wrong, ParameterError for two devices of one name.
    """
    found: dict[str, Device] = {}
    for path in [os.fspath(path) for path in paths]:
        if path.endswith((".csv", ".csv.gz")):
            raise ParameterError(f"{path} is a table, not a hardware file; give measured tables before --hardware")
        device = load_device(path)
        for name in {device.name, path}:
            if name in found:
                raise ParameterError(f"{path}: the device {name!r} is given twice; give it one hardware file")
            found[name] = device
    return found


def match(
    device: str, runtime: str, dtype: str, conditions: Mapping[str, Any],
    own: Mapping[str, Device] = MappingProxyType({}),
) -> Match:  # fmt: skip
    """The profile for a row of a device. A runtime or number format that the row does not state is the device's.
    Devices in `own` come before the bundled ones.

    >>> match("no_such_device", "tflite", "float32", {}).reason
    'no profile of the device (--hardware FILE takes a hardware file)'
    """
    if device not in own and device not in devices():
        return Match(None, "", NO_PROFILE)
    known = own[device] if device in own else load_device(device)
    runtime = runtime or _measured_runtime(known)
    formats = [dtype] if dtype else list(known.runtimes.get(runtime, {}))
    for name in formats:
        found = calibrations(known, runtime, name)
        if found:
            nearest = min(found, key=lambda each: (distance(each.conditions, conditions), -len(each.conditions)))
            profile = replace(profile_of(known, runtime, name), calibration=nearest)
            return Match(profile, "own" if distance(nearest.conditions, conditions) == 0 else "nearest")
    plain = _datasheet(known, dtype)
    return Match(None, "", NO_PEAK) if plain is None else Match(plain, UNCALIBRATED)


def conditions_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a measured row says of the conditions it ran under, in its columns and its note."""
    stated = {name: row.get(name) for name in CONDITIONS if row.get(name) not in (None, "")}
    stated = {name: value for name, value in stated.items() if value == value}
    return stated | {name: value for name, value in note_values(row["note"]).items() if name in CONDITIONS}


def distance(calibration: Mapping[str, Any], row: Mapping[str, Any]) -> float:
    """How far apart two sets of conditions are: a mismatch counts one, threads by their ratio; what one of them does
    not state counts a little.

    >>> distance({"threads": 1}, {"threads": 4}) < distance({"threads": 1}, {"threads": 8})
    True
    """
    total = 0.0
    for key, value in calibration.items():
        other = row.get(key)
        if other in (None, "") or other != other:
            total += 0.01
        elif key == "threads" and _count(other) and _count(value):
            total += abs(math.log2(_count(other) / _count(value)))
        elif not _same(other, value):
            total += 1
    return total


def _count(value: Any) -> float:
    """A number above 0; 0 for words."""
    try:
        count = float(value)
    except (TypeError, ValueError):
        return 0.0
    return count if 0 < count < math.inf else 0.0


def _same(one: Any, other: Any) -> bool:
    """Equal as numbers where both are numbers: a note writes a clock as 6e+07."""
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return str(one) == str(other)


def datasheet(device: Device, dtype: str) -> HardwareProfile | None:
    """Eq. 1 on the datasheet numbers of a device; None where one of them was fitted, not read, or is not there."""
    profile = _datasheet(device, dtype)
    if profile is None:
        return None
    peaks, own = device.peaks, profile.dtype
    peak = peaks[own.name if own.name in peaks else own.peak]
    return None if peak.fitted or device.bandwidth.fitted else profile


def _datasheet(device: Device, dtype: str) -> HardwareProfile | None:
    """Eq. 1 in a number format, by default the device's own; None where the device has no peak in it."""
    try:
        return profile_of(device, IDEALISED, dtype or None)
    except CostmodelError:
        return None


def _measured_runtime(device: Device) -> str:
    """The runtime of rows that do not state theirs: `not_stated` where such rows were calibrated, else the first that
    was, else the device's own."""
    if NOT_STATED in device.runtimes:
        return NOT_STATED
    for runtime, formats in device.runtimes.items():
        if any("calibration" in settings for settings in formats.values()):
            return runtime
    return device.runtime
