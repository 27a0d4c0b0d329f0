"""A grid of parameter values, cut into parts that have one structure and fit into memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from costmodel.errors import StructureError
from costmodel.graph import Graph
from costmodel.records import record
from costmodel.specs.catalogue import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

POINTS_AT_ONCE = 2**17
"""Variants counted together: few enough that their arrays stay near the processor, many enough to pay for a walk."""


@record
class Grid:
    """A network with an axis for every parameter whose values are numbers."""

    network: str
    fixed: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def graph(self, part: Mapping[str, NDArray[Any]]) -> Graph:
        """The graph of a part of the grid: each parameter an array along its own axis."""
        count = len(self.arrays)
        swept = {
            name: values[part[name]].reshape([-1 if at == axis else 1 for at in range(count)])
            for axis, (name, values) in enumerate(self.arrays.items())
        }
        return load(self.network, **self.fixed, **swept)


Part = Mapping[str, Any]
"""Positions along each axis."""


def costed(grid: Grid, part: Part, cost: Callable[[Graph], T], at_once: int | None = None) -> Iterator[tuple[Part, T]]:
    """What `cost` makes of the graph of each part, cut up first until each piece has one structure, then into pieces of
    so many points at most, by default POINTS_AT_ONCE. Costs may find structures of their own."""
    try:
        graph = grid.graph(part)
    except StructureError as error:
        for own in _apart(part, error):
            yield from costed(grid, own, cost, at_once)
    else:
        pieces = list(_pieces(part, at_once or POINTS_AT_ONCE))
        for piece in pieces:
            yield from _costed(grid, piece, graph if len(pieces) == 1 else grid.graph(piece), cost)


def _costed(grid: Grid, part: Part, graph: Graph, cost: Callable[[Graph], T]) -> Iterator[tuple[Part, T]]:
    try:
        made = cost(graph)
    except StructureError as error:
        for own in _apart(part, error):
            yield from _costed(grid, own, grid.graph(own), cost)
    else:
        yield part, made


def _apart(part: Part, error: StructureError) -> list[Part]:
    """The part cut up along an axis by the value that differs within it."""
    axis, groups = _split(error.values, len(part))
    name = list(part)[axis]
    return [{**part, name: part[name][rows]} for rows in groups]


def _split(values: Any, axes: int) -> tuple[int, list[NDArray[Any]]]:
    """An axis along which a value that decides structure differs, and the positions that agree."""
    import numpy

    values = values.reshape((1,) * (axes - values.ndim) + values.shape)
    for axis in range(axes):
        rows = numpy.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
        distinct, group_of = numpy.unique(rows, axis=0, return_inverse=True)
        if len(distinct) > 1:
            return axis, [numpy.flatnonzero(group_of.ravel() == group) for group in range(len(distinct))]
    raise AssertionError("a structure error without a difference")


def _pieces(part: Part, at_once: int) -> Iterator[Part]:
    points = math.prod(len(rows) for rows in part.values())
    if points <= at_once:
        yield part
        return
    name = next(name for name, rows in part.items() if len(rows) > 1)
    rows = part[name]
    step = max(1, at_once * len(rows) // points)
    for start in range(0, len(rows), step):
        yield from _pieces({**part, name: rows[start : start + step]}, at_once)
