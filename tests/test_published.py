"""Published tables, cell by cell, at their printed precision."""

from __future__ import annotations

import pytest

from costmodel.conventions import convention_named, conventions
from costmodel.costs import cost_table
from costmodel.errors import UnknownNameError
from costmodel.published import STATUSES, Cell, compare, counted, regenerate, status_of, tables
from costmodel.records import replace
from costmodel.specs.catalogue import load

CELLS = [cell for table in tables() for cell in regenerate(table)]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.table}-{cell.row}-{cell.column}")
def test_every_cell_has_the_status_its_data_states(cell: Cell) -> None:
    assert cell.status == cell.recorded
    assert cell.status in STATUSES
    if cell.status == "explained":
        assert cell.reason


def test_table_6_of_mobilenet_v1_is_exact() -> None:
    frame = compare("mobilenet_v1_table6_width")
    assert list(frame.computed) == [
        568_740_352, 4_209_088, 325_400_448, 2_568_144, 149_497_088, 1_319_648, 41_030_272, 463_600,
    ]  # fmt: skip
    assert set(frame.status) == {"exact"}
    assert counted(regenerate("mobilenet_v1_table6_width"))["exact"] == 8


@pytest.mark.parametrize(
    ("printed", "computed", "multiplier", "status"),
    [
        ("569", 568_740_352, "1e6", "exact"),
        ("569", 569_500_000, "1e6", "exact"),
        ("569", 569_500_001, "1e6", "exact_other_rounding"),
        ("569", 568_499_999, "1e6", "unexplained"),
        ("4.2", 4_249_999, "1e6", "exact"),
        ("4.2", 4_299_999, "1e6", "exact_other_rounding"),
        ("4.2", 4_300_000, "1e6", "unexplained"),
        ("0.5", 463_600, "1e6", "exact"),
        ("3.8", 3_857_973_248, "1e9", "exact_other_rounding"),
        ("4,866M", 4_866_269_184, "1e6", "exact"),
        ("74.7%", 747, "0.001", "unexplained"),
        ("7.47%", 747, "100", "exact"),
        ("0.3", 0, "0.1", "unexplained"),
        ("-", 3, "1", "not_computed"),
        ("", 3, "1", "not_computed"),
        ("5", None, "1", "not_computed"),
    ],
)
def test_status_at_printed_precision(printed: str, computed: int | None, multiplier: str, status: str) -> None:
    assert status_of(printed, computed, multiplier) == status


def test_a_cell_is_worse_when_it_agrees_less_than_recorded() -> None:
    cell = CELLS[0]
    assert not cell.is_worse
    assert replace(cell, status="unexplained").is_worse
    assert not replace(cell, status="exact", recorded="unexplained").is_worse


def test_an_unknown_table_is_answered() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mobilenet_v1_table6_width'"):
        regenerate("mobilenet_v1_table6")


def test_conventions_are_named_rows_with_a_source() -> None:
    for name, convention in conventions().items():
        assert convention.name == name
        assert convention.meaning
        assert convention.source
        assert convention.quantity in ("operations", "parameters")


@pytest.mark.parametrize(
    ("convention", "total"),
    [
        ("conv", 567_716_352),
        ("conv_linear", 568_740_352),
        ("with_bias", 568_741_352),
        ("two_per_mac", 1_137_480_704),
        ("all_params", 4_231_976),
        ("weights", 4_209_088),
    ],
)
def test_conventions_on_mobilenet_v1(convention: str, total: int) -> None:
    costs = cost_table(load("mobilenet_v1"))
    assert convention_named(convention).total(costs) == total
    assert sum(convention_named(convention).per_layer(costs)) == total


def test_an_unknown_convention_is_answered() -> None:
    with pytest.raises(UnknownNameError, match="unknown convention 'conv_liner'; did you mean 'conv_linear'"):
        convention_named("conv_liner")


def test_a_mismatch_with_a_stated_reason_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from costmodel import published
    from costmodel.files import Document

    def data(row: dict[str, object]) -> Document:
        column = {"convention": "conv_linear", "multiplier": 1e6}
        row = {"row": 1, "label": "", "printed": {"macs": "570"}, **row}
        return Document("table.toml", "", {"columns": {"macs": column}, "rows": [row]}, True)

    explained = {"network": "mobilenet_v1", "status": {"macs": "explained"}, "reason": {"macs": "a misprint"}}
    missing = {"status": {"macs": "not_computed"}}
    for row, status in ((explained, "explained"), (missing, "not_computed")):
        monkeypatch.setattr(published, "read_bundled", lambda *_, row=row: data(row))
        (cell,) = regenerate("mobilenet_v1_table6_width")
        assert (cell.status, cell.is_worse) == (status, False)
