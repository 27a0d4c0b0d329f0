"""The cells of a table as columns of numbers and words, and the mistakes in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from costmodel.errors import nearest
from costmodel.measured.columns import COUNT, KINDS, LARGEST_COUNT, TEXT, Column
from costmodel.measured.rows import Flags, Rows

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = -1e300
"""Stands for a cell that was found to be no number."""
MAXIMUM_SHOWN = 20
"""Mistakes of a file that an error lists."""
_LENIENT = (b"rue", b"RUE", b"alse", b"ALSE", b" ,", b" \n", b"\t")
"""What pandas would take for a number, or leave around a word."""
Cells: TypeAlias = dict[str, Any]
"""Column name to a pandas Series of str, or an array of float64."""
Described: TypeAlias = tuple[str, str] | Callable[[int], tuple[str, str]]


class Mistakes:
    """The mistakes in the cells of a table: their number, and the first of each column."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[int, str, str, str]] = []
        """Row of the body, column, problem, remedy."""

    def add(self, column: str, rows: Sequence[int], described: Described) -> None:
        """The rows in which a cell of the column is wrong, with problem and remedy, for all or of one row."""
        self.count += len(rows)
        for row in rows[:MAXIMUM_SHOWN]:
            self.first.append((row, column, *(described(row) if callable(described) else described)))


def read_cells(
    rows: Rows, wanted: Flags, found: Mapping[str, int], columns: Sequence[Column], mistakes: Mistakes
) -> Cells:
    """Every column of the table over the rows that are marked, blank where the file does not have it."""
    body, there = rows.body(wanted), [column for column in columns if column.name in found]
    try:
        if any(text in body for text in _LENIENT):
            raise ValueError
        cells = _columns(body, found, {column.name: str if column.kind == TEXT else "float64" for column in there})
    except (ValueError, OverflowError):
        cells = {name: words.str.strip() for name, words in _columns(body, found, dict.fromkeys(found, str)).items()}
        for column in there:
            if column.kind != TEXT:
                cells[column.name] = _numbers(column, cells[column.name], mistakes)
    count = int(wanted.sum())
    for column in columns:
        if column.name not in cells:
            cells[column.name] = pd.Series([""] * count, dtype=str) if column.kind == TEXT else np.full(count, np.nan)
        elif column.kind != TEXT:
            cells[column.name] = np.asarray(cells[column.name], np.float64)
    return cells


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


def _numbers(column: Column, words: Any, mistakes: Mistakes) -> NDArray[np.float64]:
    """The values of a column of words, _NO_NUMBER for a word that is none."""
    values, none = {"": float("nan")}, set()
    for word in words.unique():
        if _NUMBER.fullmatch(word):
            values[word] = float(word)
        elif word:
            none.add(word)
    if none:
        wrong = np.flatnonzero(words.isin(none)).tolist()
        mistakes.add(
            column.name, wrong,
            lambda row: (f"{column.name} = {_shown(words.iloc[row])} is no number", _as_number(column)),
        )  # fmt: skip
    return np.array([values.get(word, _NO_NUMBER) for word in words], np.float64)


def _as_number(column: Column) -> str:
    """How a number of this column is written."""
    if column.kind == COUNT:
        return "write a whole number alone, or leave it blank"
    unit = {"s": "seconds", "J": "joules"}.get(column.unit)
    return f"write the number of {unit} alone, e.g. 0.005" if unit else "write a number alone, e.g. 0.5"


def _shown(word: str) -> str:
    return repr(word if len(word) <= 40 else word[:37] + "...")


def check_cells(cells: Cells, columns: Sequence[Column], mistakes: Mistakes) -> None:
    """Find numbers out of range, blank cells that must be filled, and unknown kinds of operators."""
    for column in columns:
        values = cells[column.name]
        if column.filled:
            blank = np.flatnonzero(values == "" if column.kind == TEXT else np.isnan(values)).tolist()
            mistakes.add(column.name, blank, (f"{column.name} is blank", f"every row needs it: {column.meaning}"))
        if column.kind != TEXT:
            _check_range(values, column, mistakes)
    kinds = cells["op_kind"]
    unknown = {kind for kind in kinds.unique() if kind and kind not in KINDS}
    if unknown:
        mistakes.add("op_kind", np.flatnonzero(kinds.isin(unknown)).tolist(), lambda row: _unknown(kinds.iloc[row]))


def _unknown(kind: str) -> tuple[str, str]:
    return f"op_kind = {_shown(kind)} is unknown", nearest(kind, KINDS) or f"kinds: {', '.join(KINDS)}"


def _check_range(values: NDArray[np.float64], column: Column, mistakes: Mistakes) -> None:
    right = np.isnan(values) | (values == _NO_NUMBER)
    if column.kind == COUNT:
        right |= (values >= column.least) & (values <= LARGEST_COUNT) & (values == np.floor(values))
    else:
        right |= (values > 0) & np.isfinite(values)
    if not right.all():
        wrong = np.flatnonzero(~right).tolist()
        mistakes.add(column.name, wrong, lambda row: _out_of_range(float(values[row]), column))


def _out_of_range(value: float, column: Column) -> tuple[str, str]:
    shown = f"{column.name} = {value:.15g}"
    if value < 0:
        return f"{shown} is negative", "leave it blank where it is not known"
    if value > LARGEST_COUNT:
        return f"{shown} is too large", f"write a number up to {LARGEST_COUNT:,}, or leave it blank"
    if column.kind != COUNT or value < column.least:
        return f"{shown} is too small", "leave it blank where it is not known"
    return f"{shown} is no whole number", f"it counts: {column.meaning}"


def whole_cell(value: Any) -> Any:
    """A cell of a frame as its table printed it: columns of counts with blanks in them hold floats.

    >>> whole_cell(4.0), whole_cell(0.5), whole_cell("4.0")
    (4, 0.5, '4.0')
    """
    return int(value) if isinstance(value, float) and value.is_integer() else value
