"""Inverted residual blocks in a network: a 1x1 convolution that widens, a depthwise one, a 1x1 that narrows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.errors import ParameterError
from costmodel.fusion import FUSIONS
from costmodel.graph import Graph, Layer, Shape
from costmodel.operators.base import pair
from costmodel.operators.labels import operator_label
from costmodel.records import record
from costmodel.shapes import infer_shapes


@record
class Bottleneck:
    """An inverted residual block. Layers are counted from 0: `first` widens, `narrowing` narrows, `last` is that or
    the norm, activation or addition of the shortcut after it. `inner_channels` are those between the two."""

    name: str
    first: int
    narrowing: int
    last: int
    entering: Shape
    leaving: Shape
    inner_channels: int


def bottlenecks_of(graph: Graph) -> tuple[Bottleneck, ...]:
    """The inverted residual blocks, in the order of execution.

    MobileNetV2 (arXiv:1801.04381), Fig. 3b and Sec. 5.1: a linear transformation that widens, per-channel operators
    with a depthwise convolution among them, a linear transformation that narrows. Nothing else may read the tensors
    inside: a gate of all channels, as in squeeze-and-excitation, mixes what would be computed apart. MobileNetV2's
    first block does not widen and is none.

    >>> from costmodel import load
    >>> blocks = bottlenecks_of(load("mobilenet_v2"))
    >>> len(blocks), blocks[0].name, str(blocks[0].entering), blocks[0].inner_channels, str(blocks[0].leaving)
    (16, 'inverted_residual_2', '16x112x112', 96, '24x56x56')

    Raises: ParameterError where sizes are arrays.
    """
    if not isinstance(graph, Graph):
        raise ParameterError(f"bottlenecks are those of a Graph, got {type(graph).__name__}; load a network first")
    shapes, readers = infer_shapes(graph), graph.readers()
    if any(is_array(size) for shape in shapes.values() for size in shape.sizes):
        raise ParameterError(f"bottlenecks are those of one network, and {graph.name} has arrays of sizes")
    found = (_block_from(graph, shapes, readers, at) for at in range(len(graph.layers)))
    return tuple(block for block in found if block is not None)


def _block_from(graph: Graph, shapes: Mapping[str, Shape], readers: Mapping[str, int], first: int) -> Bottleneck | None:
    """The block that a layer begins, if it does."""
    layers = graph.layers
    if _channels_changed(layers[first], shapes) <= 0:
        return None
    at, depthwise = first + 1, False
    while at < len(layers) and _follows(layers, readers, at) and _is_per_channel(layers[at], shapes):
        depthwise |= operator_label(layers[at].operator, shapes[layers[at].inputs[0]]) == "depthwise_conv2d"
        at += 1
    if at == len(layers) or not depthwise or not _follows(layers, readers, at):
        return None
    narrowing = at
    if _channels_changed(layers[narrowing], shapes) >= 0:
        return None
    last = _end(graph, readers, first, narrowing)
    (entering,), (inner,) = layers[first].inputs, layers[first].outputs
    return Bottleneck(
        _common_name(layers[first], layers[narrowing]),
        first,
        narrowing,
        last,
        shapes[entering],
        shapes[layers[last].outputs[0]],
        shapes[inner].channels,
    )


def _channels_changed(layer: Layer, shapes: Mapping[str, Shape]) -> int:
    """How many channels a 1x1 convolution adds; 0 for any other layer."""
    operator: Any = layer.operator
    if operator.verb != "conv2d":
        return 0
    (entering,), (leaving,) = layer.inputs, layer.outputs
    whole = pair(operator.kernel) == pair(operator.stride) == (1, 1) and operator.groups == 1
    return shapes[leaving].channels - shapes[entering].channels if whole else 0


def _follows(layers: tuple[Layer, ...], readers: Mapping[str, int], at: int) -> bool:
    """Whether a layer reads the one before it and nothing else, and is the only one to read that."""
    before = layers[at - 1].outputs
    return layers[at].inputs == before and len(before) == 1 and readers.get(before[0]) == 1


def _is_per_channel(layer: Layer, shapes: Mapping[str, Shape]) -> bool:
    """Whether every output channel is made of the input channel of the same number."""
    entering, leaving = shapes[layer.inputs[0]], shapes[layer.outputs[0]]
    depthwise = operator_label(layer.operator, entering) == "depthwise_conv2d"
    return (depthwise or layer.operator.verb in FUSIONS["folded"].folded) and entering.channels == leaving.channels


def _end(graph: Graph, readers: Mapping[str, int], first: int, narrowing: int) -> int:
    """The last layer of a block: after norm and activation, the addition of its input."""
    layers, at = graph.layers, narrowing
    while at + 1 < len(layers) and _follows(layers, readers, at + 1):
        if layers[at + 1].operator.verb not in FUSIONS["folded"].folded:
            break
        at += 1
    shortcut = {*layers[first].inputs, *layers[at].outputs}
    is_added = at + 1 < len(layers) and layers[at + 1].operator.verb == "add"
    if is_added and set(layers[at + 1].inputs) == shortcut and readers.get(layers[at].outputs[0]) == 1:
        at += 1
    return at


def _common_name(one: Layer, other: Layer) -> str:
    """The path that two layers share, or the name of the first."""
    shared = []
    for mine, theirs in zip(one.path, other.path, strict=False):
        if mine != theirs:
            break
        shared.append(mine)
    return ".".join(shared) or one.name
