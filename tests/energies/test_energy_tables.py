"""Tables of energies: the bundled ones say what the literature prints, mistakes in a user's are answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.energies.listing import readable_details, table_details, tables_listing
from costmodel.energies.operations import operation_energies
from costmodel.energies.schema import check_table
from costmodel.energies.tables import FOLDER, EnergyTable, MemoryEnergy, OperationEnergy, load_table, tables
from costmodel.errors import SpecError, UnknownNameError
from costmodel.files import folder, read, read_bundled
from costmodel.published.tables import bundled_table

GOOD = (Path(folder(FOLDER)) / "horowitz_45nm.toml").read_text()


@pytest.mark.parametrize("name", tables())
def test_every_bundled_table_is_right(name: str) -> None:
    check_table(read_bundled(FOLDER, name))
    table = load_table(name)
    assert table.name == name
    assert len(table.source) > 20
    assert read_bundled(FOLDER, name).text.startswith("# ")
    entries: list[OperationEnergy | MemoryEnergy] = [*table.operations.values(), *table.memories.values()]
    for entry in entries:
        assert entry.estimated == ("no document found" in entry.source), (name, entry)


UNREAD = {
    "aladdin_40nm": 0, "eyeriss_relative": 5, "han_45nm": 0, "horowitz_45nm": 4, "jouppi_7nm": 12,
    "zigzag_edge_tpu_like": 0, "zigzag_eyeriss_like": 0, "zigzag_tpu_like": 0,
}  # fmt: skip
"""How many numbers of a table no document confirms: papers that were not read, widths of access that none gives."""
READ = {
    # repo stillwater-sc/universal@64ab5702 generic_45nm.hpp: int_add, fp_add, int_mul, fp_mul
    "add.int8": 0.03, "add.int16": 0.05, "add.int32": 0.1, "add.float16": 0.4, "add.float32": 0.9,
    "multiply.int8": 0.2, "multiply.int32": 3.1, "multiply.float16": 1.1, "multiply.float32": 3.7,
    # arXiv:2501.14490, Sec. 1 and App. F; the file above has 0.02 and 0.06
    "shift.int8": 0.024, "shift.int32": 0.13,
    # PMC8934428, Table 3: 5 pJ for 32 bits of 8 KB
    "sram_8kib": 2 * 5,
}  # fmt: skip


def test_what_a_document_does_not_say_is_estimated() -> None:
    counted = {}
    for name in tables():
        table = load_table(name)
        operations, memories = table.operations.values(), table.memories.values()
        counted[name] = sum(each.estimated for each in operations) + sum(each.estimated for each in memories)
    assert counted == UNREAD
    horowitz = load_table("horowitz_45nm")
    found = {name: entry.energy for name, entry in horowitz.operations.items() if not entry.estimated}
    found |= {name: entry.read_energy for name, entry in horowitz.memories.items() if not entry.estimated}
    assert {name: value * 1e12 for name, value in found.items()} == pytest.approx(READ)
    assert {name for name, entry in horowitz.memories.items() if entry.estimated} == {
        "sram_32kib", "sram_1mib", "dram", "dram_high",
    }  # fmt: skip


def test_there_are_tables_of_joules_and_one_of_relative_costs() -> None:
    units = {name: load_table(name).unit for name in tables()}
    assert {name for name, unit in units.items() if unit == "mac_energy"} == {"eyeriss_relative"}
    assert {"han_45nm", "horowitz_45nm", "jouppi_7nm", "aladdin_40nm", "zigzag_tpu_like", "zigzag_edge_tpu_like",
            "zigzag_eyeriss_like"} == {name for name, unit in units.items() if unit == "joule"}  # fmt: skip
    assert load_table("eyeriss_relative").model == "relative"
    assert load_table("han_45nm").model == "per_operation"


PRINTED = {
    "operation.add.int32": 1,
    "operation.add.float32": 2,
    "memory.register": 3,
    "operation.multiply.int32": 4,
    "operation.multiply.float32": 5,
    "memory.sram": 6,
    "memory.dram": 7,
}
"""Entries of han_45nm and the rows of the printed table."""


def test_the_relative_costs_of_the_lecture_come_out_of_the_table() -> None:
    """1, 9, 10, 31, 37, 50, 6400: each energy over that of the 32-bit integer addition, 0.1 pJ."""
    printed = bundled_table("energy_per_operation")
    columns = table_details("han_45nm")
    costs = dict(zip(columns["what"], columns["relative_cost"], strict=True))
    energies = dict(zip(columns["what"], columns["energy"], strict=True))
    assert set(costs) == set(PRINTED)
    for what, row in PRINTED.items():
        energy = printed.number(printed.row(row), printed.column("energy"))
        relative = printed.number(printed.row(row), printed.column("relative_cost"))
        assert energy is not None
        assert relative is not None
        assert energies[what] == pytest.approx(float(energy.value), rel=1e-12)
        assert costs[what] == float(relative.value)
    assert sorted(costs.values()) == [1, 9, 10, 31, 37, 50, 6400]
    assert readable_details(columns)["relative cost"][-1] == "6,400"


def test_dram_costs_a_hundred_times_sram() -> None:
    """640 pJ / 5 pJ = 128 for 32 bits; per byte 160 and 1.25 pJ."""
    memories = load_table("han_45nm").memories
    assert memories["dram"].read_energy / memories["sram"].read_energy == pytest.approx(128)
    assert memories["dram"].read_energy_per_byte == pytest.approx(160e-12)
    assert memories["sram"].read_energy_per_byte == pytest.approx(1.25e-12)
    horowitz = load_table("horowitz_45nm").memories
    assert horowitz["dram"].read_energy_per_byte == pytest.approx(162.5e-12)
    assert horowitz["dram"].read_energy / horowitz["sram_8kib"].read_energy == pytest.approx(130)
    assert horowitz["sram_1mib"].read_energy_per_byte == pytest.approx(12.5e-12)


@pytest.mark.parametrize(
    ("table", "arithmetic", "accumulator", "picojoules"),
    [
        ("horowitz_45nm", "int8", "int32", 0.3),
        ("horowitz_45nm", "float16", "float32", 2.0),
        ("horowitz_45nm", "float32", "float32", 4.6),
        ("han_45nm", "int32", "int32", 3.2),
        ("aladdin_40nm", "float32", "float32", 51.979),
        ("jouppi_7nm", "int8", "int32", 0.1),
        ("jouppi_7nm", "bfloat16", "float32", 0.59),
        ("zigzag_tpu_like", "int8", "int32", 0.04),
        ("zigzag_eyeriss_like", "int8", "int32", 0.5),
    ],
)
def test_a_multiply_accumulate(table: str, arithmetic: str, accumulator: str, picojoules: float) -> None:
    mac = operation_energies(load_table(table), arithmetic, accumulator).mac
    assert mac is not None
    assert sum(entry.energy for entry in mac) * 1e12 == pytest.approx(picojoules)


def test_a_memory_stands_for_those_of_its_kind_that_are_no_larger() -> None:
    table = load_table("horowitz_45nm")

    def name_for(kind: str, capacity: int | None) -> str | None:
        memory = table.memory_for(kind, capacity)
        return None if memory is None else memory.name

    assert name_for("sram", 8192) == "sram_8kib"
    assert name_for("sram", 8193) == "sram_32kib"
    assert name_for("sram", 2**30) == "sram_1mib"
    assert name_for("sram", None) == "sram_8kib"
    assert name_for("dram", None) == "dram"
    assert name_for("flash", None) is None
    any_size = load_table("han_45nm").memory_for("sram", 2**40)
    assert any_size is not None
    assert any_size.name == "sram"


def test_reads_and_writes_of_zigzags_memories_differ() -> None:
    memory = load_table("zigzag_tpu_like").memories["sram_2mib"]
    assert memory.read_energy_per_byte == pytest.approx(416.16e-12 / 256)
    assert memory.write_energy_per_byte == pytest.approx(378.4e-12 / 256)
    assert [row for row in table_details("zigzag_tpu_like")["what"] if "sram" in row] == [
        "memory.sram_2mib read", "memory.sram_2mib write",
    ]  # fmt: skip


def test_a_relative_table_has_no_cost_relative_to_an_addition() -> None:
    details = table_details("eyeriss_relative")
    assert set(details["relative_cost"]) == {None}
    shown = readable_details(details)
    assert "relative cost" not in shown
    assert shown["energy"][-1] == "200 x MAC"
    assert set(details["estimated"]) == {"estimated"}


def test_the_listing_names_what_is_estimated() -> None:
    listing = tables_listing()
    row = listing["name"].index("horowitz_45nm")
    assert listing["estimated"][row] == "sram_32kib, sram_1mib, dram, dram_high"
    assert listing["operations"][row].startswith("add int8 int16 int32 float16 float32; multiply")


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ('unit       = "joule"', 'unit       = "pJ"', 6, "unit: input should be 'joule' or 'mac_energy'"),
        ('unit       = "joule"\n', "", 2, "[table] has no 'unit'; add unit = ..."),
        ('title      = "Horowitz, 45 nm"', "title      = 7", 4, "title: input should be a valid string"),
        ("energy = 0.03e-12", "enrgy = 0.03e-12", 11, "unknown key 'enrgy'; did you mean 'energy'?"),
        ("energy = 0.03e-12", "energy = 0.03", 11, "energy = 0.03 joules is too much for one; write 5 pJ as 5e-12"),
        ("energy = 0.03e-12", "energy = 0", 11, "energy must be at least 1e-18"),
        ("energy = 0.03e-12", "energy = 1e-320", 11, "energy must be at least 1e-18"),
        ("energy = 0.03e-12", 'energy = "0.03 pJ"', 11,
         "energy: input should be a valid number; write joules: 0.1 pJ is 0.1e-12"),
        ("[operation.add.int8]", "[operation.add.int7]", 10, "unknown number format 'int7'; did you mean 'int8'?"),
        ("[operation.add.int8]", "[operation.divide.int8]", 10,
         "unknown operation 'divide'; there are add, multiply, mac, shift"),
        ('kind           = "sram"', 'kind           = "cache"', 52, "kind: input should be 'register', 'sram'"),
        ("capacity_bytes = 8192", "capacity_bytes = 8.5", 53, "capacity_bytes must be a whole number"),
        ("capacity_bytes = 8192", "capacity_bytes = 8192.0", 53, "capacity_bytes must be a whole number; write 8192"),
        ("[operation.add.int8]\nenergy = 0.03e-12", '[operation.add]\nint8 = "0.1 pJ"', 11,
         "operation.add.int8 must be a table; write [operation.add.int8] and energy = ... in joules"),
        ("access_bytes   = 8\n", "", 51, "[memory.sram_8kib] has no 'access_bytes'"),
        ("read_energy    = 10e-12", "read_energy    = 10", 55, "read_energy = 10 joules is too much for one"),
    ],
)  # fmt: skip
def test_mistakes_in_a_table_are_answered(tmp_path: Path, old: str, new: str, line: int, text: str) -> None:
    assert old in GOOD
    file = tmp_path / "own.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_table(str(file))
    found = [problem for problem in caught.value.problems if text in str(problem)]
    assert found, str(caught.value)
    assert found[0].line == line


def test_all_mistakes_of_a_table_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(GOOD.replace("0.03e-12", "-1.0").replace("[operation.shift.int8]", "[operation.shft.int8]"))
    with pytest.raises(SpecError) as caught:
        check_table(read(str(file)))
    assert len(caught.value.problems) == 2
    assert [problem.line for problem in caught.value.problems] == [11, 41]


def test_a_table_without_operations_is_no_table(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(GOOD.partition("[operation")[0])
    with pytest.raises(SpecError, match=r"the file has no 'operation'; add \[operation\]"):
        load_table(str(file))
    for empty, header in (("operation = {}", "operation"), ("[operation.multiply]", "operation.multiply")):
        head = GOOD.partition("[operation")[0]
        file.write_text(f"{empty}\n{head}" if "=" in empty else f"{head}\n{empty}\n")
        with pytest.raises(SpecError, match=rf"\[{header}\] is empty; add \[operation\.(add|multiply)\.int8\]"):
            load_table(str(file))
    file.write_text("table = 3\noperation = { add = 4 }\nmemory = [1]\n")
    with pytest.raises(SpecError) as caught:
        load_table(str(file))
    assert [f"{each.problem}; {each.remedy}" for each in caught.value.problems] == [
        "table must be a table; write [table]",
        "operation.add must be a table; write [operation.add.int8]",
        "memory must be a table; write [memory.sram]",
    ]


def test_a_users_table_works_like_a_bundled_one(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(GOOD.replace('"horowitz_45nm"', '"own"').replace("energy = 0.2e-12", "energy = 0.5e-12"))
    table = load_table(file)
    assert isinstance(table, EnergyTable)
    assert (table.name, table.energy_of("multiply", "int8")) == ("own", 0.5e-12)
    assert load_table(table) is table
    assert repr(table).startswith("<EnergyTable own: add.int8, add.int16")


def test_a_table_that_does_not_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown energy table 'horowitz'; did you mean 'horowitz_45nm'\?"):
        load_table("horowitz")
    with pytest.raises(UnknownNameError, match="unknown energy table 'x'; there are aladdin_40nm"):
        load_table("x")
    with pytest.raises(UnknownNameError, match="7 is not the name of an energy table"):
        load_table(7)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="cannot be read"):
        load_table("nowhere/table.toml")
