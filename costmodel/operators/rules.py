"""Shape rules that several operators share, by name."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere, ceil_div, first_where, maximum
from costmodel.errors import ShapeError
from costmodel.graph import TOKENS, Shape, Size
from costmodel.operators.base import POINTWISE, Padding, Reach, described, pair


def extent(kernel: Size, dilation: Size) -> Size:
    """Pixels a dilated kernel spans: dilation*(kernel - 1) + 1.

    >>> extent(3, 2)
    5
    """
    return dilation * (kernel - 1) + 1


def axis_paddings(padding: Padding) -> tuple[tuple[Any, Any] | None, tuple[Any, Any] | None]:
    """(before, after) for height and for width; None stands for 'same'.

    >>> axis_paddings((1, (0, 2)))
    ((1, 1), (0, 2))
    """
    if isinstance(padding, str):  # asked first: an array of paddings has no single answer to ==
        return (None, None) if padding == "same" else ((0, 0), (0, 0))
    height, width = pair(padding)
    return pair(height), pair(width)


def same_paddings(size: Size, span: Size, stride: Size) -> tuple[Size, Size]:
    """The (before, after) that 'same' stands for; an odd total puts the extra pixel after, as TensorFlow does.

    >>> same_paddings(224, 3, 2)
    (0, 1)
    """
    total = maximum((ceil_div(size, stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def windows(operator: Any, height: Size, width: Size, rounding: str = "floor") -> tuple[Size, Size]:
    """Number of window positions along height and width, for operators with kernel, stride, dilation and padding.

    floor((size + paddings - extent) / stride) + 1; 'same' gives ceil(size / stride). With rounding 'ceil' the last
    window may hang over the edge but must start inside the input or its leading padding.
    """
    spans = [extent(*axis) for axis in zip(pair(operator.kernel), pair(operator.dilation), strict=True)]
    counts = [
        ceil_div(size, stride) if paddings is None else positions(size, span, stride, paddings, rounding)
        for size, span, stride, paddings in zip(
            (height, width), spans, pair(operator.stride), axis_paddings(operator.padding), strict=True
        )
    ]
    for word, count in zip(("high", "wide"), counts, strict=True):
        if anywhere(count < 1):
            raise ShapeError(
                f"the result would be {max(0, first_where(count < 1, count))} {word}: "
                f"the input of this step is {height}x{width}, the window spans {spans[0]}x{spans[1]}",
                "use a smaller kernel, padding, a larger input, or fewer strides above",
            )
    return counts[0], counts[1]


def positions(size: Size, span: Size, stride: Size, paddings: tuple[Size, Size], rounding: str) -> Size:
    """Number of positions of a window along one axis."""
    before, after = paddings
    room = size + before + after - span
    if rounding == "floor":
        return room // stride + 1
    count = ceil_div(room, stride) + 1
    return count - ((count - 1) * stride >= size + before)


def first_bad(bad: Any, *values: Any) -> tuple[Any, ...]:
    """The values of the first variant for which a condition holds: what an error message names."""
    return tuple(first_where(bad, value) for value in values)


def sequence_sizes(shape: Shape, verb: str) -> tuple[Size, Size]:
    """Tokens and channels of a sequence."""
    if shape.axes != TOKENS:
        raise ShapeError(f"{verb} needs tokens (tokens, c), got {described(shape)}", 'add a "tokens" step')
    count, channels = shape.sizes
    return count, channels


def shared_sizes(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Sizes after broadcasting from the last axis, or None where they differ and neither is 1."""
    shorter, longer = sorted((first, second), key=len)
    shorter = (1,) * (len(longer) - len(shorter)) + shorter
    if any(anywhere((a != b) & (a != 1) & (b != 1)) for a, b in zip(shorter, longer, strict=True)):
        return None
    return tuple(maximum(a, b) for a, b in zip(shorter, longer, strict=True))


def whole_image(shape: Shape) -> Reach:
    """The reach of an operator that looks at all pixels or tokens at once."""
    if len(shape.sizes) == 1:
        return POINTWISE
    if not shape.is_image:
        return None
    _, height, width = shape.sizes
    return height, width, height, width


def last_axis_reach(shape: Shape) -> Reach:
    """The reach of an operator that works along the channels: of a sequence, or image, the last axis.

    After a transpose the last axis may be the tokens, which are then mixed (MLP-Mixer).
    """
    return None if shape.axes[-1] in ("tokens", "h", "w") and not shape.is_image else POINTWISE
