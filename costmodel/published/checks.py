"""Is a file of a published table right: its keys, the types of their values, and the words that come from lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias, get_args

from costmodel.errors import Problem, nearest
from costmodel.files import Document
from costmodel.positions import KeyPath
from costmodel.published.rounding import contradicted_suffix, is_like_a_number, read_printed, unknown_suffix

Status: TypeAlias = Literal["exact", "exact_other_rounding", "explained", "unexplained", "not_computed"]
STATUSES: tuple[Status, ...] = get_args(Status)
"""Best first. `exact`: the computed number rounds to the printed digits. `exact_other_rounding`: it gives them
truncated, or where trailing zeros are no digits. `explained`: it does not, and a computation shows why."""
Basis: TypeAlias = Literal["architecture", "inferred_detail", "arithmetic"]
BASES: tuple[Basis, ...] = get_args(Basis)
"""What an agreement rests on: the published architecture alone; one detail inferred from the printed number; other
printed numbers."""
Kind: TypeAlias = Literal["cost", "accuracy", "error", "measured", "number", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What a column prints. `error` is one minus an accuracy."""

Keys: TypeAlias = Mapping[str, Any]
TEXT, WHOLE, TEXTS, NAMES = "text in quotes", "a whole number from 1 on", "a list of texts", "names and values { }"
BY_LAYER = "a number, or numbers by patterns of layer names { }"
UNIT, GRID = "a positive number, at most 1e30", "a whole number from 1 to 64"
MAXIMUM_UNIT = 1e30
MAXIMUM_GRID = 64
MAXIMUM_ROWS = 200
MAXIMUM_LINES = 10
"""Of evidence. What a file may ask for is bounded: every line may need the sum of a column."""
MAXIMUM_TERMS_DEPTH = 4
MAXIMUM_CHARACTERS = 60
"""Of a printed cost."""
READING: Mapping[str, str] = {
    "network": TEXT, "parameters": NAMES, "edits": TEXTS, "batch": WHOLE, "layers": TEXTS, "operators": TEXTS,
    "convention": TEXT, "formula": TEXT, "inputs": NAMES, "peak": NAMES, "patches": NAMES, "compression": NAMES,
    "cell": NAMES, "terms": NAMES, "value": TEXT,
}  # fmt: skip
"""The keys of a reading (`costmodel.published.readings.Reading`) and what each holds."""
TABLE_KEYS = {"title": TEXT, "paper": TEXT, "source": TEXT, "read_in": TEXT, "kind": TEXT, "note": TEXT}
TABLE_PARTS = {"columns": NAMES, "rows": "[[rows]]"}
COLUMN_KEYS = {"title": TEXT, "kind": KINDS, "unit": TEXT, "multiplier": UNIT, "basis": BASES, **READING}
ROW_KEYS = {
    "row": WHOLE, "label": TEXT, "source": TEXT, "note": TEXT, "reference": WHOLE, "printed": NAMES, "text": NAMES,
    "status": NAMES, "cells": NAMES, "of": NAMES, "basis": BASES, **READING,
}  # fmt: skip
DEMONSTRATION_KEYS = {"rounding": ("rounded_up",), **READING}
CELL_KEYS = {
    "basis": BASES, "reason": TEXT, "reference": WHOLE, "shown_by": NAMES, "evidence": TEXTS, "misprint": TEXT,
    "multiplier": UNIT, **READING,
}  # fmt: skip
PATCH_NUMBERS = (
    "patch_height", "patch_width", "stage_macs", "layer_by_layer_stage_macs", "rest_macs", "overall_macs",
    "stage_overhead", "overall_overhead", "peak_bytes",
)  # fmt: skip
ARGUMENTS: Mapping[str, Keys] = {
    "peak": {"dtype": TEXT, "definition": TEXT},
    "patches": {
        "cut": TEXT, "grid": GRID, "gives": PATCH_NUMBERS, "clipped": "true or false", "dtype": TEXT,
        "definition": TEXT,
    },
    "compression": {
        "weight_bits": BY_LAYER, "sparsity": BY_LAYER, "coding": TEXT, "index_bits": WHOLE, "bias_bits": WHOLE,
        "gives": ("stored_bytes", "kept", "fillers"),
    },
    "cell": {"table": TEXT, "row": WHOLE, "column": TEXT},
}  # fmt: skip
"""Readings that take arguments of their own, and those arguments."""
REQUIRED = {"peak": ("definition",), "patches": ("cut", "grid", "gives"), "cell": ("table", "row", "column")}
PARTS_OF_A_ROW = {
    "printed": "column",
    "text": "column",
    "of": "column",
    "status": "cost column",
    "cells": "cost column",
}


