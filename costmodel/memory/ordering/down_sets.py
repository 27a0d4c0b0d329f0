"""How many sets of layers an execution can have behind it: the size of the search for the best order."""

from __future__ import annotations

from costmodel.graph import Graph
from costmodel.memory.ordering.precedence import after, before, needs_of, segments, steps_in

MAXIMUM_PIECES = 20_000
"""Pieces of a network that are looked at before the count is given up: half a second."""
MAXIMUM_DEPTH = 300
"""Pieces within pieces; far below Python's limit on calls."""


def count_down_sets(graph: Graph) -> int | None:
    """The number of reachable down-sets: sets of layers that hold, with each layer, all that it needs.

    A chain of n layers has n + 1, k chains of length L side by side have (L + 1)^k. None where the network is too
    entangled to count them.

    >>> from costmodel import load
    >>> vgg16 = load("vgg16")
    >>> len(vgg16.layers), count_down_sets(vgg16)
    (39, 40)
    """
    needs = needs_of(graph)
    try:
        return _Counter(before(needs), after(needs)).count((1 << len(needs)) - 1, MAXIMUM_DEPTH)
    except _TooManyError:
        return None


class _TooManyError(Exception):
    """More pieces than may be looked at."""


class _Counter:
    """Counts by cutting: series add, independent parts multiply, and otherwise a set has a certain layer or not."""

    def __init__(self, earlier: list[int], later: list[int]) -> None:
        self.earlier, self.later = earlier, later
        self.counted: dict[int, int] = {}

    def count(self, piece: int, depth: int) -> int:
        """The down-sets of some of the layers, in the order that the network gives them."""
        if piece & (piece - 1) == 0:
            return 2 if piece else 1
        if piece not in self.counted:
            if len(self.counted) >= MAXIMUM_PIECES or not depth:
                raise _TooManyError
            self.counted[piece] = 0  # takes its place in the number of pieces
            self.counted[piece] = self._cut(piece, depth - 1)
        return self.counted[piece]

    def _cut(self, piece: int, depth: int) -> int:
        steps = list(steps_in(piece))
        series = segments(self.earlier, steps) if len(steps) > 1 else []
        if len(series) > 1:  # the empty set, and what each part adds to all parts before it
            return 1 + sum(self.count(sum(1 << step for step in part), depth) - 1 for part in series)
        parts = self._independent(piece)
        if len(parts) > 1:
            total = 1
            for part in parts:
                total *= self.count(part, depth)
            return total
        step = self._pivot(piece, steps)
        without = piece & ~(self.later[step] | 1 << step)
        return self.count(without, depth) + self.count(piece & ~(self.earlier[step] | 1 << step), depth)

    def _independent(self, piece: int) -> list[int]:
        """The piece cut into parts of which no layer must run before or after a layer of another."""
        parts = []
        while piece:
            part = edge = piece & -piece
            while edge:
                step = edge.bit_length() - 1
                found = (self.earlier[step] | self.later[step]) & piece & ~part
                part |= found
                edge = edge & ~(1 << step) | found
            parts.append(part)
            piece &= ~part
        return parts

    def _pivot(self, piece: int, steps: list[int]) -> int:
        """The layer that cuts most off on both sides, of those the one nearest the middle."""
        middle = steps[len(steps) // 2]

        def cut(step: int) -> tuple[int, int]:
            sides = (self.earlier[step] & piece).bit_count() + 1, (self.later[step] & piece).bit_count() + 1
            return sides[0] * sides[1], -abs(step - middle)

        return max(steps, key=cut)
