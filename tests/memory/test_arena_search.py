"""Addresses against exhaustive searches: all orders, all addresses, on instances small enough for that."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from naive_arena import (
    buffers,
    check_addresses,
    first_fit,
    heights,
    least_of_all_addresses,
    least_of_all_orders,
    lower_bound,
    random_buffers,
)

from costmodel.memory import Buffer
from costmodel.memory.arena_climb import Arrangement, climb
from costmodel.memory.arena_orders import GREEDY_ORDERS, addresses, candidates, lowest, order_of, tightest
from costmodel.memory.arena_places import held_by_step, neighbours_of, places_of
from costmodel.memory.arena_search import best_plan

ABOVE = buffers(
    (2, 0, 0), (4, 0, 2), (1, 1, 3), (2, 3, 3), (1, 1, 4), (2, 3, 4), (3, 4, 5), (3, 5, 5)
)  # fmt: skip
"""No step holds more than 6 bytes, and yet no arena has less than 7."""


def offsets_of(held: dict[str, Buffer], alignment: int = 1, **search: int) -> tuple[dict[str, int], int]:
    places = places_of(held, alignment)
    plan = best_plan(places, **search)
    named = zip(places, plan.addresses, strict=True)
    return {name: address for place, address in named for name in place.names}, plan.bytes


def full(seed: int, steps: int = 5, bytes: int = 6, most: int = 7) -> dict[str, Buffer]:
    """Buffers that together hold the same bytes in every step: no room to spare."""
    draw = Random(seed)
    while True:
        alive: list[tuple[int, int]] = []
        done: list[tuple[int, int, int]] = []
        for step in range(steps):
            ended = [each for each in alive if draw.random() < 0.5]
            done += [(size, start, step - 1) for size, start in ended]
            alive = [each for each in alive if each not in ended]
            while (room := bytes - sum(size for size, _ in alive)) > 0:
                alive.append((draw.randint(1, min(room, 4)), step))
        done += [(size, start, steps - 1) for size, start in alive]
        if len(done) <= most:
            return buffers(*done)


@settings(max_examples=60, deadline=None)
@given(random_buffers(most=6, largest=4))
def test_both_exhaustive_searches_agree_with_the_planner(held: dict[str, Buffer]) -> None:
    """First fit in the best order is the best there is: the two searches have nothing in common but the buffers."""
    least = least_of_all_orders(held)
    assert least == least_of_all_addresses(held)
    assert offsets_of(held)[1] == least


@pytest.mark.parametrize("seed", range(40))
def test_the_optimum_where_every_step_is_full(seed: int) -> None:
    held = full(seed)
    assert offsets_of(held)[1] == least_of_all_addresses(held) >= lower_bound(held) == 6


def test_an_optimum_above_the_lower_bound() -> None:
    plan = best_plan(places_of(ABOVE, 1))
    assert (plan.lower_bound_bytes, plan.bytes) == (6, 7)
    assert least_of_all_addresses(ABOVE) == 7


@settings(max_examples=150, deadline=None)
@given(random_buffers())
@pytest.mark.parametrize("alignment", [1, 16])
def test_addresses_are_valid_and_never_worse_than_greedy_by_size(alignment: int, held: dict[str, Buffer]) -> None:
    plan = best_plan(places_of(held, alignment), iterations=50)
    offsets, bytes = offsets_of(held, alignment, iterations=50)
    check_addresses(held, offsets, alignment)
    assert bytes == plan.bytes <= min(plan.greedy_by_size_bytes, plan.tflite_micro_bytes)
    assert bytes >= plan.lower_bound_bytes == lower_bound(held, alignment)
    assert bytes >= max(offsets[name] + buffer.bytes for name, buffer in held.items())


@settings(max_examples=60, deadline=None)
@given(random_buffers(largest=20))
def test_orders_by_size_against_first_fit(held: dict[str, Buffer]) -> None:
    columns = list(heights(held, 1).values())
    first = sorted(range(len(columns)), key=lambda at: (-max(columns[at]), at))
    last = sorted(range(len(columns)), key=lambda at: (-max(columns[at]), -at))
    plan = best_plan(places_of(held, 1), iterations=0)
    assert plan.greedy_by_size_bytes == first_fit([columns[at] for at in first])
    assert plan.tflite_micro_bytes == first_fit([columns[at] for at in last])


@settings(max_examples=60, deadline=None)
@given(random_buffers(largest=20))
def test_an_exchange_gives_what_a_new_arrangement_gives(held: dict[str, Buffer]) -> None:
    """Incremental addresses are those of first fit from scratch; an exchange that is refused leaves no trace."""
    places = places_of(held, 1)
    neighbours, sizes = neighbours_of(places), [place.bytes for place in places]
    turns = list(range(len(places)))
    state, draw = Arrangement(turns, neighbours, sizes), Random(0)
    for _ in range(20):
        first, second = draw.randrange(len(places)), draw.randrange(len(places))
        if state.exchange([(first, second)], limit=state.top):
            one, other = turns.index(first), turns.index(second)
            turns[one], turns[other] = turns[other], turns[one]
        assert state.addresses == addresses(turns, neighbours, lowest)
        assert state.ends == [address + size for address, size in zip(state.addresses, sizes, strict=True)]


def test_the_hill_climb_goes_from_the_worst_order_to_the_best() -> None:
    lowered = 0
    for seed in range(16):
        held = full(seed, steps=4, most=6)
        columns = list(heights(held, 1).values())
        tops = {turns: first_fit([columns[at] for at in turns]) for turns in permutations(range(len(columns)))}
        worst, least = max(tops, key=tops.__getitem__), min(tops.values())
        places = places_of(held, 1)
        neighbours, sizes = neighbours_of(places), [place.bytes for place in places]
        assert Arrangement(worst, neighbours, sizes).top == tops[worst]
        found = climb(worst, neighbours, sizes, least, iterations=500, seed=1)
        assert max(map(sum, zip(found, sizes, strict=True))) == least
        lowered += tops[worst] > least
    assert lowered > 8


def test_the_same_seed_gives_the_same_addresses() -> None:
    assert offsets_of(ABOVE, seed=3) == offsets_of(ABOVE, seed=3)
    assert best_plan(places_of(ABOVE, 1), iterations=0).strategy.startswith("greedy by ")


def test_greedy_orders_by_hand() -> None:
    held = buffers((4, 0, 1), (4, 1, 2), (1, 2, 6), (6, 3, 4))
    places = places_of(held, 1)
    total = held_by_step(places)
    assert total == [4, 8, 5, 7, 7, 1, 1]
    ready = candidates(places, total)
    orders = {name: "".join("abcd"[at] for at in order_of(ready, order)) for name, order in GREEDY_ORDERS.items()}
    assert orders == {
        "size": "dabc",
        "size_last": "dbac",
        "breadth": "abdc",  # step 1 holds 8: a and b; step 3 holds 7: d before c
        "start": "abcd",
        "urgency": "abcd",  # c and d are both of a step that holds 7, c is needed longer
        "lifetime": "cdab",
        "area": "dabc",
    }


def test_gaps_by_hand() -> None:
    taken = [(4, 10), (18, 20), (24, 30)]  # free: 0 to 4, 10 to 18, 20 to 24, 30 and above
    assert (lowest(taken), tightest(taken)) == (0, 0)
    assert (lowest([(-1, 10), (18, 20), (24, 30)]), tightest([(-1, 10), (18, 20), (24, 30)])) == (10, 20)
    assert (lowest([]), tightest([])) == (0, 0)
    assert (lowest([(-5, 7), (-3, 9)]), tightest([(-5, 7), (-3, 9)])) == (9, 9)


def test_places_change_their_size() -> None:
    chains = {
        "shrinks": buffers((90, 0, 2), (20, 2, 5, "a")),
        "grows": buffers((20, 0, 2), (90, 2, 5, "a")),
        "stays": buffers((90, 0, 2), (96, 2, 5, "a")),
        "at_once": buffers((20, 0, 2), (50, 2, 2, "a"), (30, 2, 3, "b")),
    }
    segments = {name: [tuple(each) for each in places_of(held, 16)[0].segments] for name, held in chains.items()}
    assert segments == {
        "shrinks": [(0, 2, 96), (3, 5, 32)],
        "grows": [(0, 1, 32), (2, 5, 96)],
        "stays": [(0, 5, 96)],
        "at_once": [(0, 1, 32), (2, 2, 64), (3, 3, 32)],
    }


def test_what_lies_above_a_place_that_shrinks() -> None:
    """c may begin at 20 as soon as the 90 bytes of a are gone, d not."""
    held = buffers((90, 0, 2), (20, 2, 5, "a"), (70, 3, 5), (5, 1, 2))
    offsets, bytes = offsets_of(held)
    check_addresses(held, offsets, 1)
    assert bytes == lower_bound(held) == 95
    assert neighbours_of(places_of(held, 1))[0] == ((2, 90, 5), (1, 20, 70))
