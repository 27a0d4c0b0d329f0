"""The tables of energies as columns, and one table in full, for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel.energies.tables import EnergyTable, load_table, tables
from costmodel.report import significant, with_prefix


def tables_listing() -> dict[str, list[Any]]:
    """One row per table: unit, technology, the operations and memories it has, how many of them are estimated."""
    every = [load_table(name) for name in tables()]
    return {
        "name": [table.name for table in every],
        "title": [table.title for table in every],
        "unit": [table.unit for table in every],
        "technology": [table.technology for table in every],
        "operations": [_grouped(table) for table in every],
        "memories": [", ".join(table.memories) for table in every],
        "estimated": [", ".join(_estimated(table)) for table in every],
    }


def _grouped(table: EnergyTable) -> str:
    formats: dict[str, list[str]] = {}
    for entry in table.operations.values():
        formats.setdefault(entry.operation, []).append(entry.format)
    return "; ".join(f"{operation} {' '.join(names)}" for operation, names in formats.items())


def _estimated(table: EnergyTable) -> list[str]:
    return [
        *(name for name, entry in table.operations.items() if entry.estimated),
        *(name for name, entry in table.memories.items() if entry.estimated),
    ]


def table_details(name: str) -> dict[str, list[Any]]:
    """A row per number of a table: its energy, what it is relative to a 32-bit integer addition, and its source.

    >>> dict(zip(*[table_details("han_45nm")[key] for key in ("what", "relative_cost")]))["memory.dram"]
    6400.0
    """
    table = load_table(name)
    unit, reference = table.unit, table.energy_of("add", "int32")
    rows: list[tuple[str, float, str, str, bool, str]] = [
        (f"operation.{entry.name}", entry.energy, unit, "", entry.estimated, entry.source)
        for entry in table.operations.values()
    ]
    for memory in table.memories.values():
        size = "" if memory.capacity_bytes is None else f" of {memory.capacity_bytes:,} bytes"
        what = f"{memory.access_bytes} bytes{size}"
        ways = {" read": memory.read_energy, " write": memory.write_energy}
        if memory.read_energy == memory.write_energy:
            ways = {"": memory.read_energy}
        for way, energy in ways.items():
            rows.append((f"memory.{memory.name}{way}", energy, unit, what, memory.estimated, memory.source))
    names = ("what", "energy", "unit", "access", "estimated", "source")
    columns: dict[str, list[Any]] = {
        key: list(values) for key, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    columns["relative_cost"] = [
        None if reference is None else round(energy / reference, 6) for energy in columns["energy"]
    ]
    columns["estimated"] = ["estimated" if each else "" for each in columns["estimated"]]
    return columns


def readable_details(columns: dict[str, list[Any]], source: str = "") -> dict[str, Sequence[Any]]:
    """The same as a person reads it: costs relative to a 32-bit integer addition where there is one, sources where they
    are not the table's own; columns without any word are left out."""
    shown: dict[str, Sequence[Any]] = {"what": columns["what"]}
    shown["energy"] = [readable(value, unit) for value, unit in zip(columns["energy"], columns["unit"], strict=True)]
    if None not in columns["relative_cost"]:
        shown["relative cost"] = [significant(value, 4) for value in columns["relative_cost"]]
    others = {"access": columns["access"], "estimated": columns["estimated"]}
    others["source"] = ["" if each == source else each for each in columns["source"]]
    return shown | {name: values for name, values in others.items() if any(values)}


def table_heading(name: str) -> str:
    """What a table is, where it is from, and its note."""
    table = load_table(name)
    lines = [f"{table.name}: {table.title}; {table.technology}", table.source, table.note]
    return "\n".join(line for line in lines if line)


def readable(energy: float, unit: str) -> str:
    """An energy with its unit: joules, or so many times the energy of one multiply-accumulate.

    >>> readable(3.7e-12, "joule"), readable(200.0, "mac_energy")
    ('3.7 pJ', '200 x MAC')
    """
    return with_prefix(energy, "J") if unit == "joule" else f"{significant(energy, 4)} x MAC"


DETAIL_FORMATS = {"energy": str, "relative cost": str}
"""Columns of a table's details that stand to the right."""
