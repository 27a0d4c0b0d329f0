"""name=value arguments of the command line: one value of a parameter, or the values that a sweep goes through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from costmodel.errors import ParameterError

MAXIMUM_VALUES = 1_000_000
LONGEST_NUMBER = 400
NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
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

    Raises: ParameterError for an argument without "=", a name given twice, or a text that is no list of values.
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
    for part in _parts(name, text):
        found = RANGE.fullmatch(part)
        if part.startswith("["):
            values.append([_value(each.strip()) for each in part[1:-1].split(",")])
        elif found:
            values += _range(name, part, *[None if each is None else _value(each) for each in found.groups()])
        elif ".." in part:
            raise ParameterError(f"{name}={part} is no range; write first..last or first..last:step, e.g. 128..224:32")
        else:
            values.append(_value(part))
        if len(values) > MAXIMUM_VALUES:
            raise ParameterError(f"{name} has more than {MAXIMUM_VALUES:,} values")
    return values


def _parts(name: str, text: str) -> list[str]:
    """The text cut at commas that do not stand in brackets."""
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", text)]
    for part in parts:
        brackets = part.count("["), part.count("]")
        if not part or brackets not in ((0, 0), (1, 1)) or (brackets == (1, 1) and (part[0], part[-1]) != ("[", "]")):
            raise ParameterError(f"{name}={text}: write values between commas, lists in brackets, e.g. n=[1,2],[3,4]")
    return parts


def _range(name: str, text: str, first: Any, last: Any, step: Any) -> list[Any]:
    """first, first + step, ... up to and including last."""
    if step is None:
        step = 1
        if not (isinstance(first, int) and isinstance(last, int)):
            raise ParameterError(f"{name}={text} needs a step; write {text}:0.25")
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
            return kind(text) if len(text) <= LONGEST_NUMBER else text
        except ValueError:
            continue
    return text
