"""Hardware file, or a ridge point alone, to profile: one device, one runtime, one number format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, SupportsFloat

from costmodel.dtypes import Dtype, dtype_named
from costmodel.errors import ParameterError, PredictionError, UnknownNameError, nearest
from costmodel.files import Document, names_in, read, read_bundled
from costmodel.records import record, replace

FOLDER = "hardware"
IDEALISED = "idealised"


@record
class MemoryLevel:
    """A memory of a device. `bytes_per_second` is None where only the capacity is known, and the other way round.

    `holds` is what its file says that it is for, activations or weights; empty where it says nothing.
    """

    name: str
    capacity_bytes: int | None
    bytes_per_second: float | None
    scope: str
    source: str
    estimated: bool
    holds: tuple[str, ...] = ()
    fitted: bool = False


@record
class Peak:
    """The dense multiply-accumulate rate of a device in one number format; `fitted` to measurements where no document
    states one."""

    dtype: str
    macs_per_second: float
    scope: str
    accumulate: str
    source: str
    estimated: bool
    fitted: bool = False


@record
class Calibration:
    """What was fitted to measurements of one runtime and number format of a device, and how far off it was.

    `conditions` are what the measured rows had in common beside runtime and number format (layout, threads, ...).
    `family` names the constants that devices with this runtime share; `factors` are the device's own on these, by
    constant or by constant@rule, `numbers` the device's own beside them, `levels` the (capacity, bytes/s) of nearer
    memories. `baselines` are the fitted rates of the two simpler predictors that it is held against.

    `n` rows of `calibrated_on`; `batch` and `macs` are the least and the greatest of these rows (MACs of one sample of
    a network; None where only single operators were measured; both None where the file does not say). On rows left out
    of the fit (by `held_out_by`) the median absolute error is `held_out_median_ape`, a part of `held_out_within_20` was
    within 20 %, and measured / predicted lay between `held_out_low` and `held_out_high` for four of five. `grade`: A, B
    or C, by these figures and `n` (`costmodel.accuracy.grade_of`), or below it where `note` says why.
    """

    family: str
    conditions: Mapping[str, Any]
    factors: Mapping[str, float]
    numbers: Mapping[str, float]
    levels: tuple[tuple[float, float], ...]
    baselines: Mapping[str, float]
    calibrated_on: str
    n: int
    date: str
    held_out_by: str
    held_out_median_ape: float
    held_out_within_20: float
    held_out_low: float
    held_out_high: float
    grade: str
    note: str = ""
    batch: tuple[float, float] | None = None
    macs: tuple[float, float] | None = None

    @property
    def fitted_to(self) -> str:
        """How many rows of which tables it was fitted to, and its grade, in words."""
        rows = "1 row" if self.n == 1 else f"{self.n} rows"
        return f"fitted to {rows} of {self.calibrated_on}, grade {self.grade}"


@record
class CompressionFeature:
    """What a device does itself with compressed weights or activations: a table in [compression] of its file.

    `bits` are the widths it reads, `peak_factor` what its rate is multiplied by, in the number formats `dtypes`.
    """

    name: str
    bits: tuple[int, ...]
    peak_factor: float
    dtypes: tuple[str, ...]
    source: str
    estimated: bool


@record
class Device:
    """Everything a hardware file says. `memory` names the level whose bandwidth the idealised roofline uses."""

    name: str
    title: str
    kind: str
    source: str
    note: str
    memory: str
    runtime: str
    dtype: str
    levels: Mapping[str, MemoryLevel]
    peaks: Mapping[str, Peak]
    runtimes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    published_ridges: tuple[Mapping[str, Any], ...]
    compression: tuple[CompressionFeature, ...] = ()

    @property
    def bandwidth(self) -> MemoryLevel:
        """The memory level of the idealised roofline."""
        return self.levels[self.memory]

    def ridge_point_macs_per_byte(self, dtype: str) -> float:
        """Peak over bandwidth: the least intensity that can reach the peak."""
        assert self.bandwidth.bytes_per_second is not None
        return self.peaks[dtype].macs_per_second / self.bandwidth.bytes_per_second


@record
class HardwareProfile:
    """What a prediction needs of a device: a peak and a bandwidth, for one runtime and number format.

    `estimated` lists the numbers that no document confirms.
    """

    device: Device
    runtime: str
    dtype: Dtype
    macs_per_second: float
    bytes_per_second: float
    fusion: str
    estimated: tuple[str, ...]
    calibration: Calibration | None = None

    @property
    def name(self) -> str:
        """device:runtime:dtype, and the conditions of the calibration where it is not the first of these."""
        name = f"{self.device.name}:{self.runtime}:{self.dtype.name}"
        first = calibrations(self.device, self.runtime, self.dtype.name)[:1]
        if self.calibration is None or self.calibration in first:
            return name
        return f"{name}:" + ",".join(f"{key}={value}" for key, value in self.calibration.conditions.items())

    @property
    def ridge_point_macs_per_byte(self) -> float:
        """Peak over bandwidth: PeakMACs / PeakMemBW (MobileNetV4, arXiv:2404.10518, section 3)."""
        return self.macs_per_second / self.bytes_per_second


def load_hardware(name: str | os.PathLike[str], dtype: str | None = None) -> HardwareProfile:
    """The profile of `device[:runtime[:dtype[:condition=value,...]]]`; the device is a bundled one or the path of a
    hardware file.

    Each device names a default runtime, each runtime a default number format; `dtype` overrides it. The runtime
    `idealised` (Eq. 1 on datasheet numbers) always exists. Where a runtime was calibrated under several conditions,
    such as layouts or numbers of threads, the first that has the given values is taken.

    >>> load_hardware("ridge_5").ridge_point_macs_per_byte
    5.0
    >>> load_hardware("pixel_6:idealised:float32").name
    'pixel_6:idealised:float32'

    Raises: UnknownNameError, PredictionError when the device has no peak in that number format, SpecError for a file.
    """
    text = os.fspath(name) if isinstance(name, os.PathLike) else name
    if not isinstance(text, str):
        raise UnknownNameError(f"{name!r} is not the name of a device or the path of a hardware file")
    path, ending, rest = text.rpartition(".toml")
    base, *selectors = [path + ending, *rest.split(":")[1:]] if ending else text.split(":")
    if len(selectors) > 3:
        raise UnknownNameError(f"{text!r} has too many parts; write device:runtime:dtype:condition=value,...")
    runtime, selected, conditions = (*selectors, "", "", "")[:3]
    chosen = (selected or None) if dtype is None else dtype
    return profile_of(load_device(base), runtime or None, chosen, _conditions(conditions))


def _conditions(text: str) -> dict[str, str]:
    """The conditions written behind a profile's name."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    for key, sign, _ in pairs:
        if not sign:
            raise UnknownNameError(f"{key!r} is no condition; write condition=value, as in threads=1,layout=nhwc")
    return {key: value for key, _, value in pairs}


