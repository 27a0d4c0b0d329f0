"""Two convolutions with nothing between become one where the second is pointwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costmodel.arithmetic import anywhere, structural
from costmodel.graph import Graph, Layer
from costmodel.operators.base import pair
from costmodel.operators.convolution import Conv2d
from costmodel.operators.rules import axis_paddings
from costmodel.records import replace


def merge_pointwise(graph: Graph) -> Graph:
    """The graph with every 1x1 convolution merged into the convolution that directly precedes it.

    W' = W2 W1 and b' = b2 + W2 b1: the kernel of the first, the channels of the second. After `reserve_and_merge` and
    `fold_norm` it takes a linear bottleneck and the next expansion together, which turns MobileNetV2 into a network of
    the form of MobileNetV1 (RMNet, arXiv:2111.00687). It may cost multiply-accumulates where the tensor between the
    two is narrow.

    >>> from costmodel import cost_table, load
    >>> from costmodel.passes import apply_passes
    >>> plain = apply_passes(load("mobilenet_v2"), ["reserve_and_merge", "fold_norm"])
    >>> len(plain.layers) - len(merge_pointwise(plain).layers)
    17
    """
    readers = graph.readers()
    layers: dict[str, Layer] = {}
    for layer in graph.layers:
        before = layers.get(layer.inputs[0])
        if before is not None and readers[before.name] == 1 and _are_one(before, layer):
            first: Any = before.operator
            second: Any = layer.operator
            merged = replace(first, out_channels=second.out_channels, bias=first.bias or second.bias)
            del layers[before.name]
            layer = replace(layer, operator=merged, inputs=before.inputs)
        layers[layer.name] = layer
    return replace(graph, layers=tuple(layers.values()))


def is_pointwise(convolution: Any) -> bool:
    """Whether a convolution sees one pixel at a time; it may skip pixels."""
    padded = [end for ends in axis_paddings(convolution.padding) if ends is not None for end in ends]
    return all_equal(pair(convolution.kernel), 1) and all_equal(padded, 0)


def all_equal(values: Iterable[Any], wanted: int) -> bool:
    """Whether all numbers are the same as one; in a sweep that decides the structure.

    Raises: StructureError when it holds for some variants only.
    """
    return all(structural(value == wanted, f"whether {value} is {wanted}") for value in values)


def _are_one(first: Layer, second: Layer) -> bool:
    """Whether two layers are convolutions of all channels, the second pointwise, both free to change."""
    for layer in (first, second):
        operator: Any = layer.operator
        if type(operator) is not Conv2d or anywhere(operator.groups != 1):
            return False
        if layer.weights is not None or layer.merge is not None or (layer.probability, layer.active) != (1, 1):
            return False
    return is_pointwise(operator) and all_equal(pair(operator.stride), 1)
