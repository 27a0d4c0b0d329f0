"""Number formats: how wide a weight, an activation and an accumulator are."""

from __future__ import annotations

from costmodel.errors import UnknownNameError, nearest
from costmodel.records import record


@record
class Dtype:
    """A number format. Widths in bits; `tfloat32` computes with 19 bits and is stored in 32.

    `computes_in` names the format whose peak it runs at, where that is another: `amp` (automatic mixed precision)
    keeps weights in float32 and computes in float16, `auto` leaves the choice to the runtime.
    """

    name: str
    weight_bits: int
    activation_bits: int
    accumulator_bits: int
    computes_in: str = ""

    @property
    def is_integer(self) -> bool:
        """Whether numbers are integers with a scale."""
        return self.name.startswith(("int", "uint"))

    @property
    def peak(self) -> str:
        """The format whose peak it runs at."""
        return self.computes_in or self.name


DTYPES = {
    dtype.name: dtype
    for dtype in (
        Dtype("float32", 32, 32, 32),
        Dtype("tfloat32", 32, 32, 32),
        Dtype("float16", 16, 16, 32),
        Dtype("bfloat16", 16, 16, 32),
        Dtype("float8", 8, 8, 32),
        Dtype("int16", 16, 16, 64),
        Dtype("int8", 8, 8, 32),
        Dtype("uint8", 8, 8, 32, "int8"),
        Dtype("amp", 32, 16, 32, "float16"),
        Dtype("amp_bfloat16", 32, 16, 32, "bfloat16"),
        Dtype("auto", 32, 32, 32, "float32"),
        Dtype("float16_accumulate_float32", 16, 16, 32, "float16"),
        Dtype("float16_storage", 16, 16, 32, "float32"),
    )
}


def dtype_named(name: str) -> Dtype:
    """The number format of that name.

    >>> dtype_named("int8").weight_bits
    8

    Raises: UnknownNameError with the names that exist.
    """
    if not isinstance(name, str) or name not in DTYPES:
        hint = nearest(name, DTYPES) or f"there are {', '.join(DTYPES)}"
        raise UnknownNameError(f"unknown number format {name!r}; {hint}")
    return DTYPES[name]


def dtype_of(dtype: str | Dtype) -> Dtype:
    """A number format itself, or the one of that name.

    >>> dtype_of("int8") == dtype_of(DTYPES["int8"])
    True

    Raises: UnknownNameError with the names that exist.
    """
    return dtype if isinstance(dtype, Dtype) else dtype_named(dtype)
