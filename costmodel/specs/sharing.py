"""Weights that several steps share: which of their layers belong together, and whether they fit."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere, first_where
from costmodel.graph import Shape
from costmodel.operators import Operator
from costmodel.operators.base import pair
from costmodel.records import record, values_of
from costmodel.specs.unknown import is_unknown
from costmodel.specs.values import shown

FREE = ("stride", "padding", "dilation", "output_padding")
"""Fields that may differ between layers with the same weights: they say where a window stands, not what is in it."""


@record
class Member:
    """A layer with parameters below a shared step."""

    layer: str
    operator: Operator
    parameters: tuple[int, ...]

    def misfit(self, other: Member) -> str:
        """What keeps another layer from using the weights of this one, or ''."""
        if type(self.operator) is not type(other.operator):
            return f"{other.layer} is {other.operator.verb}, {self.layer} is {self.operator.verb}"
        for field in self.operator.fields:
            own, others = (getattr(member.operator, field.name) for member in (self, other))
            if field.reads == "pair":
                own, others = pair(own), pair(others)
            if field.name not in FREE and not _same(own, others):
                return f"{other.layer} has {field.name} = {shown(others)}, {self.layer} has {shown(own)}"
        for count, others in zip(self.parameters, other.parameters, strict=True):
            differs = count != others
            if anywhere(differs):
                parameters = first_where(differs, others)
                return f"{other.layer} has {parameters} parameters, {self.layer} has {first_where(differs, count)}"
        return ""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return not anywhere(one != other)


class Sharing:
    """One use of a weights group: names the weights of its layers.

    A single operator has the group's weights; a layer of a block is known by its name in the block, a layer below
    another structure by its number.
    """

    __slots__ = ("group", "is_known", "members", "numbered", "prefix")

    def __init__(self, group: str, numbered: bool) -> None:
        self.group, self.numbered, self.prefix = group, numbered, ""
        self.members: dict[str, Member] = {}
        self.is_known = True

    def enter(self, prefix: str) -> None:
        """Note the name of the block that the shared step expands; of blocks inside it nothing is noted."""
        if not self.numbered and not self.prefix:
            self.prefix = prefix

    def weights(
        self, name: str, operator: Operator, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]
    ) -> str | None:
        """The weights of a layer; None for one without parameters."""
        sizes = [shape.sizes for shape in (*inputs, *outputs)]
        if any(map(is_unknown, (*sizes, *values_of(operator)))):
            self.is_known = False
            return None
        parameters = operator.count(inputs, outputs).parameters
        if not any(anywhere(count != 0) for count in parameters):
            return None
        own = str(len(self.members) + 1) if self.numbered else name.removeprefix(self.prefix) if self.prefix else ""
        weights = f"{self.group}.{own}" if own else self.group
        self.members[weights] = Member(name, operator, parameters)
        return weights

    def misfit(self, other: Sharing) -> str:
        """What keeps another use of the group from using the weights of this one, or ''."""
        if not (self.is_known and other.is_known):
            return ""
        if len(self.members) != len(other.members):
            count = len(other.members)
            layers = "is 1 layer" if count == 1 else f"are {count} layers"
            return f"there {layers} with parameters here, {len(self.members)} at the first use"
        for weights, member in self.members.items():
            if weights not in other.members:
                return f"no layer here belongs to {member.layer}"
            problem = member.misfit(other.members[weights])
            if problem:
                return problem
        return ""