def mistakes_in(document: Document) -> Iterator[Problem]:
    """Every mistake in the layout of a file."""
    data = document.data
    table = {**TABLE_KEYS, **TABLE_PARTS}
    yield from _checked(document, (), data, table, required=("title", "paper", "source", "kind", "columns", "rows"))
    columns, rows = data.get("columns"), data.get("rows")
    if not isinstance(columns, dict) or not isinstance(rows, list):
        return
    if len(rows) > MAXIMUM_ROWS:
        yield document.problem(("rows",), f"the table has {len(rows)} rows, at most {MAXIMUM_ROWS} are allowed")
        return
    for name, column in columns.items():
        yield from _checked(document, ("columns", name), column, COLUMN_KEYS, required=("kind",))
    costs = {name for name, column in columns.items() if isinstance(column, dict) and column.get("kind") == "cost"}
    numbers: set[Any] = set()
    for at, row in enumerate(rows):
        number = row.get("row") if isinstance(row, dict) else None
        if isinstance(number, int) and number in numbers:
            yield document.problem(("rows", at, "row"), f"row {number} stands twice", "number the rows from 1")
        numbers.add(number if isinstance(number, int) else None)
        found = list(_checked(document, ("rows", at), row, ROW_KEYS, required=("row",)))
        yield from found or _in_row(document, ("rows", at), row, columns, costs)


def _in_row(
    document: Document, place: KeyPath, row: Keys, columns: Mapping[str, Any], costs: set[str]
) -> Iterator[Problem]:
    yield from _names_in_row(document, place, row, columns, costs)
    for part in ("printed", "text", "of"):
        for name, text in row.get(part, {}).items():
            yield from _of_type(document, (*place, part, name), text, TEXT)
    for name, status in row.get("status", {}).items():
        yield from _of_type(document, (*place, "status", name), status, STATUSES)
    for name, cell in row.get("cells", {}).items():
        yield from _in_cell(document, (*place, "cells", name), cell)
    for name in sorted(costs):
        own = row.get("cells", {}).get(name)
        settings = {**columns[name], **(own if isinstance(own, dict) else {})}
        yield from _printed_cost(document, place, row, name, settings)


def _names_in_row(
    document: Document, place: KeyPath, row: Keys, columns: Iterable[str], costs: set[str]
) -> Iterator[Problem]:
    for part, kind in PARTS_OF_A_ROW.items():
        known = columns if kind == "column" else costs
        for name in row.get(part, {}):
            if name not in known:
                hint = nearest(name, known) or f"there are {', '.join(sorted(known)) or 'none'}"
                yield document.problem((*place, part, name), f"there is no {kind} {name!r}", hint, of_key=True)


