"""Which memory serves the activations and the weights of a layer: the smallest that holds what must stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.energies.tables import EnergyTable, MemoryEnergy
from costmodel.energies.work import LayerWork, NetworkWork
from costmodel.errors import ParameterError, PredictionError, UnknownNameError, nearest
from costmodel.hardware import Device
from costmodel.records import record

ACTIVATIONS, WEIGHTS = "activations", "weights"
ON_CHIP = {
    "l1": (ACTIVATIONS, WEIGHTS),
    "l2": (ACTIVATIONS, WEIGHTS),
    "l3": (ACTIVATIONS, WEIGHTS),
    "sram": (ACTIVATIONS, WEIGHTS),
    "dtcm": (ACTIVATIONS, WEIGHTS),
    "weight_sram": (WEIGHTS,),
}
"""Levels of hardware files that are SRAM on the chip, and what each can hold. Others are links, buffers of a part of a
tensor (shram), or memories of their own kind (dram, flash)."""
DRAM, FLASH, REGISTER = "dram", "flash", "register"
MAXIMUM_SRAM_BYTES = 2**50


@record
class Level:
    """A memory of the device: what it can hold, and of which kind of memory its energy is."""

    name: str
    kind: str
    capacity_bytes: int | None
    holds: tuple[str, ...]


@record
class Hierarchy:
    """The memories of a device, smallest first. The last that holds something holds any amount of it.

    `meaning` says where the capacities come from.
    """

    levels: tuple[Level, ...]
    meaning: str

    def named(self, name: str) -> Level | None:
        """The level of that name."""
        return next((level for level in self.levels if level.name == name), None)

    def serving(self, what: str, needed_bytes: Any, taken: Mapping[str, Any] | None = None) -> Level | None:
        """The smallest level that holds so many bytes of activations or weights, beside the bytes `taken` in each."""
        for level in self.levels:
            needed = needed_bytes + (taken or {}).get(level.name, 0)
            if what in level.holds and (level.capacity_bytes is None or needed <= level.capacity_bytes):
                return level
        return None


def hierarchy_of(device: Device | None = None, sram_bytes: int | None = None) -> Hierarchy:
    """The memories that a device names with a capacity, an SRAM of so many bytes, or DRAM alone.

    Memory on the chip (`ON_CHIP`) without a capacity is left out. What fits into none is served from DRAM outside the
    chip; on a device with flash and without DRAM the weights stay in flash and activations must fit.

    >>> [level.name for level in hierarchy_of(sram_bytes=1024).levels]
    ['sram', 'dram']

    Raises: ParameterError unless `sram_bytes` is a whole number above 0.
    """
    if sram_bytes is not None:
        whole = isinstance(sram_bytes, int) and not isinstance(sram_bytes, bool)
        if not whole or not 0 < sram_bytes <= MAXIMUM_SRAM_BYTES:
            raise ParameterError(f"sram_bytes = {sram_bytes!r} must be a whole number above 0, at most 2**50")
    both = (ACTIVATIONS, WEIGHTS)
    found = [] if device is None or sram_bytes is not None else _on_chip(device)
    if sram_bytes is not None:
        found = [Level("sram", "sram", sram_bytes, both)]
    found.sort(key=lambda level: level.capacity_bytes or 0)
    in_flash = device is not None and FLASH in device.levels and DRAM not in device.levels
    if in_flash:
        kept = [level if level.name == "weight_sram" else _without_weights(level) for level in found]
        outer = [Level(FLASH, FLASH, None, (WEIGHTS,))]
    else:
        kept, outer = found, [Level(DRAM, DRAM, None, both)]
    return Hierarchy((*kept, *outer), _meaning(device, sram_bytes, found, in_flash))


def _on_chip(device: Device) -> list[Level]:
    return [
        Level(name, "sram", level.capacity_bytes, ON_CHIP[name])
        for name, level in device.levels.items()
        if name in ON_CHIP and level.capacity_bytes is not None
    ]


def _without_weights(level: Level) -> Level:
    return Level(level.name, level.kind, level.capacity_bytes, (ACTIVATIONS,))


def _meaning(device: Device | None, sram_bytes: int | None, found: list[Level], in_flash: bool) -> str:
    rest = "weights in flash" if in_flash else "the rest from DRAM"
    if sram_bytes is not None:
        return f"{sram_bytes:,} bytes of SRAM, {rest}"
    if device is None:
        return "no memory on the chip is given: everything from DRAM"
    if not found:
        return f"{device.name} names no memory on the chip with a capacity: {rest}"
    listed = ", ".join(f"{level.name} {level.capacity_bytes:,} bytes" for level in found)
    return f"{device.name}: {listed}; {rest}"


def energy_per_access(name: str, hierarchy: Hierarchy, table: EnergyTable, needed_bytes: Any) -> MemoryEnergy | None:
    """What the table has for a level: a memory of its kind and at least its capacity (where that is not known, one
    that holds `needed_bytes`), or the table's own memory of that name. None where it has nothing."""
    level = hierarchy.named(name)
    if level is None and name in table.memories:
        return table.memories[name]
    if level is None and name not in ON_CHIP:
        return None
    kind = "sram" if level is None else level.kind
    capacity = level.capacity_bytes if level is not None and level.capacity_bytes is not None else needed_bytes
    return table.memory_for(kind, capacity)


