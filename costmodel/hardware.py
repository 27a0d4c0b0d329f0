"""Hardware file, or a ridge point alone, to profile: one device, one runtime, one number format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, SupportsFloat

from costmodel.dtypes import Dtype, dtype_named
from costmodel.errors import ParameterError, PredictionError, UnknownNameError, nearest
from costmodel.files import Document, names_in, read, read_bundled
from costmodel.records import record

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


@record
class Peak:
    """The dense multiply-accumulate rate of a device in one number format."""

    dtype: str
    macs_per_second: float
    scope: str
    accumulate: str
    source: str
    estimated: bool


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

    @property
    def name(self) -> str:
        """device:runtime:dtype."""
        return f"{self.device.name}:{self.runtime}:{self.dtype.name}"

    @property
    def ridge_point_macs_per_byte(self) -> float:
        """Peak over bandwidth: PeakMACs / PeakMemBW (MobileNetV4, arXiv:2404.10518, section 3)."""
        return self.macs_per_second / self.bytes_per_second


def load_hardware(name: str | os.PathLike[str], dtype: str | None = None) -> HardwareProfile:
    """The profile of `device[:runtime[:dtype]]`; the device is a bundled one or the path of a hardware file.

    Each device names a default runtime, each runtime a default number format; `dtype` overrides it. The runtime
    `idealised` (Eq. 1 on datasheet numbers) always exists.

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
    if len(selectors) > 2:
        raise UnknownNameError(f"{text!r} has too many parts; write device:runtime:dtype")
    runtime, selected = (*selectors, None, None)[:2]
    return profile_of(load_device(base), runtime or None, selected or None if dtype is None else dtype)


def profile_of(device: Device, runtime: str | None = None, dtype: str | None = None) -> HardwareProfile:
    """The profile of a device for one of its runtimes and number formats; by default those the device names.

    Raises: UnknownNameError, PredictionError when the device has no peak in that number format.
    """
    runtime = device.runtime if runtime is None else runtime
    if runtime != IDEALISED and runtime not in device.runtimes:
        known = [IDEALISED, *device.runtimes]
        hint = nearest(runtime, known) or f"it has {', '.join(known)}"
        raise UnknownNameError(f"{device.name} has no runtime {runtime!r}; {hint}")
    chosen = dtype_named(_default_dtype(device, runtime) if dtype is None else dtype)
    if chosen.name not in device.peaks:
        raise PredictionError(
            f"{device.name} has no peak for {chosen.name}; its number formats are {', '.join(device.peaks)}"
        )
    settings = device.runtimes.get(runtime, {}).get(chosen.name, {})
    peak, memory = device.peaks[chosen.name], device.bandwidth
    assert memory.bytes_per_second is not None
    estimated = [f"peak.{peak.dtype}"] * peak.estimated + [f"memory.{memory.name}"] * memory.estimated
    return HardwareProfile(
        device, runtime, chosen, peak.macs_per_second, memory.bytes_per_second, settings.get("fusion", "folded"),
        tuple(estimated),
    )  # fmt: skip


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
        from costmodel.hardware_schema import check_device

        check_device(document)
        return _device(document)
    if name not in names_in(FOLDER):
        hint = nearest(name, names_in(FOLDER)) or "`costmodel hardware` lists them"
        raise UnknownNameError(f"unknown device {name!r}; {hint}")
    return _device(read_bundled(FOLDER, name))


def devices() -> tuple[str, ...]:
    """Names of all bundled devices."""
    return names_in(FOLDER)


def _device(document: Document) -> Device:
    """The device of a document that is right: the bundled files are checked by the tests, users' files before."""
    data = document.data
    device = data["device"]
    levels = {
        name: MemoryLevel(
            name, level.get("capacity_bytes"), level.get("bytes_per_second"), level.get("scope", ""),
            level.get("source", level.get("capacity_source", "")), level.get("estimated", False),
            tuple(level.get("holds", ())),
        )
        for name, level in data["memory"].items()
    }  # fmt: skip
    peaks = {
        name: Peak(
            name, peak["macs_per_second"], peak["scope"], peak["accumulate"], peak["source"],
            peak.get("estimated", False),
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
