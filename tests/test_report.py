"""Tables as text, CSV, JSON, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from costmodel.conventions import convention_named
from costmodel.costs import COLUMNS, cost_table
from costmodel.report import as_latex, as_markdown, as_table, rendered, significant, with_prefix
from costmodel.roofline import predict
from costmodel.specs.catalogue import load
from costmodel.summary import as_object, as_text, columns_of, readable_columns

TABLE: dict[str, list[Any]] = {"layer": ["conv_1", "a|b"], "macs": [1_234_567, 0], "share": [0.25, None]}


def test_text_aligns_words_left_and_numbers_right() -> None:
    assert as_table(TABLE).splitlines() == [
        "layer        macs  share",
        "conv_1  1,234,567   0.25",
        "a|b             0",
    ]


def test_csv_has_raw_numbers_and_empty_cells() -> None:
    rows = list(csv.reader(io.StringIO(rendered(TABLE, "csv"))))
    assert rows == [["layer", "macs", "share"], ["conv_1", "1234567", "0.25"], ["a|b", "0", ""]]


def test_markdown_and_latex_escape_their_special_characters() -> None:
    assert as_markdown(TABLE).splitlines()[1:] == [
        "|---|---:|---:|", "| conv_1 | 1,234,567 | 0.25 |", "| a\\|b | 0 |  |",
    ]  # fmt: skip
    assert "conv\\_1 & 1,234,567 & 0.25 \\\\" in as_latex(TABLE)
    assert as_latex({"%": ["50% \\ {x}"]}).splitlines()[4] == "50\\% \\textbackslash{} \\{x\\} \\\\"


def test_json_rows_are_records() -> None:
    assert json.loads(rendered(TABLE, "json"))[1] == {"layer": "a|b", "macs": 0, "share": None}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5e10, "MAC/s", "50 GMAC/s"),
        (999, "", "999"),
        (0.00123456, "s", "1.235 ms"),
        (1e-15, "s", "0.001 ps"),
        (999_999, "", "1 M"),
        (0.9999999, "s", "1 s"),
    ],
)
def test_prefixes(value: float, unit: str, text: str) -> None:
    assert with_prefix(value, unit) == text


def test_significant_digits() -> None:
    assert [significant(value) for value in (0.5, 12.345, 3125.4, 999.9, 0.00001, 0)] == [
        "0.5", "12.3", "3,125", "1,000", "0.00001", "0",
    ]  # fmt: skip


def test_the_text_says_what_is_memory_bound_and_what_is_estimated() -> None:
    costs = cost_table(load("mobilenet_v2"))
    text = as_text(costs, predict(costs, "pixel_6"))
    assert "mobilenet_v2  (width = 1.0, resolution = 224, depth = 1, kernel = 3, last = 1280, classes = 1000)" in text
    assert "MACs            300,774,272" in text
    assert "params          3,504,872" in text
    assert "ridge point     7 MACs/byte" in text
    assert "bandwidth 51.2 GB/s (estimated)" in text
    assert "not calibrated: no bound: fitted or estimated, memory.dram" in text
    assert "of the time: depthwise_conv2d 17 of 17, add 10 of 10, global_avg_pool 1 of 1, linear 1 of 1" in text
    assert "87 layers folded into the one before them share its row; --fusion none lists all" in text


@pytest.mark.parametrize("network", ["mobilenet_v2", "vit_base_patch16_224", "googlenet_paper"])
def test_merging_folded_rows_keeps_the_totals(network: str) -> None:
    costs = cost_table(load(network))
    prediction = predict(costs, "pixel_6")
    merged = readable_columns(costs, prediction)
    assert sum(merged["MACs"]) == costs.total("macs")
    assert sum(merged["params"]) == costs.total("params")
    assert sum(merged["bytes"]) == prediction.bytes
    assert sum(merged["time"]) == pytest.approx(prediction.latency_seconds)
    assert len(merged["layer"]) < len(costs.graph.layers)
    every = readable_columns(costs, predict(costs, "pixel_6", fusion="none"))
    assert len(every["layer"]) == len(costs.graph.layers)


@pytest.mark.parametrize("by", ["block", "op"])
def test_groups_keep_the_totals(by: str) -> None:
    costs = cost_table(load("mobilenet_v2"))
    prediction = predict(costs, "pixel_6")
    table = columns_of(costs, prediction, by, convention_named("two_per_mac"))  # type: ignore[arg-type]
    assert sum(table["two_per_mac"]) == 2 * 300_774_272
    assert sum(table["latency_seconds"]) == pytest.approx(prediction.latency_seconds)
    assert sum(table["layers"]) == len(costs.graph.layers)


def test_the_json_object_has_the_documented_keys() -> None:
    costs = cost_table(load("mobilenet_v2"))
    value = as_object(costs, predict(costs, "ridge_5"), "layer", convention_named("weights"))
    assert list(value) == ["network", "source", "parameters", "expected", "batch", "hardware", "totals", "layers"]
    assert value["network"] == "mobilenet_v2"
    parameters = {"width": 1.0, "resolution": 224, "depth": 1, "kernel": 3, "last": 1280, "classes": 1000}
    assert value["parameters"] == parameters
    assert value["hardware"]["ridge_point_macs_per_byte"] == 5.0
    assert value["totals"]["macs"] == 300_774_272
    assert value["totals"]["weights"] == 3_469_760
    assert set(COLUMNS) <= set(value["layers"][0])
    assert {"bytes", "latency_seconds", "bound"} <= set(value["layers"][0])
    assert as_object(costs, None)["hardware"] is None
