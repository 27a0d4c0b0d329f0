"""Operators that add pixels, channels or tokens: padding, resizing, learned tensors."""

from __future__ import annotations

from typing import Literal, TypeAlias

from costmodel.arithmetic import anywhere, ratio
from costmodel.errors import ShapeError
from costmodel.graph import Shape, Size, image
from costmodel.operators.base import (
    Copy,
    Counts,
    Operator,
    Padding,
    Pair,
    Reach,
    SameShape,
    copied,
    image_sizes,
    operator,
    pair,
    the_only,
)  # fmt: skip
from costmodel.operators.rules import axis_paddings, first_bad, sequence_sizes


@operator("pad", "copy", main="padding")
class Pad(Copy):
    """Zeros around an image, as an operator of its own: a copy. Most networks pad inside the convolution instead."""

    padding: Padding

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        vertical, horizontal = axis_paddings(self.padding)
        if vertical is None or horizontal is None:
            raise ShapeError("pad needs numbers", "write { pad = 1 } or { pad = [[0, 1], [0, 1]] }", "padding")
        return (image(channels, height + sum(vertical), width + sum(horizontal)),)


@operator("pad_channels", "copy", main="channels")
class PadChannels(Copy):
    """Constant channels up to that number: zeros in the shortcut of CIFAR ResNets, ones in linear attention. A copy."""

    channels: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        less = self.channels < shape.channels
        if anywhere(less):
            wanted, there = first_bad(less, self.channels, shape.channels)
            raise ShapeError(f"pad_channels = {wanted} is less than the {there} there are", field="channels")
        if shape.is_image:
            return (image(self.channels, *shape.sizes[1:]),)
        return (shape.with_last(self.channels),)


Method: TypeAlias = Literal["nearest", "bilinear"]


@operator("resize", "copy", main="size")
class Resize(Operator):
    """An image of another size: "nearest" is a copy, "bilinear" costs 4 multiplies and 3 adds per output."""

    size: Pair
    method: Method = "nearest"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, _, _ = image_sizes(the_only(inputs), self.verb)
        return (image(channels, *pair(self.size)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        interpolated = the_only(outputs).elements * (self.method == "bilinear")
        return copied(inputs, outputs, multiplies=4 * interpolated, adds=3 * interpolated)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        _, height, width = the_only(inputs).sizes
        out_height, out_width = pair(self.size)
        neighbours = 2 if self.method == "bilinear" else 1
        return neighbours, neighbours, ratio(height, out_height), ratio(width, out_width)


@operator("max_unpool2d", "copy", main="size")
class MaxUnpool2d(Operator):
    """Puts every value where a max pooling found it, zeros elsewhere: a copy that reads each value and its index.

    The undoing of a pooling in SegNet (arXiv:1511.00561, section 3) and ENet (arXiv:1606.02147, section 4).
    `input_elements` = 2*elements: an index is one element; `size` is that of the image that was pooled.
    """

    size: Pair

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        sizes = pair(self.size)
        for size, there in zip(sizes, (height, width), strict=True):
            less = size < there
            if anywhere(less):
                wanted, smallest = first_bad(less, size, there)
                raise ShapeError(f"max_unpool2d to {wanted} is smaller than the {smallest} there are", field="size")
        return (image(channels, *sizes),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return Counts(input_elements=2 * the_only(inputs).elements, output_elements=the_only(outputs).elements)

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        _, height, width = the_only(inputs).sizes
        out_height, out_width = pair(self.size)
        return 1, 1, ratio(height, out_height), ratio(width, out_width)


@operator("class_token", "copy", main="number")
class ClassToken(Operator):
    """Puts learned tokens in front of a sequence: number*channels other_params, a copy."""

    number: Size = 1

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        count, channels = sequence_sizes(the_only(inputs), self.verb)
        return (Shape(the_only(inputs).axes, (count + self.number, channels)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, other_params=self.number * the_only(inputs).channels)


@operator("embedding", "copy", main="features")
class Embedding(Operator):
    """A learned row of `features` for every token, by its number: entries*features other_params.

    The input is a sequence of one number each; `input_elements` are those and the rows looked up.
    """

    features: Size
    entries: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        _, channels = sequence_sizes(shape, self.verb)
        if anywhere(channels != 1):
            numbers = first_bad(channels != 1, channels)[0]
            raise ShapeError(f"embedding needs one number for every token, got {numbers}", "write input = [steps, 1]")
        return (shape.with_last(self.features),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        rows = the_only(outputs).elements
        return Counts(
            other_params=self.entries * self.features,
            input_elements=the_only(inputs).elements + rows,
            output_elements=rows,
        )


@operator("learned", "elementwise", main="parameters")
class Learned(SameShape):
    """Adds a learned table to its input (position table, relative position bias): `parameters` other_params."""

    parameters: Size

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, adds=the_only(inputs).elements, other_params=self.parameters)
