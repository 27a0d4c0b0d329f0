"""The halo: going back from a tile of the output, which rectangle of every tensor a patch needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from costmodel.errors import PassError
from costmodel.graph import Graph, Layer, Shape
from costmodel.patches.windows import EMPTY, SAME_PIXEL, Span, Window, windows_read
from costmodel.records import record

Edge: TypeAlias = "tuple[int, int, int, int, int]"
"""The number of a region, and the window that it is computed by."""


class Axis(NamedTuple):
    """Regions along one axis, by their numbers: the size of the map, and which later regions are made from it."""

    sizes: tuple[int, ...]
    edges: tuple[tuple[Edge, ...], ...]


@record
class Regions:
    """Which region every tensor has. Tensors that need the same pixels in every patch share a region.

    Regions are numbered from the last layer to the first: where the network is cut, those of the tensors before the
    cut follow on that of the output. The rows and columns of a region do not depend on each other, and are one object
    where they are computed alike.
    """

    number: Mapping[str, int]
    vertical: Axis
    horizontal: Axis


def regions_of(graph: Graph, layers: Sequence[Layer], shapes: Mapping[str, Shape]) -> Regions:
    """The regions of a network's first layers.

    Raises: PassError naming a layer that cannot run in patches.
    """
    numbering = _Numbering(shapes)
    for name in layers[-1].outputs:
        numbering.settle(name)
    for layer in reversed(layers):
        numbering.go_back(layer)
    for name in graph.inputs:
        if name in numbering.readers:
            numbering.settle(name)
    return numbering.regions()


class _Numbering:
    """Gives tensors their regions, from the last layer to the first."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes
        self.readers: dict[str, dict[tuple[int, Window, Window], None]] = {}
        self.number: dict[str, int] = {}
        self.made: list[tuple[Shape, Iterable[tuple[int, Window, Window]]]] = []

    def settle(self, name: str) -> None:
        """Number a tensor all of whose readers are known: as the one region it is the same pixels of, or anew."""
        edges, shape = self.readers.get(name, {}), self.shapes[name]
        for later, *windows in edges if len(edges) == 1 else ():
            if windows == [SAME_PIXEL, SAME_PIXEL] and self.made[later][0].sizes[1:] == shape.sizes[1:]:
                self.number[name] = later
        if name not in self.number:
            self.number[name] = len(self.made)
            self.made.append((shape, edges))

    def go_back(self, layer: Layer) -> None:
        """Settle the outputs of a layer, and note what it reads."""
        for name in layer.outputs:
            if name in self.readers:
                self.settle(name)
        made = [self.number[name] for name in layer.outputs if name in self.number]
        if not made:
            raise PassError(f"{layer.name}: nothing in the stage needs it")
        entering = [self.shapes[name] for name in layer.inputs]
        windows = windows_read(layer, entering, self.shapes[layer.outputs[0]])
        for name, (vertical, horizontal) in zip(layer.inputs, windows, strict=True):
            for later in made:
                self.readers.setdefault(name, {})[later, vertical, horizontal] = None

    def regions(self) -> Regions:
        """What was found."""
        vertical = Axis(
            tuple(shape.sizes[1] for shape, _ in self.made),
            tuple(tuple((later, *window) for later, window, _ in edges) for _, edges in self.made),
        )
        horizontal = Axis(
            tuple(shape.sizes[2] for shape, _ in self.made),
            tuple(tuple((later, *window) for later, _, window in edges) for _, edges in self.made),
        )
        return Regions(self.number, vertical, vertical if horizontal == vertical else horizontal)


def tiles(size: int, parts: int) -> list[Span]:
    """An axis cut into spans that are equal where the parts divide it, else differ by a pixel.

    >>> tiles(28, 4), tiles(5, 2)
    ([(0, 7), (7, 14), (14, 21), (21, 28)], [(0, 2), (2, 5)])
    """
    return [(part * size // parts, (part + 1) * size // parts) for part in range(parts)]


def spans_needed(axis: Axis, root: int, tile: Span, clipped: bool) -> list[Span]:
    """The spans that a tile of the region `root` needs, of all regions after it; of those before it nothing.

    Where several layers read a tensor, the span holds what any of them needs.
    """
    sizes, edges = axis
    spans = [EMPTY] * len(sizes)
    spans[root] = tile
    for region in range(root + 1, len(sizes)):
        first = last = None
        size = sizes[region]
        for later, numerator, denominator, before, after in edges[region]:
            start, stop = spans[later]
            if start >= stop:
                continue
            start = (start * numerator + before) // denominator
            stop = ((stop - 1) * numerator + after) // denominator + 1
            if clipped:
                start = 0 if start < 0 else start
                stop = size if stop > size else stop
            if start < stop:
                first = start if first is None or start < first else first
                last = stop if last is None or stop > last else last
        if first is not None and last is not None:
            spans[region] = (first, last)
    return spans
