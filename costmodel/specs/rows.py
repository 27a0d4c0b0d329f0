"""Steps written as a table: `columns` and `rows`, one step per row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.positions import KeyPath
from costmodel.records import record
from costmodel.specs.blocks import is_name
from costmodel.specs.names import Names, mentioned
from costmodel.specs.steps import STEP_KEYS, Argument, Given, RowsByWord, Step, StepList
from costmodel.specs.values import BadValueError, read_free, shown, unknown

if TYPE_CHECKING:
    from costmodel.specs.reader import StepReader

NOT_GIVEN = "-"


@record
class Table:
    """What all rows of one step share."""

    verb: str
    given: Given
    columns: list[str]
    path: KeyPath
    names: Names
    depth: int


def read_rows(reader: StepReader, verb: str, given: Given, path: KeyPath, names: Names, depth: int) -> list[Step]:
    """One step per row; a column named like a field fills it, and every column may be read by name."""
    given = dict(given)
    columns, columns_path = given.pop("columns", (None, path))
    rows, rows_path = given.pop("rows", (None, path))
    if not isinstance(columns, list) or not columns or not all(is_name(column) for column in columns):
        reader.report(columns_path, "columns must be a list of names", 'write columns = ["c", "stride"]')
        return reader.broken((columns, rows, *given.values()), path, names)
    for index, column in enumerate(columns):
        if column in columns[:index]:
            reader.report((*columns_path, index), f"column {column!r} stands twice", "remove one")
            return reader.broken((columns, rows, *given.values()), path, names)
    table = Table(verb, given, columns, path, names, depth)
    if isinstance(rows, str):
        return _rows_by_word(reader, table, rows, rows_path)
    if not isinstance(rows, list) or not rows:
        remedy = "write rows = [[1, 16], ...]"
        reader.report(rows_path, "rows must be a list of lists, or a word parameter that picks from [tables]", remedy)
        return reader.broken((columns, rows, *given.values()), path, names)
    return _read_table(reader, table, rows, rows_path)


def _read_table(reader: StepReader, table: Table, rows: list[Any], path: KeyPath) -> list[Step]:
    steps: list[Step] = []
    columns = table.columns
    for index, row in enumerate(rows):
        place = (*path, index)
        reader.count_step(place)
        if isinstance(row, list) and len(row) == len(columns):
            steps += _read_row(reader, table, row, place)
            continue
        count = f"has {len(row)} value{'s' * (len(row) != 1)}" if isinstance(row, list) else "is not a list"
        wanted = f"there {'is' if len(columns) == 1 else 'are'} {len(columns)} column{'s' * (len(columns) != 1)}"
        remedy = 'write "-" for a value that is not given'
        reader.report(place, f"this row {count}, {wanted} ({', '.join(columns)})", remedy)
        steps += reader.broken(row, place, table.names)
    return steps


def _read_row(reader: StepReader, table: Table, row: list[Any], place: KeyPath) -> list[Step]:
    given, names, verb = table.given, table.names, table.verb
    cells = {c: (v, (*place, at)) for at, (c, v) in enumerate(zip(table.columns, row, strict=True)) if v != NOT_GIVEN}
    row_given = dict(given)
    if verb in ("columns", "rows"):
        cell, cell_path = cells.pop("block", (None, place))
        if not isinstance(cell, str):
            reader.report(cell_path, "a row needs a column 'block' that names its operator or block",
                          "or write the verb first: { conv = true, columns = [...], rows = [...] }")  # fmt: skip
            return reader.broken(row, place, names)
        verb = cell
        row_given = {verb: (True, cell_path), **row_given}
    for column, item in cells.items():
        row_given.setdefault(column, item)
    found = reader.known_verb(verb, row_given, names)
    if found is None:
        return reader.broken((row, *given.values()), place, names, row_given)
    row_given = {found if key == verb else key: item for key, item in row_given.items()}
    verb = found
    fills = {*(reader.accepted_keys(verb, names) or ()), *STEP_KEYS, verb}
    row_given = {key: item for key, item in row_given.items() if key in given or key in fills}
    read = mentioned([item for key, (item, _) in row_given.items() if key not in cells or key in given])
    local: list[Argument] = []
    for column, (raw, cell_path) in cells.items():
        is_word = isinstance(raw, str) and raw.isidentifier() and raw not in names.values
        if column in fills and (is_word or column not in read):
            continue
        try:
            value = read_free(raw, names.values)
        except BadValueError as error:
            if column not in fills:
                reader.report((*cell_path, *error.below), error.problem, error.remedy)
            value = unknown()
        reader.used |= value.names
        local.append(Argument(column, value, cell_path))
    used_before, reader.used = reader.used, set()
    below = names.below([argument.name for argument in local])
    steps = reader.one(verb, row_given, place, below, table.depth, tuple(local))
    used = reader.used | reader.meant | read
    for at, column in enumerate(table.columns):
        if column in cells and column not in fills and column not in used:
            columns_path = (*table.path, "columns", at)
            reader.report(columns_path, f"column {column!r} fills no field of {verb} and is not read", "remove it")
    reader.used |= used_before
    names.labels.update(step.name for step in steps if step.name is not None)
    return steps


def _rows_by_word(reader: StepReader, table: Table, word: str, rows_path: KeyPath) -> list[Step]:
    choices = table.names.choices.get(word, ())
    missing = [choice for choice in choices if not isinstance(reader.tables.get(choice), list)]
    reader.used.add(word)
    if not choices or missing:
        what = f"[tables] has no rows {missing[0]!r}" if missing else f"{shown(word)} is not a parameter with choices"
        reader.report(rows_path, f"rows = {shown(word)}: {what}", "each choice must be a list of rows in [tables]")
        return reader.broken(tuple(table.given.values()), table.path, table.names)
    reader.read_tables.update(choices)
    tables = {
        choice: StepList(tuple(_read_table(reader, table, reader.tables[choice], ("tables", choice))))
        for choice in choices
    }
    action = RowsByWord(word, tables)
    return [Step(reader.document, table.path, action, action, None, None, None, None, None, ())]
