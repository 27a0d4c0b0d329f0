"""The columns of measured tables and shapes tables, and the notes."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from costmodel.measured import (
    KINDS,
    MEASURED_COLUMNS,
    NEEDED,
    SHAPE_COLUMNS,
    SHAPES_COLUMNS,
    blank_columns,
    bundled_measured,
    note_values,
)


def test_columns_are_named_once_and_said_in_words() -> None:
    for columns in (MEASURED_COLUMNS, SHAPES_COLUMNS):
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)
        assert all(column.kind in ("text", "count", "number") and column.meaning for column in columns)
        assert all(column.required for column in columns if column.filled)


def test_what_is_required() -> None:
    assert [column.name for column in MEASURED_COLUMNS if column.required] == ["device", "latency_seconds"]
    assert [column.name for column in SHAPES_COLUMNS if column.required] == [
        "network", "op_kind", "fused", "in_elements", "weight_elements", "out_elements", "macs",
    ]  # fmt: skip


def test_both_tables_have_the_shape_columns_in_one_order() -> None:
    shape = [column.name for column in SHAPE_COLUMNS]
    for columns in (MEASURED_COLUMNS, SHAPES_COLUMNS):
        assert [column.name for column in columns if column.name in shape] == shape
    assert len(shape) == 20


def test_units_of_names() -> None:
    units = {column.name: column.unit for column in MEASURED_COLUMNS}
    assert (units["latency_seconds"], units["energy_joules"], units["macs"]) == ("s", "J", "MAC")


def test_notes() -> None:
    assert note_values("") == {}
    assert note_values("a=1") == {"a": "1"}
    assert note_values("a=1;b = 2 ;; c=") == {"a": "1", "b": "2", "c": ""}
    assert note_values("by hand; twice") == {"remark": "by hand; twice"}
    assert note_values("a=1; a=2") == {"a": "1; 2"}


KEYS = st.text("abcdefgh_", min_size=1, max_size=9)
VALUES = st.text("abc123.-/= ", max_size=9).map(str.strip)


@given(values=st.dictionaries(KEYS, VALUES, max_size=5))
def test_written_notes_are_read(values: dict[str, str]) -> None:
    assert note_values("; ".join(f"{key}={value}" for key, value in values.items())) == values


@given(text=st.text(max_size=99))
def test_any_note_can_be_read(text: str) -> None:
    assert all(isinstance(value, str) for value in note_values(text).values())


def test_columns_that_an_operator_measured_alone_needs() -> None:
    assert set(NEEDED) == {
        "conv", "pointwise_conv", "depthwise_conv", "grouped_conv", "linear", "matmul",
    } <= set(KINDS)  # fmt: skip
    assert NEEDED["depthwise_conv"] == (*NEEDED["conv"], "groups")
    assert set(NEEDED["conv"]) == {
        *(column.name for column in SHAPE_COLUMNS if not column.name.startswith(("gemm", "pad", "groups"))),
    }  # fmt: skip
    assert NEEDED["linear"] == (*NEEDED["matmul"], "weight_elements")
    row = dict.fromkeys(NEEDED["grouped_conv"], 1.0) | {"op_kind": "grouped_conv"}
    assert blank_columns(row) == ()
    assert blank_columns(row | {"groups": math.nan, "macs": None}) == ("macs", "groups")
    assert blank_columns({"op_kind": "pool", "in_elements": 8.0, "out_elements": 2.0}) == ()
    assert blank_columns({"op_kind": "matmul", "gemm_m": 1.0}) == (
        "gemm_n", "gemm_k", "in_elements", "out_elements", "macs",
    )  # fmt: skip


def test_every_bundled_operator_has_the_columns_it_needs() -> None:
    for table in bundled_measured().values():
        for kind, rows in table.frame[table.frame["op_kind"] != ""].groupby("op_kind"):
            needed = NEEDED.get(str(kind), ("in_elements", "out_elements"))
            assert rows[list(needed)].notna().all(axis=None), (table.name, kind)
