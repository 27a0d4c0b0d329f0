"""Cost cells of published tables: regenerated, and compared at their printed precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from costmodel.errors import CostmodelError, SpecError
from costmodel.published.checks import BASES, STATUSES, Basis, Status
from costmodel.published.readings import Number, Reading, computed, holds
from costmodel.published.rounding import Printed, Rounding, agreement, is_rounded_up
from costmodel.published.surroundings import Surroundings, names_in
from costmodel.published.tables import MAXIMUM_PROBLEMS, Column, Row, Table, find_table, reading_of
from costmodel.records import record


@record
class Cell:
    """One cost cell of a published table: `computed` in base units, `recorded` the status the data states.

    `deviation` is what the computed number is more than the printed one, as a part of it (-0.05: five per cent less).
    `rounding` is how the computed number gives the printed digits; `convention`, `network` and `value` are the reading
    that was used; `basis` what an agreement rests on; `reason` why there is none, or what the reading needed.
    """

    table: str
    row: int
    column: str
    label: str
    printed: str
    computed: Number | None
    deviation: float | None
    status: Status
    rounding: Rounding | None
    basis: Basis
    network: str
    convention: str
    reason: str
    misprint: str
    recorded: Status | None

    @property
    def is_worse(self) -> bool:
        """Whether the cell agrees less well than the data says it does, where it says so."""
        return self.recorded is not None and STATUSES.index(self.status) > STATUSES.index(self.recorded)


def regenerate(table: str) -> list[Cell]:
    """Every cost cell of a table, by name or path of a file, computed and compared at its printed precision.

    >>> [cell.computed for cell in regenerate("mobilenet_v1_table6_width")][:2]
    [568740352, 4209088]

    Raises: UnknownNameError with the nearest names; SpecError for a file that is wrong.
    """
    return cells_of(find_table(table))


def cells_of(table: Table) -> list[Cell]:
    """Every cost cell of a table, computed and compared.

    Raises: SpecError with every reading that cannot be computed.
    """
    cells, problems = [], []
    for row, column in table.cost_cells():
        printed = table.number(row, column)
        if printed is None:
            continue
        try:
            cells.append(_cell(table, row, column, printed))
        except CostmodelError as error:
            place = ("rows", table.rows.index(row), "printed", column.name)
            problems.append(table.document.problem(place, f"the cell cannot be computed: {error}"))
        if len(problems) == MAXIMUM_PROBLEMS:
            break
    if problems:
        raise SpecError(problems)
    return cells


def _cell(table: Table, row: Row, column: Column, printed: Printed) -> Cell:
    settings = table.for_cell(row, column)
    reading = reading_of(settings)
    scope = Surroundings(table, row, column)
    number = computed(reading, scope.for_reading(reading)) if reading.can_be_computed else None
    rounding = agreement(printed, number) if number is not None else None
    status = _status(rounding, number)
    if status == "unexplained" and number is not None and _is_shown(settings, printed, number, scope):
        status = "explained"
    return Cell(
        table.name, row.number, column.name, row.label, printed.text, number, _deviation(printed, number), status,
        rounding, settings.get("basis", "architecture"), reading.network, _way_of_counting(reading),
        settings.get("reason", ""), settings.get("misprint", ""), row.settings.get("status", {}).get(column.name),
    )  # fmt: skip


def _deviation(printed: Printed, number: Number | None) -> float | None:
    if number is None or not printed.value:
        return None
    return float(number / printed.value - 1)


def _status(rounding: Rounding | None, number: Number | None) -> Status:
    if number is None:
        return "not_computed"
    if rounding is None:
        return "unexplained"
    return "exact" if rounding == "rounded" else "exact_other_rounding"


def _is_shown(settings: Mapping[str, Any], printed: Printed, number: Number, scope: Surroundings) -> bool:
    """Whether the stated reason is demonstrated: another reading gives the digits, or every line of evidence holds."""
    other, evidence = settings.get("shown_by"), settings.get("evidence", ())
    if not settings.get("reason") or not (other or evidence):
        return False
    if other:
        shared = {key: value for key, value in settings.items() if key in REUSED}
        reading = reading_of({**shared, **other})
        shown = computed(reading, scope.for_reading(reading))
        rounding = other.get("rounding")
        if not (is_rounded_up(printed, shown) if rounding == "rounded_up" else agreement(printed, shown)):
            return False
    own = {"printed": printed.value, "computed": Fraction(number)}
    return all(holds(line, {**scope.for_names(names_in(line, condition=True)), **own}) for line in evidence)


REUSED = ("network", "parameters", "edits", "batch", "layers", "operators", "convention", "formula", "inputs")
"""What a demonstration keeps of the reading that it departs from."""


def _way_of_counting(reading: Reading) -> str:
    """What a reading counts, in a word or an expression."""
    counted = _counted(reading) or ", ".join(dict.fromkeys(filter(None, (_counted(each) for _, each in reading.terms))))
    return ": ".join(filter(None, (counted, reading.value)))


def _counted(reading: Reading) -> str:
    """The formula or the convention of a reading, or what it says of memory, patches or compression."""
    chosen = dict(reading.peak or reading.patches or reading.compression)
    memory = " ".join(str(chosen[key]) for key in ("definition", "coding", "gives") if key in chosen)
    return reading.formula or reading.convention or memory


def counted(cells: Iterable[Cell]) -> dict[str, int]:
    """How many cells have each status."""
    counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
    for cell in cells:
        counts[cell.status] += 1
    return counts


def counted_by_basis(cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """The same for each basis; cells that were not computed have none."""
    cells = [cell for cell in cells if cell.status != "not_computed"]
    return {basis: counted(cell for cell in cells if cell.basis == basis) for basis in BASES}
