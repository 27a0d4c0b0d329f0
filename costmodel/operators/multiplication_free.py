"""Convolutions without multiplications: adder layers and bit-shift layers. Their work has columns of its own."""

from __future__ import annotations

from costmodel.graph import Shape
from costmodel.operators.base import Counts, operator
from costmodel.operators.convolution import Conv2d
from costmodel.records import replace


@operator("adder_conv2d", "convolution", main="out_channels")
class AdderConv2d(Conv2d):
    """The negative L1 distance of every patch to every filter, in place of a convolution (AdderNet).

    filter_adds = 2 * h*w * kernel_height*kernel_width * in_channels/groups * out_channels: a subtraction and an
    addition where a convolution has one multiply-accumulate; no macs (arXiv:1912.13200).

    >>> from costmodel.graph import image
    >>> layer, x = AdderConv2d(64, kernel=3), image(32, 14, 14)
    >>> layer.count((x,), layer.output_shapes((x,))).filter_adds == 2 * 14 * 14 * 3 * 3 * 32 * 64
    True
    """

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        multiplied = Conv2d.count(self, inputs, outputs)
        return replace(multiplied, macs=0, filter_adds=2 * multiplied.macs)


@operator("shift_conv2d", "convolution", main="out_channels")
class ShiftConv2d(Conv2d):
    """A convolution whose weights are signed powers of two: every product is a shift of bits.

    shifts = filter_adds = h*w * kernel_height*kernel_width * in_channels/groups * out_channels; no macs
    (DeepShift, arXiv:1905.13298; the shift layers of ShiftAddNet, arXiv:2010.12785).
    """

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        multiplied = Conv2d.count(self, inputs, outputs)
        return replace(multiplied, macs=0, shifts=multiplied.macs, filter_adds=multiplied.macs)
