"""Operators that bring several tensors together, or take one apart."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from costmodel.arithmetic import anywhere, first_where
from costmodel.errors import ShapeError
from costmodel.graph import Shape, Size
from costmodel.operators.base import Copy, Count, Counts, Operator, Sizes, View, copied, operator, the_only
from costmodel.operators.rules import first_bad, shared_sizes

Axis: TypeAlias = Literal["channels", "tokens"]


def equal_shapes(inputs: tuple[Shape, ...], verb: str) -> tuple[Shape, ...]:
    """The common shape, or an error that shows all."""
    first, *others = inputs
    for other in others:
        same = len(first.sizes) == len(other.sizes) and not any(
            anywhere(a != b) for a, b in zip(first.sizes, other.sizes, strict=True)
        )
        if not same:
            raise ShapeError(
                f"{verb} needs equal shapes, got {' and '.join(str(shape) for shape in inputs)}",
                "check stride and channels of the branches",
                assume=(first,),
            )
    return (first,)


@operator("add", "elementwise", arity=(2, None))
class Add(Operator):
    """Element-wise sum of n equal tensors: n - 1 adds per element; reads every operand."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return equal_shapes(inputs, self.verb)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, adds=(len(inputs) - 1) * the_only(outputs).elements)


@operator("subtract", "elementwise", arity=(2, 2))
class Subtract(Operator):
    """Element-wise difference: one add per element."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return equal_shapes(inputs, self.verb)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, adds=the_only(outputs).elements)


def broadcast_shapes(inputs: tuple[Shape, ...], verb: str) -> tuple[Shape, ...]:
    """The common shape after sizes of 1 are broadcast, or an error that shows all."""
    widest = max(inputs, key=lambda shape: len(shape.sizes))
    sizes: Any = ()
    for shape in inputs:
        own = (*shape.sizes, 1, 1) if widest.is_image and len(shape.sizes) == 1 else shape.sizes
        sizes = shared_sizes(sizes, own)
        if sizes is None:
            raise ShapeError(
                f"{verb} cannot broadcast {' and '.join(str(shape) for shape in inputs)}",
                "sizes must be equal, or 1 on one side",
                assume=(widest,),
            )
    return (Shape(widest.axes, sizes),)


@operator("multiply", "elementwise", arity=(2, None))
class Multiply(Operator):
    """Element-wise product; sizes of 1 are broadcast (a squeeze-and-excitation gate is channels x 1 x 1).

    n - 1 multiplies per element of the result.
    """

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return broadcast_shapes(inputs, self.verb)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, multiplies=(len(inputs) - 1) * the_only(outputs).elements)


@operator("divide", "elementwise", arity=(2, 2))
class Divide(Operator):
    """Element-wise quotient of the first tensor by the second; sizes of 1 are broadcast.

    One division per element of the result. The epsilon that keeps a divisor from zero is not counted, as in the norms.
    """

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return broadcast_shapes(inputs, self.verb)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs, divisions=the_only(outputs).elements)


def axis_index(shape: Shape, axis: Axis, verb: str) -> int:
    """Where the named axis stands in a shape."""
    if axis == "channels":
        return 0 if shape.is_image else len(shape.sizes) - 1
    if "tokens" not in shape.axes:
        raise ShapeError(f"{verb} along tokens needs tokens, got {shape}", 'add a "tokens" step', "axis")
    return shape.axes.index("tokens")


def with_size(shape: Shape, index: int, size: Size) -> Shape:
    """The same shape with another size of one axis."""
    return Shape(shape.axes, (*shape.sizes[:index], size, *shape.sizes[index + 1 :]))


@operator("concat", "copy", arity=(1, None))
class Concat(Copy):
    """Joins tensors along the channels (or tokens): a copy, input + output."""

    axis: Axis = "channels"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        first = inputs[0]
        index = axis_index(first, self.axis, self.verb)
        joined = with_size(first, index, sum(shape.sizes[index] for shape in inputs if len(shape.sizes) > index))
        for other in inputs[1:]:
            fits = other.axes == first.axes and not any(
                anywhere(a != b) for at, (a, b) in enumerate(zip(first.sizes, other.sizes, strict=True)) if at != index
            )
            if not fits:
                raise ShapeError(
                    f"concat along {self.axis} needs equal other sizes, got "
                    f"{' and '.join(str(shape) for shape in inputs)}",
                    "check stride and padding of the branches",
                    assume=(joined,),
                )
        return (joined,)


Remainder: TypeAlias = Literal["refuse", "first"]


@operator("split", "view", main="parts")
class Split(View):
    """Takes the channels apart, into `parts` equal parts or parts of the sizes listed: a view.

    Outputs are called name.0, name.1, ...; with remainder = "first" the first part takes what does not divide.
    """

    parts: Sizes
    remainder: Remainder = "refuse"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        index = axis_index(shape, "channels", self.verb)
        channels = shape.sizes[index]
        if len(self.parts) > 1:
            bad = sum(self.parts) != channels
            if anywhere(bad):
                *parts, whole = first_bad(bad, *self.parts, channels)
                problem = f"split into {parts} needs {sum(parts)} channels, the input has {whole}"
                raise ShapeError(problem, field="parts")
            return tuple(with_size(shape, index, size) for size in self.parts)
        (count,) = self.parts
        size = channels // count
        uneven = size * count != channels
        if self.remainder == "refuse" and anywhere(uneven):
            raise ShapeError(
                f"split = {count} must divide the {first_where(uneven, channels)} channels",
                'list the sizes, or write remainder = "first"',
                "parts",
            )
        if anywhere(size < 1):
            raise ShapeError(
                f"split = {count} needs at least {count} channels, the input has {first_where(size < 1, channels)}",
                field="parts",
            )
        return (with_size(shape, index, channels - size * (count - 1)), *(with_size(shape, index, size),) * (count - 1))


@operator("slice", "view", main="size")
class Slice(View):
    """`size` neighbouring channels (or tokens) from `start` on: a view."""

    size: Size
    start: Count = 0
    axis: Axis = "channels"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        index = axis_index(shape, self.axis, self.verb)
        beyond = self.start + self.size > shape.sizes[index]
        if anywhere(beyond):
            size, start, length = first_bad(beyond, self.size, self.start, shape.sizes[index])
            raise ShapeError(f"slice of {size} from {start} ends beyond the {length} {self.axis}", field="size")
        return (with_size(shape, index, self.size),)


@operator("gather", "copy", main="channels")
class Gather(Operator):
    """Picks channels by a stored list of positions, in any order and more than once. A copy that reads what it picks.

    The index layer in front of a learned group convolution (CondenseNet, arXiv:1711.09224, Sec. 3.1).
    """

    channels: Size

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        shape = the_only(inputs)
        return (with_size(shape, axis_index(shape, "channels", self.verb), self.channels),)

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(outputs, outputs)
