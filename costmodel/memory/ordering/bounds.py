"""What an order holds, and what every order must hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costmodel.memory.ordering.units import START, Plan, Unit


def held_by_unit(units: Sequence[Unit], start_bytes: int, order: Iterable[int]) -> tuple[list[int], list[int]]:
    """The most that is held while each unit runs, in an order, and the bytes held before each."""
    done, level = 0, start_bytes
    held, levels = [], []
    for at in order:
        peak, change = units[at].effect(done)
        held.append(level + peak)
        levels.append(level)
        done, level = done | 1 << at, level + change
    return held, levels


def least_held(plan: Plan, unit: int, earlier: int, later: int) -> int:
    """What is held in any order while the first layer of a unit runs, given the units that must run before and after.

    That is what it writes, and every buffer that a unit before it makes and it, or a unit after it, reads.
    """
    doing = plan.units[unit]
    at_or_after = later | 1 << unit | 1 << len(plan.units)
    held = doing.written_bytes + sum(
        buffer.bytes
        for buffer in plan.buffers
        if buffer.readers & at_or_after and (buffer.maker == START or earlier >> buffer.maker & 1)
    )
    if doing.overwritten is not None and not doing.overwritten[0] & later:
        held -= doing.overwritten[1]
    return held


def part_of(units: Sequence[Unit], places: Iterable[int]) -> tuple[Unit, ...]:
    """Units in a row as a network of their own: all before them have run, none after them ever will."""
    places = list(places)
    start, inside = places[0], (1 << len(places)) - 1

    def conditions(old: tuple[int, int] | None) -> tuple[tuple[int, int], ...]:
        """The same condition on the units that are left, if they can meet it."""
        if old is None or (others := old[0] >> start) & ~inside:
            return ()
        return ((others, old[1]),)

    return tuple(
        Unit(
            unit.layers,
            unit.needs >> start & inside,
            unit.written_bytes,
            unit.kept_bytes,
            next(iter(conditions(unit.overwritten)), None),
            tuple(kept for freed in unit.freed for kept in conditions(freed)),
            unit.later_peak_bytes,
            unit.later_change_bytes,
        )
        for unit in units[start : places[-1] + 1]
    )
