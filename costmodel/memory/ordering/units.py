"""A network as a search for an order sees it: units of layers that run one after another, and the buffers they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from costmodel.graph import Graph, Layer, Shape
from costmodel.memory.definitions import MemoryDefinition
from costmodel.memory.ordering.precedence import steps_in
from costmodel.memory.storage import kept_in, overwrites_input, stored_bytes
from costmodel.records import record

Condition: TypeAlias = tuple[int, int]
"""A set of units, and bytes that count once all of them have run."""

START = -1
"""In place of a unit: what runs before all units, or is held when the first begins."""


@record
class Unit:
    """Layers, by their positions in the file, that run one after another.

    While the first runs, memory holds what it held before and `written_bytes`, less the bytes of `overwritten` if all
    units of that condition have run. After it `kept_bytes` have come and the bytes of the conditions in `freed` that
    hold have gone. What the others then add is the same whatever else has run: `later_peak_bytes` at most, and
    `later_change_bytes` in the end. `needs` is the set of units that must run before.
    """

    layers: tuple[int, ...]
    needs: int
    written_bytes: int
    kept_bytes: int
    overwritten: Condition | None
    freed: tuple[Condition, ...]
    later_peak_bytes: int = 0
    later_change_bytes: int = 0

    def effect(self, done: int) -> tuple[int, int]:
        """The most that it adds to memory while it runs after a set of units, and what it has added when it ends."""
        peak = self.written_bytes
        if self.overwritten is not None and self.overwritten[0] & done == self.overwritten[0]:
            peak -= self.overwritten[1]
        change = self.kept_bytes
        for others, bytes in self.freed:
            if others & done == others:
                change -= bytes
        later = change + self.later_peak_bytes
        return (peak if peak > later else later), change + self.later_change_bytes


@record
class Held:
    """A buffer that outlives the unit that makes it: `readers` is the set of units that read it. The bit after those
    of all units stands for the end of the network, which reads the outputs."""

    maker: int
    readers: int
    bytes: int


@record
class Plan:
    """The units of a network in file order, after some layers that run at the very start.

    `opening_bytes` are held while those run, `start_bytes` when the first unit begins.
    """

    opening: tuple[int, ...]
    opening_bytes: int
    start_bytes: int
    units: tuple[Unit, ...]
    buffers: tuple[Held, ...]


def plan_of(graph: Graph, definition: MemoryDefinition, bits: int, shapes: Mapping[str, Shape]) -> Plan:
    """The plan of a network under a definition that counts what is alive.

    A view joins the unit that makes what it looks at, and so does a layer that writes over its input where nothing
    else reads that and the output is no larger. Neither holds more than was held before it nor leaves more, whatever
    has run, so that it can as well run at once: memory only falls earlier.

    An input that nothing reads is left out. It is there while the first layer runs.
    """
    return _Planning(graph, definition, bits, shapes).plan()


class _Planning:
    """The tables that the plan of one network is made from."""

    def __init__(self, graph: Graph, definition: MemoryDefinition, bits: int, shapes: Mapping[str, Shape]) -> None:
        self.graph, self.definition, self.shapes = graph, definition, shapes
        self.kept = kept_in(graph)
        self.users: dict[str, set[int]] = {name: set() for name in self.kept.values()}
        for step, layer in enumerate(graph.layers):
            for name in (*layer.inputs, *layer.outputs):
                self.users[self.kept[name]].add(step)
        self.bytes: dict[str, int] = {name: stored_bytes(shapes[name], bits) for name in self.users}
        self.outputs = {self.kept[name] for name in graph.outputs}
        self.unit_of: list[int] = []  # by layer
        self.maker = dict.fromkeys(graph.inputs, START)  # by tensor
        self.members: list[list[int]] = []  # layers by unit

    def plan(self) -> Plan:
        for step, layer in enumerate(self.graph.layers):
            self._place(step, layer)
        opening = tuple(step for step, unit in enumerate(self.unit_of) if unit == START)
        inputs = sum(self.bytes[name] for name in self.graph.inputs)
        buffers = [held for name in self.users if (held := self._held(name)).readers]
        start = sum(held.bytes for held in buffers if held.maker == START)
        return Plan(opening, inputs if opening else 0, start, self._units(buffers), tuple(buffers))

    def _place(self, step: int, layer: Layer) -> None:
        """Let a layer join the unit that makes its input, or begin one."""
        source = self.maker[layer.inputs[0]]
        if self._joins(step, layer, source):
            unit = source
        else:
            unit = len(self.members)
            self.members.append([])
        self.unit_of.append(unit)
        if unit != START:
            self.members[unit].append(step)
        self.maker.update(dict.fromkeys(layer.outputs, unit))

    def _joins(self, step: int, layer: Layer, source: int) -> bool:
        entering, leaving = self.kept[layer.inputs[0]], self.kept[layer.outputs[0]]
        if len(set(layer.inputs)) > 1:
            return False
        if entering == leaving:
            return True
        if self.bytes[leaving] > self.bytes[entering] or not self._may_overwrite(layer):
            return False
        return all(user == step or (user < step and self.unit_of[user] == source) for user in self.users[entering])

    def _may_overwrite(self, layer: Layer) -> bool:
        """Whether a layer writes over its input where it is the last to read it."""
        entering = self.kept[layer.inputs[0]]
        if entering == self.kept[layer.outputs[0]] or entering in self.outputs:
            return False
        return overwrites_input(self.definition, layer, self.shapes)

    def _readers(self, name: str) -> int:
        """The units that read a buffer, the one that makes it apart; at the end of the network for its outputs."""
        units = {self.unit_of[user] for user in self.users[name]} - {START, self.maker[name]}
        return sum(1 << unit for unit in units) | (name in self.outputs) << len(self.members)

    def _held(self, name: str) -> Held:
        return Held(self.maker[name], self._readers(name), self.bytes[name])

    def _units(self, buffers: Sequence[Held]) -> tuple[Unit, ...]:
        kept = [0] * len(self.members)
        freed: list[list[Condition]] = [[] for _ in self.members]
        for held in buffers:
            if held.maker != START:
                kept[held.maker] += held.bytes
            if not held.readers >> len(self.members):
                for unit in steps_in(held.readers):
                    freed[unit].append((held.readers & ~(1 << unit), held.bytes))
        return tuple(
            Unit(tuple(layers), self._needs(unit), self._written(layers[0]), kept[unit], self._overwritten(unit),
                 tuple(freed[unit]))
            for unit, layers in enumerate(self.members)
        )  # fmt: skip

    def _needs(self, unit: int) -> int:
        """Only the first layer of a unit reads what other units make."""
        first = self.graph.layers[self.members[unit][0]]
        return sum(1 << maker for maker in {self.maker[name] for name in first.inputs} - {START})

    def _written(self, step: int) -> int:
        """Bytes of the buffers that a layer makes."""
        return sum(self.bytes[name] for name in self.graph.layers[step].outputs if self.kept[name] == name)

    def _overwritten(self, unit: int) -> Condition | None:
        """What the first layer of a unit may write over: then the larger of input and output is held, not both."""
        layer = self.graph.layers[self.members[unit][0]]
        if not self._may_overwrite(layer):
            return None
        entering, leaving = self.kept[layer.inputs[0]], self.kept[layer.outputs[0]]
        return self._readers(entering) & ~(1 << unit), min(self.bytes[entering], self.bytes[leaving])
