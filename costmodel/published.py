"""Published tables against computed costs, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

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
STATUSES: tuple[Status, ...] = get_args(Status)
"""Best first. `exact`: the computed number rounds to the printed digits; `explained`: a stated reason why not."""


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
    return [_cell(table, data["columns"][name], row, name) for row in data["rows"] for name in row["printed"]]


def _cell(table: str, column: Mapping[str, Any], row: Mapping[str, Any], name: str) -> Cell:
    convention = convention_named(column["convention"])
    printed, reason = row["printed"][name], row.get("reason", {}).get(name, "")
    computed = convention.total(cost_table(load(row["network"]))) if "network" in row else None
    status = status_of(printed, computed, str(column["multiplier"]))
    if status == "unexplained" and reason:
        status = "explained"
    recorded = row["status"][name]
    return Cell(table, row["row"], name, row["label"], printed, computed, status, recorded, convention.name, reason)


NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+")


def status_of(printed: str, computed: int | None, multiplier: str = "1") -> Status:
    """Whether a computed count agrees with the digits of a printed number: rounded, or truncated.

    `multiplier` is what one printed unit stands for, as text so that it is exact ("1e6", "0.01"). Thousands commas and
    a unit behind the digits do not matter. Without a printed or a computed number the cell is not computed.

    >>> [status_of(printed, 568_740_352, "1e6") for printed in ("569", "568M", "570")]
    ['exact', 'exact_other_rounding', 'unexplained']
    """
    found = NUMBER.search(printed)
    if computed is None or found is None:
        return "not_computed"
    digits, unit = found[0].replace(",", ""), Fraction(multiplier)
    last_place = Fraction(1, 10 ** len(digits.partition(".")[2])) * unit
    value = Fraction(digits) * unit
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
