"""The same work by every table: tables of energies differ several times, and one number alone hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.energies.estimate import EnergyEstimate, served_estimate
from costmodel.energies.operations import lacking
from costmodel.energies.tables import EnergyTable, load_table, tables
from costmodel.errors import PredictionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARTS = ("compute_joules", "memory_joules", "joules")


def spread_of(estimate: EnergyEstimate) -> dict[str, list[Any]]:
    """A row for every table of joules that has the number format: its compute, memory and total joules.

    The bytes are served by the same memories in each. `estimated` are the entries used that no document confirms,
    `uncounted` what the table has no energy for. Memory and total are None for a table that has no energy for bytes
    that the estimate's own table counts. A table of one's own with the name of a bundled one has "(own)" behind it.
    Relative tables are left out, their unit is not the joule.

    Raises: PredictionError for power x time, which uses no table, and for a relative table.
    """
    if estimate.table is None or estimate.hierarchy is None or estimate.serving is None:
        raise PredictionError("power x time uses no table of energies: there is no spread between tables")
    if estimate.unit != "joule":
        raise PredictionError(
            f"{estimate.table.name} is in energies of one multiply-accumulate: the spread compares tables in joules"
        )
    rows = [
        (label, served_estimate(estimate.work, table, estimate.hierarchy, estimate.serving))
        for label, table in _able(estimate)
    ]
    found = [each for _, each in rows]
    own = _left_out(estimate.uncounted)["bytes"]
    memory = [each.memory_joules if _left_out(each.uncounted)["bytes"] <= own else None for each in found]
    return {
        "table": [label for label, _ in rows],
        "technology": [each.table.technology for each in found if each.table is not None],
        "compute_joules": [each.compute_joules for each in found],
        "memory_joules": memory,
        "joules": [None if moved is None else each.joules for moved, each in zip(memory, found, strict=True)],
        "estimated": [", ".join(each.estimated) for each in found],
        "uncounted": [", ".join(each.uncounted) for each in found],
    }


def left_out_tables(estimate: EnergyEstimate) -> dict[str, str]:
    """The bundled tables that the spread leaves out, each with why: what it lacks, or its unit."""
    reasons = {}
    for name in tables():
        table = load_table(name)
        reason = lacking(estimate.work, table)
        if table.unit != "joule":
            reasons[name] = "no joules"
        elif reason:
            reasons[name] = f"no {reason}"
    return reasons


def _able(estimate: EnergyEstimate) -> Iterator[tuple[str, EnergyTable]]:
    """The bundled tables of joules that have what the work needs, and the estimate's own, each with its label."""
    own = estimate.table
    assert own is not None
    for name in tables():
        table = load_table(name)
        if table.unit == "joule" and not lacking(estimate.work, table):
            yield name, table
    if label_of(own) not in tables():
        yield label_of(own), own


def label_of(table: EnergyTable) -> str:
    """The name of a table in a spread."""
    if table.name not in tables() or table == load_table(table.name):
        return table.name
    return f"{table.name} (own)"


def ratios(spread: dict[str, list[Any]], own: str) -> dict[str, tuple[float, int] | None]:
    """The greatest of the tables over the least, and how many they are, for compute, memory and both; None for one.

    Only tables that leave out the same as the table `own` are compared: the same operations for compute, the same bytes
    for memory, both for the total.

    >>> spread = {"table": ["a", "b", "c"], "compute_joules": [1.0, 4.0, 9.0], "memory_joules": [2.0, 2.0, 6.0],
    ...           "joules": [3.0, 6.0, 15.0], "uncounted": ["", "adds", ""]}
    >>> ratios(spread, "a")
    {'compute_joules': (9.0, 2), 'memory_joules': (3.0, 3), 'joules': (5.0, 2)}
    """
    at = spread["table"].index(own)
    left_out = [_left_out(set(text.split(", ")) - {""}) for text in spread["uncounted"]]
    result: dict[str, tuple[float, int] | None] = {}
    for part, relevant in zip(PARTS, (("operations",), ("bytes",), ("operations", "bytes")), strict=True):
        values = [
            value
            for value, names in zip(spread[part], left_out, strict=True)
            if value and all(names[each] == left_out[at][each] for each in relevant)
        ]
        result[part] = (max(values) / min(values), len(values)) if len(values) > 1 else None
    return result


def _left_out(names: Iterable[str]) -> dict[str, set[str]]:
    """What a table has no energy for, operations and bytes apart."""
    moved = {name for name in names if "bytes" in name}
    return {"operations": set(names) - moved, "bytes": moved}
