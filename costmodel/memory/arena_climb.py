"""A hill climb over the order in which places are given addresses."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from costmodel.memory.arena_orders import addresses, lowest
from costmodel.memory.arena_places import Neighbour

PATIENCE = 50
"""Exchanges without a lower end after which some are wide, as in Vela."""
WIDE = 4
"""One in so many is wide."""
RESTART = 500
"""Exchanges after which it begins anew from the order that it was given."""


class Arrangement:
    """Places in an order, each at the lowest address that those before it leave free.

    Only what an exchange reaches is worked out anew: the two places, those they share a step with, and on from each
    whose address changes.
    """

    def __init__(self, order: Sequence[int], neighbours: Sequence[Sequence[Neighbour]], bytes: Sequence[int]) -> None:
        self.neighbours, self.bytes = neighbours, bytes
        self.rank = [0] * len(order)
        for rank, place in enumerate(order):
            self.rank[place] = rank
        self.addresses = addresses(order, neighbours, lowest)
        self.ends = [address + size for address, size in zip(self.addresses, bytes, strict=True)]

    @property
    def top(self) -> int:
        """The highest end address."""
        return max(self.ends)

    def exchange(self, pairs: Sequence[tuple[int, int]], limit: int) -> bool:
        """Exchange the turns of pairs of places, or leave them where a place would end above the limit.

        Gives whether they were exchanged.
        """
        rank = self.rank
        stale: set[int] = set()
        for first, second in pairs:
            early, late = sorted((rank[first], rank[second]))
            rank[first], rank[second] = rank[second], rank[first]
            stale.update((first, second))
            for place in (first, second):  # only between the two has anyone other places before it than it had
                stale.update([other for other, _, _ in self.neighbours[place] if early < rank[other] < late])
        waiting = [(rank[place], place) for place in stale]
        heapify(waiting)
        before = []
        while waiting:
            turn, place = heappop(waiting)
            stale.discard(place)
            address = self._lowest(place)
            if address == self.addresses[place]:
                continue
            before.append((place, self.addresses[place]))
            self._put(place, address)
            if self.ends[place] > limit:
                self._undo(pairs, before)
                return False
            for other, _, _ in self.neighbours[place]:
                if rank[other] > turn and other not in stale:
                    stale.add(other)
                    heappush(waiting, (rank[other], other))
        return True

    def _undo(self, pairs: Sequence[tuple[int, int]], before: Sequence[tuple[int, int]]) -> None:
        for first, second in reversed(pairs):
            self.rank[first], self.rank[second] = self.rank[second], self.rank[first]
        for place, address in before:
            self._put(place, address)

    def involved(self, place: int, is_wide: bool) -> list[int]:
        """A place and those it shares a step with, each with the chain of places below on which it rests; where it
        `is_wide` also all that share a step with one of them."""
        found: dict[int, None] = {}
        for resting in (place, *(other for other, _, _ in self.neighbours[place])):
            while resting >= 0 and resting not in found:
                found[resting] = None
                resting = self._below(resting)
        if is_wide:
            found |= dict.fromkeys([other for each in found for other, _, _ in self.neighbours[each]])
        return list(found)

    def _lowest(self, place: int) -> int:
        turn, rank, chosen = self.rank[place], self.rank, self.addresses
        before = [(chosen[other], own, bytes) for other, own, bytes in self.neighbours[place] if rank[other] < turn]
        return lowest([(address - own, address + bytes) for address, own, bytes in before])

    def _put(self, place: int, address: int) -> None:
        self.addresses[place], self.ends[place] = address, address + self.bytes[place]

    def _below(self, place: int) -> int:
        """A place of an earlier turn that ends where this one begins, or -1."""
        address, turn = self.addresses[place], self.rank[place]
        for other, _, bytes in self.neighbours[place]:
            if self.addresses[other] + bytes == address and self.rank[other] < turn:
                return other
        return -1


def climb(
    order: Sequence[int],
    neighbours: Sequence[Sequence[Neighbour]],
    bytes: Sequence[int],
    least: int,
    iterations: int,
    seed: int,
) -> list[int]:
    """The best addresses found from an order by exchanging turns among the places that hold the highest end up.

    An exchange that would raise the highest end is not made. After `PATIENCE` exchanges without a lower one, one in
    `WIDE` is of two pairs, among the neighbours of those places too; every `RESTART` exchanges it begins anew. It ends
    after `iterations`, or when the highest end is `least`. The scheme is that of Vela's HillClimbAllocator
    (nxp-imx/ethos-u-vela, commit a6f65663db12), which does not begin anew and whose exchanges are all wide when stuck.
    """
    from random import Random

    draw = Random(seed).random  # the one method whose numbers are the same in every version of Python
    state = Arrangement(order, neighbours, bytes)
    best, found = state.top, list(state.addresses)
    top, stuck, known = best, 0, dict[bool, list[int]]()
    for iteration in range(iterations):
        if best <= least:
            break
        if iteration and iteration % RESTART == 0:
            state = Arrangement(order, neighbours, bytes)
            top, stuck = state.top, 0
            known.clear()
        is_wide = stuck > PATIENCE and draw() * WIDE < 1
        if is_wide not in known:
            known[is_wide] = state.involved(state.ends.index(top), is_wide)
        involved = known[is_wide]
        drawn = [involved[int(draw() * len(involved))] for _ in range(4 if is_wide else 2)]
        pairs = list(zip(drawn[::2], drawn[1::2], strict=True))
        stuck += 1
        if not state.exchange(pairs, top):
            continue
        known.clear()
        if state.top < top:
            top, stuck = state.top, 0
            if top < best:
                best, found = top, list(state.addresses)
    return found
