"""The bundled devices as columns, and one device in full, for the command line."""

from __future__ import annotations

from typing import Any

from costmodel.hardware import (
    Calibration,
    CompressionFeature,
    Device,
    calibrated_runtimes,
    calibrations,
    devices,
    load_device,
)  # fmt: skip
from costmodel.report import significant, with_prefix

NUMBERS = {"value": lambda value: value if isinstance(value, str) else significant(value, 4)}
"""How the numbers of a device read in a table."""


def listing() -> dict[str, list[Any]]:
    """One row per device: class, bandwidth, peaks and ridge points; estimated numbers are marked."""
    rows = [load_device(name) for name in devices()]
    return {
        "name": [device.name for device in rows],
        "class": [device.kind for device in rows],
        "title": [device.title for device in rows],
        "default": [f"{device.runtime}:{device.dtype}" for device in rows],
        "bandwidth": [with_prefix(device.bandwidth.bytes_per_second or 0, "B/s") for device in rows],
        "ridge points (MACs/byte)": [_ridges(device) for device in rows],
        "calibrated": [_calibrated(device) for device in rows],
        "estimated": [_estimated(device) for device in rows],
    }


def _calibrated(device: Device) -> str:
    """Runtimes that were fitted to measurements, the most accurate first, with the best grade of each."""
    grades = {name: calibrations(device, *name.split(":"))[0].grade for name in calibrated_runtimes(device)}
    return ", ".join(f"{name} ({grade})" for name, grade in grades.items())


def _ridges(device: Device) -> str:
    return ", ".join(f"{name} {significant(device.ridge_point_macs_per_byte(name))}" for name in device.peaks)


def _estimated(device: Device) -> str:
    peaks = [f"peak {name}" for name, peak in device.peaks.items() if peak.estimated]
    return ", ".join(["bandwidth"] * device.bandwidth.estimated + peaks)


def device_details(name: str) -> dict[str, Any]:
    """Everything known of a device: a row per number, with its source."""
    device = load_device(name)
    numbers: list[dict[str, Any]] = []
    for level in device.levels.values():
        for what, value, unit in (
            ("capacity", level.capacity_bytes, "byte"), ("bandwidth", level.bytes_per_second, "byte/s")
        ):  # fmt: skip
            if value is not None:
                numbers.append(_number(f"memory.{level.name} {what}", value, unit, level.scope, level))
    for peak in device.peaks.values():
        numbers.append(_number(f"peak.{peak.dtype}", peak.macs_per_second, "MAC/s", peak.scope, peak))
    for dtype in device.peaks:
        ridge = device.ridge_point_macs_per_byte(dtype)
        estimated = device.bandwidth.estimated or device.peaks[dtype].estimated
        source = f"peak.{dtype} / memory.{device.memory}"
        numbers.append(_row(f"ridge point {dtype}", ridge, "MAC/byte", device.bandwidth.scope, estimated, source))
    for runtime, formats in device.runtimes.items():
        for dtype, settings in formats.items():
            if "active_watts" in settings:
                label, source = f"active power {runtime}:{dtype}", settings["active_watts_source"]
                numbers.append(_row(label, settings["active_watts"], "W", "", False, source))
            numbers += [_held_out(runtime, dtype, each) for each in calibrations(device, runtime, dtype)]
    numbers += [_feature(feature) for feature in device.compression]
    for ridge_row in device.published_ridges:
        label = f"published ridge point {ridge_row['dtype']}"
        numbers.append(_row(label, ridge_row["macs_per_byte"], "MAC/byte", "", False, ridge_row["source"]))
    return {
        "name": device.name, "title": device.title, "class": device.kind, "source": device.source,
        "note": device.note, "runtimes": ["idealised", *device.runtimes], "numbers": numbers,
    }  # fmt: skip


def _held_out(runtime: str, dtype: str, calibration: Calibration) -> dict[str, Any]:
    """How far a calibrated runtime is off, on rows that were not fitted."""
    conditions = ",".join(f"{key}={value}" for key, value in calibration.conditions.items())
    what = ":".join(filter(None, ("held-out error", runtime, dtype, conditions))).replace(":", " ", 1)
    fitted = f"{calibration.n} rows of {calibration.calibrated_on}, left out by {calibration.held_out_by}"
    fitted += f"; {calibration.note}" if calibration.note else ""
    return _row(what, f"{calibration.held_out_median_ape:.1%}", f"grade {calibration.grade}", "", False, fitted)


def _feature(feature: CompressionFeature) -> dict[str, Any]:
    """What a device does with compressed weights: its widths, its rate, or that it does."""
    what, formats = f"compression.{feature.name}", " ".join(feature.dtypes)
    if feature.bits:
        return _row(what, " ".join(map(str, feature.bits)), "bit", formats, feature.estimated, feature.source)
    if feature.dtypes:
        return _row(what, feature.peak_factor, f"x rate, {formats}", "", feature.estimated, feature.source)
    return _row(what, "yes", "", "", feature.estimated, feature.source)


def _number(what: str, value: float, unit: str, scope: str, part: Any) -> dict[str, Any]:
    return _row(what, value, unit, scope, part.estimated and "capacity" not in what, part.source)


def _row(what: str, value: float | str, unit: str, scope: str, estimated: bool, source: str) -> dict[str, Any]:
    return {
        "what": what, "value": value, "unit": unit, "scope": scope, "estimated": "estimated" if estimated else "",
        "source": source,
    }  # fmt: skip
