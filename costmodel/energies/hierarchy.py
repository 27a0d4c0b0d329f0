"""The memories of a device, smallest first: what each can hold, and what lies outside the chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.errors import ParameterError
from costmodel.hardware import Device, MemoryLevel
from costmodel.records import record

ACTIVATIONS, WEIGHTS = "activations", "weights"
BOTH = (ACTIVATIONS, WEIGHTS)
ON_CHIP = ("l1", "l2", "l3", "sram", "dtcm", "weight_sram")
"""Levels of hardware files that are SRAM on the chip. Others are links, buffers of a part of a tensor (shram), or
memories of their own kind (dram, flash)."""
DRAM, FLASH = "dram", "flash"
MAXIMUM_SRAM_BYTES = 2**50


@record
class Level:
    """A memory of the device: of which kind its energy is, what it can hold, what it serves unless told otherwise."""

    name: str
    kind: str
    capacity_bytes: int | None
    holds: tuple[str, ...]
    serves: tuple[str, ...]


@record
class Hierarchy:
    """The memories of a device, smallest first; `meaning` says where the capacities come from."""

    levels: tuple[Level, ...]
    meaning: str
    device: Device | None = None

    def named(self, name: str) -> Level | None:
        """The level of that name."""
        return next((level for level in self.levels if level.name == name), None)

    def serving(self, what: str, needed_bytes: Any, taken: Mapping[str, Any] | None = None) -> Level | None:
        """The smallest level that serves so many bytes of activations or weights, beside the bytes `taken` in each."""
        for level in self.levels:
            needed = needed_bytes + (taken or {}).get(level.name, 0)
            if what in level.serves and (level.capacity_bytes is None or needed <= level.capacity_bytes):
                return level
        return None


def hierarchy_of(device: Device | None = None, sram_bytes: int | None = None) -> Hierarchy:
    """The memories that a device names with a capacity, an SRAM of so many bytes in their place, and what lies outside.

    Memory on the chip (`ON_CHIP`) without a capacity is left out. DRAM lies outside where the file of the device names
    it, or where no device is given; a device with flash and without DRAM keeps its weights in flash; one with neither
    has nothing outside the chip.

    >>> [level.name for level in hierarchy_of(sram_bytes=1024).levels]
    ['sram', 'dram']

    Raises: ParameterError unless `sram_bytes` is a whole number above 0.
    """
    if sram_bytes is not None:
        whole = isinstance(sram_bytes, int) and not isinstance(sram_bytes, bool)
        if not whole or not 0 < sram_bytes <= MAXIMUM_SRAM_BYTES:
            raise ParameterError(f"sram_bytes = {sram_bytes!r} must be a whole number above 0, at most 2**50")
        found = [Level("sram", "sram", sram_bytes, BOTH, BOTH)]
    else:
        found = [] if device is None else sorted(_on_chip(device), key=lambda level: level.capacity_bytes or 0)
    outer: tuple[Level, ...]
    if device is None or DRAM in device.levels:
        outer, rest = (Level(DRAM, DRAM, None, BOTH, BOTH),), "the rest from DRAM"
    elif FLASH in device.levels:
        found = [level if level.holds == (WEIGHTS,) else _without_weights(level) for level in found]
        outer, rest = (Level(FLASH, FLASH, None, (WEIGHTS,), (WEIGHTS,)),), "weights in flash"
    else:
        outer, rest = (), "its file names no memory outside the chip"
    return Hierarchy((*found, *outer), _meaning(device, sram_bytes, found, rest), device)


def _on_chip(device: Device) -> list[Level]:
    return [
        Level(name, "sram", level.capacity_bytes, _held(level), _held(level))
        for name, level in device.levels.items()
        if name in ON_CHIP and level.capacity_bytes is not None
    ]


def _held(level: MemoryLevel) -> tuple[str, ...]:
    """What a level is for by its file: both where it says nothing, and weights alone by its name."""
    return level.holds or ((WEIGHTS,) if level.name == "weight_sram" else BOTH)


def _without_weights(level: Level) -> Level:
    """The same, serving weights only where that is asked for."""
    return Level(level.name, level.kind, level.capacity_bytes, level.holds, (ACTIVATIONS,))


def named_as(hierarchy: Hierarchy, named: tuple[str, ...]) -> str:
    """The meaning of a hierarchy beside which memories of the table are named that it does not have.

    >>> from costmodel.hardware import load_device
    >>> named_as(hierarchy_of(load_device("stm32f746")), ("dram",))
    'stm32f746: sram 327,680 bytes; weights in flash; its file names no dram: what if it had that of the table'
    """
    if not named:
        return hierarchy.meaning
    names = " and ".join(named)
    if hierarchy.device is not None:
        return f"{hierarchy.meaning}; its file names no {names}: what if it had that of the table"
    return f"{hierarchy.meaning.replace('everything from', 'the rest from')}; {names} of the table"


def _meaning(device: Device | None, sram_bytes: int | None, found: list[Level], rest: str) -> str:
    if sram_bytes is not None:
        return f"{sram_bytes:,} bytes of SRAM, {rest}"
    if device is None:
        return "no memory on the chip is given: everything from DRAM"
    if not found:
        return f"{device.name} names no memory on the chip with a capacity: {rest}"
    listed = ", ".join(f"{level.name} {level.capacity_bytes:,} bytes" for level in found)
    return f"{device.name}: {listed}; {rest}"
