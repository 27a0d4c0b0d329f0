"""Activation functions, softmax, dropout."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from costmodel.graph import Shape
from costmodel.operators.base import Counts, Operator, Ratio, copied, operator, the_only

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
class Activation(Operator):
    """An element-wise non-linearity; `{ activation = "none" }` leaves no layer behind.

    >>> from costmodel.graph import image
    >>> Activation("relu6").count((image(8, 4, 4),), (image(8, 4, 4),)).comparisons
    256
    """

    function: Function

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return inputs

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        elements = the_only(inputs).elements
        return copied(inputs, outputs, **{k: n * elements for k, n in WORK_PER_ELEMENT[self.function].items()})


ACTIVATION_VERBS: dict[str, Any] = {name: Activation(name) for name in get_args(Function) if name != "none"}
"""Functions that a spec file may write as a step of its own: "relu" for { activation = "relu" }."""


@operator("prelu", "activation")
class PRelu(Operator):
    """Rectifier with a learned slope per channel (other_params)."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return inputs

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        shape = the_only(inputs)
        return copied(
            inputs, outputs, comparisons=shape.elements, multiplies=shape.elements, other_params=shape.channels
        )


@operator("softmax", "softmax")
class Softmax(Operator):
    """Softmax over the last axis (the channels of an image).

    Per element: 1 comparison (maximum), 1 add (subtract it), 1 exponential, 1 add (sum), 1 division.
    """

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return inputs

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        elements = the_only(inputs).elements
        return copied(
            inputs, outputs, comparisons=elements, adds=2 * elements, exponentials=elements, divisions=elements
        )


@operator("dropout", "dropout", main="rate")
class Dropout(Operator):
    """Nothing at inference: a view."""

    rate: Ratio = 0.5

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return inputs

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return Counts()
