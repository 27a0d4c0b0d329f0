"""Where the cells of a measured table stand in its file: for what is found out only after it was read."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from costmodel.errors import Problem, SpecError
from costmodel.measured.columns import MEASURED_COLUMNS
from costmodel.measured.reading import Measured

if TYPE_CHECKING:
    from costmodel.measured.rows import Rows


class Places:
    """The cells of a table, by line and column. The file is read again when the first is asked for."""

    def __init__(self, table: Measured) -> None:
        self._table = table

    def problem(self, line: int, column: str, problem: str, remedy: str = "") -> Problem:
        """A mistake in the cell of a row that begins in a line; where the file is gone, in the row."""
        import numpy

        if self._found is None:
            return Problem(self._table.path or self._table.name, line, 1, column, problem, remedy)
        rows, cells = self._found
        at = min(int(numpy.searchsorted(rows.lines, line)), len(rows) - 1)
        return rows.problem(at, cells.get(column, 0), column, problem, remedy)

    def about_the_file(self, problem: str) -> Problem:
        """A problem that has no place in the file."""
        return Problem(self._table.path or self._table.name, 0, 0, "", problem)

    @cached_property
    def _found(self) -> tuple[Rows, dict[str, int]] | None:
        from costmodel.measured.content import read_content
        from costmodel.measured.header import columns_of
        from costmodel.measured.rows import Rows

        try:
            rows = Rows(read_content(self._table.path, self._table.path), self._table.path)
        except SpecError:
            return None
        return rows, columns_of(rows, MEASURED_COLUMNS)[0]
