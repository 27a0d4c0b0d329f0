"""What is asked of each layer: one value for all, or values by pattern of layer names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, TypeVar

from costmodel.errors import ParameterError, nearest

T = TypeVar("T")

MAXIMUM_BITS = 32
MAXIMUM_PATTERNS = 1000
LONGEST_PATTERN = 200
NUMBER = re.compile(r"[0-9]{1,30}/[0-9]{1,30}|([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})(e-?[0-9]{1,2})?")
"""A fraction as text: 0.67, .67, 67e-2, 2/3."""


def whole_bits(name: str, value: Any, most: int = MAXIMUM_BITS) -> int:
    """A number of bits.

    Raises: ParameterError unless it is a whole number from 1 to `most`.
    """
    whole = hasattr(value, "__index__") and not isinstance(value, bool) and getattr(value, "ndim", 0) == 0
    if not whole or not 1 <= value <= most:
        raise ParameterError(f"{name} = {_shown(value)} must be a whole number of bits from 1 to {most}")
    return int(value)


def part_of_zeros(name: str, value: Any) -> Fraction:
    """A sparsity, exactly: a float stands for the decimal it prints, a text for the fraction it writes.

    >>> part_of_zeros("sparsity", 0.67), part_of_zeros("sparsity", "2/3")
    (Fraction(67, 100), Fraction(2, 3))

    Raises: ParameterError unless it is a number from 0 to below 1.
    """
    part = _fraction(value.item() if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 else value)
    if part is None or not 0 <= part < 1:
        percentage = (part is not None and 1 < part <= 100) or (isinstance(value, str) and value.endswith("%"))
        hint = " (a part, not a percentage: 0.9 for 90 %)" if percentage else ""
        raise ParameterError(f"{name} = {_shown(value)} must be the part of zeros, from 0 to below 1{hint}")
    return part


def _fraction(value: Any) -> Fraction | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Fraction(repr(value)) if math.isfinite(value) else None
    if isinstance(value, str):
        denominator = value.partition("/")[2]
        return Fraction(value) if NUMBER.fullmatch(value) and (not denominator or int(denominator)) else None
    return Fraction(value) if isinstance(value, int | Fraction) else None


def for_layers(name: str, value: Any, layers: Sequence[str], default: T, read: Callable[[str, Any], T]) -> dict[str, T]:
    """The value of each layer.

    One value holds for all layers. A mapping has a value for each pattern of names (`fire*.expand3x3*`) of layers, or
    of the steps and blocks that they lie in; where several match, the last one holds, and `default` where none does.

    >>> for_layers("weight_bits", {"*": 8, "fc*": 5}, ["conv1", "fc6"], 32, whole_bits)
    {'conv1': 8, 'fc6': 5}

    Raises: ParameterError for a pattern that matches no layer, and what `read` refuses.
    """
    if not isinstance(value, Mapping):
        return dict.fromkeys(layers, read(name, value))
    if len(value) > MAXIMUM_PATTERNS:
        raise ParameterError(f"{name} has more than {MAXIMUM_PATTERNS:,} patterns")
    chosen = dict.fromkeys(layers, default)
    for pattern, given in value.items():
        matches = matching(name, pattern, layers)
        chosen |= dict.fromkeys(matches, read(f"{name} of {pattern!r}", given))
    return chosen


def matching(name: str, pattern: Any, layers: Iterable[str]) -> list[str]:
    """The layers that a pattern names: by their own names, or by that of a step or block they lie in.

    >>> matching("sparsity", "block_3.conv_1", ["block_3.conv_1.conv2d", "block_3.conv_10.conv2d"])
    ['block_3.conv_1.conv2d']

    Raises: ParameterError where there is none.
    """
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise ParameterError(f"{name}: {_shown(pattern)} is no pattern of layer names; write for example 'conv*'")
    layers = list(layers)
    found = [layer for layer in layers if fnmatchcase(layer, pattern) or fnmatchcase(layer, f"{pattern}.*")]
    if not found:
        word = pattern.strip("*")
        inside = [layer for layer in layers if word and word in layer]
        like = nearest(pattern, layers) if pattern else ""
        hint = f"did you mean '*{word}*'?" if inside else like or _some(layers)
        raise ParameterError(f"{name}: no layer or block with weights is called {pattern!r}; {hint}")
    return found


def _some(layers: Sequence[str]) -> str:
    """A few names of layers."""
    if not layers:
        return "the network has none"
    return f"there are {', '.join(layers[:3])}" + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
