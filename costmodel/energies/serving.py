"""Which memory serves the activations and the weights of a layer: the smallest that holds what must stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.energies.hierarchy import ACTIVATIONS, WEIGHTS, Hierarchy
from costmodel.energies.tables import EnergyTable, MemoryEnergy
from costmodel.energies.work import LayerWork, NetworkWork
from costmodel.errors import ParameterError, PredictionError, UnknownNameError, nearest
from costmodel.records import record


@record
class Serving:
    """The level that serves the activations of each layer, and the one that serves all weights.

    `named` are memories of the table that were asked for by name and that the device does not have.
    """

    activations: Mapping[str, str]
    weights: str
    named: Mapping[str, MemoryEnergy]


NOWHERE = Serving({}, "", {})
"""Of a table without memories, where the network does not fit into those of the device."""


def serving_of(
    work: NetworkWork, hierarchy: Hierarchy, table: EnergyTable,
    activation_level: str | None = None, weight_level: str | None = None,
) -> Serving:  # fmt: skip
    """Activations of a layer come from the smallest level that holds all that is alive during it; weights from the
    smallest that holds all weights of the network beside the activations' peak, which takes its room in every level
    that may serve activations.

    A level given by name serves all, and must hold it: activations their peak, weights all beside the activations that
    the level serves, within the capacity of the device's memory (or `sram_bytes`), else of the table's memory.

    Raises: UnknownNameError for a level that neither the device nor the table has; ParameterError for one that is for
    the other; PredictionError where they do not fit.
    """
    names = {ACTIVATIONS: activation_level, WEIGHTS: weight_level}
    for what, name in names.items():
        _refuse(what, name, hierarchy, table)
    peak = max([layer.held_bytes for layer in work.layers], default=0)
    if activation_level is not None:
        _refuse_too_small(ACTIVATIONS, activation_level, peak, hierarchy, table)
    served = {layer.layer: activation_level or _activations_of(layer, hierarchy) for layer in work.layers}
    taken = max([layer.held_bytes for layer in work.layers if served[layer.layer] == weight_level], default=0)
    if weight_level is not None:
        _refuse_too_small(WEIGHTS, weight_level, work.stored_weight_bytes, hierarchy, table, taken)
    found = [name for name in names.values() if name is not None and hierarchy.named(name) is None]
    weights = weight_level or _weights_of(work, hierarchy, activation_level, peak)
    return Serving(served, weights, {name: table.memories[name] for name in found})


def memory_energy(level: str, serving: Serving, hierarchy: Hierarchy, table: EnergyTable, needed: Any) -> Any:
    """What a table has for a level: a memory of its kind and at least its capacity (where that is not known, one that
    holds `needed` bytes). A memory named in one table is another's only where both are of one kind and capacity.
    None where the table has nothing."""
    own = hierarchy.named(level)
    if own is not None:
        return table.memory_for(own.kind, needed if own.capacity_bytes is None else own.capacity_bytes)
    named, other = serving.named.get(level), table.memories.get(level)
    if named is None or other is None or named == other:
        return other if named is not None else None
    same = named.kind == other.kind != "other" and named.capacity_bytes == other.capacity_bytes
    return other if same else None


def _activations_of(layer: LayerWork, hierarchy: Hierarchy) -> str:
    level = hierarchy.serving(ACTIVATIONS, layer.held_bytes)
    if level is None:
        raise PredictionError(_nowhere(ACTIVATIONS, f" are alive during {layer.layer!r}", layer.held_bytes, hierarchy))
    return level.name


def _weights_of(work: NetworkWork, hierarchy: Hierarchy, activation_level: str | None, peak: Any) -> str:
    """The level of the weights; the activations' peak takes its room in every level they may lie in."""
    taken = {
        level.name: peak
        for level in hierarchy.levels
        if ACTIVATIONS in level.serves and activation_level in (None, level.name)
    }
    level = hierarchy.serving(WEIGHTS, work.stored_weight_bytes, taken)
    if level is None and work.stored_weight_bytes:
        shared = any(WEIGHTS in level.serves and level.name in taken for level in hierarchy.levels)
        beside = f" must be read, beside {peak:,} of activations" if shared else " must be read"
        raise PredictionError(_nowhere(WEIGHTS, beside, work.stored_weight_bytes, hierarchy))
    return level.name if level is not None else ""


def _refuse(what: str, name: object, hierarchy: Hierarchy, table: EnergyTable) -> None:
    """Raise for a name that is no level, or that of a level for something else."""
    if name is None:
        return
    known = [*dict.fromkeys((*(level.name for level in hierarchy.levels), *table.memories))]
    if not isinstance(name, str) or name not in known:
        hint = (nearest(name, known) if isinstance(name, str) else "") or f"there are {', '.join(known)}"
        raise UnknownNameError(f"unknown memory level {name!r}; {hint}")
    level = hierarchy.named(name)
    if level is not None and what not in level.holds:
        able = [each for each in known if each != name and _can_hold(what, each, hierarchy)]
        raise ParameterError(f"{name} is for {level.holds[0]}, not for {what}; for these there are {', '.join(able)}")


def _can_hold(what: str, name: str, hierarchy: Hierarchy) -> bool:
    level = hierarchy.named(name)
    return level is None or what in level.holds


def _refuse_too_small(
    what: str, name: str, needed: Any, hierarchy: Hierarchy, table: EnergyTable, taken: Any = 0
) -> None:
    """Raise: PredictionError where a level that is named does not hold what it is to serve."""
    level = hierarchy.named(name)
    capacity = table.memories[name].capacity_bytes if level is None else level.capacity_bytes
    if capacity is not None and needed + taken > capacity:
        beside = f" beside {taken:,} of activations" if taken else ""
        raise PredictionError(
            f"{needed:,} bytes of {what}{beside} do not fit into {name}, which holds {capacity:,}; name a larger memory"
        )


def _nowhere(what: str, why: str, needed: Any, hierarchy: Hierarchy) -> str:
    rooms = [level for level in hierarchy.levels if what in level.serves]
    option = f"{what[:-1]}_level"
    flag = f"--{what[:-1]}-level"
    if not rooms:
        return (
            f"{hierarchy.meaning}: nothing holds the {what}; name a memory outside with "
            f'{option} = "dram" ({flag} dram), or give sram_bytes (--sram)'
        )
    return (
        f"{needed:,} bytes of {what}{why}, and {rooms[-1].name} holds {rooms[-1].capacity_bytes:,}; name a memory "
        f'outside with {option} = "dram" ({flag} dram)'
    )
