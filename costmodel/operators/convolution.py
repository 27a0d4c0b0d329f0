"""Convolution, depthwise convolution, transposed convolution."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere, ceil_div, ratio
from costmodel.errors import ShapeError
from costmodel.graph import Shape, Size, image
from costmodel.operators.base import Counts, Offsets, Operator, Padding, Pair, image_sizes, operator, pair, the_only
from costmodel.operators.rules import axis_paddings, extent, first_bad, windows


@operator("conv2d", "convolution", main="out_channels")
class Conv2d(Operator):
    """Convolution of an image, with groups.

    macs = h*w * kernel_height*kernel_width * in_channels/groups * out_channels, with h, w of the output;
    memory access = inputs + outputs + weights, for stride 1 hw(c1 + c2) + k*k*c1*c2/g
    (ShuffleNet V2, arXiv:1807.11164, G1 and G2).

    >>> from costmodel.graph import image
    >>> conv, x = Conv2d(64, kernel=3), image(32, 14, 14)
    >>> conv.count((x,), conv.output_shapes((x,))).macs == 14 * 14 * 3 * 3 * 32 * 64
    True
    """

    out_channels: Size
    kernel: Pair = 1
    stride: Pair = 1
    padding: Padding = "same"
    dilation: Pair = 1
    groups: Size = 1
    bias: bool = False

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        out_height, out_width = windows(self, height, width)
        output = image(self.out_channels, out_height, out_width)
        check_groups(self.groups, channels, self.out_channels, output)
        return (output,)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        channels, _, _ = the_only(inputs).sizes
        kernel_height, kernel_width = pair(self.kernel)
        weights = kernel_height * kernel_width * (channels // self.groups) * self.out_channels
        _, out_height, out_width = the_only(outputs).sizes
        return convolution_counts(inputs, outputs, weights, weights * (out_height * out_width), self.bias)

    def reach(self, inputs: tuple[Shape, ...]) -> tuple[Any, Any, Any, Any]:
        return window_reach(self)


@operator("depthwise_conv2d", "convolution", main="kernel")
class DepthwiseConv2d(Operator):
    """One filter per channel (`multiplier` filters): a convolution with groups = in_channels.

    macs = h*w * kernel_height*kernel_width * in_channels * multiplier.
    """

    kernel: Pair
    stride: Pair = 1
    padding: Padding = "same"
    dilation: Pair = 1
    multiplier: Size = 1
    bias: bool = False

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, height, width = image_sizes(the_only(inputs), self.verb)
        return (image(channels * self.multiplier, *windows(self, height, width)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        kernel_height, kernel_width = pair(self.kernel)
        out_channels, out_height, out_width = the_only(outputs).sizes
        weights = kernel_height * kernel_width * out_channels
        return convolution_counts(inputs, outputs, weights, weights * (out_height * out_width), self.bias)

    def reach(self, inputs: tuple[Shape, ...]) -> tuple[Any, Any, Any, Any]:
        return window_reach(self)


@operator("conv_transpose2d", "convolution", main="out_channels")
class ConvTranspose2d(Operator):
    """Transposed ("de-") convolution: every input pixel is spread over a kernel of output pixels.

    macs = h*w * kernel_height*kernel_width * in_channels/groups * out_channels, with h, w of the *input*;
    counting at the output instead is stride_height*stride_width times too much.
    out = (in - 1)*stride - paddings + dilation*(kernel - 1) + output_padding + 1; 'same' gives in*stride.
    """

    out_channels: Size
    kernel: Pair = 1
    stride: Pair = 1
    padding: Padding = "same"
    dilation: Pair = 1
    groups: Size = 1
    output_padding: Offsets = 0
    bias: bool = False

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, *sizes = image_sizes(the_only(inputs), self.verb)
        paddings = axis_paddings(self.padding)
        if paddings[0] is None and any(anywhere(extra != 0) for extra in pair(self.output_padding)):
            raise ShapeError(
                "output_padding has no meaning with padding = 'same', which gives an output of input*stride",
                "write the padding as a number",
                "output_padding",
            )
        axes = zip(
            sizes, pair(self.kernel), pair(self.stride), pair(self.dilation), pair(self.output_padding), paddings,
            strict=True,
        )  # fmt: skip
        out_sizes = [
            size * stride
            if ends is None
            else (size - 1) * stride - sum(ends) + extent(kernel, dilation) + output_padding
            for size, kernel, stride, dilation, output_padding, ends in axes
        ]
        empty = (out_sizes[0] < 1) | (out_sizes[1] < 1)
        if anywhere(empty):
            height, width = first_bad(empty, *out_sizes)
            raise ShapeError(f"the output would be {height}x{width}", "use less padding", "padding")
        output = image(self.out_channels, *out_sizes)
        check_groups(self.groups, channels, self.out_channels, output)
        return (output,)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        channels, height, width = the_only(inputs).sizes
        kernel_height, kernel_width = pair(self.kernel)
        weights = kernel_height * kernel_width * (channels // self.groups) * self.out_channels
        return convolution_counts(inputs, outputs, weights, weights * (height * width), self.bias)

    def reach(self, inputs: tuple[Shape, ...]) -> tuple[Any, Any, Any, Any]:
        kernel_height, kernel_width = pair(self.kernel)
        stride_height, stride_width = pair(self.stride)
        dilation_height, dilation_width = pair(self.dilation)
        return (
            ceil_div(extent(kernel_height, dilation_height), stride_height),
            ceil_div(extent(kernel_width, dilation_width), stride_width),
            ratio(1, stride_height),
            ratio(1, stride_width),
        )


def check_groups(groups: Size, in_channels: Size, out_channels: Size, output: Shape) -> None:
    """Raise unless the groups divide the channels on both sides."""
    bad = (in_channels % groups != 0) | (out_channels % groups != 0)
    if anywhere(bad):
        named = first_bad(bad, groups, in_channels, out_channels)
        raise ShapeError(
            f"groups = {named[0]} must divide in_channels = {named[1]} and out_channels = {named[2]}",
            field="groups",
            assume=(output,),
        )


def convolution_counts(
    inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], weights: int, macs: int, bias: bool
) -> Counts:
    """Counts of an operator that slides `weights` over an image."""
    output = the_only(outputs)
    return Counts(
        macs=macs,
        bias_adds=output.elements if bias else 0,
        weight_params=weights,
        bias_params=output.channels if bias else 0,
        input_elements=the_only(inputs).elements,
        output_elements=output.elements,
        weight_elements=weights,
    )


def window_reach(operator: Any) -> tuple[Any, Any, Any, Any]:
    """Kernel extents and strides of an operator that slides a window."""
    kernel_height, kernel_width = pair(operator.kernel)
    dilation_height, dilation_width = pair(operator.dilation)
    stride_height, stride_width = pair(operator.stride)
    return extent(kernel_height, dilation_height), extent(kernel_width, dilation_width), stride_height, stride_width