@record
class Serving:
    """The level that serves the activations of each layer, and the one that serves all weights."""

    activations: Mapping[str, str]
    weights: str


def serving_of(
    work: NetworkWork, hierarchy: Hierarchy, table: EnergyTable,
    activation_level: str | None = None, weight_level: str | None = None,
) -> Serving:  # fmt: skip
    """Activations of a layer come from the smallest level that holds all that is alive during it; weights from the
    smallest that holds all weights of the network beside the activations' peak. A level given by name serves all.

    Raises: UnknownNameError for a level that neither the device nor the table has; PredictionError where activations
    fit into no memory.
    """
    for name in (activation_level, weight_level):
        _refuse_unknown(name, hierarchy, table)
    served = {layer.layer: activation_level or _activations_of(layer, hierarchy) for layer in work.layers}
    return Serving(served, weight_level or _weights_of(work, hierarchy, activation_level))


def _activations_of(layer: LayerWork, hierarchy: Hierarchy) -> str:
    level = hierarchy.serving(ACTIVATIONS, layer.held_bytes)
    if level is None:
        raise PredictionError(_too_large(layer.layer, layer.held_bytes, hierarchy))
    return level.name


def _weights_of(work: NetworkWork, hierarchy: Hierarchy, activation_level: str | None) -> str:
    """The level of the weights; the activations' peak takes its room in every level they may lie in."""
    peak = max([layer.held_bytes for layer in work.layers], default=0)
    taken = {
        level.name: peak
        for level in hierarchy.levels
        if ACTIVATIONS in level.holds and activation_level in (None, level.name)
    }
    level = hierarchy.serving(WEIGHTS, work.stored_weight_bytes, taken)
    assert level is not None  # the last level holds any amount of weights
    return level.name


def _refuse_unknown(name: str | None, hierarchy: Hierarchy, table: EnergyTable) -> None:
    known = [*dict.fromkeys((*(level.name for level in hierarchy.levels), *table.memories))]
    if name is not None and name not in known and name not in ON_CHIP:
        hint = nearest(name, known) or f"there are {', '.join(known)}"
        raise UnknownNameError(f"unknown memory level {name!r}; {hint}")


def _too_large(layer: str, held: Any, hierarchy: Hierarchy) -> str:
    rooms = [level for level in hierarchy.levels if ACTIVATIONS in level.holds]
    if not rooms:
        return f'{hierarchy.meaning}: nothing holds the activations; give sram_bytes, or activation_level = "sram"'
    return (
        f"{held:,} bytes of activations are alive during {layer!r}, and {rooms[-1].name} holds "
        f'{rooms[-1].capacity_bytes:,}; name a memory outside with activation_level = "dram"'
    )