def _printed_cost(document: Document, place: KeyPath, row: Keys, name: str, settings: Keys) -> Iterator[Problem]:
    """Can the cost that a row prints be read, and is what its letters say what its column says?"""
    printed, unit, here = row.get("printed", {}).get(name), settings.get("multiplier"), (*place, "printed", name)
    if isinstance(printed, str) and len(printed) > MAXIMUM_CHARACTERS:
        yield document.problem(here, f"the printed cost is longer than {MAXIMUM_CHARACTERS} characters")
        return
    is_number = isinstance(printed, str) and read_printed(printed) is not None
    if is_number and unit is None and unknown_suffix(printed):
        yield document.problem(
            here, f"{unknown_suffix(printed)!r} is no known unit", "give the column or the cell a multiplier"
        )
    is_amount = _is_unit(unit) and settings.get("unit") != "byte"  # behind bytes, B is no billion
    if is_number and is_amount and contradicted_suffix(printed, str(unit)):
        problem = f"{contradicted_suffix(printed, str(unit))!r} is not what the multiplier {unit:g} says"
        yield document.problem(here, problem, "give the cell a multiplier of its own")
    if not is_number and isinstance(printed, str) and is_like_a_number(printed):
        yield document.problem(here, f"{printed!r} is not one number", "write it as 1814, 1,814 or 1.8")
    elif not is_number and name in row.get("status", {}) and (printed is None or isinstance(printed, str)):
        yield document.problem((*place, "status", name), f"{name!r} prints no number here", "remove the status")


def _in_cell(document: Document, place: KeyPath, cell: Any) -> Iterator[Problem]:
    yield from _checked(document, place, cell, CELL_KEYS)
    if not isinstance(cell, dict):
        return
    if isinstance(cell.get("shown_by"), dict):
        yield from _checked(document, (*place, "shown_by"), cell["shown_by"], DEMONSTRATION_KEYS)
    if isinstance(cell.get("evidence"), list) and len(cell["evidence"]) > MAXIMUM_LINES:
        yield document.problem((*place, "evidence"), f"at most {MAXIMUM_LINES} lines of evidence are allowed")


def _checked(
    document: Document, place: KeyPath, data: Any, known: Keys, required: tuple[str, ...] = (), depth: int = 0
) -> Iterator[Problem]:
    """Mistakes in a table of the file whose keys are known, and in the readings inside."""
    if not isinstance(data, dict):
        yield document.problem(place, "this is not a table of names and values", f"it may hold {', '.join(known)}")
        return
    for key, value in data.items():
        if key not in known:
            hint = nearest(key, known) or f"there are {', '.join(known)}"
            yield document.problem((*place, key), f"unknown key {key!r}", hint, of_key=True)
            continue
        wrong = list(_of_type(document, (*place, key), value, known[key]))
        yield from wrong
        if not wrong and key in ARGUMENTS:
            yield from _checked(document, (*place, key), value, ARGUMENTS[key], REQUIRED.get(key, ()))
        if not wrong and key == "terms" and depth == MAXIMUM_TERMS_DEPTH:
            yield document.problem((*place, key), f"terms stand in terms more than {MAXIMUM_TERMS_DEPTH} deep")
        elif not wrong and key == "terms":
            for name, term in value.items():
                yield from _checked(document, (*place, key, name), term, READING, depth=depth + 1)
    for key in required:
        if key not in data:
            yield document.problem(place, f"{key!r} is missing", f"give {', '.join(required)}")


def _of_type(document: Document, place: KeyPath, value: Any, wanted: Any) -> Iterator[Problem]:
    if isinstance(wanted, tuple):
        if value not in wanted:
            yield document.problem(place, f"{value!r} is none of {', '.join(wanted)}", nearest(str(value), wanted))
        return
    fits = {
        TEXT: isinstance(value, str),
        WHOLE: type(value) is int and value >= 1,
        TEXTS: isinstance(value, list) and all(isinstance(each, str) for each in value),
        NAMES: isinstance(value, dict),
        "[[rows]]": isinstance(value, list),
        GRID: type(value) is int and 1 <= value <= MAXIMUM_GRID,
        UNIT: _is_unit(value),
        BY_LAYER: type(value) in (int, float, dict),
        "true or false": isinstance(value, bool),
    }
    if not fits[wanted]:
        yield document.problem(place, f"{place[-1]!r} must be {wanted}")


def _is_unit(value: Any) -> bool:
    return type(value) in (int, float) and 1 / MAXIMUM_UNIT <= value <= MAXIMUM_UNIT
