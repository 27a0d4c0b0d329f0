"""Structural re-parameterisation: what was trained as parallel branches becomes one convolution."""

from __future__ import annotations

import math
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.errors import PassError
from costmodel.graph import Graph, Layer, Shape
from costmodel.operators.base import Operator, pair
from costmodel.operators.combining import Add, Subtract
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.normalization import BatchNorm, Scale
from costmodel.records import record, replace
from costmodel.shapes import infer_shapes


@record
class Filter:
    """A tensor as one convolution of the tensor that enters the group; `layer` is the widest convolution in it.

    Without `layer` it is the tensor itself, scaled per channel at most: a 1x1 convolution with one channel a group.
    """

    layer: Layer | None
    groups: Any
    biased: bool


def reparameterize(graph: Graph) -> Graph:
    """The deployed form of a network whose steps carry `merge = true`: each group of layers becomes one convolution.

    A convolution and the batch norm after it are one convolution with bias (W' = s W, b' = t + s b); a batch norm or a
    scale of the tensor itself is a 1x1 depthwise convolution; kernels of parallel branches, padded to the widest, add
    up: conv3x3 + conv1x1 + identity of RepVGG (arXiv:2101.03697, Fig. 4), the over-parameterised branches of MobileOne
    (arXiv:2206.04040, Sec. 3.2), x + scale*(mixer(x) - norm(x)) of FastViT (arXiv:2303.14189, Sec. 3.2).

    >>> from costmodel import cost_table, load
    >>> trained, deployed = load("repvgg_a0_train"), load("repvgg_a0_deploy")
    >>> cost_table(trained).total("macs") > cost_table(deployed).total("macs")
    True
    >>> deployed.layers == reparameterize(trained).layers
    True

    Raises: PassError when no step is marked, or a marked group holds anything but one linear map of one tensor.
    """
    groups: dict[str, list[Layer]] = {}
    for layer in graph.layers:
        if layer.merge is not None:
            groups.setdefault(layer.merge, []).append(layer)
    if not groups:
        raise PassError(f"reparameterize: {graph.name} has nothing to merge; mark the steps that become one "
                        "convolution with merge = true")  # fmt: skip
    shapes = infer_shapes(graph)
    readers = graph.readers()
    merged_at: dict[str, Layer] = {}
    renamed: dict[str, str] = {}
    taken = {layer.name for layer in graph.layers if layer.merge is None}
    for members in groups.values():
        entering, leaving = _ends(members, readers)
        channels = shapes[entering].channels
        whole = _filters(members, entering, channels)[leaving]
        convolution = _convolution(whole, members, shapes[leaving])
        name = _free_name(".".join((*_common(members), convolution.verb)), taken)
        merged_at[members[-1].name] = replace(
            members[-1], name=name, operator=convolution, inputs=(entering,), outputs=(name,), merge=None
        )
        renamed[leaving] = name
    layers = []
    for layer in graph.layers:
        kept = layer if layer.merge is None else merged_at.get(layer.name)
        if kept is not None:
            layers.append(replace(kept, inputs=tuple(renamed.get(name, name) for name in kept.inputs)))
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return replace(graph, layers=tuple(layers), outputs=outputs)


def _ends(members: list[Layer], readers: dict[str, int]) -> tuple[str, str]:
    """The one tensor that enters a group and the one that leaves it."""
    made = [name for layer in members for name in layer.outputs]
    read = [name for layer in members for name in layer.inputs]
    entering = list(dict.fromkeys(name for name in read if name not in made))
    leaving = [name for name in made if readers.get(name, 0) > read.count(name)]
    if len(entering) != 1 or len(leaving) != 1:
        raise PassError(
            f"reparameterize: the merged step of {members[0].name!r} has {len(entering)} inputs and {len(leaving)} "
            "outputs; a convolution has one of each"
        )
    return entering[0], leaving[0]


def _filters(members: list[Layer], entering: str, channels: Any) -> dict[str, Filter]:
    """Every tensor of a group as one convolution of the tensor that enters it."""
    filters = {entering: Filter(None, channels, False)}
    for layer in members:
        parts = [filters[name] for name in layer.inputs]
        if layer.weights is not None or (layer.probability, layer.active) != (1, 1):
            raise PassError(f"reparameterize: {layer.name!r} shares its weights or runs conditionally; it cannot merge")
        match layer.operator:
            case Conv2d(groups=groups, bias=bias) if layer.inputs[0] == entering:
                filters[layer.name] = Filter(layer, groups, bias)
            case DepthwiseConv2d(bias=bias) if layer.inputs[0] == entering:
                filters[layer.name] = Filter(layer, channels, bias)
            case BatchNorm():
                filters[layer.name] = replace(parts[0], biased=True)
            case Scale(bias=bias):
                filters[layer.name] = replace(parts[0], biased=parts[0].biased or bias)
            case Add() | Subtract():
                filters[layer.name] = _sum(parts, layer)
            case _:
                raise PassError(
                    f"reparameterize: {layer.name!r} ({layer.operator.verb}) cannot become part of one convolution of "
                    f"{entering!r}; convolutions of that tensor, batch norms, scales and their sums can"
                )
    return filters


def _sum(parts: list[Filter], layer: Layer) -> Filter:
    """The sum of parallel branches: the widest kernel, the coarsest groups."""
    convolutions = [part.layer for part in parts if part.layer is not None]
    operators: list[Any] = [convolution.operator for convolution in convolutions]
    strides = {pair(each.stride) for each in operators} | ({(1, 1)} if len(operators) < len(parts) else set())
    dilations = {pair(each.dilation) for each in operators if pair(each.kernel) != (1, 1)}
    if len(strides) > 1 or len(dilations) > 1:
        raise PassError(f"reparameterize: {layer.name!r} adds branches with different strides or dilations")
    widest = max(convolutions, key=_area, default=None)
    return Filter(widest, _common_divisor([part.groups for part in parts]), any(part.biased for part in parts))


def _area(layer: Layer) -> int:
    operator: Any = layer.operator
    height, width = pair(operator.kernel)
    return int(height * width)


def _common_divisor(groups: list[Any]) -> Any:
    if any(map(is_array, groups)):
        import numpy

        return numpy.gcd.reduce(numpy.broadcast_arrays(*groups))
    return math.gcd(*groups)


def _convolution(whole: Filter, members: list[Layer], leaving: Shape) -> Operator:
    """The convolution that a whole group is."""
    if whole.layer is None:
        return DepthwiseConv2d(1, bias=whole.biased)
    widest: Any = whole.layer.operator
    window = widest.kernel, widest.stride, widest.padding, widest.dilation
    if all(isinstance(layer.operator, DepthwiseConv2d) for layer in members if layer.operator.kind == "convolution"):
        return DepthwiseConv2d(*window, widest.multiplier, whole.biased)
    return Conv2d(leaving.channels, *window, whole.groups, whole.biased)


def _free_name(name: str, taken: set[str]) -> str:
    """The name, numbered where it is taken."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


def _common(members: list[Layer]) -> tuple[str, ...]:
    """The blocks that all layers of a group are in."""
    common: list[str] = []
    for parts in zip(*(layer.path[:-1] for layer in members), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return tuple(common)
