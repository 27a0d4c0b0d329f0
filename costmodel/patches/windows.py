"""Which pixels of its inputs an operator reads, along one axis, to make a span of its output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from costmodel.errors import PassError
from costmodel.expectations import is_conditional
from costmodel.graph import Layer, Shape
from costmodel.operators.base import pair
from costmodel.operators.rules import axis_paddings, extent, same_paddings

Span: TypeAlias = "tuple[int, int]"
"""First pixel of an axis, and the one after the last; what lies outside of 0 to the size is padding."""
EMPTY: Span = (0, 0)


class Window(NamedTuple):
    """Along one axis, output i reads the pixels from (i*numerator + first) / denominator to (i*numerator + last) /
    denominator, both rounded down and both included.

    A convolution has numerator = stride, first = -padding and last = extent - 1 - padding; operators that make a map
    larger have a denominator.
    """

    numerator: int
    denominator: int
    first: int
    last: int


SAME_PIXEL = Window(1, 1, 0, 0)
FIRST_PIXEL = Window(0, 1, 0, 0)
"""Along an axis of one pixel that is broadcast."""


def span_read(span: Span, window: Window) -> Span:
    """Pixels that a span of outputs reads: those between the first of its first and the last of its last window.

    >>> span_read((7, 14), Window(numerator=2, denominator=1, first=-1, last=1))    # kernel 3, stride 2, padding 1
    (13, 28)
    """
    start, stop = span
    if start >= stop:
        return EMPTY  # no output needs no input
    numerator, denominator, first, last = window
    return (start * numerator + first) // denominator, ((stop - 1) * numerator + last) // denominator + 1


def span_inside(span: Span, size: int) -> Span:
    """The part of a span that lies in the image. Windows that see only padding leave nothing, at the border.

    >>> span_inside((-1, 5), 4), span_inside((-3, -1), 4)
    ((0, 4), (0, 0))
    """
    start, stop = span
    return min(max(start, 0), size), min(max(stop, 0), size)


def _sliding(operator: Any, entering: Shape, axis: int) -> Window:
    span = extent(pair(operator.kernel)[axis], pair(operator.dilation)[axis])
    stride = pair(operator.kernel if operator.stride is None else operator.stride)[axis]
    ends = axis_paddings(operator.padding)[axis] or same_paddings(entering.sizes[1 + axis], span, stride)
    return Window(stride, 1, -ends[0], span - 1 - ends[0])


def _spreading(operator: Any, _entering: Shape, axis: int) -> Window:
    """Input i reaches the outputs from i*stride - padding on, as many as the kernel spans."""
    span = extent(pair(operator.kernel)[axis], pair(operator.dilation)[axis])
    stride = pair(operator.stride)[axis]
    ends = axis_paddings(operator.padding)[axis]
    before = max(span - stride, 0) // 2 if ends is None else ends[0]
    return Window(1, stride, before - span + stride, before)


def _resizing(operator: Any, entering: Shape, axis: int) -> Window:
    """Nearest: pixel floor(i*in/out). Bilinear: the two around (i + 1/2)*in/out - 1/2, pixels at their centres."""
    there, made = entering.sizes[1 + axis], pair(operator.size)[axis]
    if operator.method == "nearest":
        return Window(there, made, 0, 0)
    return Window(2 * there, 2 * made, there - made, there + made)


def _parts(operator: Any, entering: Shape, axis: int) -> Window:
    """Part i of n is from floor(i*in/n) to ceil((i + 1)*in/n)."""
    there = entering.sizes[1 + axis]
    return Window(there, pair(operator.size)[axis], 0, there - 1)


def _cropping(operator: Any, _entering: Shape, axis: int) -> Window:
    start = pair(operator.start)[axis]
    return Window(1, 1, start, start)


def _padding(operator: Any, _entering: Shape, axis: int) -> Window:
    before, _ = axis_paddings(operator.padding)[axis] or (0, 0)
    return Window(1, 1, -before, -before)


WINDOWS: dict[str, Callable[[Any, Shape, int], Window]] = {
    **dict.fromkeys(("conv2d", "depthwise_conv2d", "max_pool2d", "avg_pool2d"), _sliding),
    "conv_transpose2d": _spreading,
    "adaptive_avg_pool2d": _parts,
    "resize": _resizing,
    "crop": _cropping,
    "pad": _padding,
    "shift": lambda _operator, _entering, _axis: Window(1, 1, -1, 1),
    "subsample": lambda operator, _entering, _axis: Window(operator.factor, 1, operator.start, operator.start),
    "space_to_channels": lambda operator, _entering, _axis: Window(operator.block, 1, 0, operator.block - 1),
    "channels_to_space": lambda operator, _entering, _axis: Window(1, operator.block, 0, 0),
}
"""Operators that read other pixels than those they make."""
PIXELWISE = frozenset(
    {
        "batch_norm", "layer_norm", "local_response_norm", "l2_norm", "scale", "activation", "prelu", "softmax",
        "dropout", "add", "subtract", "multiply", "divide", "learned", "concat", "split", "slice", "gather",
        "channel_shuffle", "pad_channels", "maxout", "linear",
    }
)  # fmt: skip
"""Operators that make every pixel from the same pixel of their inputs; a pixel that is broadcast is read for all."""
WITHOUT_PATCHES = {
    **dict.fromkeys(("global_avg_pool", "global_max_pool"), "one output depends on all pixels"),
    "group_norm": "its mean and variance are those of all pixels",
    "roll": "pixels that leave the map at one end come back at the other",
    "max_unpool2d": "where its values go is known for the whole map only",
    **dict.fromkeys(("roi_pool", "crop_and_resize", "ps_roi_align"), "boxes may lie anywhere in the map"),
    **dict.fromkeys(
        (
            "flatten", "reshape", "transpose", "tokens", "image", "heads", "merge_heads", "window_partition",
            "window_merge", "token", "class_token", "embedding", "matmul", "lstm", "gru",
        ),
        "it does not keep pixels in rows and columns",
    ),
    **dict.fromkeys(("adder_conv2d", "shift_conv2d"), "what it computes again has no multiply-accumulates to count"),
}  # fmt: skip
"""Operators that need the whole map, or whose repeated work has no count, and why."""


def windows_read(layer: Layer, entering: Sequence[Shape], leaving: Shape) -> tuple[tuple[Window, Window], ...]:
    """What a layer reads of each of its inputs, along height and width.

    >>> from costmodel.graph import image
    >>> from costmodel.operators.pooling import MaxPool2d
    >>> windows_read(Layer("pool", MaxPool2d(2), ("x",), ("pool",)), [image(8, 6, 6)], image(8, 3, 3))[0][0]
    Window(numerator=2, denominator=1, first=0, last=1)

    Raises: PassError naming a layer that cannot run in patches.
    """
    verb = layer.operator.verb
    if is_conditional(layer):
        raise PassError(f"{layer.name} runs for a part of the inputs only, and cannot run in patches")
    if verb in WITHOUT_PATCHES:
        raise PassError(f"{layer.name}: {verb} cannot run in patches, {WITHOUT_PATCHES[verb]}")
    if verb not in WINDOWS and verb not in PIXELWISE:
        raise PassError(f"{layer.name}: {verb} cannot run in patches, it is not known which pixels it reads")
    for shape in (*entering, leaving):
        if not shape.is_image:
            raise PassError(f"{layer.name}: {verb} of {shape} ({', '.join(shape.axes)}) has no patches, only images do")
    if verb in WINDOWS:
        (shape,) = entering
        return ((WINDOWS[verb](layer.operator, shape, 0), WINDOWS[verb](layer.operator, shape, 1)),)
    _, height, width = leaving.sizes
    return tuple((_pixel(shape.sizes[1], height), _pixel(shape.sizes[2], width)) for shape in entering)


def _pixel(size: int, made: int) -> Window:
    return SAME_PIXEL if size == made else FIRST_PIXEL
