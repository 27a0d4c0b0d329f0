"""Tables of energies: what an operation costs in a number format, what an access to a memory costs, with sources."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from costmodel.errors import UnknownNameError, nearest
from costmodel.files import Document, names_in, read, read_bundled
from costmodel.records import record

FOLDER = "hardware/energy"
DEFAULT = "horowitz_45nm"

Unit: TypeAlias = Literal["joule", "mac_energy"]
"""What energies are in: joules, or multiples of the energy of one multiply-accumulate (relative tables)."""
Operation: TypeAlias = Literal["add", "multiply", "mac", "shift"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
Kind: TypeAlias = Literal["register", "sram", "dram", "flash", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FORMATS = ("int8", "int16", "int32", "int64", "float8", "float16", "bfloat16", "float32")
"""Number formats of operands and accumulators that a table may have energies for."""


@record
class OperationEnergy:
    """The energy of one operation on operands of one number format."""

    operation: Operation
    format: str
    energy: float
    source: str
    estimated: bool

    @property
    def name(self) -> str:
        """operation.format, as in the file."""
        return f"{self.operation}.{self.format}"


@record
class MemoryEnergy:
    """The energy of one access of `access_bytes` to a memory of that capacity (None: of any)."""

    name: str
    kind: Kind
    capacity_bytes: int | None
    access_bytes: int
    read_energy: float
    write_energy: float
    source: str
    estimated: bool
    note: str = ""

    @property
    def read_energy_per_byte(self) -> float:
        """Energy of a byte read; all of an access is used."""
        return self.read_energy / self.access_bytes

    @property
    def write_energy_per_byte(self) -> float:
        """Energy of a byte written."""
        return self.write_energy / self.access_bytes


@record
class EnergyTable:
    """A table of energies of one source and technology. `operations` by operation.format, `memories` by name."""

    name: str
    title: str
    technology: str
    unit: Unit
    source: str
    note: str
    operations: Mapping[str, OperationEnergy]
    memories: Mapping[str, MemoryEnergy]

    def __repr__(self) -> str:
        return f"<EnergyTable {self.name}: {', '.join((*self.operations, *self.memories))}>"

    @property
    def model(self) -> str:
        """The energy model that uses the table: per_operation for joules, relative for multiples of one operation."""
        return "per_operation" if self.unit == "joule" else "relative"

    def energy_of(self, operation: Operation, format: str) -> float | None:
        """The energy of an operation in a number format, or None where the table has none."""
        found = self.operations.get(f"{operation}.{format}")
        return found.energy if found is not None else None

    def memory_for(self, kind: str, capacity_bytes: int | None = None) -> MemoryEnergy | None:
        """The memory that stands for one of a device: of its kind, the smallest that is as large, else the largest.

        >>> load_table("horowitz_45nm").memory_for("sram", 20_000).name
        'sram_32kib'
        """
        of_kind = [memory for memory in self.memories.values() if memory.kind == kind]
        fitting = [
            m for m in of_kind if capacity_bytes is None or (m.capacity_bytes or capacity_bytes) >= capacity_bytes
        ]
        if fitting:
            return min(fitting, key=lambda memory: memory.capacity_bytes or 0)
        return max(of_kind, key=lambda memory: memory.capacity_bytes or 0, default=None)


def tables() -> tuple[str, ...]:
    """Names of all bundled tables."""
    return names_in(FOLDER)


def load_table(name: str | os.PathLike[str] | EnergyTable) -> EnergyTable:
    """The bundled table of that name, that of a file, or the table itself.

    >>> round(load_table("han_45nm").energy_of("multiply", "float32") * 1e12, 3)
    3.7

    Raises: UnknownNameError with the nearest names; SpecError when a user's file is wrong.
    """
    if isinstance(name, EnergyTable):
        return name
    text = os.fspath(name) if isinstance(name, os.PathLike) else name
    if not isinstance(text, str):
        raise UnknownNameError(f"{text!r} is not the name of an energy table or the path of a file")
    if text.endswith(".toml") or os.sep in text:
        document = read(text)
        from costmodel.energies.schema import check_table

        check_table(document)
        return _table(document)
    if text not in tables():
        hint = nearest(text, tables()) or f"there are {', '.join(tables())}"
        raise UnknownNameError(f"unknown energy table {text!r}; {hint}")
    return _table(read_bundled(FOLDER, text))


def _table(document: Document) -> EnergyTable:
    """The table of a document that is right: the bundled files are checked by the tests, users' files before."""
    data = document.data
    table = data["table"]
    operations = {
        f"{operation}.{format}": OperationEnergy(
            operation, format, float(entry["energy"]), entry.get("source", table["source"]),
            entry.get("estimated", False),
        )
        for operation, formats in data["operation"].items()
        for format, entry in formats.items()
    }  # fmt: skip
    memories = {
        name: MemoryEnergy(
            name, entry["kind"], entry.get("capacity_bytes"), entry["access_bytes"], float(entry["read_energy"]),
            float(entry.get("write_energy", entry["read_energy"])), entry.get("source", table["source"]),
            entry.get("estimated", False), entry.get("note", ""),
        )
        for name, entry in data.get("memory", {}).items()
    }  # fmt: skip
    return EnergyTable(
        table["name"], table["title"], table["technology"], table["unit"], table["source"], table.get("note", ""),
        operations, memories,
    )  # fmt: skip
