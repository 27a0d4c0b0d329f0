"""The order of a plan's units with the least peak: segment by segment, with ever smaller budgets."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.memory.ordering.bounds import held_by_unit, least_held, part_of
from costmodel.memory.ordering.links import linked
from costmodel.memory.ordering.precedence import after, before, segments
from costmodel.memory.ordering.search import OrderSearch
from costmodel.memory.ordering.units import Plan, Unit
from costmodel.records import record


@record
class Found:
    """An order of all layers, by their positions in the file, and what no order can be below. `states` is the number of
    sets of units that were looked at."""

    layers: tuple[int, ...]
    lower_bound_bytes: int
    states: int


def best_order(plan: Plan, limit: int) -> Found:
    """The order of the layers with the least peak, or the best found where a search stops at its limit.

    Segments whose file order stays below what another one needs in any order are left as they are.
    """
    places = range(len(plan.units))
    held, levels = held_by_unit(plan.units, plan.start_bytes, places)
    earlier = before([unit.needs for unit in plan.units])
    bound = _bound(plan, held, earlier)
    parts = segments(earlier, places)
    peaks = [max(held[part[0] : part[-1] + 1]) for part in parts]
    layers = [[layer for unit in part for layer in plan.units[unit].layers] for part in parts]
    reached, states = bound, 0
    for at in sorted(range(len(parts)), key=lambda at: -peaks[at]):
        if peaks[at] > reached:
            units = linked(part_of(plan.units, parts[at]))
            descent = _descend(units, levels[parts[at][0]], peaks[at], reached, limit)
            layers[at] = descent.layers or layers[at]
            reached, states = max(reached, descent.bytes), states + descent.states
            bound = max(bound, descent.bytes if descent.is_least else 0)
    return Found((*plan.opening, *(layer for part in layers for layer in part)), bound, states)


def _bound(plan: Plan, held: Sequence[int], earlier: Sequence[int]) -> int:
    """The most that some layer needs in any order, given what is held while each unit runs in file order."""
    later = after([unit.needs for unit in plan.units])
    bound = plan.opening_bytes
    for unit in sorted(range(len(held)), key=lambda unit: -held[unit]):
        if held[unit] <= bound:
            break
        bound = max(bound, least_held(plan, unit, earlier[unit], later[unit]))
    return bound


@record
class _Descent:
    """The layers of a segment in the best order found, none where it is the file's, and whether none is better."""

    layers: list[int]
    bytes: int
    is_least: bool
    states: int


def _descend(units: Sequence[Unit], start_bytes: int, bytes: int, enough: int, limit: int) -> _Descent:
    """Search a segment with the budget one below the best, until there is no better order or it is good enough."""
    search, states = OrderSearch(units, start_bytes), 0
    layers: list[int] = []
    while bytes > enough:
        attempt = search.within(bytes - 1, limit)
        states += attempt.states
        if attempt.order is None:
            return _Descent(layers, bytes, attempt.is_complete, states)
        layers = [layer for unit in attempt.order for layer in units[unit].layers]
        bytes = max(held_by_unit(units, start_bytes, attempt.order)[0])
    return _Descent(layers, bytes, False, states)
