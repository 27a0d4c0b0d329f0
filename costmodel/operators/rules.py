"""Shape rules that several operators share, by name."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere, ceil_div, first_where, maximum
from costmodel.errors import ShapeError
from costmodel.graph import Size
from costmodel.operators.base import Padding, pair


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
