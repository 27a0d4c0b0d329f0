"""What a spec file declares beside its steps: parameters, lookups, variants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from costmodel.arithmetic import INT64_MAX, anywhere, first_where, is_array
from costmodel.errors import ParameterError, nearest
from costmodel.positions import KeyPath
from costmodel.records import record
from costmodel.specs.unknown import is_unknown
from costmodel.specs.values import MAXIMUM_ELEMENTS, MAXIMUM_SIZE, Value, shown

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
NUMBER = r"[0-9]+(?:\.[0-9]+)?"
MAXIMUM_NAME = 200


@record
class Parameter:
    """What a user may set: the default, and the range or the words it may take."""

    name: str
    default: Value
    least: float | None
    most: float | None
    choices: tuple[Any, ...]

    def check(self, value: Any, default: Any) -> Any:
        """The value if it is acceptable: of the kind of `default`, in the range, among the choices.

        Arrays come back as int64 or float64, so that small types do not wrap around.

        Raises: ParameterError with the range, the choices, or the kind that was expected.
        """
        value = plain(value)
        if is_unknown(value) or is_unknown(default):
            return value
        if is_array(value):
            value = self._array(value)
        if self.choices:
            for each in elements(value) if is_array(value) else (value,):
                comparable = isinstance(each, int | float | str) and not isinstance(each, bool)
                if not comparable or each not in self.choices:
                    choices = ", ".join(str(choice) for choice in self.choices)
                    words = [choice for choice in self.choices if isinstance(choice, str)]
                    hint = nearest(each, words) if isinstance(each, str) else ""
                    raise self._refusal(f"{shown(each)} is not one of {choices}", hint)
            return value
        kind = next((words for kind, words in KINDS.items() if isinstance(default, kind)), "a number")
        right = isinstance(value, type(default)) if kind != "a number" else is_array(value) or is_plain_number(value)
        if not right and is_array(value) and isinstance(default, tuple):
            raise self._refusal(f"{shown(value.tolist())} must be {kind} in every variant", "sweep a list of lists")
        if not right:
            raise self._refusal(f"{shown(value)} must be {kind}")
        if isinstance(value, tuple) and not 0 < len(value) <= MAXIMUM_ELEMENTS:
            raise self._refusal(f"{shown(value)} has {len(value)} elements: it may have 1 to {MAXIMUM_ELEMENTS}")
        if isinstance(value, bool):
            return value
        for number in value if isinstance(value, tuple) else (value,):
            if not is_array(number) and not is_plain_number(number):
                raise self._refusal(f"{shown(value)}: {shown(number)} is not a number")
            self._check_range(number)
        return value

    def _array(self, values: Any) -> Any:
        if not values.size:
            raise self._refusal(f"an array of the shape {values.shape} must have at least one element")
        if values.dtype.kind in "OUST" and self.choices:
            return values
        if values.dtype.kind not in "iuf":
            raise self._refusal(f"an array of {values.dtype.name} must hold numbers")
        self._check_range(values)
        return values.astype("float64" if values.dtype.kind == "f" else "int64")

    def _check_range(self, number: Any) -> None:
        widest = MAXIMUM_SIZE if is_array(number) else INT64_MAX
        least = -widest if self.least is None else self.least
        most = widest if self.most is None else self.most
        outside = (number < least) | (number > most) | (number != number)
        if not anywhere(outside):
            return
        value = shown(first_where(outside, number))
        if self.least is not None and self.most is not None:
            raise self._refusal(f"{value} is outside {self.least} .. {self.most}")
        if self.least is not None and anywhere(number < least):
            raise self._refusal(f"{value} must be at least {self.least}")
        if self.most is not None and anywhere(number > most):
            raise self._refusal(f"{value} must be at most {self.most}")
        raise self._refusal(f"{value} must be a number between {-widest:,} and {widest:,}")

    def _refusal(self, problem: str, hint: str = "") -> ParameterError:
        return ParameterError(f"{self.name} = {problem}" + (f"; {hint}" if hint else ""))


KINDS: dict[type, str] = {bool: "true or false", tuple: "a list of numbers"}
"""Kinds of parameters that are not numbers, by the type of the default."""


def plain(value: Any) -> Any:
    """A value with lists as tuples and numpy's single numbers as Python's."""
    if isinstance(value, list):
        return tuple(plain(item) for item in value) if len(value) <= MAXIMUM_ELEMENTS else tuple(value)
    return value.item() if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 else value


def is_plain_number(value: object) -> bool:
    """Whether a value is one number and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def elements(values: Any) -> Iterator[Any]:
    """The elements of an array as plain values."""
    return iter(values.ravel().tolist())


@record
class Lookup:
    """A derived value read from a table: the element of `values` where `by` has the matching key."""

    by: Value
    keys: tuple[Any, ...]
    values: tuple[Any, ...]


@record
class Variant:
    """A named preset of parameters and passes; a pattern holds parameters in its name.

    `listed` are the values of a pattern's parameters that have been published: every combination is a known name.
    """

    name: str
    settings: dict[str, Any]
    passes: tuple[str, ...]
    path: KeyPath = ()
    listed: dict[str, tuple[Any, ...]] | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether the name holds parameters: mobilenet_v2_{width}_{resolution}."""
        return PLACEHOLDER.search(self.name) is not None

    @property
    def holes(self) -> tuple[str, ...]:
        """The parameters that a pattern's name holds."""
        return tuple(PLACEHOLDER.findall(self.name))

    def filled(self, parameters: Mapping[str, Any]) -> str:
        """The name with these parameters in it.

        >>> Variant("net_{width}_{resolution}", {}, ()).filled({"width": 0.75, "resolution": 192})
        'net_0.75_192'
        """
        return PLACEHOLDER.sub(lambda hole: str(parameters[hole[1]]), self.name)

    def published(self) -> list[tuple[str, dict[str, Any]]]:
        """The names that the variant stands for, with their parameters: one, or those that a pattern lists."""
        if not self.is_pattern:
            return [(self.name, self.settings)]
        if not self.listed:
            return []
        combinations = [dict(zip(self.listed, values, strict=True)) for values in product(*self.listed.values())]
        return [(self.filled(values), {**self.settings, **values}) for values in combinations]

    def match(self, wanted: str) -> dict[str, Any] | None:
        """The parameters of a name of this variant, or None when the name is not of this form.

        A pattern's parameters may be numbers, or those words that are listed.

        >>> Variant("net_{width}_{resolution}", {}, ()).match("net_0.75_192")
        {'width': 0.75, 'resolution': 192}
        """
        if not self.is_pattern:
            return dict(self.settings) if wanted == self.name else None
        pattern, at, names = "", 0, []
        for hole in PLACEHOLDER.finditer(self.name):
            words = [re.escape(word) for word in (self.listed or {}).get(hole[1], ()) if isinstance(word, str)]
            pattern += re.escape(self.name[at : hole.start()]) + f"({'|'.join([NUMBER, *words])})"
            names.append(hole[1])
            at = hole.end()
        found = re.fullmatch(pattern + re.escape(self.name[at:]), wanted) if len(wanted) <= MAXIMUM_NAME else None
        if found is None:
            return None
        return {**self.settings, **dict(zip(names, map(_held, found.groups()), strict=True))}


def _held(text: str) -> Any:
    """What a name holds: a number, or a listed word."""
    if not re.fullmatch(NUMBER, text):
        return text
    return float(text) if "." in text else int(text)
