"""What PyTorch executes for one layer of a graph where that is several kernels, or reads more than the layer counts.

A sum of n tensors is n - 1 sums of two. A learned table is the second operand of a sum. Where it is added to the
scores of an attention, queries are scaled by a kernel, the table is gathered from one entry per relative position, and
heads of several windows are copied into order before they are multiplied, each by a kernel of its own. An enlarged
map is read once for every result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import maximum
from costmodel.graph import Graph, Layer, Shape
from costmodel.records import replace
from costmodel.workloads.rows import SIZES, Row

AT = {name: place for place, name in enumerate(SIZES)}
WINDOWS = "windows"
"""The axis of a tensor that no learned table has: it is the same in every window."""


class Unfused:
    """The rows of the layers of one graph."""

    def __init__(self, graph: Graph, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._made_by = {name: layer for layer in graph.layers for name in layer.outputs}
        self._biased = {
            made.name
            for layer in graph.layers
            if layer.operator.verb == "learned" and (made := self._maker(layer.inputs[0], "matmul"))
        }

    def rows(self, layer: Layer, row: Row) -> dict[str, Row]:
        """The row of a layer in two-operand kernels, after those that PyTorch executes before it."""
        verb = layer.operator.verb
        found: dict[str, Row] = {}
        if verb == "matmul":
            found = self._before_product(layer, row)
        elif verb == "learned":
            table = _table(self._shapes[layer.inputs[0]])
            if self._maker(layer.inputs[0], "matmul"):
                found[f"{layer.name}.gather"] = _moving("copy", "gather", row, table, layer)
            row = _with_input(row, _size(row, "output_elements") + table, operator="add")
        elif verb == "add" and len(layer.inputs) > 2:
            row = _with_input(row, 2 * _size(row, "output_elements"), repeats=row.repeats * (len(layer.inputs) - 1))
        elif verb == "resize":
            row = _with_input(row, maximum(_size(row, "input_elements"), _size(row, "output_elements")))
        return found | {layer.name: row}

    def _before_product(self, layer: Layer, row: Row) -> dict[str, Row]:
        """Scaled queries and copies of heads."""
        found = {}
        if layer.name in self._biased:
            queries = self._shapes[layer.inputs[0]].elements
            found[f"{layer.name}.scaled"] = _moving("elementwise", "multiply", row, queries, layer)
        for at, name in enumerate(layer.inputs):
            shape = self._shapes[name]
            if WINDOWS in shape.axes and self._maker(name, "heads"):
                several = replace(row, repeats=row.repeats * (_windows(shape) > 1))
                found[f"{layer.name}.heads.{at}"] = _moving("copy", "clone", several, shape.elements, layer)
        return found

    def _maker(self, name: str, verb: str) -> Layer | None:
        """The layer that made a tensor, where it is one of this verb."""
        made = self._made_by.get(name)
        return made if made is not None and made.operator.verb == verb else None


def _windows(shape: Shape) -> Any:
    return shape.sizes[shape.axes.index(WINDOWS)] if WINDOWS in shape.axes else 1


def _table(shape: Shape) -> Any:
    """Elements of what is added to a tensor of that shape."""
    return shape.elements // _windows(shape)


def _moving(kind: str, word: str, of: Row, elements: Any, layer: Layer) -> Row:
    """A kernel that reads and writes so many elements, as often as another row."""
    sizes = dict.fromkeys(SIZES, 0) | {"input_elements": elements, "output_elements": elements}
    return Row(kind, word, of.repeats, tuple(sizes.values()), layer.name)


def _with_input(row: Row, elements: Any, **changes: Any) -> Row:
    at = AT["input_elements"]
    return replace(row, sizes=(*row.sizes[:at], elements, *row.sizes[at + 1 :]), **changes)


def _size(row: Row, name: str) -> Any:
    return row.sizes[AT[name]]
