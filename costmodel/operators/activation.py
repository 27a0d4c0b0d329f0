"""Activation functions, softmax, dropout."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from costmodel.arithmetic import anywhere, first_where
from costmodel.errors import ShapeError
from costmodel.graph import Shape
from costmodel.operators.base import Counts, Ratio, Reach, SameShape, View, copied, operator, the_only
from costmodel.operators.rules import last_axis_reach

Function: TypeAlias = Literal[
    "none", "relu", "relu6", "leaky_relu", "elu", "hard_sigmoid", "hard_swish", "sigmoid", "swish", "tanh", "gelu",
]  # fmt: skip

WORK_PER_ELEMENT: dict[str, dict[str, int]] = {
    "none": {},
    "relu": {"comparisons": 1},
    "relu6": {"comparisons": 2},
    "leaky_relu": {"comparisons": 1, "multiplies": 1},
    "elu": {"comparisons": 1, "exponentials": 1, "adds": 1, "multiplies": 1},
    "hard_sigmoid": {"adds": 1, "comparisons": 2, "multiplies": 1},
    "hard_swish": {"adds": 1, "comparisons": 2, "multiplies": 2},
    "sigmoid": {"exponentials": 1, "adds": 1, "divisions": 1},
    "swish": {"exponentials": 1, "adds": 1, "divisions": 1, "multiplies": 1},
    "tanh": {"exponentials": 1},
    "gelu": {"exponentials": 1, "adds": 1, "multiplies": 3},
}
"""Operations per element as the function is usually written; erf and tanh count as one exponential."""


@operator("activation", "activation", main="function")
class Activation(SameShape):
    """An element-wise non-linearity; `{ activation = "none" }` leaves no layer behind.

    >>> from costmodel.graph import image
    >>> Activation("relu6").count((image(8, 4, 4),), (image(8, 4, 4),)).comparisons
    256
    """

    function: Function

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        elements = the_only(inputs).elements
        return copied(inputs, outputs, **{k: n * elements for k, n in WORK_PER_ELEMENT[self.function].items()})


ACTIVATION_VERBS: dict[str, Any] = {name: Activation(name) for name in get_args(Function) if name != "none"}
"""Functions that a spec file may write as a step of its own: "relu" for { activation = "relu" }."""


@operator("prelu", "activation")
class PRelu(SameShape):
    """Rectifier with a learned slope per channel (other_params)."""

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape = the_only(inputs)
        return copied(
            inputs, outputs, comparisons=shape.elements, multiplies=shape.elements, other_params=shape.channels
        )


@operator("softmax", "softmax")
class Softmax(SameShape):
    """Softmax over the last axis (the channels of an image).

    Per element: 1 comparison (maximum), 1 add (subtract it), 1 exponential, 1 add (sum), 1 division.
    """

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        elements = the_only(inputs).elements
        return copied(
            inputs, outputs, comparisons=elements, adds=2 * elements, exponentials=elements, divisions=elements
        )

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        return last_axis_reach(the_only(inputs))


@operator("dropout", "dropout", main="rate")
class Dropout(View):
    """Nothing at inference: a view."""

    rate: Ratio = 0.5

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        bad = (self.rate < 0) | (self.rate >= 1)
        if anywhere(bad):
            problem = f"rate = {first_where(bad, self.rate)} must be at least 0 and less than 1"
            raise ShapeError(problem, "it is the part that is dropped in training", "rate", inputs)
        return inputs
