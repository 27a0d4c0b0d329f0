"""The cells of a table as columns of numbers and words, and the mistakes in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from costmodel.errors import nearest
from costmodel.measured.columns import COUNT, LARGEST_COUNT, OP_KINDS, TEXT, Column
from costmodel.measured.rows import Flags, Rows

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LENIENT = (b"rue", b"RUE", b"alse", b"ALSE", b" ,", b" \n", b"\t")
"""What pandas would take for a number, or leave around a word."""
Cells: TypeAlias = dict[str, Any]
"""Column name to a pandas Series of str, or an array of float64."""
Mistake: TypeAlias = tuple[int, str, str, str]
"""Row of the body, column, problem, remedy."""


def read_cells(
    rows: Rows, wanted: Flags, found: Mapping[str, int], columns: Sequence[Column]
) -> tuple[Cells, list[Mistake]]:
    """Every column of the table over the rows that are marked, blank where the file does not have it.

    Numbers that are none are read as NaN and returned as mistakes.
    """
    body, there = rows.body(wanted), [column for column in columns if column.name in found]
    mistakes: list[Mistake] = []
    try:
        if any(text in body for text in _LENIENT):
            raise ValueError
        cells = _columns(body, found, {column.name: str if column.kind == TEXT else "float64" for column in there})
    except (ValueError, OverflowError):
        cells = {name: words.str.strip() for name, words in _columns(body, found, dict.fromkeys(found, str)).items()}
        for column in there:
            if column.kind != TEXT:
                cells[column.name], none = _numbers(cells[column.name])
                mistakes += [
                    (row, column.name, f"{column.name} = {_shown(word)} is no number", "") for row, word in none
                ]
    count = int(wanted.sum())
    for column in columns:
        if column.name not in cells:
            cells[column.name] = pd.Series([""] * count, dtype=str) if column.kind == TEXT else np.full(count, np.nan)
        elif column.kind != TEXT:
            cells[column.name] = np.asarray(cells[column.name], np.float64)
    return cells, mistakes


def _columns(body: bytes, found: Mapping[str, int], dtypes: Mapping[str, Any]) -> Cells:
    at = {name: found[name] for name in dtypes}
    if not body:
        return {name: pd.Series([], dtype=dtype) for name, dtype in dtypes.items()}
    by_cell: dict[Any, Any] = {at[name]: dtype for name, dtype in dtypes.items()}
    frame = pd.read_csv(
        BytesIO(body), header=None, index_col=False, usecols=list(at.values()), skipinitialspace=True,
        skip_blank_lines=False, keep_default_na=False, dtype=by_cell,
        na_values={cell: [""] for cell, dtype in by_cell.items() if dtype == "float64"},
    )  # fmt: skip
    return {name: frame[cell] for name, cell in at.items()}


def _numbers(words: Any) -> tuple[NDArray[np.float64], list[tuple[int, str]]]:
    values, none = {"": float("nan")}, set()
    for word in words.unique():
        if _NUMBER.fullmatch(word):
            values[word] = float(word)
        elif word:
            values[word] = float("nan")
            none.add(word)
    places = [(row, word) for row, word in enumerate(words) if word in none] if none else []
    return np.array([values[word] for word in words], np.float64), places


def _shown(word: str) -> str:
    return repr(word if len(word) <= 40 else word[:37] + "...")


def mistakes_of(cells: Cells, columns: Sequence[Column]) -> Iterator[Mistake]:
    """Numbers out of range, blank cells that must be filled, and unknown kinds of operators."""
    for column in columns:
        values = cells[column.name]
        if column.filled:
            blank = values == "" if column.kind == TEXT else np.isnan(values)
            for row in np.flatnonzero(blank):
                yield int(row), column.name, f"{column.name} is blank", f"every row needs it: {column.meaning}"
        if column.kind != TEXT:
            yield from _out_of_range(values, column)
    kinds = cells["op_kind"]
    unknown = {kind for kind in kinds.unique() if kind and kind not in OP_KINDS}
    for row in np.flatnonzero(kinds.isin(unknown)) if unknown else ():
        kind = str(kinds.iloc[row])
        remedy = nearest(kind, OP_KINDS) or f"kinds: {', '.join(OP_KINDS)}"
        yield int(row), "op_kind", f"op_kind = {_shown(kind)} is unknown", remedy


def _out_of_range(values: NDArray[np.float64], column: Column) -> Iterator[Mistake]:
    name, given = column.name, ~np.isnan(values)
    if column.kind == COUNT:
        right = (values >= column.least) & (values <= LARGEST_COUNT) & (values == np.floor(values))
    else:
        right = (values > 0) & np.isfinite(values)
    for row in np.flatnonzero(given & ~right):
        value = float(values[row])
        shown = f"{name} = {value:.15g}"
        if not np.isfinite(value) or (column.kind == COUNT and value > LARGEST_COUNT):
            yield int(row), name, f"{shown} is too large", ""
        elif value < 0:
            yield int(row), name, f"{shown} is negative", "leave it blank where it is not known"
        elif column.kind != COUNT or value < column.least:
            yield int(row), name, f"{shown} is too small", "leave it blank where it is not known"
        else:
            yield int(row), name, f"{shown} is no whole number", f"it counts: {column.meaning}"