def profile_of(
    device: Device, runtime: str | None = None, dtype: str | None = None, conditions: Mapping[str, Any] | None = None
) -> HardwareProfile:
    """The profile of a device for one of its runtimes and number formats; by default those the device names.

    Its peak is that of the number format itself where the file has one, else that of the format it computes in.

    Raises: UnknownNameError for names and for conditions under which nothing was calibrated, PredictionError when the
    device has no peak in that number format.
    """
    runtime = device.runtime if runtime is None else runtime
    if runtime != IDEALISED and runtime not in device.runtimes:
        known = [IDEALISED, *device.runtimes]
        hint = nearest(runtime, known) or f"it has {', '.join(known)}"
        raise UnknownNameError(f"{device.name} has no runtime {runtime!r}; {hint}")
    chosen = dtype_named(_default_dtype(device, runtime) if dtype is None else dtype)
    rate = chosen.name if chosen.name in device.peaks else chosen.peak
    if rate not in device.peaks:
        raise PredictionError(
            f"{device.name} has no peak for {chosen.peak}; its number formats are {', '.join(device.peaks)}"
        )
    settings = device.runtimes.get(runtime, {}).get(chosen.name, {})
    peak, memory = device.peaks[rate], device.bandwidth
    assert memory.bytes_per_second is not None
    estimated = [f"peak.{peak.dtype}"] * peak.estimated + [f"memory.{memory.name}"] * memory.estimated
    return HardwareProfile(
        device, runtime, chosen, peak.macs_per_second, memory.bytes_per_second, settings.get("fusion", "folded"),
        tuple(estimated), _calibration(device, runtime, chosen.name, conditions or {}),
    )  # fmt: skip


