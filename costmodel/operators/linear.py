"""Linear layers and products of two activations."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from costmodel.arithmetic import anywhere
from costmodel.errors import ShapeError
from costmodel.graph import Shape, Size
from costmodel.operators.base import Counts, Operator, Reach, described, operator, the_only
from costmodel.operators.rules import last_axis_reach, shared_sizes


@operator("linear", "linear", main="out_features")
class Linear(Operator):
    """Fully connected layer on a vector, or on every token of a sequence.

    macs = tokens * in_features * out_features; the tokens count, also those of windows.
    """

    out_features: Size
    bias: bool = True

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        if shape.is_image:
            _, height, width = shape.sizes
            if anywhere((height != 1) | (width != 1)):
                raise ShapeError(
                    f"linear needs a vector, tokens or a 1x1 image, got {shape}",
                    'add a "flatten" step (one vector) or "tokens" (one vector per pixel)',
                )
            return (Shape(shape.axes, (self.out_features, 1, 1)),)
        return (shape.with_last(self.out_features),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape, output = the_only(inputs), the_only(outputs)
        weights = shape.channels * self.out_features
        return Counts(
            macs=shape.elements * self.out_features,
            bias_adds=output.elements if self.bias else 0,
            weight_params=weights,
            bias_params=self.out_features if self.bias else 0,
            input_elements=shape.elements,
            output_elements=output.elements,
            weight_elements=weights,
        )

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return last_axis_reach(the_only(inputs))


Transpose: TypeAlias = Literal["none", "first", "second"]


@operator("matmul", "matmul", arity=(2, 2))
class Matmul(Operator):
    """Product of two activations: (..., rows, inner) times (..., inner, columns).

    macs = leading * rows * inner * columns. `transpose` swaps the last two axes of the first or second operand
    (attention scores are q k^T: transpose = "second"). An operand without the leading axes, or with size 1 there,
    is shared along them (the single key/value head of multi-query attention).
    """

    transpose: Transpose = "none"

    def _operands(self, inputs: tuple[Shape, ...]) -> tuple[Any, ...]:
        first, second = inputs
        (rows, inner), (second_inner, columns) = (shape.sizes[-2:] for shape in inputs)
        if self.transpose == "first":
            rows, inner = inner, rows
        if self.transpose == "second":
            second_inner, columns = columns, second_inner
        return first.sizes[:-2], second.sizes[:-2], rows, inner, second_inner, columns

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        first, second = inputs
        for shape in inputs:
            if len(shape.sizes) < 2 or shape.is_image:
                raise ShapeError(f"matmul needs tokens or heads, got {described(shape)}", 'add a "tokens" step')
        first_leading, second_leading, rows, inner, second_inner, columns = self._operands(inputs)
        wider = first if len(first_leading) >= len(second_leading) else second
        leading = shared_sizes(first_leading, second_leading)
        if leading is None or anywhere(inner != second_inner):
            raise ShapeError(
                f"matmul (transpose = {self.transpose!r}) cannot multiply {first} by {second}",
                "the columns of the first operand must equal the rows of the second, and the leading axes each other",
                "transpose",
            )
        return (Shape(wider.axes, (*leading, rows, columns)),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        first, second = inputs
        *_, inner, _, _ = self._operands(inputs)
        output = the_only(outputs)
        return Counts(
            macs=output.elements * inner,
            input_elements=first.elements + second.elements,
            output_elements=output.elements,
        )

    def reach(self, inputs: tuple[Shape, ...]) -> None:
        return None
