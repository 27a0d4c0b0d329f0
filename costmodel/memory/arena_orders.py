"""The known greedy ways to give addresses: orders in which places are taken, and the gap each is put into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from costmodel.memory.arena_places import Neighbour, Place
from costmodel.records import record


@record
class Candidate:
    """What orders sort places by: number, bytes, first and last step, the most bytes that all places together hold in
    one of its steps, and the first step in which they do."""

    index: int
    bytes: int
    start: int
    stop: int
    urgency: int
    urgent_at: int

    @property
    def steps(self) -> int:
        """How many steps need it."""
        return self.stop - self.start + 1


@record
class GreedyOrder:
    """An order in which places are given addresses: ascending by `key`."""

    name: str
    meaning: str
    key: Callable[[Candidate], Any]
    source: str


GREEDY_ORDERS = {
    order.name: order
    for order in (
        GreedyOrder(
            "size",
            "the largest first, equal ones as the steps come",
            lambda place: (-place.bytes, place.index),
            "TensorFlow Lite Micro, GreedyMemoryPlanner until 2020 (with the lowest gap); Pisarchyk and Lee, "
            "arXiv:2001.03288, greedy by size (with the smallest gap)",
        ),
        GreedyOrder(
            "size_last",
            "the largest first, of equal ones the last first",
            lambda place: (-place.bytes, -place.index),
            "tensorflow/tflite-micro, commits a37043ff7a42 (2021) to 90b983c2b3f1, GreedyMemoryPlanner (with the "
            "lowest gap), for files that list their tensors in order of execution",
        ),
        GreedyOrder(
            "breadth",
            "step by step, the step that holds most first; in a step the largest first",
            lambda place: (-place.urgency, place.urgent_at, -place.bytes, place.index),
            "Pisarchyk and Lee, arXiv:2001.03288, greedy by breadth (with the smallest gap)",
        ),
        GreedyOrder(
            "start",
            "as the steps come; of those that start together the one that stays longest",
            lambda place: (place.start, -place.stop, place.index),
            "Vela 3.10 (nxp-imx/ethos-u-vela, commit a6f65663db12), greedy allocation (with the smallest gap)",
        ),
        GreedyOrder(
            "urgency",
            "those of the step that holds most first, and of these the one that is needed longest",
            lambda place: (-place.urgency, -place.steps, place.start, -place.bytes, place.index),
            "Vela 3.10 (nxp-imx/ethos-u-vela, commit a6f65663db12), where its hill climb starts (with the lowest gap)",
        ),
        GreedyOrder(
            "lifetime",
            "the one that is needed longest first",
            lambda place: (-place.steps, -place.bytes, place.index),
            "",
        ),
        GreedyOrder(
            "area",
            "the largest product of bytes and steps first",
            lambda place: (-place.bytes * place.steps, place.index),
            "",
        ),
    )
}

Gap = Callable[[list[tuple[int, int]]], int]
"""An address outside of intervals, each above its first and below its second number."""


def lowest(taken: list[tuple[int, int]]) -> int:
    """The lowest address that is free.

    >>> lowest([(8, 24), (-16, 4)])
    4
    """
    address = 0
    for low, high in sorted(taken):
        if low >= address:
            break
        if high > address:
            address = high
    return address


def tightest(taken: list[tuple[int, int]]) -> int:
    """The lowest address in the gap that leaves least room, above all where nothing else is free.

    >>> tightest([(8, 24), (26, 40), (-16, 4)])
    24
    """
    address, best, least = 0, -1, -1
    for low, high in sorted(taken):
        if low >= address and not 0 <= least <= low - address:
            best, least = address, low - address
        if high > address:
            address = high
    return address if best < 0 else best


GAPS: dict[str, Gap] = {"lowest": lowest, "smallest": tightest}


def candidates(places: Sequence[Place], held: list[int]) -> list[Candidate]:
    """What orders sort by, given the bytes that all places hold in every step."""
    found = []
    for index, place in enumerate(places):
        during = held[place.start : place.stop + 1]
        most = max(during)
        found.append(Candidate(index, place.bytes, place.start, place.stop, most, place.start + during.index(most)))
    return found


def order_of(places: list[Candidate], order: GreedyOrder) -> list[int]:
    """Numbers of the places in an order."""
    return list(map(attrgetter("index"), sorted(places, key=order.key)))


def addresses(order: Sequence[int], neighbours: Sequence[Sequence[Neighbour]], gap: Gap) -> list[int]:
    """The address of every place when they are taken in an order and each is put into a gap between those before it.

    With the lowest gap some order gives the best addresses there are: that in which the best addresses ascend.
    """
    chosen = [-1] * len(order)
    for index in order:
        chosen[index] = gap(
            [
                (chosen[other] - own, chosen[other] + bytes)
                for other, own, bytes in neighbours[index]
                if chosen[other] >= 0
            ]
        )
    return chosen
