"""One table: its text, rows, header and cells put together, and every mistake of it placed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from costmodel.errors import Problem, SpecError
from costmodel.measured.cells import Cells, Mistake, mistakes_of, read_cells
from costmodel.measured.columns import Column
from costmodel.measured.content import read_content
from costmodel.measured.header import columns_of
from costmodel.measured.rows import Flags, Rows

MAXIMUM_SHOWN = 20
"""Mistakes of a file that an error lists."""


def read_table(
    path: str, label: str, columns: Sequence[Column], rule: Callable[[Cells], Iterator[Mistake]]
) -> pd.DataFrame:
    """Every known column over the rows of a file, and `line`. `rule` finds what is wrong between cells of a row.

    Raises: SpecError with every mistake of the file.
    """
    rows = Rows(read_content(path, label), label)
    found, problems = columns_of(rows, columns)
    if not found:
        raise SpecError(problems)
    body = np.arange(len(rows)) > 0
    if not body.any():
        problems.append(Problem(label, 0, 0, "", "the table has no rows", "write one measurement or operator per line"))
    wanted = body & (rows.cells == rows.cells[0])
    cells, mistakes = read_cells(rows, wanted, found, columns)
    mistakes += mistakes_of(cells, [column for column in columns if column.name in found])
    if all(column.name in found for column in columns if column.required):
        mistakes += rule(cells)
    if problems or mistakes or not (wanted == body).all():
        raise SpecError(
            _listed(rows, problems, [*_ragged(rows, body & ~wanted), *_placed(rows, wanted, mistakes, found)])
        )
    return pd.DataFrame(cells | {"line": rows.lines[wanted]})[[*(column.name for column in columns), "line"]]


_Placed = tuple[int, int, str, str, str]
"""Row of the file, cell, column, problem, remedy."""


def _ragged(rows: Rows, wrong: Flags) -> Iterator[_Placed]:
    wide = int(rows.cells[0])
    for row in np.flatnonzero(wrong).tolist():
        cells = int(rows.cells[row])
        remedy = (
            'a cell that holds a comma stands in quotes ("...")'
            if cells > wide
            else "leave cells blank, with their commas"
        )
        yield row, min(cells, wide), "", f"the row has {cells} cells, the first line {wide}", remedy


def _placed(rows: Rows, wanted: Flags, mistakes: Sequence[Mistake], found: dict[str, int]) -> Iterator[_Placed]:
    row_of = np.flatnonzero(wanted)
    for row, name, problem, remedy in mistakes:
        yield int(row_of[row]), found.get(name, 0), name, problem, remedy


def _listed(rows: Rows, problems: list[Problem], placed: list[_Placed]) -> list[Problem]:
    """The mistakes in the order of the file, the first of them in full."""
    shown = sorted(set(placed))[: max(0, MAXIMUM_SHOWN - len(problems))]
    listed = [*problems, *(rows.problem(*each) for each in shown)][:MAXIMUM_SHOWN]
    more = len(problems) + len(set(placed)) - len(listed)
    if more:
        listed.append(Problem(rows.label, 0, 0, "", f"{more:,} more mistakes are not shown", "mend these first"))
    return listed
