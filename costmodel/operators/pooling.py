"""Pooling. A window of n elements costs n comparisons or adds per output, each onto a running value."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from costmodel.graph import Shape, Size, image, vector
from costmodel.operators.base import (
    POINTWISE,
    Counts,
    Operator,
    Padding,
    Pair,
    copied,
    image_sizes,
    operator,
    pair,
    the_only,
)  # fmt: skip
from costmodel.operators.convolution import window_reach
from costmodel.operators.rules import windows
from costmodel.records import record

Rounding: TypeAlias = Literal["floor", "ceil"]


@record
class Pool(Operator):
    """What maximum and average pooling share. `stride` is the kernel when not given; `rounding` applies to
    'valid' and explicit padding (Caffe and Netscope round up)."""

    kernel: Pair
    stride: Pair | None = None
    padding: Padding = "same"
    dilation: Pair = 1
    rounding: Rounding = "floor"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        return (image(channels, *windows(self._strided(), height, width, self.rounding)),)

    def _strided(self) -> Any:
        return self if self.stride is not None else type(self)(self.kernel, self.kernel, self.padding, self.dilation)

    def window_elements(self, outputs: tuple[Shape, ...]) -> int:
        """Elements looked at, over all windows."""
        kernel_height, kernel_width = pair(self.kernel)
        elements: int = kernel_height * kernel_width * the_only(outputs).elements
        return elements

    def reach(self, inputs: tuple[Shape, ...]) -> tuple[Any, Any, Any, Any]:
        return window_reach(self._strided())


@operator("max_pool2d", "pool", main="kernel")
class MaxPool2d(Pool):
    """Maximum over windows: kernel_height*kernel_width comparisons per output."""

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, comparisons=self.window_elements(outputs))


@operator("avg_pool2d", "pool", main="kernel")
class AvgPool2d(Pool):
    """Mean over windows: kernel_height*kernel_width adds and one division per output."""

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, adds=self.window_elements(outputs), divisions=the_only(outputs).elements)


def pooled(shape: Shape) -> Shape:
    """One value per channel: a 1x1 image of an image, one vector of tokens."""
    if shape.is_image:
        return image(shape.channels, 1, 1)
    return vector(shape.channels)


def whole_image(shape: Shape) -> tuple[Size, Size, Size, Size] | None:
    """The reach of an operator that looks at all pixels or tokens at once."""
    if len(shape.sizes) == 1:
        return POINTWISE
    if not shape.is_image:
        return None
    _, height, width = shape.sizes
    return height, width, height, width


@operator("global_avg_pool", "pool")
class GlobalAvgPool(Operator):
    """Mean of each channel over all pixels or tokens: elements adds, channels divisions."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (pooled(the_only(inputs)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, adds=the_only(inputs).elements, divisions=the_only(outputs).elements)

    def reach(self, inputs: tuple[Shape, ...]) -> tuple[Size, Size, Size, Size] | None:
        return whole_image(the_only(inputs))


@operator("global_max_pool", "pool")
class GlobalMaxPool(Operator):
    """Maximum of each channel over all pixels or tokens: elements comparisons."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (pooled(the_only(inputs)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, comparisons=the_only(inputs).elements)

    def reach(self, inputs: tuple[Shape, ...]) -> tuple[Size, Size, Size, Size] | None:
        return whole_image(the_only(inputs))
