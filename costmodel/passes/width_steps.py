"""What the rules of `scale_width` are given and what they say: a layer and the channels of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from costmodel.graph import Shape
from costmodel.operators.base import Operator
from costmodel.operators.combining import axis_index
from costmodel.passes.resized import UnscalableError
from costmodel.passes.widths import Axis, Width, Widths
from costmodel.records import record

Axes: TypeAlias = "tuple[Axis, ...]"
"""The axes of a tensor."""


@record
class Step:
    """A layer in the hands of its rule: the operator, the axes that enter, all shapes as they were."""

    operator: Any
    axes: tuple[Axes, ...]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    widths: Widths
    divisor: int

    @property
    def channels(self) -> Axis:
        """The channels of the first input, the only axis of it that may change."""
        index = channel_axis(self.inputs[0])
        kept(axis for at, axis in enumerate(self.axes[0]) if at != index)
        return self.axes[0][index]

    def made(self, size: int) -> Width:
        """Channels that the layer makes: rounded to the divisor."""
        width = self.widths.unknown(size)
        self.widths.round(width, self.divisor)
        return width

    def flow(self, channels: Axis, /, **fields: Axis) -> Flow:
        """One output, of which nothing but the channels may change; fields that hold a channel count."""
        changes = {name: self.new(axis) for name, axis in fields.items()}
        return Flow((with_channels(self.outputs[0], channels),), changes)

    def new(self, axis: Axis) -> Callable[[], int]:
        """The size of an axis, once it is known."""
        return partial(self.widths.new, axis)


@record
class Flow:
    """What a rule says: the axes of the outputs, and the fields that change, computed once all widths are known."""

    outputs: tuple[Axes, ...]
    fields: Mapping[str, Callable[[], Any]]


Rule: TypeAlias = Callable[[Step], Flow]
RULES: dict[type[Operator], Rule] = {}
"""The rule of every operator that `costmodel.passes.width_rules` has one for."""


def rule(*operators: type[Operator]) -> Callable[[Rule], Rule]:
    """Register the rule of these operators."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register


def channel_axis(shape: Shape) -> int:
    """Where the channels of a tensor stand."""
    return axis_index(shape, "channels", "")


def with_channels(shape: Shape, channels: Axis) -> Axes:
    """The axes of a tensor of which nothing but the channels may change."""
    index = channel_axis(shape)
    return (*shape.sizes[:index], channels, *shape.sizes[index + 1 :])


def kept(axes: Any) -> None:
    """Raise unless these axes keep their sizes."""
    if not all(isinstance(axis, int) for axis in axes):
        raise UnscalableError("works along an axis that holds channels elsewhere")
