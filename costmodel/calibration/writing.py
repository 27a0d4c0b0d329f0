"""Fitted numbers into TOML files: values exchanged in the text, comments and order kept, never half-written."""

from __future__ import annotations

import math
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.errors import ParameterError
from costmodel.positions import KeyPath, position

_NUMBER = re.compile(r"[^,\]}#\n\s]+")
_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)


def number_text(value: float, digits: int = 4) -> str:
    """A number as it stands in a file.

    >>> number_text(0.000014263), number_text(7e9), number_text(0.5), number_text(147126), number_text(147126.0)
    ('1.426e-5', '7e9', '0.5', '147126', '1.471e5')
    """
    if isinstance(value, bool) or value != value or math.isinf(value):
        raise ParameterError(f"{value!r} is no number for a file")
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{digits}g}"
    if "e" not in text and abs(value) >= 1e4:
        text = f"{value:.{digits - 1}e}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}"
    return text if "." in text else text + ".0"


def replaced(text: str, changes: Mapping[KeyPath, float]) -> str:
    """The text with other numbers at some key paths; nothing else changes.

    >>> replaced("a = { b = 1.0, c = 2 }  # two", {("a", "b"): 3.5})
    'a = { b = 3.5, c = 2 }  # two'

    Raises: KeyError for a path that is not in the text.
    """
    data = tomllib.loads(text)
    lines = text.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    edits = []
    for path, value in changes.items():
        _at(data, path)
        row, column = position(text, path)
        start = offsets[row - 1] + column - 1
        found = _NUMBER.match(text, start)
        assert found is not None, f"there is a value at {path}"
        edits.append((start, found.end(), number_text(value)))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def with_calibration(text: str, runtime: str, dtype: str, family: str, table: Mapping[str, Any], source: str) -> str:
    """The text of a hardware file with a calibration: in place of the one with the same conditions, else behind the
    runtime's last one, else with a runtime of its own at the end.

    Raises: ParameterError where the runtime has calibrations of another family.
    """
    header = f"runtime.{_key(runtime)}.{_key(dtype)}"
    own = tomllib.loads(text).get("runtime", {}).get(runtime, {}).get(dtype)
    block = f"[[{header}.calibration]]\n" + _body(table)
    if own is None:
        head = f"[{header}]\nfamily = {_text(family)}\nsource = {_text(source)}\n"
        return text.rstrip("\n") + f"\n\n{head}\n{block}"
    known = own.get("calibration", [])
    if known and own.get("family") != family:
        raise ParameterError(
            f"[{header}] is calibrated with the family {own.get('family')!r}, not {family!r}; "
            f"give --family {own.get('family')}, or another --runtime"
        )
    same = [at for at, each in enumerate(known) if _same(each.get("conditions", {}), table.get("conditions", {}))]
    if same:
        start, end = _table_span(text, ("runtime", runtime, dtype, "calibration", same[0]))
        return text[:start] + block + text[end:]
    last: KeyPath = ("runtime", runtime, dtype, *(("calibration", len(known) - 1) if known else ()))
    start, end = _table_span(text, last)
    if own.get("family") is None:
        first_line_end = text.index("\n", start) + 1
        text = text[:first_line_end] + f"family = {_text(family)}\n" + text[first_line_end:]
        end += len(f"family = {_text(family)}\n")
    return text[:end].rstrip("\n") + "\n\n" + block + text[end:]


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return {key: str(value) for key, value in first.items()} == {key: str(value) for key, value in second.items()}


def _table_span(text: str, path: KeyPath) -> tuple[int, int]:
    """Where the lines of a table begin and end, without the comments of the next one."""
    line, _ = position(text, path)
    lines = text.split("\n")
    start = sum(len(each) + 1 for each in lines[: line - 1])
    following = _HEADER.search(text, start + len(lines[line - 1]))
    end = following.start() if following else len(text)
    kept = text[start:end].split("\n")
    while len(kept) > 1 and (not kept[-1].strip() or kept[-1].lstrip().startswith("#")):
        kept.pop()
    return start, min(start + len("\n".join(kept)) + 1, len(text))


def _body(table: Mapping[str, Any]) -> str:
    shown = {key: _value(value) for key, value in table.items() if value not in ({}, [], ())}
    width = max(len(key) for key in shown)
    return "".join(f"{key:<{width}} = {value}\n" for key, value in shown.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return number_text(value) if isinstance(value, int | float) else str(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in escaped) + '"'


def write_whole(path: str, text: str) -> None:
    """Write a file, or leave it as it was: the text goes to a new file beside it, which then takes its place.

    Raises: OSError
    """
    path = os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(suffix=".toml", prefix=".", dir=os.path.dirname(path) or ".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
