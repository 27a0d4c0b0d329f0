"""The memories of a device that a network has to fit into: SRAM for activations, flash for weights."""

from __future__ import annotations

import os
from math import inf
from typing import Literal, TypeAlias

from costmodel.errors import ParameterError, PredictionError
from costmodel.hardware import Device, HardwareProfile, MemoryLevel, devices, load_device, load_hardware
from costmodel.records import record
from costmodel.report import significant

Memory: TypeAlias = Literal["SRAM", "flash"]
LEVELS: dict[Memory, tuple[str, ...]] = {"SRAM": ("sram",), "flash": ("flash", "weight_sram")}
"""The memory levels of hardware files that hold activations, and those that hold weights."""
CONTENTS: dict[Memory, str] = {"SRAM": "activations", "flash": "weights"}
"""What has to lie in each; a level that its file marks as holding something else alone is none of them."""


@record
class DeviceMemory:
    """SRAM and flash of a device in bytes; no flash where its file gives none. A size that was given has no device."""

    device: str
    sram_bytes: int
    flash_bytes: int | None

    def size(self, memory: Memory) -> int | None:
        """The bytes of one of the two."""
        return self.sram_bytes if memory == "SRAM" else self.flash_bytes

    def compared(self, bytes: int, memory: Memory = "SRAM") -> str:
        """What part of a memory of known size so many bytes take, or how many times it.

        >>> device = DeviceMemory("stm32f746", 327_680, 1_048_576)
        >>> device.compared(55_296), device.compared(1_505_280), device.compared(330_000)
        ('17 % of the SRAM of stm32f746', '4.6 times the SRAM of stm32f746', '100.7 % of the SRAM of stm32f746')
        """
        share = bytes / (self.size(memory) or inf)
        if share < 1.1:
            part = f"{significant(100 * share, 2 if share <= 1 else 4)} % of"
        else:
            part = f"{significant(share, 2)} times"
        return f"{part} the {memory}" + (f" of {self.device}" if self.device else "")


def device_memory(
    hardware: str | os.PathLike[str] | Device | HardwareProfile | None, sram_bytes: int | None = None
) -> DeviceMemory | None:
    """SRAM and flash of a device: the capacities of the memory levels in its hardware file; or a size that is given.

    >>> device_memory("stm32f746")
    DeviceMemory(device='stm32f746', sram_bytes=327680, flash_bytes=1048576)

    Raises: PredictionError for a device without SRAM of known size for activations; ParameterError for `sram_bytes`
    that is no positive whole number or stands beside `hardware`; what `costmodel.load_hardware` raises.
    """
    if hardware is None:
        if sram_bytes is None:
            return None
        if isinstance(sram_bytes, bool) or not isinstance(sram_bytes, int) or sram_bytes < 1:
            raise ParameterError(f"sram_bytes = {sram_bytes!r} must be a whole number, at least 1")
        return DeviceMemory("", sram_bytes, None)
    if sram_bytes is not None:
        raise ParameterError("hardware and sram_bytes both give the size of the SRAM; give one of them")
    if isinstance(hardware, Device):
        device = hardware
    else:
        device = (hardware if isinstance(hardware, HardwareProfile) else load_hardware(hardware)).device
    sram, flash = level_of(device, "SRAM"), level_of(device, "flash")
    if sram is None:
        raise PredictionError(f"{_why_no_sram(device)}; those that have: {', '.join(_devices_with_sram())}")
    return DeviceMemory(device.name, capacity_bytes(sram), None if flash is None else capacity_bytes(flash))


def level_of(device: Device, memory: Memory) -> MemoryLevel | None:
    """The first level of known size that is such a memory, None where the device has none.

    The SRAM of a device whose file says that it holds weights alone is none for activations.

    >>> level_of(load_device("max78000_cnn"), "flash").name
    'weight_sram'
    >>> level_of(load_device("edge_tpu_usb"), "SRAM") is None
    True
    """
    levels = [device.levels[name] for name in LEVELS[memory] if name in device.levels]
    fitting = [level for level in levels if not level.holds or CONTENTS[memory] in level.holds]
    return next((level for level in fitting if level.capacity_bytes is not None), None)


def _why_no_sram(device: Device) -> str:
    sram = device.levels.get(LEVELS["SRAM"][0])
    if sram is not None and sram.capacity_bytes is not None:
        return f"{device.name} has no SRAM for activations: [memory.sram] of its file holds weights alone"
    return f"{device.name} has no SRAM of known size: its file has no capacity_bytes in [memory.sram]"


def _devices_with_sram() -> list[str]:
    return [name for name in devices() if level_of(load_device(name), "SRAM") is not None]


def capacity_bytes(level: MemoryLevel) -> int:
    """The size of a level of known size."""
    assert level.capacity_bytes is not None
    return level.capacity_bytes
