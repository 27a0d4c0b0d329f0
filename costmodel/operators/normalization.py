"""Normalisation. None of this work is ever part of `macs`."""

from __future__ import annotations

from costmodel.arithmetic import anywhere
from costmodel.errors import ShapeError
from costmodel.graph import Shape, Size
from costmodel.operators.base import Counts, Operator, Reach, SameShape, copied, image_sizes, operator, the_only
from costmodel.operators.rules import first_bad, last_axis_reach


@operator("batch_norm", "norm")
class BatchNorm(SameShape):
    """Batch normalisation at inference: one scale and one shift per channel, x*s + b.

    norm_macs = elements, norm_params = 2*channels (running statistics are not trained and not counted).
    """

    affine: bool = True

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape = the_only(inputs)
        return copied(inputs, outputs, norm_macs=shape.elements, norm_params=2 * shape.channels * self.affine)


def statistics_counts(shape: Shape, normalised_sets: int, affine: bool) -> dict[str, int]:
    """Work of normalising by statistics of the input itself.

    Per element: 1 add (mean), 1 add (subtract it), 1 norm_mac (variance), 1 multiply (by the reciprocal deviation),
    1 norm_mac (scale and shift). Per set of elements: 3 divisions (mean, variance, reciprocal) and 1 square root,
    which stands under exponentials.
    """
    elements = shape.elements
    return {
        "norm_macs": elements * (1 + affine),
        "adds": 2 * elements,
        "multiplies": elements,
        "divisions": 3 * normalised_sets,
        "exponentials": normalised_sets,
        "norm_params": 2 * shape.channels * affine,
    }


@operator("layer_norm", "norm")
class LayerNorm(SameShape):
    """Normalisation over the channels of every token or pixel."""

    affine: bool = True

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape = the_only(inputs)
        return copied(inputs, outputs, **statistics_counts(shape, shape.elements // shape.channels, self.affine))

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return last_axis_reach(the_only(inputs))


@operator("group_norm", "norm", main="groups")
class GroupNorm(Operator):
    """Normalisation over groups of channels and all pixels of one sample."""

    groups: Size
    affine: bool = True

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        channels, _, _ = image_sizes(the_only(inputs), self.verb)
        uneven = channels % self.groups != 0
        if anywhere(uneven):
            groups, whole = first_bad(uneven, self.groups, channels)
            raise ShapeError(f"groups = {groups} must divide in_channels = {whole}", field="groups", assume=inputs)
        return inputs

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, **statistics_counts(the_only(inputs), self.groups, self.affine))

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        _, height, width = the_only(inputs).sizes
        return height, width, 1, 1


@operator("local_response_norm", "norm", main="window")
class LocalResponseNorm(Operator):
    """Across-channel normalisation of AlexNet: x / (k + alpha/n * sum over n channels of x^2)^beta.

    Per element: `window` norm_macs (the squares), 1 add, 1 multiply, 1 power (under exponentials), 1 division.
    """

    window: Size = 5

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        image_sizes(the_only(inputs), self.verb)
        return inputs

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        elements = the_only(inputs).elements
        return copied(
            inputs, outputs, norm_macs=self.window * elements,
            adds=elements, multiplies=elements, exponentials=elements, divisions=elements,
        )  # fmt: skip


@operator("l2_norm", "norm")
class L2Norm(SameShape):
    """Scales every token or pixel to length 1 over the channels: x / sqrt(sum over the channels of x^2).

    Per element: 1 norm_mac (the square) and 1 multiply (by the reciprocal length). Per token or pixel: 1 division and
    1 square root, which stands under exponentials. SSD (arXiv:1512.02325, section 3.1) follows it with a `scale`.
    """

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape = the_only(inputs)
        lengths = shape.elements // shape.channels
        return copied(
            inputs, outputs, norm_macs=shape.elements, multiplies=shape.elements, divisions=lengths,
            exponentials=lengths,
        )  # fmt: skip

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return last_axis_reach(the_only(inputs))


@operator("scale", "norm")
class Scale(SameShape):
    """A learned factor per channel (layer scale), with `bias` also a learned shift: other_params."""

    bias: bool = False

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape = the_only(inputs)
        return copied(
            inputs, outputs,
            norm_macs=shape.elements * self.bias,
            multiplies=shape.elements * (1 - self.bias),
            other_params=shape.channels * (1 + self.bias),
        )  # fmt: skip
