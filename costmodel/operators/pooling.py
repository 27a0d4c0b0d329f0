"""Pooling. A window of n elements costs n comparisons or adds per output, each onto a running value."""

from __future__ import annotations

from typing import Literal, TypeAlias

from costmodel.arithmetic import anywhere
from costmodel.errors import ShapeError
from costmodel.graph import Shape, image, vector
from costmodel.operators.base import (
    Counts,
    Operator,
    Padding,
    Pair,
    Reach,
    copied,
    image_sizes,
    operator,
    pair,
    the_only,
)  # fmt: skip
from costmodel.operators.convolution import window_reach
from costmodel.operators.rules import axis_paddings, extent, first_bad, whole_image, windows
from costmodel.records import record, replace

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
        check_padding(self)
        return (image(channels, *windows(self._strided(), height, width, self.rounding)),)

    def _strided(self) -> Pool:
        return self if self.stride is not None else replace(self, stride=self.kernel)

    def window_elements(self, outputs: tuple[Shape, ...]) -> int:
        """Elements looked at, over all windows."""
        kernel_height, kernel_width = pair(self.kernel)
        elements: int = kernel_height * kernel_width * the_only(outputs).elements
        return elements

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
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


def check_padding(pool: Pool) -> None:
    """Raise where a window could see nothing but padding."""
    for kernel, dilation, ends in zip(pair(pool.kernel), pair(pool.dilation), axis_paddings(pool.padding), strict=True):
        span = extent(kernel, dilation)
        for padding in ends or ():
            bad = padding >= span
            if anywhere(bad):
                pixels, seen = first_bad(bad, padding, span)
                problem = f"padding of {pixels} leaves windows that see only padding: they span {seen}"
                raise ShapeError(problem, "use less padding", "padding")


def pooled(shape: Shape) -> Shape:
    """One value per channel: a 1x1 image of an image, one vector of tokens."""
    if shape.is_image:
        return image(shape.channels, 1, 1)
    return vector(shape.channels)


@operator("global_avg_pool", "pool")
class GlobalAvgPool(Operator):
    """Mean of each channel over all pixels or tokens: elements adds, channels divisions."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (pooled(the_only(inputs)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, adds=the_only(inputs).elements, divisions=the_only(outputs).elements)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return whole_image(the_only(inputs))


@operator("global_max_pool", "pool")
class GlobalMaxPool(Operator):
    """Maximum of each channel over all pixels or tokens: elements comparisons."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (pooled(the_only(inputs)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, comparisons=the_only(inputs).elements)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return whole_image(the_only(inputs))
