"""Arenas the slow way, buffer by buffer and step by step: what the planner is checked against."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations

from hypothesis import strategies as st

from costmodel.memory import Buffer


def buffers(*given: tuple[int, int, int] | tuple[int, int, int, str]) -> dict[str, Buffer]:
    """Buffers a, b, c, ... of (bytes, start, stop) or (bytes, start, stop, what it overwrites)."""
    made = [Buffer("abcdefghijklmnop"[at], *each) for at, each in enumerate(given)]
    return {buffer.name: buffer for buffer in made}


def root(name: str, held: Mapping[str, Buffer]) -> str:
    """The first buffer of those that one after the other begin at the same address."""
    return root(held[name].overwrites, held) if held[name].overwrites else name


def steps_of(held: Mapping[str, Buffer]) -> range:
    return range(max(buffer.stop for buffer in held.values()) + 1)


def check_addresses(held: Mapping[str, Buffer], offsets: Mapping[str, int], alignment: int) -> None:
    """Every address is aligned; in no step do two buffers overlap, unless one is written over the other."""
    assert all(offset >= 0 and offset % alignment == 0 for offset in offsets.values())
    for name, buffer in held.items():
        if buffer.overwrites:
            assert offsets[name] == offsets[buffer.overwrites]
    for step in steps_of(held):
        alive = [name for name, buffer in held.items() if buffer.start <= step <= buffer.stop]
        for one, other in combinations(alive, 2):
            if root(one, held) != root(other, held):
                low, high = sorted((one, other), key=lambda name: offsets[name])
                assert offsets[low] + held[low].bytes <= offsets[high], (step, low, high)


def heights(held: Mapping[str, Buffer], alignment: int) -> dict[str, list[int]]:
    """For each address to be given the aligned bytes held there in every step."""
    found = {name: [0] * len(steps_of(held)) for name in held if not held[name].overwrites}
    for name, buffer in held.items():
        for step in range(buffer.start, buffer.stop + 1):
            column = found[root(name, held)]
            column[step] = max(column[step], -(-buffer.bytes // alignment) * alignment)
    return found


def lower_bound(held: Mapping[str, Buffer], alignment: int = 1) -> int:
    return max(map(sum, zip(*heights(held, alignment).values(), strict=True)))


def fits(mine: list[int], at: int, other: list[int], other_at: int) -> bool:
    """Whether two columns overlap in no step."""
    return all(
        not own or not others or at + own <= other_at or other_at + others <= at
        for own, others in zip(mine, other, strict=True)
    )


def first_fit(columns: list[list[int]]) -> int:
    """The highest end when each in turn is put at the lowest address that is free."""
    placed: list[tuple[list[int], int]] = []
    for column in columns:
        at = 0
        while not all(fits(column, at, other, other_at) for other, other_at in placed):
            at += 1
        placed.append((column, at))
    return max(at + max(column) for column, at in placed)


def least_of_all_orders(held: Mapping[str, Buffer]) -> int:
    """The least that first fit gives in any order."""
    return min(map(first_fit, map(list, permutations(heights(held, 1).values()))))


def least_of_all_addresses(held: Mapping[str, Buffer]) -> int:
    """The least for which some choice of addresses fits."""
    columns = list(heights(held, 1).values())
    most = lower_bound(held)
    while not _room(columns, [], most):
        most += 1
    return most


def _room(columns: list[list[int]], placed: list[tuple[list[int], int]], most: int) -> bool:
    if not columns:
        return True
    first, *rest = columns
    return any(
        all(fits(first, at, other, other_at) for other, other_at in placed)
        and _room(rest, [*placed, (first, at)], most)
        for at in range(most - max(first) + 1)
    )


@st.composite
def random_buffers(draw: st.DrawFn, most: int = 12, largest: int = 200) -> dict[str, Buffer]:
    """Up to `most` buffers, some written over another one."""
    held: dict[str, Buffer] = {}
    free: list[str] = []
    for at in range(draw(st.integers(1, most))):
        name = f"b{at}"
        over = draw(st.sampled_from(["", "", *free]))
        start = held[over].stop if over else draw(st.integers(0, 8))
        held[name] = Buffer(name, draw(st.integers(1, largest)), start, start + draw(st.integers(0, 3)), over)
        free.append(name)
        if over:
            free.remove(over)
    return held
