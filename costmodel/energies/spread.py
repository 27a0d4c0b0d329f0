"""The same work by every table: tables of energies differ several times, and one number alone hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.energies.estimate import EnergyEstimate, served_estimate
from costmodel.energies.prices import missing_entry
from costmodel.energies.tables import EnergyTable, load_table, tables
from costmodel.errors import PredictionError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = ("compute_joules", "memory_joules", "joules")


def spread_of(estimate: EnergyEstimate) -> dict[str, list[Any]]:
    """A row for every table of joules that has the number format: its compute, memory and total joules.

    The bytes are served by the same memories in each. `estimated` are the entries used that no document confirms,
    `uncounted` what the table has no energy for. Memory is None for tables that have none; relative tables are left
    out, their unit is not the joule.

    Raises: PredictionError for power x time, which uses no table.
    """
    if estimate.table is None or estimate.hierarchy is None or estimate.serving is None:
        raise PredictionError("power x time uses no table of energies: there is no spread between tables")
    found = [served_estimate(estimate.work, table, estimate.hierarchy, estimate.serving) for table in _able(estimate)]
    chosen = [each.table for each in found if each.table is not None]
    return {
        "table": [table.name for table in chosen],
        "technology": [table.technology for table in chosen],
        "compute_joules": [each.compute_joules for each in found],
        "memory_joules": [each.memory_joules for each in found],
        "joules": [each.joules for each in found],
        "estimated": [", ".join(each.estimated) for each in found],
        "uncounted": [", ".join(each.uncounted) for each in found],
    }


def _able(estimate: EnergyEstimate) -> Iterator[EnergyTable]:
    """The bundled tables of joules that have what the work needs, and the estimate's own."""
    own = estimate.table
    assert own is not None
    for name in tables():
        table = own if own.name == name else load_table(name)
        if table.unit == "joule" and not missing_entry(estimate.work, table):
            yield table
    if own.name not in tables() and own.unit == "joule":
        yield own


def ratios(spread: dict[str, list[Any]]) -> dict[str, float | None]:
    """The greatest of the tables over the least, for compute, memory and both; None for fewer than two numbers.

    The total only of tables that have memories: compute alone is no total.

    >>> ratios({"compute_joules": [1.0, 4.0], "memory_joules": [None, 2.0], "joules": [1.0, 6.0]})
    {'compute_joules': 4.0, 'memory_joules': None, 'joules': None}
    """
    result: dict[str, float | None] = {}
    for part in PARTS:
        values = [
            value
            for value, memory in zip(spread[part], spread["memory_joules"], strict=True)
            if value and (part == "compute_joules" or memory is not None)
        ]
        result[part] = max(values) / min(values) if len(values) > 1 else None
    return result
