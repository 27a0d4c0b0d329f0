"""The best addresses that the greedy orders and the hill climb find."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from costmodel.memory.arena_climb import climb
from costmodel.memory.arena_orders import GAPS, GREEDY_ORDERS, addresses, candidates, order_of
from costmodel.memory.arena_places import Place, held_by_step, neighbours_of
from costmodel.records import record

ITERATIONS = 2000
"""Tries of the hill climb. All bundled networks end at the lower bound within them."""
GREEDY_BY_SIZE, TFLITE_MICRO = ("size", "lowest"), ("size_last", "lowest")
WAYS = tuple(dict.fromkeys((GREEDY_BY_SIZE, TFLITE_MICRO, *product(GREEDY_ORDERS, GAPS))))
"""Orders and gaps as they are tried; the first two always are."""


@record
class Plan:
    """An address for every place, the highest end address, the least there can be, those of TensorFlow Lite Micro's
    planner until 2020 and since, and in words how these addresses were found."""

    addresses: Sequence[int]
    bytes: int
    lower_bound_bytes: int
    greedy_by_size_bytes: int
    tflite_micro_bytes: int
    strategy: str


def best_plan(places: tuple[Place, ...], iterations: int = ITERATIONS, seed: int = 1) -> Plan:
    """Greedy orders one after the other, then a hill climb from the best; ends where no arena can be smaller."""
    held = held_by_step(places)
    sizes, neighbours = [place.bytes for place in places], neighbours_of(places)
    ready, least = candidates(places, held), max(held)
    tops: dict[tuple[str, str], int] = {}
    best: Sequence[int] = ()
    strategy = ""
    for order, gap in WAYS:
        turns = order_of(ready, GREEDY_ORDERS[order])
        found = addresses(turns, neighbours, GAPS[gap])
        top = _top(found, sizes)
        if not tops or top < min(tops.values()):
            best, strategy = found, f"greedy by {order}, {gap} gap"
            start = turns if gap == "lowest" else sorted(turns, key=found.__getitem__)
        tops[order, gap] = top
        if min(tops.values()) == least and TFLITE_MICRO in tops:
            break
    greedy = min(tops.values())
    if greedy > least and iterations:
        climbed = climb(start, neighbours, sizes, least, iterations, seed)
        if _top(climbed, sizes) < greedy:
            best, strategy = climbed, f"hill climb from {strategy}"
    return Plan(best, _top(best, sizes), least, tops[GREEDY_BY_SIZE], tops[TFLITE_MICRO], strategy)


def _top(addresses: Sequence[int], sizes: Sequence[int]) -> int:
    """The highest end address."""
    return max(map(sum, zip(addresses, sizes, strict=True)))
