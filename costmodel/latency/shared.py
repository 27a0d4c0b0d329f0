"""What predictions of one network share: its rows, and the constants that a runtime gives them. Kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.fusion import Fusion
from costmodel.graph import Graph, Shape
from costmodel.latency.families import Family
from costmodel.latency.prepared import Prepared, prepared
from costmodel.records import record
from costmodel.workloads.layers import rows_of, workload_of_rows
from costmodel.workloads.rows import Row

MOST_KEPT = 64
"""Networks under a fold rule, and runtimes on these, that are remembered."""


@record
class Rows:
    """The rows of a graph under a fold rule; `is_swept` where sizes are arrays over variants."""

    graph: Graph
    rows: Mapping[str, Row]
    is_swept: bool


_rows: OrderedDict[tuple[Any, ...], Rows] = OrderedDict()
_prepared: OrderedDict[tuple[Any, ...], tuple[Rows, Prepared]] = OrderedDict()


def shared_rows(graph: Graph, shapes: Mapping[str, Shape], fusion: Fusion) -> Rows:
    """The rows of a graph, made once while they are remembered."""
    key = id(graph), fusion
    found = _rows.get(key)
    if found is None or found.graph is not graph:
        rows = rows_of(graph, shapes, fusion)
        different = {id(row): row for row in rows.values()}.values()
        swept = any(is_array(size) for row in different for size in row.sizes)
        found = Rows(graph, rows, swept)
        _remember(_rows, key, found)
    return found


def shared_constants(rows: Rows, family: Family, conditions: Mapping[str, Any], batch: int) -> Prepared:
    """The constants of these rows under the rules of a family, made once while they are remembered."""
    asked = tuple(str(conditions.get(name, "")) for name in family.conditions)
    key = id(rows), family.name, id(family), asked, batch
    found = _prepared.get(key)
    if found is None or found[0] is not rows:
        workload = workload_of_rows(rows.graph.name, rows.rows)
        found = rows, prepared(workload, family, conditions, batch)
        _remember(_prepared, key, found)
    return found[1]


def _remember(kept: OrderedDict[tuple[Any, ...], Any], key: tuple[Any, ...], value: Any) -> None:
    kept[key] = value
    if len(kept) > MOST_KEPT:
        kept.popitem(last=False)
