"""The best order under definitions that count one operator at a time: who is the last to read what."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from costmodel.graph import Graph, Layer, Shape
from costmodel.memory.definitions import MemoryDefinition
from costmodel.memory.ordering.least import Found
from costmodel.memory.ordering.precedence import needs_of, steps_in
from costmodel.memory.storage import _overwrites, kept_in, stored_bytes


def best_last_readers(graph: Graph, definition: MemoryDefinition, bits: int, shapes: Mapping[str, Shape]) -> Found:
    """The order of the layers with the least peak; as states it counts the budgets that were tried.

    What an operator holds depends on the order only where it overwrites its input, which it does if it is the last to
    read it. A budget makes some of them the last; it can be kept if they can be, all at once.
    """
    return _LastReaders(graph, definition, bits, shapes).best()


class _LastReaders:
    def __init__(self, graph: Graph, definition: MemoryDefinition, bits: int, shapes: Mapping[str, Shape]) -> None:
        self.kept = kept_in(graph)
        self.bytes: dict[str, int] = {name: stored_bytes(shapes[name], bits) for name in set(self.kept.values())}
        self.needs = needs_of(graph)
        users = dict.fromkeys(self.bytes, 0)
        for step, layer in enumerate(graph.layers):
            for name in (*layer.inputs, *layer.outputs):
                users[self.kept[name]] |= 1 << step
        outputs = {self.kept[name] for name in graph.outputs}
        self.others: list[int] = []
        """For each layer those that must run before it if it is to overwrite its input."""
        self.most: list[int] = []
        self.least: list[int] = []
        for step, layer in enumerate(graph.layers):
            entering, leaving = self.kept[layer.inputs[0]], self.kept[layer.outputs[0]]
            may = entering not in outputs | {leaving} and _overwrites(definition, layer.operator, layer, shapes)
            self.others.append(users[entering] & ~(1 << step) if may else 0)
            self.most.append(self._held(layer))
            self.least.append(self.most[step] - (min(self.bytes[entering], self.bytes[leaving]) if may else 0))

    def _held(self, layer: Layer) -> int:
        return sum(self.bytes[name] for name in {self.kept[name] for name in (*layer.inputs, *layer.outputs)})

    def best(self) -> Found:
        """Bisection over the bytes that layers can hold."""
        budgets = sorted({bytes for bytes in (*self.most, *self.least) if bytes >= max(self.least)})
        tried = []

        def can_be_kept(budget: int) -> bool:
            tried.append(budget)
            return self._within(budget) is not None

        least = budgets[bisect_left(budgets, True, key=can_be_kept)]
        layers = self._within(least)
        assert layers is not None, "the last budget allows every order"
        return Found(layers, least, len(tried))

    def _within(self, budget: int) -> tuple[int, ...] | None:
        """An order that keeps a budget, layers as early as in the file where they can be; None where there is none."""
        needs = [
            needed | others if most > budget else needed
            for needed, others, most in zip(self.needs, self.others, self.most, strict=True)
        ]
        return _ordered(needs)


def _ordered(needs: Sequence[int]) -> tuple[int, ...] | None:
    """Steps in an order in which each runs after those it needs, or None where they need one another."""
    waiting = [needed.bit_count() for needed in needs]
    followers: list[list[int]] = [[] for _ in needs]
    for step, needed in enumerate(needs):
        for before in steps_in(needed):
            followers[before].append(step)
    ready = [step for step, count in enumerate(waiting) if not count]
    heapify(ready)
    order = []
    while ready:
        step = heappop(ready)
        order.append(step)
        for follower in followers[step]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heappush(ready, follower)
    return tuple(order) if len(order) == len(needs) else None
