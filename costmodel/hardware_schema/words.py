"""Mistakes that pydantic finds in a file, in words of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from costmodel.errors import Problem, nearest
from costmodel.files import Document
from costmodel.positions import KeyPath

EXAMPLES = {
    "memory": ("sram",), "peak": ("int8",), "runtime": ("tflm", "int8"), "operation": ("add", "int8"),
}  # fmt: skip
"""What stands behind the first word in the header of a table, where any name may."""
BOUNDS = {
    "greater_than": ("gt", "above"), "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"), "less_than_equal": ("le", "at most"),
}  # fmt: skip
REMEDIES = {
    "bytes_per_second": "write 34.1 GB/s as 34.1e9",
    "macs_per_second": "write 100 GMAC/s as 1e11",
    "held_out_median_ape": "write 5 % as 0.05",
    "held_out_within_20": "write 80 % as 0.8",
}
"""How a number is written, where its unit is often mistaken."""


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by their place, each once."""
    unique = {(each.line, each.column, each.problem): each for each in problems}
    return sorted(unique.values(), key=lambda each: (each.line, each.column))


def in_words(document: Document, mistake: dict[str, Any], fields: Sequence[str]) -> Problem:
    """The mistake in words; `fields` are the names that the table has in which it was found."""
    path: KeyPath = tuple(part for part in mistake["loc"] if part != "[key]")
    key = path[-1] if path else ""
    of_type = type_problem(document, mistake)
    if of_type is not None:
        return of_type
    if mistake["type"] == "missing":
        remedy = f"add {key} = ..." if path[:-1] else f"add [{key}]"
        return document.problem(path[:-1] or path, f"{_owner(path[:-1])} has no {key!r}", remedy)
    if mistake["type"] == "extra_forbidden":
        hint = nearest(str(key), fields) or f"it has: {', '.join(fields)}"
        return document.problem(path, f"unknown key {key!r}", hint, of_key=True)
    if mistake["type"] == "value_error":
        return document.problem(path, str(mistake["msg"]).removeprefix("Value error, "))
    return document.problem(path, *_of_value(_shown(path), mistake))


def type_problem(document: Document, mistake: dict[str, Any]) -> Problem | None:
    """A value that is no table, or no whole number, in words of the file; None for other mistakes."""
    path: KeyPath = tuple(mistake["loc"])
    kind, value = mistake["type"], mistake["input"]
    names = [str(part) for part in path if isinstance(part, str)]
    if kind in ("dict_type", "model_type", "model_attributes_type") or (kind == "list_type" and _is_table(value)):
        header = ".".join([*names, *EXAMPLES.get(names[0], ())[len(names) - 1 :]])
        if kind == "list_type" or isinstance(path[-1], int):
            return document.problem(path, f"{names[-1]} must be tables", f"write [[{header}]]")
        if len(names) < len(path):
            return document.problem(path, f"{names[-1]} must be a table", f"write {names[-1]} = {{ ... }}")
        return document.problem(path, f"{'.'.join(names)} must be a table", f"write [{header}]")
    if kind in ("int_type", "int_from_float"):
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**63
        remedy = f"write {value:.0f}" if whole else ""
        return document.problem(path, f"{_shown(path)} must be a whole number", remedy)
    return None


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _owner(path: KeyPath) -> str:
    """How the file names a table: [memory.sram], [[runtime.tflm.int8.calibration]]."""
    if not path:
        return "the file"
    header = ".".join(str(part) for part in path if isinstance(part, str))
    return f"[[{header}]]" if isinstance(path[-1], int) else f"[{header}]"


def _shown(path: KeyPath) -> str:
    """The key of a value, with its places in lists: levels[0][1]."""
    at = next((at for at in range(len(path) - 1, -1, -1) if isinstance(path[at], str)), 0)
    return "".join([str(path[at]), *(f"[{part}]" for part in path[at + 1 :])])


def _of_value(key: str, mistake: dict[str, Any]) -> tuple[str, str]:
    """What is wrong with a value of the right place, and what to write."""
    kind, value, context = mistake["type"], mistake["input"], mistake.get("ctx", {})
    if kind in BOUNDS:
        name, word = BOUNDS[kind]
        return f"{key} = {value:g} must be {word} {context[name]:g}", REMEDIES.get(key, "")
    match kind:
        case "float_type" | "float_parsing":
            return f"{key} must be a number", REMEDIES.get(key, "write 1.0, without quotes")
        case "finite_number":
            return f"{key} must be a finite number", REMEDIES.get(key, "")
        case "bool_type":
            return f"{key} must be true or false", f"write {key} = true"
        case "string_type":
            return f"{key} must be a text", "write it in quotes" if key.endswith("]") else f'write {key} = "..."'
        case "string_too_short":
            return f"{key} is an empty text", "write what it is, or leave it out"
        case "string_pattern_mismatch":
            return f"{key} = {value!r} is no name", "write small letters, digits and _, a letter first"
        case "literal_error":
            known = re.findall(r"'([^']*)'", str(context["expected"]))
            return f"{key} = {value!r} is not known", nearest(str(value), known) or f"there are {', '.join(known)}"
        case "date_type" | "date_from_datetime_inexact" | "date_from_datetime_parsing":
            return f"{key} must be a date", f"write {key} = 2026-01-31, without quotes"
        case "list_type":
            return f"{key} must be a list", f"write {key} = [...]"
        case "too_short":
            least = context["min_length"]
            return f"{key} needs {least} entr{'y' if least == 1 else 'ies'}, it has {len(value)}", "add what is missing"
        case "too_long":
            return f"{key} has {len(value)} entries, more than {context['max_length']}", "leave some out"
    text = str(mistake["msg"])
    return f"{key}: {text[:1].lower()}{text[1:]}", ""
