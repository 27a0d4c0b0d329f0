"""One layer as a row of a workload: its kind, its word, its sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from costmodel.arithmetic import structural
from costmodel.graph import Shape
from costmodel.operators.base import Counts, Operator, pair
from costmodel.operators.labels import operator_label
from costmodel.workloads.rows import SIZES

Sizes: TypeAlias = tuple[Any, ...]
"""The values of `SIZES`, in that order."""

KIND_OF: Mapping[str, str] = {
    "activation": "activation", "softmax": "softmax", "norm": "norm", "pool": "pool", "elementwise": "elementwise",
    "copy": "copy", "linear": "linear", "matmul": "matmul", "recurrent": "linear", "dropout": "copy", "view": "copy",
}  # fmt: skip
"""Kind of a row by kind of its operator; a convolution's depends on its groups and its kernel."""


def kind_of(operator: Operator, entering: Shape) -> str:
    """The kind of row that an operator is, on an input of this shape.

    >>> from costmodel.graph import image
    >>> from costmodel.operators.convolution import Conv2d
    >>> x = image(8, 5, 5)
    >>> [kind_of(Conv2d(8, kernel=k, groups=g), x) for k, g in ((3, 1), (1, 1), (3, 8), (3, 2))]
    ['conv', 'pointwise_conv', 'depthwise_conv', 'grouped_conv']

    Raises: StructureError where it is another for other variants of a sweep.
    """
    if operator.kind != "convolution":
        if operator.verb == "scale":
            return "elementwise"
        return KIND_OF[operator.kind]
    return "depthwise_conv" if operator.verb == "depthwise_conv2d" else _convolution_kind(operator, entering)


def _convolution_kind(operator: Any, entering: Shape) -> str:
    if structural(operator.groups != 1, "whether a convolution has groups"):
        each = structural(operator.groups == entering.channels, "whether a convolution has a group per channel")
        return "depthwise_conv" if each else "grouped_conv"
    height, width = pair(operator.kernel)
    is_larger = structural((height != 1) | (width != 1), "whether a kernel is larger than 1x1")
    return "conv" if is_larger else "pointwise_conv"


def word_of(operator: Operator, entering: Shape) -> str:
    """What rules call an operator: its label in tables.

    Raises: StructureError where it is another for other variants of a sweep.
    """
    if operator.verb == "conv2d":
        groups, channels = operator.groups, entering.channels  # type: ignore[attr-defined]
        structural((groups != channels) | (channels == 1), "whether a convolution has a group per channel")
    return operator_label(operator, entering)


def sizes_of(operator: Operator, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], count: Counts) -> Sizes:
    """The sizes of a row: what `SIZES` names, for one sample."""
    work = (count.macs, count.input_elements, count.weight_elements, count.output_elements)
    maps = (*_image(inputs[0]), *_image(outputs[0]))
    rule: Callable[..., Sizes] = _DIMENSIONS.get(operator.kind, _no_product)
    return (*work, *maps, *rule(operator, inputs, outputs, count))


def _image(shape: Shape) -> tuple[Any, Any, Any]:
    return shape.sizes if shape.is_image else (shape.channels, 0, 0)  # type: ignore[return-value]


def _no_product(operator: Any, inputs: Any, outputs: Any, count: Counts) -> Sizes:
    return 0, 0, 0, 0, 0, 0, 0, 0, 0


def _pool(operator: Any, inputs: tuple[Shape, ...], outputs: Any, count: Counts) -> Sizes:
    kernel = getattr(operator, "kernel", None)
    if kernel is None:
        return 0, 0, 0, 0, 0, 0, 0, 0, 0
    stride = getattr(operator, "stride", None)
    return (*pair(kernel), *pair(kernel if stride is None else stride), 0, 0, 0, 0, 0)


def _convolution(operator: Any, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], count: Counts) -> Sizes:
    in_channels = inputs[0].channels
    groups = in_channels if operator.verb == "depthwise_conv2d" else operator.groups
    kernel_height, kernel_width = pair(operator.kernel)
    out_channels, height, width = (inputs[0] if operator.verb == "conv_transpose2d" else outputs[0]).sizes
    if operator.verb == "conv_transpose2d":
        out_channels = operator.out_channels
    inner = kernel_height * kernel_width * (in_channels // groups)
    stride = pair(operator.stride)
    return kernel_height, kernel_width, *stride, groups, height * width, out_channels // groups, inner, groups


def _linear(operator: Any, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], count: Counts) -> Sizes:
    features = inputs[0].channels
    return 0, 0, 0, 0, 0, inputs[0].elements // features, outputs[0].channels, features, 1


def _recurrent(operator: Any, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], count: Counts) -> Sizes:
    """One product per step and direction: a step waits for the one before it."""
    steps, features = inputs[0].sizes
    directions = 1 + operator.bidirectional
    rows = operator.gates * operator.hidden
    return 0, 0, 0, 0, 0, 1, rows, features + operator.hidden, steps * directions


def _matmul(operator: Any, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], count: Counts) -> Sizes:
    *_, rows, columns = outputs[0].sizes
    inner = count.macs // outputs[0].elements
    return 0, 0, 0, 0, 0, rows, columns, inner, outputs[0].elements // (rows * columns)


_DIMENSIONS: Mapping[str, Callable[..., Sizes]] = {
    "convolution": _convolution, "linear": _linear, "matmul": _matmul, "recurrent": _recurrent, "pool": _pool,
}  # fmt: skip

assert tuple(SIZES)[-9:] == (
    "kernel_height", "kernel_width", "stride_height", "stride_width", "groups", "m", "n", "k", "products",
)  # fmt: skip
