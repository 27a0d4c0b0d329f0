"""Calibrations of a device into its hardware file."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from typing import Any

from costmodel.calibration.devices import DeviceFit
from costmodel.calibration.writing import with_calibration, write_whole
from costmodel.errors import ParameterError, Problem, SpecError
from costmodel.files import Document, parse, read, text_of_bundled
from costmodel.hardware import Calibration, load_device
from costmodel.latency.schema import check_hardware


def table_of(calibration: Calibration) -> dict[str, Any]:
    """A calibration as the table of a hardware file."""
    return {
        "conditions": dict(calibration.conditions),
        "factors": dict(calibration.factors),
        "numbers": dict(calibration.numbers),
        "levels": [list(level) for level in calibration.levels],
        "baselines": dict(calibration.baselines),
        "calibrated_on": calibration.calibrated_on,
        "n": calibration.n,
        "batch": _ends(calibration.batch),
        "macs": _ends(calibration.macs),
        "date": datetime.date.fromisoformat(calibration.date),
        "held_out_by": calibration.held_out_by,
        "held_out_median_ape": calibration.held_out_median_ape,
        "held_out_within_20": calibration.held_out_within_20,
        "held_out_low": calibration.held_out_low,
        "held_out_high": calibration.held_out_high,
        "grade": calibration.grade,
    }


def _ends(ends: tuple[float, float] | None) -> list[float]:
    """The ends of a range as they stand in a file, counts as whole numbers; nothing where one of them is 0."""
    return [int(end) if end < 1e5 else end for end in ends] if ends and min(ends) > 0 else []


def write_device(found: Sequence[DeviceFit], device: str, path: str) -> None:
    """Put calibrations into a hardware file: one that exists, else a copy of the device's own.

    Raises: ParameterError where the file cannot be written or is of another device, SpecError where it is wrong or has
    another peak or memory than the device that was calibrated.
    """
    if not path.endswith(".toml"):
        raise ParameterError(f"{path!r} is no hardware file; end its name with .toml")
    name = found[0].profile.device.name
    if os.path.exists(path):
        text = read(path).text
        stated = parse(text, path).get("device", {}).get("name")
        if stated != name:
            raise ParameterError(f"{path} is the file of {stated}, not of {name}")
        _check_same_numbers(found, device, path, text)
    else:
        text = _text_of(device)
    for each in found:
        source = f"calibration on {each.calibration.calibrated_on}"
        own = each.calibration
        text = with_calibration(text, each.profile.runtime, each.profile.dtype.name, own.family, table_of(own), source)
    check_hardware(Document(path, text, parse(text, path), False))
    try:
        write_whole(path, text)
    except OSError as error:
        raise ParameterError(f"{path} cannot be written: {error.strerror}") from None


def _check_same_numbers(found: Sequence[DeviceFit], device: str, path: str, text: str) -> None:
    """Factors are parts of a peak and a bandwidth: beside others they would say something else.

    Raises: SpecError
    """
    document = Document(path, text, parse(text, path), False)
    problems = list(_other_numbers(document, found, device))
    if problems:
        raise SpecError(problems)


def _other_numbers(document: Document, found: Sequence[DeviceFit], device: str) -> Iterable[Problem]:
    own, target = found[0].profile.device, load_device(document.label)
    remedy = f"write into a file with the numbers of {device}, or calibrate with --device {document.label}"
    for name, peak in own.peaks.items():
        other = target.peaks.get(name)
        if other is not None and other.macs_per_second != peak.macs_per_second:
            words = f"the calibration is for {peak.macs_per_second:g} macs_per_second, not {other.macs_per_second:g}"
            yield document.problem(("peak", name, "macs_per_second"), words, remedy)
    if target.memory != own.memory:
        words = f"the calibration is for the memory {own.memory!r}, not {target.memory!r}"
        yield document.problem(("device", "memory"), words, remedy)
    for name, level in own.levels.items():
        other_level = target.levels.get(name)
        for key in ("bytes_per_second", "capacity_bytes") if other_level is not None else ():
            value, its = getattr(level, key), getattr(other_level, key)
            if value is not None and its is not None and value != its:
                words = f"the calibration is for {value:g} {key}, not {its:g}"
                yield document.problem(("memory", name, key), words, remedy)


def _text_of(device: str) -> str:
    return read(device).text if device.endswith(".toml") else text_of_bundled("hardware", device)
