"""The layout of an energy table, checked with pydantic. Imported for users' files and by the tests, not for bundled
files: importing pydantic costs more time than an estimate."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from costmodel.energies.tables import FORMATS, OPERATIONS, Kind, Unit
from costmodel.errors import Problem, SpecError, nearest
from costmodel.files import Document
from costmodel.hardware_schema import type_problem
from costmodel.positions import KeyPath
from costmodel.records import replace

Text = Annotated[str, Field(min_length=1)]
Energy = Annotated[float, Field(ge=1e-18, lt=1e6, allow_inf_nan=False)]
"""An attojoule at the least: of one operation, or in energies of one multiply-accumulate."""
Bytes = Annotated[int, Field(gt=0, lt=2**63)]
GREATEST_JOULES = 1e-3
"""Of one operation or access: more is an energy in pJ that was not written as 1e-12 joules."""


class Section(BaseModel):
    """A table of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TableSection(Section):
    """What the file is."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
    title: Text
    technology: Text
    unit: Unit
    source: Text
    note: Text | None = None


class OperationSection(Section):
    """The energy of one operation; the source is that of the file where none is given."""

    energy: Energy
    source: Text | None = None
    estimated: bool = False
    note: Text | None = None


class MemorySection(Section):
    """The energy of an access to a memory."""

    kind: Kind
    capacity_bytes: Bytes | None = None
    access_bytes: Bytes
    read_energy: Energy
    write_energy: Energy | None = None
    source: Text | None = None
    estimated: bool = False
    note: Text | None = None


class EnergyFile(Section):
    """The whole file."""

    table: TableSection
    operation: Annotated[dict[str, Annotated[dict[str, OperationSection], Field(min_length=1)]], Field(min_length=1)]
    memory: dict[str, MemorySection] = {}


def check_table(document: Document) -> None:
    """Check a document that holds an energy table.

    Raises: SpecError with every mistake: missing or unknown keys, wrong types, operations and number formats that do
    not exist, and energies that are not in joules.
    """
    problems: list[Problem] = []
    try:
        EnergyFile.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(document, dict(mistake)) for mistake in error.errors()]
    problems += [*_unknown_names(document), *_not_in_joules(document)]
    if problems:
        unique = {(p.line, p.column, p.problem): p for p in problems}
        raise SpecError(sorted(unique.values(), key=lambda p: (p.line, p.column)))


def _problem(document: Document, mistake: dict[str, Any]) -> Problem:
    path: KeyPath = tuple(mistake["loc"])
    kind, text = mistake["type"], str(mistake["msg"])
    key = path[-1] if path else ""
    of_type = type_problem(document, mistake)
    if of_type is not None:
        whole_entry = path[0] == "operation" and len(path) == 3
        return replace(of_type, remedy=f"{of_type.remedy} and energy = ... in joules") if whole_entry else of_type
    if kind == "missing":
        owner = f"[{'.'.join(map(str, path[:-1]))}]" if path[:-1] else "the file"
        remedy = f"add {key} = ..." if path[:-1] else f"add [{key}]"
        return document.problem(path[:-1] or path, f"{owner} has no {key!r}", remedy)
    if kind == "too_short":
        header = ".".join(map(str, path)) if len(path) > 1 else "operation.add"
        return document.problem(path, f"[{'.'.join(map(str, path))}] is empty", f"add [{header}.int8]")
    if kind == "greater_than_equal":
        return document.problem(path, f"{key} must be at least {mistake['ctx']['ge']:g}", "write 5 pJ as 5e-12")
    if kind == "extra_forbidden":
        fields = list(_section_at(path).model_fields)
        hint = nearest(str(key), fields) or f"it has: {', '.join(fields)}"
        return document.problem(path, f"unknown key {key!r}", hint, of_key=True)
    remedy = "write joules: 0.1 pJ is 0.1e-12" if kind == "float_type" else ""
    return document.problem(path, f"{key}: {text[:1].lower()}{text[1:]}", remedy)


def _section_at(path: KeyPath) -> type[Section]:
    sections: dict[str, type[Section]] = {
        "table": TableSection, "operation": OperationSection, "memory": MemorySection,
    }  # fmt: skip
    return sections.get(str(path[0]), EnergyFile) if len(path) > 1 else EnergyFile


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    """The tables inside a table; what is none is reported already."""
    return {key: each for key, each in value.items() if isinstance(each, dict)} if isinstance(value, dict) else {}


def _unknown_names(document: Document) -> list[Problem]:
    problems = []
    for operation, formats in _tables(document.data.get("operation")).items():
        if operation not in OPERATIONS:
            hint = nearest(operation, OPERATIONS) or f"there are {', '.join(OPERATIONS)}"
            path: KeyPath = ("operation", operation)
            problems.append(document.problem(path, f"unknown operation {operation!r}", hint, of_key=True))
        for format in formats:
            if format not in FORMATS:
                hint = nearest(format, FORMATS) or f"there are {', '.join(FORMATS)}"
                path = ("operation", operation, format)
                problems.append(document.problem(path, f"unknown number format {format!r}", hint, of_key=True))
    return problems


def _not_in_joules(document: Document) -> list[Problem]:
    """Energies of a table in joules that are far too large for one operation."""
    table = document.data.get("table")
    if not isinstance(table, dict) or table.get("unit") != "joule":
        return []
    entries: list[tuple[KeyPath, Any]] = [
        (("operation", operation, format, "energy"), entry.get("energy"))
        for operation, formats in _tables(document.data.get("operation")).items()
        for format, entry in _tables(formats).items()
    ]
    entries += [
        (("memory", name, key), entry.get(key))
        for name, entry in _tables(document.data.get("memory")).items()
        for key in ("read_energy", "write_energy")
    ]
    return [
        document.problem(path, f"{path[-1]} = {value:g} joules is too much for one", "write 5 pJ as 5e-12")
        for path, value in entries
        if isinstance(value, int | float) and GREATEST_JOULES < value < float("inf")
    ]
