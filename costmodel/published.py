"""Published tables against computed costs, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from costmodel.conventions import convention_named
from costmodel.costs import cost_table
from costmodel.errors import UnknownNameError, nearest
from costmodel.files import names_in, read_bundled
from costmodel.records import fields_of, record, values_of
from costmodel.specs.catalogue import load

if TYPE_CHECKING:
    import pandas

FOLDER = "specs/published"

Status: TypeAlias = Literal["exact", "exact_other_rounding", "explained", "unexplained", "not_computed"]
STATUSES = ("exact", "exact_other_rounding", "explained", "unexplained", "not_computed")
"""Best first. `exact`: the computed number rounds to the printed digits."""


@record
class Cell:
    """One cost cell of a published table: `computed` in base units (counts), `recorded` the status the data states."""

    table: str
    row: int
    column: str
    label: str
    printed: str
    computed: int | None
    status: Status
    recorded: Status
    convention: str
    reason: str

    @property
    def is_worse(self) -> bool:
        """Whether the cell agrees less well than the data says it does."""
        return STATUSES.index(self.status) > STATUSES.index(self.recorded)


def tables() -> tuple[str, ...]:
    """Names of the published tables that are regenerated."""
    return names_in(FOLDER)


def regenerate(table: str) -> list[Cell]:
    """Every cost cell of a table, computed from the spec and compared at its printed precision.

    Raises: UnknownNameError with the nearest names.
    """
    if table not in tables():
        hint = nearest(table, tables()) or f"there are {', '.join(tables())}"
        raise UnknownNameError(f"unknown published table {table!r}; {hint}")
    data = read_bundled(FOLDER, table).data
    cells = []
    for row in data["rows"]:
        costs = cost_table(load(row["network"]))
        for name, printed in row["printed"].items():
            column = data["columns"][name]
            convention = convention_named(column["convention"])
            computed = convention.total(costs)
            status = status_of(printed, computed, column["multiplier"])
            cells.append(
                Cell(
                    table, row["row"], name, row["label"], printed, computed, status, row["status"][name],
                    convention.name, row.get("reason", {}).get(name, ""),
                )
            )  # fmt: skip
    return cells


def status_of(printed: str, computed: int, multiplier: float) -> Status:
    """Whether a computed count agrees with printed digits: rounded, or truncated.

    >>> status_of("569", 568_740_352, 1e6), status_of("568", 568_740_352, 1e6), status_of("570", 568_740_352, 1e6)
    ('exact', 'exact_other_rounding', 'unexplained')
    """
    unit = Fraction(multiplier)
    last_place = Fraction(1, 10 ** len(printed.partition(".")[2])) * unit
    value = Fraction(printed) * unit
    if abs(computed - value) <= last_place / 2:
        return "exact"
    if value <= computed < value + last_place:
        return "exact_other_rounding"
    return "unexplained"


def compare(*names: str) -> pandas.DataFrame:
    """One row per cost cell of the named tables (all, when none is named).

    Columns: table, row, column, label, printed, computed (base units), status, recorded, convention, reason.

    >>> frame = compare("mobilenet_v1_table6_width")
    >>> len(frame), set(frame.status)
    (8, {'exact'})
    """
    import pandas

    cells = [cell for name in names or tables() for cell in regenerate(name)]
    return pandas.DataFrame([dict(zip(fields_of(Cell), values_of(cell), strict=True)) for cell in cells])


def counted(cells: Iterable[Cell]) -> dict[str, int]:
    """How many cells have each status."""
    counts: dict[str, Any] = dict.fromkeys(STATUSES, 0)
    for cell in cells:
        counts[cell.status] += 1
    return counts
