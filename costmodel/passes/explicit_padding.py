"""Padding as operators of their own, as converters write it where a runtime pads in another way."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere
from costmodel.graph import Graph, Layer
from costmodel.operators.base import pair
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.pooling import MaxPool2d
from costmodel.operators.resizing import Pad
from costmodel.operators.rules import axis_paddings, extent
from costmodel.records import replace


def explicit_padding(graph: Graph) -> Graph:
    """The graph with a `pad` in front of every padded convolution and maximum pooling that has a stride.

    PyTorch pads both sides alike, TensorFlow's "same" puts an odd pixel after the image. With stride 1 the two agree;
    with a larger one a converter from one to the other writes the zeros with an operator of its own, a second copy of
    the map. Poolings whose windows hang over the edge (rounding "ceil") stay. In MobileNetV2 the largest copy is
    114x114x96, which raises its peak by 63 %:

    >>> from costmodel import load, peak_memory
    >>> padded = peak_memory(explicit_padding(load("mobilenet_v2")))
    >>> padded.bytes == 112 * 112 * 96 + 114 * 114 * 96, padded.layer
    (True, 'inverted_residual_2.depthwise.depthwise_conv2d_pad')
    """
    layers: list[Layer] = []
    for layer in graph.layers:
        padding = _padding(layer.operator)
        if padding is None:
            layers.append(layer)
            continue
        name = f"{layer.name}_pad"
        layers.append(
            Layer(name, Pad(padding), layer.inputs, (name,), origin=layer.origin, probability=layer.probability)
        )
        layers.append(replace(layer, inputs=(name,), operator=replace(layer.operator, padding=0)))
    return replace(graph, layers=tuple(layers))


def _padding(operator: Any) -> Any:
    """(before, after) along both axes, "same" as much on both sides; None where nothing has to be written."""
    if not isinstance(operator, Conv2d | DepthwiseConv2d | MaxPool2d):
        return None
    height, width = pair(operator.stride if operator.stride is not None else operator.kernel)
    if not anywhere((height > 1) | (width > 1)) or getattr(operator, "rounding", "floor") == "ceil":
        return None
    spans = [extent(*axis) for axis in zip(pair(operator.kernel), pair(operator.dilation), strict=True)]
    ends = axis_paddings(operator.padding)
    vertical, horizontal = (
        ((span - 1) // 2, (span - 1) // 2) if each is None else each for each, span in zip(ends, spans, strict=True)
    )
    return (vertical, horizontal) if anywhere(sum(vertical) + sum(horizontal) > 0) else None
