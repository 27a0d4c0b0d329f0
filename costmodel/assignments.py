"""name=value arguments of the command line: one value of a parameter, or the values that a sweep goes through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from costmodel.errors import ParameterError

MAXIMUM_VALUES = 1_000_000
NUMBER = r"[-+]?[0-9]*\.?[0-9]+"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})(?::({NUMBER}))?")


def parameters_of(assignments: Sequence[str]) -> dict[str, Any]:
    """name=value arguments as parameters.

    >>> parameters_of(["width=0.5", "unit=basic", "n=1,2,3"])
    {'width': 0.5, 'unit': 'basic', 'n': [1, 2, 3]}

    Raises: ParameterError for an argument without "=" or a name given twice.
    """
    parameters: dict[str, Any] = {}
    for name, text in _assigned(assignments):
        inner = text.removeprefix("[").removesuffix("]")
        listed = inner != text or "," in text
        parameters[name] = [_value(part.strip()) for part in inner.split(",")] if listed else _value(text)
    return parameters


def swept_parameters_of(assignments: Sequence[str]) -> dict[str, list[Any]]:
    """name=values arguments as the values of a sweep: lists by commas, ranges with both ends, lists in brackets.

    >>> swept_parameters_of(["width=0.25,0.5", "resolution=128..224:32", "n=[1,2],[3,4]"])
    {'width': [0.25, 0.5], 'resolution': [128, 160, 192, 224], 'n': [[1, 2], [3, 4]]}

    Raises: ParameterError for an argument without "=", a name given twice, or a range without end.
    """
    return {name: _values(name, text) for name, text in _assigned(assignments)}


def _assigned(assignments: Sequence[str]) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise ParameterError(f"{assignment!r} is not a parameter; write name=value")
        if name in found:
            raise ParameterError(f"{name} is given twice")
        found[name] = text
    return list(found.items())


def _values(name: str, text: str) -> list[Any]:
    values: list[Any] = []
    for part in re.findall(r"\[[^\]]*\]|[^,\[\]]+", text):
        if part.startswith("["):
            values.append([_value(each.strip()) for each in part[1:-1].split(",")])
            continue
        found = RANGE.fullmatch(part.strip())
        values += _range(name, part, *map(_value, found.groups(default="1"))) if found else [_value(part.strip())]
        if len(values) > MAXIMUM_VALUES:
            raise ParameterError(f"{name} has more than {MAXIMUM_VALUES:,} values")
    return values


def _range(name: str, text: str, first: Any, last: Any, step: Any) -> list[Any]:
    """first, first + step, ... up to and including last."""
    if step <= 0 or last < first:
        raise ParameterError(f"{name}={text}: a range goes upwards, write first..last or first..last:step")
    if (last - first) / step > MAXIMUM_VALUES:
        raise ParameterError(f"{name}={text} has more than {MAXIMUM_VALUES:,} values")
    count = int((last - first) / step + 1e-9) + 1
    whole = all(isinstance(each, int) for each in (first, step))
    return [first + at * step if whole else round(first + at * step, 12) for at in range(count)]


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text[:400])
        except ValueError:
            continue
    return text
