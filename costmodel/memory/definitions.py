"""Ways of counting the memory of activations, as data: papers and interpreters mean different things by the peak."""

from __future__ import annotations

from typing import Literal, TypeAlias

from costmodel.errors import UnknownNameError, nearest
from costmodel.fusion import ACTIVATIONS
from costmodel.records import record

Counted: TypeAlias = Literal["tensor", "operator", "live"]
"""What is held in a step: its largest tensor; all its inputs and outputs; all tensors that live during it."""


@record
class MemoryDefinition:
    """A way of counting the memory of activations.

    Operators in `overwriting` write over their input when nothing reads it later: such a step holds the larger of
    the two. Views (flatten, split, dropout) hold nothing of their own; what they look at stays whole until the last
    of them is read. Weights are not activations.
    """

    name: str
    meaning: str
    counted: Counted
    overwriting: frozenset[str]
    source: str


FOLDED = ACTIVATIONS | {"batch_norm", "scale", "learned"}
"""Element by element with one activation as input: runtimes fold them into what comes before or compute in place."""
VIEWS = frozenset({"view", "dropout"})
"""Kinds of operators that move nothing."""

DEFINITIONS = {
    definition.name: definition
    for definition in (
        MemoryDefinition(
            "single", "the largest tensor", "tensor", frozenset(), "MobileNetV2, arXiv:1801.04381, Table 3"
        ),
        MemoryDefinition(
            "io",
            "the largest sum of one operator's inputs and outputs, norm and activation folded",
            "operator",
            FOLDED,
            "MobileNetV2, arXiv:1801.04381, Sec. 5.1: M(G) = max over operators of the sizes of inputs and outputs",
        ),
        MemoryDefinition(
            "io_inplace",
            "as io, with depthwise convolutions in place; what a shortcut holds meanwhile is not counted",
            "operator",
            FOLDED | {"depthwise_conv2d"},
            "MCUNetV2, arXiv:2110.15352, Table 1, whose peaks it gives",
        ),
        MemoryDefinition(
            "live",
            "the tensors between first and last use, each operator writing a new one",
            "live",
            frozenset(),
            "Liberis and Lane, arXiv:1910.05110, Sec. 3",
        ),
        MemoryDefinition(
            "fused",
            "the tensors between first and last use, norm and activation in place",
            "live",
            FOLDED,
            "Liberis and Lane, arXiv:1910.05110, Sec. 3, on inference layers",
        ),
        MemoryDefinition(
            "inplace",
            "as fused, and depthwise convolutions in place; the one channel they need beside is not counted",
            "live",
            FOLDED | {"depthwise_conv2d"},
            "MCUNet, arXiv:2007.10319, Sec. 3.2: in-place depth-wise convolution",
        ),
    )
}

ARENA = MemoryDefinition(
    "arena",
    "the highest end address once every tensor has one, aligned to 16 bytes, norm and activation in place",
    "live",
    FOLDED,
    "TensorFlow Lite Micro, whose planner takes the tensors by size; here the best of more orders",
)
"""What `costmodel.memory.plan_arena` plans by default. It depends on all steps at once, so that only a whole network
has it: `peak_memory` takes it by name, parts and searches do not."""


def definition_named(name: str) -> MemoryDefinition:
    """The definition of that name, of those that count step by step.

    >>> definition_named("io").meaning
    "the largest sum of one operator's inputs and outputs, norm and activation folded"

    Raises: UnknownNameError with the names that exist.
    """
    if not isinstance(name, str) or name not in DEFINITIONS:
        hint = nearest(name, DEFINITIONS) or f"there are {', '.join(DEFINITIONS)}"
        if name == ARENA.name:
            known = ", ".join(DEFINITIONS)
            hint = f"`costmodel memory --arena`, peak_memory and plan_arena have it; here there are {known}"
        raise UnknownNameError(f"unknown definition of memory {name!r}; {hint}")
    return DEFINITIONS[name]
