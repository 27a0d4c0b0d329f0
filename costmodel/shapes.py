"""Graph to the shape of every tensor, by the operators' shape rules."""

from __future__ import annotations

from costmodel.errors import ShapeError
from costmodel.graph import Graph, Shape


def infer_shapes(graph: Graph) -> dict[str, Shape]:
    """Shape of each tensor by name, graph inputs included.

    Raises: ShapeError naming the layer whose inputs do not fit, or that reads a tensor no earlier layer made.
    """
    shapes = dict(graph.inputs)
    for layer in graph.layers:
        try:
            outputs = layer.operator.output_shapes(tuple([shapes[name] for name in layer.inputs]))
        except KeyError as missing:
            raise ShapeError(f"layer {layer.name!r} reads {missing}, which no layer above it makes") from None
        except ShapeError as error:
            raise ShapeError(f"layer {layer.name!r}: {error.problem}", error.remedy, error.field) from None
        shapes.update(zip(layer.outputs, outputs, strict=True))
    return shapes
