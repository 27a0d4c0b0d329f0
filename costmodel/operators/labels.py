"""What a layer is called in tables: its operator, named more closely where its fields make it another."""

from __future__ import annotations

from costmodel.arithmetic import anywhere
from costmodel.graph import Shape
from costmodel.operators.base import Operator


def operator_label(operator: Operator, entering: Shape) -> str:
    """The operator's verb; for an activation its function, for a convolution with a group per channel what it is.

    >>> from costmodel.graph import image
    >>> from costmodel.operators.convolution import Conv2d
    >>> operator_label(Conv2d(8, kernel=3, groups=8), image(8, 5, 5)), operator_label(Conv2d(8), image(8, 5, 5))
    ('depthwise_conv2d', 'conv2d')
    """
    if operator.verb == "conv2d" and not anywhere((operator.groups != entering.channels) | (entering.channels == 1)):  # type: ignore[attr-defined]
        return "depthwise_conv2d"
    return getattr(operator, "function", operator.verb)
