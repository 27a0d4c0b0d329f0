"""What goes from step to step while a network is expanded: tensors, the names that reach them, names for layers."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import anywhere, structural
from costmodel.errors import ShapeError
from costmodel.graph import IMAGE, TOKENS, Shape
from costmodel.specs.unknown import is_unknown, unknown_shape
from costmodel.specs.values import MAXIMUM_SIZE

Tensor = tuple[str, Shape]
Flow = tuple[Tensor, ...]
"""The outputs of a step. After a mistake their sizes may be unknown."""


class Frame:
    """The tensors that references can reach: by name, and by position in the innermost list."""

    __slots__ = ("names", "outputs")

    def __init__(self, names: dict[str, Flow], outputs: list[Flow]) -> None:
        self.names, self.outputs = names, outputs


class Naming:
    """Hands out the names of the steps below one naming root: plain where unique, numbered where plural."""

    __slots__ = ("counts", "groups", "plural", "prefix")

    def __init__(self, prefix: str, plural: frozenset[str]) -> None:
        self.prefix, self.plural, self.counts, self.groups = prefix, plural, dict.fromkeys(plural, 0), 0

    def next(self, name: str) -> str:
        """The full name of the next step called `name`."""
        if name in self.plural:
            self.counts[name] += 1
            name = f"{name}_{self.counts[name]}"
        return self.prefix + name

    def next_group(self) -> str:
        """A name for the next group of layers below this root that is marked together."""
        self.groups += 1
        return f"{self.prefix}{self.groups}"


def flow_sizes(flow: Flow) -> dict[str, Any]:
    """Sizes of the tensor that enters a step, under the names expressions use."""
    if not flow:
        return {}
    _, shape = flow[0]
    if shape.axes == IMAGE:
        channels, height, width = shape.sizes
        return {"in_channels": channels, "in_height": height, "in_width": width}
    if shape.axes[-2:] == TOKENS:
        return {"in_channels": shape.sizes[-1], "in_tokens": shape.sizes[-2]}
    return {"in_channels": shape.sizes[-1]}


def is_doubtful(flow: Flow) -> bool:
    """Whether a mistake above leaves sizes of these tensors unknown."""
    return any(is_unknown(shape.sizes) for _, shape in flow)


def doubtful(flow: Flow) -> Flow:
    """What stands for the outputs of a step that could not be understood."""
    return (("?", unknown_shape(flow[0][1] if flow else None)),)


def shape_changes(before: Shape, after: Shape) -> bool:
    """Whether two shapes differ: decides the structure, so a sweep must agree on it."""
    if len(before.sizes) != len(after.sizes):
        return True
    differs: Any = False
    for a, b in zip(before.sizes, after.sizes, strict=True):
        differs = differs | (a != b)
    return bool(structural(differs, "whether a residual's shape changes"))


def check_bounds(shapes: tuple[Shape, ...]) -> None:
    """Refuse sizes beyond 31 bits, before products of them can grow without bound."""
    for shape in shapes:
        for size in shape.sizes:
            if (size > MAXIMUM_SIZE) if type(size) is int else anywhere(size > MAXIMUM_SIZE):
                raise ShapeError(f"a size of the result is above {MAXIMUM_SIZE:,}", "use smaller sizes")