def calibrations(device: Device, runtime: str, dtype: str) -> tuple[Calibration, ...]:
    """The calibrations of a runtime and number format of a device, the default first; none for most."""
    settings = device.runtimes.get(runtime, {}).get(dtype, {})
    return tuple(_calibration_of(settings, table) for table in settings.get("calibration", ()))


def _calibration(device: Device, runtime: str, dtype: str, conditions: Mapping[str, Any]) -> Calibration | None:
    known = calibrations(device, runtime, dtype)
    for calibration in known:
        if all(str(calibration.conditions.get(key, "")) == str(value) for key, value in conditions.items()):
            return calibration
    if not conditions:
        return None
    asked = ",".join(f"{key}={value}" for key, value in conditions.items())
    has = "; ".join(",".join(f"{key}={value}" for key, value in each.conditions.items()) or "none" for each in known)
    raise UnknownNameError(
        f"{device.name}:{runtime}:{dtype} was not calibrated under {asked}; its conditions are: {has or 'none'}"
    )


def _calibration_of(settings: Mapping[str, Any], table: Mapping[str, Any]) -> Calibration:
    return Calibration(
        settings["family"], table.get("conditions", {}), table.get("factors", {}), table.get("numbers", {}),
        tuple((capacity, rate) for capacity, rate in table.get("levels", ())), table.get("baselines", {}),
        table["calibrated_on"], table["n"], str(table["date"]), table["held_out_by"], table["held_out_median_ape"],
        table["held_out_within_20"], table["held_out_low"], table["held_out_high"], table["grade"],
        table.get("note", ""), _ends(table, "batch"), _ends(table, "macs"),
    )  # fmt: skip


