"""What an operator is: fields, a shape rule and a counting rule, in one class, found by its verb."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, dataclass_transform, get_args

from costmodel.errors import ShapeError
from costmodel.graph import Shape, Size
from costmodel.records import fields_of, record

Pair: TypeAlias = "int | tuple[int, int]"
"""One number for height and width, or the two."""
Offsets: TypeAlias = "int | tuple[int, int]"
"""As Pair, but zero is allowed."""
Count: TypeAlias = int
"""A size that may be zero."""
Index: TypeAlias = int
"""A position counted from 0, or from the end when negative."""
Sizes: TypeAlias = "tuple[int, ...]"
"""A list of sizes, or one number."""
Names: TypeAlias = "tuple[str, ...]"
Ratio: TypeAlias = float
Padding: TypeAlias = "Literal['same', 'valid'] | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]"
"""'same' (output = ceil(size / stride)), 'valid' (none), n, (height, width), or ((top, bottom), (left, right))."""

Reach: TypeAlias = "tuple[Any, Any, Any, Any] | None"
"""Kernel extent and stride, each (height, width): (1, 1, 1, 1) for operators that work pixel by pixel; None where an
output may depend on everything."""

Kind: TypeAlias = Literal[
    "convolution", "linear", "matmul", "recurrent", "norm", "activation", "softmax", "dropout", "pool", "elementwise",
    "copy", "view",
]  # fmt: skip
"""What fold rules, conventions and charts tell operators apart by."""


@record
class Counts:
    """What one layer costs for one sample. Every count is exact; `costmodel.costs.COLUMNS` gives unit and meaning."""

    macs: int = 0
    bias_adds: int = 0
    norm_macs: int = 0
    adds: int = 0
    multiplies: int = 0
    comparisons: int = 0
    divisions: int = 0
    exponentials: int = 0
    filter_adds: int = 0
    shifts: int = 0
    weight_params: int = 0
    bias_params: int = 0
    norm_params: int = 0
    other_params: int = 0
    input_elements: int = 0
    output_elements: int = 0
    weight_elements: int = 0

    @property
    def parameters(self) -> tuple[int, ...]:
        """The four counts of trainable parameters."""
        return self.weight_params, self.bias_params, self.norm_params, self.other_params


@record
class Field:
    """A field of an operator as a spec file sees it: how its value is read, and what it may be."""

    name: str
    reads: str
    choices: tuple[str, ...]
    default: Any
    required: bool


class Operator:
    """Base of all operators. A subclass has annotated fields, `output_shapes` and `count`."""

    __slots__ = ()
    verb: ClassVar[str]
    kind: ClassVar[Kind]
    main: ClassVar[str | None]
    fields: ClassVar[tuple[Field, ...]]
    arity: ClassVar[tuple[int, int | None]]

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """Shapes of the outputs for these inputs.

        Raises: ShapeError when the operator cannot take them.
        """
        raise NotImplementedError

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        """What the operator costs, batch 1."""
        raise NotImplementedError

    def reach(self, inputs: tuple[Shape, ...]) -> Reach:
        """How far one output looks into the input."""
        return POINTWISE


POINTWISE = (1, 1, 1, 1)


class SameShape(Operator):
    """An operator whose output has the shape of its input."""

    __slots__ = ()

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return inputs


class View(Operator):
    """An operator that moves nothing."""

    __slots__ = ()

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return NOTHING


class Copy(Operator):
    """An operator that reads its inputs and writes its outputs, and computes nothing."""

    __slots__ = ()

    def count(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Counts:
        return copied(inputs, outputs)


OPERATORS: dict[str, type[Operator]] = {}
"""Every operator by its verb, the word spec files use."""

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def operator(
    verb: str, kind: Kind, main: str | None = None, arity: tuple[int, int | None] = (1, 1)
) -> Callable[[type[T]], type[T]]:
    """Register an operator class as a frozen record.

    `main` is the field that a spec file writes as the value of the verb; `arity` the least and the greatest number
    of inputs (None: any).
    """

    def register(cls: type[T]) -> type[T]:
        frozen: Any = record(cls)
        if verb in OPERATORS:
            raise ValueError(f"operator {verb!r} is registered twice: {OPERATORS[verb].__name__}, {cls.__name__}")
        frozen.verb, frozen.kind, frozen.main, frozen.arity = verb, kind, main, arity
        frozen.fields = _fields(frozen)
        OPERATORS[verb] = frozen
        return frozen  # type: ignore[no-any-return]

    return register


READS = {
    "Size": "size", "Count": "count", "Index": "index", "Pair": "pair", "Offsets": "offsets", "Padding": "padding",
    "Sizes": "sizes", "Names": "names", "Ratio": "ratio", "bool": "flag",
}  # fmt: skip
"""How a spec file's value for a field of this type is read (`costmodel.specs.values`)."""


def _fields(cls: Any) -> tuple[Field, ...]:
    annotations: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        annotations |= vars(base).get("__annotations__", {})
    defaults = cls.__record_defaults__
    fields = []
    for name in fields_of(cls):
        reads = READS.get(annotations[name].removesuffix(" | None"))
        choices: tuple[str, ...] = ()
        if reads is None:  # the name of a Literal in the operator's module: the words live there and nowhere else
            reads, choices = "word", get_args(getattr(sys.modules[cls.__module__], annotations[name]))
        elif reads == "padding":
            choices = ("same", "valid")
        fields.append(Field(name, reads, choices, defaults.get(name), name not in defaults))
    return tuple(fields)


def pair(value: Any) -> tuple[Any, Any]:
    """(height, width) of a field that takes one number or two."""
    return value if isinstance(value, tuple) else (value, value)


def the_only(shapes: tuple[Shape, ...]) -> Shape:
    """The one shape of a tuple of one."""
    (shape,) = shapes
    return shape


def image_sizes(shape: Shape, verb: str) -> tuple[Size, Size, Size]:
    """Channels, height and width, or an error that says how to get an image."""
    if not shape.is_image:
        raise ShapeError(
            f"{verb} needs an image (channels, height, width), got {described(shape)}",
            "use { image = height } to lay tokens out as an image" if "tokens" in shape.axes else "",
        )
    channels, height, width = shape.sizes
    return channels, height, width


def described(shape: Shape) -> str:
    """A shape with its axis names, for messages."""
    return f"{shape} ({', '.join(shape.axes)})"


def copied(inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], **counts: int) -> Counts:
    """Counts of an operator that reads all its inputs and writes its outputs; `counts` are added."""
    return Counts(
        input_elements=_elements_of(inputs),
        output_elements=_elements_of(outputs),
        **counts,
    )


def _elements_of(shapes: tuple[Shape, ...]) -> int:
    """Elements of all tensors; of one tensor without adding to 0, which would copy the array of a sweep."""
    return shapes[0].elements if len(shapes) == 1 else sum([shape.elements for shape in shapes])


NOTHING = Counts()
"""Counts of a view: no work, no traffic."""
