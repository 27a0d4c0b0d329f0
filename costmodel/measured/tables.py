"""One table: its text, rows, header and cells put together, and every mistake of it placed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from costmodel.errors import Problem, SpecError
from costmodel.measured.cells import MAXIMUM_SHOWN, Cells, Mistakes, check_cells, read_cells
from costmodel.measured.columns import Column
from costmodel.measured.content import read_content
from costmodel.measured.header import columns_of
from costmodel.measured.rows import Flags, Rows


def read_table(
    path: str, label: str, columns: Sequence[Column], rule: Callable[[Cells, Mistakes], None]
) -> pd.DataFrame:
    """Every known column over the rows of a file, and `line`. `rule` finds what is wrong between cells of a row.

    Raises: SpecError with every mistake of the file, the first MAXIMUM_SHOWN in full.
    """
    rows = Rows(read_content(path, label), label)
    found, problems, more = columns_of(rows, columns)
    if not found:
        raise SpecError(problems)
    body = np.arange(len(rows)) > 0
    if not body.any():
        problems.append(Problem(label, 0, 0, "", "the table has no rows", "write one measurement or operator per line"))
    wanted = body & (rows.cells == rows.cells[0])
    mistakes = Mistakes()
    cells = read_cells(rows, wanted, found, columns, mistakes)
    check_cells(cells, [column for column in columns if column.name in found], mistakes)
    if all(column.name in found for column in columns if column.required):
        rule(cells, mistakes)
    ragged = np.flatnonzero(body & ~wanted).tolist()
    if problems or mistakes.count or ragged:
        placed = [*_ragged(rows, ragged[:MAXIMUM_SHOWN]), *_placed(wanted, mistakes, found)]
        raise SpecError(_listed(rows, problems, placed, more + len(problems) + len(ragged) + mistakes.count))
    return pd.DataFrame({column.name: cells[column.name] for column in columns} | {"line": rows.lines[wanted]})


_Placed = tuple[int, int, str, str, str]
"""Row of the file, cell, column, problem, remedy."""


def _ragged(rows: Rows, wrong: Sequence[int]) -> list[_Placed]:
    wide = int(rows.cells[0])
    remedies = {True: 'a cell that holds a comma stands in quotes "..."', False: "leave cells blank, with their commas"}
    return [
        (
            row,
            min(cells, wide),
            "",
            f"the row has {cells} cell{'s'[: cells > 1]}, the first line {wide}",
            remedies[cells > wide],
        )
        for row in wrong
        for cells in [int(rows.cells[row])]
    ]


def _placed(wanted: Flags, mistakes: Mistakes, found: dict[str, int]) -> list[_Placed]:
    row_of = np.flatnonzero(wanted)
    return [
        (int(row_of[row]), found.get(name, 0), name, problem, remedy) for row, name, problem, remedy in mistakes.first
    ]


def _listed(rows: Rows, problems: list[Problem], placed: list[_Placed], count: int) -> list[Problem]:
    """The mistakes in the order of the file, the first of them in full."""
    listed = [*problems, *(rows.problem(*each) for each in sorted(placed)[:MAXIMUM_SHOWN])][:MAXIMUM_SHOWN]
    if count > len(listed):
        more = f"{count - len(listed):,} more mistakes are not shown"
        listed.append(Problem(rows.label, 0, 0, "", more, "mend these first"))
    return listed
