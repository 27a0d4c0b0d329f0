"""Graph to the shape of every tensor, by the operators' shape rules."""

from __future__ import annotations

from collections.abc import Hashable

from costmodel.errors import ShapeError
from costmodel.graph import Graph, Shape


def _first_of(shape: Shape, seen: dict[Hashable, Shape]) -> Shape:
    """The first shape of these axes and sizes, so that equal shapes are one object; sizes that are arrays differ."""
    try:
        return seen.setdefault((shape.axes, shape.sizes), shape)
    except TypeError:
        return shape


def infer_shapes(graph: Graph) -> dict[str, Shape]:
    """Shape of each tensor by name, graph inputs included. Equal shapes are one object.

    Raises: ShapeError naming the layer whose inputs do not fit, or that reads a tensor no earlier layer made.
    """
    seen: dict[Hashable, Shape] = {}
    shapes = {name: _first_of(shape, seen) for name, shape in graph.inputs.items()}
    known: dict[tuple[int, ...], tuple[Shape, ...]] = {}  # repeated units apply the same operators to the same shapes
    for layer in graph.layers:
        try:
            inputs = [shapes[name] for name in layer.inputs]
            applied = (id(layer.operator), *map(id, inputs))
            outputs = known.get(applied)
            if outputs is None:
                made = layer.operator.output_shapes(tuple(inputs))
                outputs = known[applied] = tuple([_first_of(shape, seen) for shape in made])
        except KeyError as missing:
            raise ShapeError(f"layer {layer.name!r} reads {missing}, which no layer above it makes") from None
        except ShapeError as error:
            raise ShapeError(f"layer {layer.name!r}: {error.problem}", error.remedy, error.field) from None
        shapes.update(zip(layer.outputs, outputs, strict=True))
    return shapes
