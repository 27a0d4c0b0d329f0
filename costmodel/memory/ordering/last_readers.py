"""The best order under definitions that count one operator at a time: who is the last to read what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from costmodel.graph import Graph, Shape
from costmodel.memory.definitions import MemoryDefinition
from costmodel.memory.ordering.least import Found
from costmodel.memory.ordering.precedence import needs_of, steps_in
from costmodel.memory.storage import kept_in, overwrites_input, stored_bytes


def best_last_readers(graph: Graph, definition: MemoryDefinition, bits: int, shapes: Mapping[str, Shape]) -> Found:
    """The order of the layers with the least peak; as states it counts the budgets that were tried.

    What an operator holds depends on the order only where it overwrites its input, which it does if it is the last to
    read it. A budget makes some of them the last; it can be kept if they can be, all at once.
    """
    return _LastReaders(graph, definition, bits, shapes).best()


class _LastReaders:
    """For each layer what it holds at most, what it holds if it overwrites, and who must run before it for that."""

    def __init__(self, graph: Graph, definition: MemoryDefinition, bits: int, shapes: Mapping[str, Shape]) -> None:
        self.kept = kept_in(graph)
        self.bytes: dict[str, int] = {name: stored_bytes(shapes[name], bits) for name in set(self.kept.values())}
        self.needs = needs_of(graph)
        users = dict.fromkeys(self.bytes, 0)
        for step, layer in enumerate(graph.layers):
            for name in (*layer.inputs, *layer.outputs):
                users[self.kept[name]] |= 1 << step
        outputs = {self.kept[name] for name in graph.outputs}
        counted = max if definition.counted == "tensor" else sum
        self.others: list[int] = []
        self.most: list[int] = []
        self.least: list[int] = []
        for step, layer in enumerate(graph.layers):
            entering, leaving = self.kept[layer.inputs[0]], self.kept[layer.outputs[0]]
            may = entering not in outputs | {leaving} and overwrites_input(definition, layer, shapes)
            self.others.append(users[entering] & ~(1 << step) if may else 0)
            touched = {self.kept[name] for name in (*layer.inputs, *layer.outputs)}
            self.most.append(counted(self.bytes[name] for name in touched))
            self.least.append(self.most[step] - (min(self.bytes[entering], self.bytes[leaving]) if may else 0))

    def best(self) -> Found:
        """Bisection over the bytes that layers can hold; the most of them leaves every order."""
        bound = max(self.least)
        budgets = sorted({bytes for bytes in (*self.most, *self.least) if bytes >= bound})
        low, high, tried = 0, len(budgets) - 1, 0
        order: tuple[int, ...] | None = None
        while order is None or low < high:
            middle = (low + high) // 2
            within = self._within(budgets[middle])
            tried += 1
            if within is None:
                low = middle + 1
            else:
                order, high = within, middle
        return Found(order, budgets[high], tried)

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
