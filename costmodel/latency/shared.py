"""What predictions of one network share: its rows, and the constants that a runtime gives them. Kept for a while."""

from __future__ import annotations

import threading
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
from costmodel.workloads.rows import Row, Workload

PLAIN = frozenset({int, float})
MOST_ROWS = 200_000
"""Rows that are remembered with their constants: some 70 MB, or 40 networks of 100 layers under every runtime."""


@record
class Rows:
    """The rows of a graph under a fold rule; `is_swept` where sizes are arrays over variants."""

    graph: Graph
    rows: Mapping[str, Row]
    is_swept: bool


class _Kept:
    """Results about an object, the oldest forgotten when together they have too many rows. A result keeps its object
    alive, so that the id in its key stays the object's own."""

    def __init__(self) -> None:
        self._results: OrderedDict[tuple[Any, ...], tuple[Any, Any, int]] = OrderedDict()
        self._rows = 0
        self._lock = threading.Lock()

    def get(self, of: Any, key: tuple[Any, ...] = ()) -> Any:
        """The result of that key about that object; None where it is not remembered."""
        found = self._results.get((id(of), *key))
        return None if found is None else found[1]

    def keep(self, of: Any, key: tuple[Any, ...], result: Any, rows: int) -> None:
        """Remember a result that has so many rows, in place of one with that key."""
        with self._lock:
            *_, before = self._results.pop((id(of), *key), (0,))
            self._results[id(of), *key] = of, result, rows
            self._rows += rows - before
            while self._rows > MOST_ROWS:
                self._rows -= self._results.popitem(last=False)[1][2]


_applied, _rows, _workloads, _prepared = _Kept(), _Kept(), _Kept(), _Kept()


def shared_rows(graph: Graph, shapes: Mapping[str, Shape], fusion: Fusion) -> Rows:
    """The rows of a graph, made once while they are remembered; those of a sweep, which are large, every time."""
    found: Rows | None = _rows.get(graph, (fusion,))
    if found is None:
        applied = _applied_to(graph, shapes)
        rows = rows_of(graph, shapes, fusion, applied)
        found = Rows(graph, rows, _is_swept(rows))
        if found.is_swept:
            applied.clear()
        else:
            _rows.keep(graph, (fusion,), found, len(graph.layers))
    return found


def _is_swept(rows: Mapping[str, Row]) -> bool:
    """Whether any size is an array; told by types first, since most sizes are plain numbers."""
    different = {id(row): row for row in rows.values()}.values()
    if {type(size) for row in different for size in row.sizes} <= PLAIN >= {type(row.repeats) for row in different}:
        return False
    return any(is_array(size) for row in different for size in (*row.sizes, row.repeats))


def _applied_to(graph: Graph, shapes: Mapping[str, Shape]) -> dict[tuple[int, ...], Row | None]:
    """Rows of the graph by the ids of what they are made of, which the shapes beside them keep alive."""
    found = _applied.get(graph)
    if found is None or found[0] is not shapes:
        found = shapes, {}
        _applied.keep(graph, (), found, len(graph.layers))
    applied: dict[tuple[int, ...], Row | None] = found[1]
    return applied


def asked_of(family: Family, conditions: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the conditions that rules of a family ask for."""
    return tuple([str(conditions.get(name, "")) for name in family.conditions])


def shared_constants(rows: Rows, family: Family, conditions: Mapping[str, Any], batch: int) -> Prepared:
    """The constants of these rows under the rules of a family, made once while they are remembered."""
    key = id(family), asked_of(family, conditions), batch
    found = _prepared.get(rows, key)
    if found is None:
        found = family, prepared(_workload(rows), family, conditions, batch)
        _prepared.keep(rows, key, found, len(rows.rows))
    made: Prepared = found[1]
    return made


def _workload(rows: Rows) -> Workload:
    found: Workload | None = _workloads.get(rows)
    if found is None:
        found = workload_of_rows(rows.graph.name, rows.rows)
        _workloads.keep(rows, (), found, len(rows.rows))
    return found
