"""Structural re-parameterisation: what was trained as parallel branches becomes one convolution."""

from __future__ import annotations

from functools import reduce
from typing import Any

from costmodel.arithmetic import anywhere, gcd, maximum, structural
from costmodel.errors import PassError
from costmodel.expectations import is_conditional
from costmodel.graph import Graph, Layer, Shape
from costmodel.operators.base import Operator, pair
from costmodel.operators.combining import Add, Subtract
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.normalization import BatchNorm, Scale
from costmodel.operators.rules import axis_paddings, extent
from costmodel.passes.windows import keeps_first_pixel
from costmodel.records import record, replace, values_of
from costmodel.shapes import infer_shapes


@record
class Window:
    """What a convolution looks through: the fields that parallel branches must agree on, or that their sum widens."""

    kernel: tuple[Any, Any]
    stride: tuple[Any, Any]
    padding: Any
    dilation: tuple[Any, Any]


@record
class Filter:
    """A tensor as one convolution of the tensor that enters the group.

    Without `window` it is the tensor itself, scaled per channel at most: a 1x1 convolution with one channel a group.
    """

    window: Window | None
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
        whole = _filters(members, entering, shapes[entering])[leaving]
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


def _filters(members: list[Layer], entering: str, shape: Shape) -> dict[str, Filter]:
    """Every tensor of a group as one convolution of the tensor that enters it."""
    if not shape.is_image:
        raise PassError(f"reparameterize: {members[0].name!r} reads {shape} ({', '.join(shape.axes)}), not an image")
    filters = {entering: Filter(None, shape.channels, False)}
    for layer in members:
        parts = [filters[name] for name in layer.inputs]
        operator: Any = layer.operator
        if layer.weights is not None or is_conditional(layer):
            raise PassError(f"reparameterize: {layer.name!r} shares its weights or runs conditionally; it cannot merge")
        if type(operator) in (Conv2d, DepthwiseConv2d) and layer.inputs[0] == entering:
            window = Window(pair(operator.kernel), pair(operator.stride), operator.padding, pair(operator.dilation))
            filters[layer.name] = Filter(window, getattr(operator, "groups", shape.channels), operator.bias)
        elif isinstance(operator, BatchNorm):
            filters[layer.name] = replace(parts[0], biased=True)
        elif isinstance(operator, Scale):
            filters[layer.name] = replace(parts[0], biased=parts[0].biased or operator.bias)
        elif isinstance(operator, (Add, Subtract)):
            filters[layer.name] = _sum(parts, layer)
        else:
            raise PassError(
                f"reparameterize: {layer.name!r} ({operator.verb}) cannot become part of one convolution of "
                f"{entering!r}; convolutions of that tensor, batch norms, scales and their sums can"
            )
    return filters


def _sum(parts: list[Filter], layer: Layer) -> Filter:
    """The sum of parallel branches: a window that holds those of all, the coarsest groups."""
    identity = Window((1, 1), (1, 1), "same", (1, 1))
    window = None
    if any(part.window is not None for part in parts):
        window = reduce(lambda one, other: _around(one, other, layer), [part.window or identity for part in parts])
    return Filter(window, _common_divisor([part.groups for part in parts]), any(part.biased for part in parts))


def _around(one: Window, other: Window, layer: Layer) -> Window:
    """The smallest window around two: kernels are padded with zeros until they cover the same pixels."""
    if _differ(one.stride, other.stride):
        raise PassError(f"reparameterize: {layer.name!r} adds branches with different strides")
    if not _differ(one.kernel, (1, 1)) or not _differ(other.kernel, (1, 1)):  # a 1x1 kernel has any dilation
        dilation = other.dilation if not _differ(one.kernel, (1, 1)) else one.dilation
    elif _differ(one.dilation, other.dilation):
        raise PassError(f"reparameterize: {layer.name!r} adds branches with different dilations")
    else:
        dilation = one.dilation
    if _differ(one.kernel, other.kernel) and not (keeps_first_pixel(one) and keeps_first_pixel(other)):
        raise PassError(f"reparameterize: {layer.name!r} adds kernels that see different pixels")
    ends, other_ends = axis_paddings(one.padding), axis_paddings(other.padding)
    (kernel_height, rows), (kernel_width, columns) = (
        _axis_around(*axis, layer) for axis in zip(one.kernel, other.kernel, ends, other_ends, dilation, strict=True)
    )
    same = rows is columns is None
    return Window((kernel_height, kernel_width), one.stride, "same" if same else (rows, columns), dilation)


def _axis_around(
    kernel: Any, other: Any, ends: tuple[Any, Any] | None, other_ends: tuple[Any, Any] | None, dilation: Any,
    layer: Layer,
) -> tuple[Any, tuple[Any, Any] | None]:  # fmt: skip
    """Kernel and paddings (None: 'same') of the window around two along one axis."""
    if ends is None and other_ends is None:
        if anywhere((kernel - other) % 2 != 0):
            raise PassError(f"reparameterize: {layer.name!r} adds kernels of {kernel} and {other} whose centres differ")
        return maximum(kernel, other), None
    ends = (0, 0) if ends is None and not anywhere(kernel != 1) else ends
    other_ends = (0, 0) if other_ends is None and not anywhere(other != 1) else other_ends
    if ends is None or other_ends is None:
        raise PassError(f"reparameterize: {layer.name!r} adds branches with padding 'same' and with numbers")
    before = maximum(ends[0], other_ends[0])
    reach = maximum(extent(kernel, dilation) - ends[0], extent(other, dilation) - other_ends[0])
    if anywhere((ends[0] - other_ends[0]) % dilation != 0):
        raise PassError(f"reparameterize: {layer.name!r} adds kernels that see different pixels")
    after = ends[1] + reach - (extent(kernel, dilation) - ends[0])
    return (before + reach - 1) // dilation + 1, (before, after)


def _differ(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return any(structural(a != b, "whether windows differ") for a, b in zip(one, other, strict=True))


def _common_divisor(groups: list[Any]) -> Any:
    return reduce(gcd, groups)


def _convolution(whole: Filter, members: list[Layer], leaving: Shape) -> Operator:
    """The convolution that a whole group is."""
    if whole.window is None:
        return DepthwiseConv2d(1, bias=whole.biased)
    kernel, stride, padding, dilation = values_of(whole.window)
    convolutions: list[Any] = [layer.operator for layer in members if layer.operator.kind == "convolution"]
    if all(isinstance(operator, DepthwiseConv2d) for operator in convolutions):
        return DepthwiseConv2d(kernel, stride, padding, dilation, convolutions[0].multiplier, whole.biased)
    return Conv2d(leaving.channels, kernel, stride, padding, dilation, whole.groups, whole.biased)


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