def _ends(table: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """The least and the greatest of something that was measured; None where the file does not say."""
    found = table.get(name)
    return None if found is None else (found[0], found[1])


def ridge_profile(
    ridge_point_macs_per_byte: float, dtype: str = "int8", bytes_per_second: float = 1e10
) -> HardwareProfile:
    """The idealised device of a ridge point: PeakMACs = ridge point * PeakMemBW (MobileNetV4, arXiv:2404.10518, Eq. 1).

    Only the ratio is given; `bytes_per_second` is a choice that scales all times alike.

    >>> ridge_profile(5).macs_per_second
    50000000000.0

    Raises: ParameterError when a value is not a positive number; UnknownNameError for the number format.
    """
    for name, value in (("ridge_point", ridge_point_macs_per_byte), ("bytes_per_second", bytes_per_second)):
        if isinstance(value, bool) or not isinstance(value, SupportsFloat) or not 1e-6 <= float(value) <= 1e21:
            raise ParameterError(f"{name} = {value!r} must be a number above 0, from 1e-6 to 1e21")
    chosen = dtype_named(dtype)
    source = "chosen: an idealised device of this ridge point, no real one"
    macs_per_second = float(ridge_point_macs_per_byte * bytes_per_second)
    device = Device(
        name=f"ridge_{ridge_point_macs_per_byte:g}",
        title=f"Idealised device, ridge point {ridge_point_macs_per_byte:g} MACs/byte",
        kind="idealised",
        source=source,
        note="",
        memory="dram",
        runtime=IDEALISED,
        dtype=dtype,
        levels={"dram": MemoryLevel("dram", None, float(bytes_per_second), "chip", source, False)},
        peaks={dtype: Peak(dtype, macs_per_second, "chip", "", source, False)},
        runtimes={},
        published_ridges=(),
    )
    return HardwareProfile(device, IDEALISED, chosen, macs_per_second, float(bytes_per_second), "folded", ())


def _default_dtype(device: Device, runtime: str) -> str:
    formats = device.runtimes.get(runtime, {})
    return device.dtype if runtime == IDEALISED or device.dtype in formats else next(iter(formats))


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or os.sep in name


def load_device(name: str) -> Device:
    """Everything the hardware file of a device says.

    Raises: UnknownNameError with the nearest names; SpecError when a user's file is wrong.
    """
    if _is_path(name):
        document = read(name)
        if document.data.get("runtime"):
            from costmodel.latency.schema import check_hardware

            check_hardware(document)
        else:
            from costmodel.hardware_schema import check_device

            check_device(document)
        return _device(document)
    if name not in names_in(FOLDER):
        hint = nearest(name, names_in(FOLDER)) or "`costmodel hardware` lists them"
        if "=" in name:
            hint = "conditions stand behind device:runtime:dtype, as in raspberry_pi_4:ncnn:auto:threads=4,powersave=0"
        raise UnknownNameError(f"unknown device {name!r}; {hint}")
    return _device(read_bundled(FOLDER, name))


def devices() -> tuple[str, ...]:
    """Names of all bundled devices."""
    return names_in(FOLDER)


def calibrated_runtimes(device: Device) -> list[str]:
    """The runtimes of a device that were fitted to measurements, as runtime:dtype, the most accurate first.

    >>> calibrated_runtimes(load_device("i9_10940x"))
    ['torch_compile:float32']
    """
    found = {
        f"{runtime}:{dtype}": min(table["held_out_median_ape"] for table in settings["calibration"])
        for runtime, formats in device.runtimes.items()
        for dtype, settings in formats.items()
        if settings.get("calibration")
    }
    return sorted(found, key=lambda name: found[name])


def calibrated_profiles() -> list[HardwareProfile]:
    """Every calibration of every bundled device, as a profile.

    >>> "i9_10940x:torch_compile:float32" in [profile.name for profile in calibrated_profiles()]
    True
    """
    found = []
    for name in devices():
        device = load_device(name)
        for runtime, formats in device.runtimes.items():
            for dtype in formats:
                for calibration in calibrations(device, runtime, dtype):
                    found.append(replace(profile_of(device, runtime, dtype), calibration=calibration))
    return found


def _device(document: Document) -> Device:
    """The device of a document that is right: the bundled files are checked by the tests, users' files before."""
    data = document.data
    device = data["device"]
    levels = {
        name: MemoryLevel(
            name, level.get("capacity_bytes"), level.get("bytes_per_second"), level.get("scope", ""),
            level.get("source", level.get("capacity_source", "")), level.get("estimated", False),
            tuple(level.get("holds", ())), level.get("fitted", False),
        )
        for name, level in data["memory"].items()
    }  # fmt: skip
    peaks = {
        name: Peak(
            name, peak["macs_per_second"], peak["scope"], peak["accumulate"], peak["source"],
            peak.get("estimated", False), peak.get("fitted", False),
        )
        for name, peak in data["peak"].items()
    }  # fmt: skip
    return Device(
        device["name"], device["title"], device["class"], device["source"], device.get("note", ""), device["memory"],
        device["runtime"], device["dtype"], levels, peaks, data.get("runtime", {}),
        tuple(data.get("published_ridge", ())), compression=_compression(data.get("compression", {})),
    )  # fmt: skip


def _compression(tables: Mapping[str, Any]) -> tuple[CompressionFeature, ...]:
    return tuple(
        CompressionFeature(
            name, tuple(sorted(table.get("bits", ()))), table.get("peak_factor", 1.0), tuple(table.get("dtypes", ())),
            table["source"], table.get("estimated", False),
        )
        for name, table in tables.items()
    )  # fmt: skip
