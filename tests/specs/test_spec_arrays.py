"""Parameters that are arrays: sizes follow element by element, structure must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
from spec_texts import build, channels, spec

from costmodel import cost_table, load
from costmodel.errors import StructureError
from costmodel.records import fields_of


@pytest.mark.parametrize(
    ("network", "parameter", "values"),
    [
        ("mobilenet_v1", "width", [0.25, 0.5, 0.75, 1.0, 1.25]),
        ("mobilenet_v2", "width", [0.5, 0.75, 1.0, 1.3]),
        ("mobilenet_v2", "resolution", [96, 128, 160, 192, 224]),
        ("resnet", "base", [64, 128, 192]),
        ("shufflenet_v2", "c2", [48, 116, 176]),
    ],
)
def test_array_equals_loop(network: str, parameter: str, values: list[Any]) -> None:
    swept = cost_table(load(network, **{parameter: numpy.array(values)}))
    for at, value in enumerate(values):
        one = cost_table(load(network, **{parameter: value}))
        for column in ("macs", "params", "memory_access_elements", "input_elements"):
            total = swept.total(column)
            assert (total if isinstance(total, int) else int(total[at])) == one.total(column)


@pytest.mark.parametrize("kind", ["int8", "int16", "uint8", "uint64", "int64"])
def test_small_integer_arrays_do_not_wrap(tmp_path: Path, kind: str) -> None:
    text = spec('  { conv2d = "c*c - 1" },', "[parameters]\nc = 8")
    graph = build(tmp_path, text, c=numpy.array([100, 2], dtype=kind))
    (layer,) = graph.layers
    assert fields_of(layer.operator)[0] == "out_channels"
    assert list(getattr(layer.operator, "out_channels")) == [9999, 3]  # noqa: B009


def test_single_numpy_numbers_are_plain_numbers() -> None:
    graph = load("mobilenet_v2", width=numpy.float64(0.75), resolution=numpy.int64(192))
    assert graph == load("mobilenet_v2_0.75_192")
    assert type(graph.parameters["resolution"]) is int


def test_arrays_that_wrap_are_refused(tmp_path: Path) -> None:
    text = spec('  { conv2d = "c*c*c - c*c*c + 8" },', "[parameters]\nc = 8")
    assert channels(build(tmp_path, text, c=2_000_000_000)) == [8]
    with pytest.raises(ValueError, match="is beyond 64 bits"):
        build(tmp_path, spec('  { conv2d = "c*c*c*c" },', "[parameters]\nc = 8"), c=numpy.array([2_000_000_000, 1]))


@pytest.mark.parametrize("text", ["1e18*c*100", "-1e18*c*100"])
def test_arrays_of_large_floats_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=f"gives {text[:-10]}800000000000000000000: (the largest|it must be at least)"):
        build(tmp_path, spec(f'  {{ conv2d = "{text}" }},', "[parameters]\nc = 1"), c=numpy.array([8, 16]))


def test_arrays_of_different_length_are_refused(tmp_path: Path) -> None:
    text = spec('  { conv2d = "c*d" },', "[parameters]\nc = 8\nd = 1")
    with pytest.raises(ValueError, match="the arrays differ in length: c has 2, d has 3"):
        build(tmp_path, text, c=numpy.array([1, 2]), d=numpy.array([1, 2, 3]))


def test_division_by_zero_in_an_array_is_told(tmp_path: Path) -> None:
    text = spec('  { conv2d = "8//c" },', "[parameters]\nc = 8")
    with pytest.raises(ValueError, match=r"'8//c' divides by zero"):
        build(tmp_path, text, c=numpy.array([1, 0]))


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ('  { relu = true, repeat = "c" },', "repeat = 'c'"),
        ('  { relu = true, if = "c > 3" },\n  "gelu",', "if = 'c > 3'"),
        ('  { residual = [ { conv2d = "c" } ], projection = "drop" },', "whether a residual's shape changes"),
    ],
)
def test_structure_must_be_the_same_in_an_array(tmp_path: Path, layers: str, what: str) -> None:
    text = spec(layers, "[parameters]\nc = 3")
    with pytest.raises(StructureError) as caught:
        build(tmp_path, text, c=numpy.array([3, 4]))
    assert str(caught.value).startswith(f"{what} differs within the sweep")
    assert len(set(caught.value.values.tolist())) == 2
    assert build(tmp_path, text, c=numpy.array([3, 3])).layers


def test_words_in_an_array_must_agree() -> None:
    assert load("resnet", unit=numpy.array(["basic", "basic"])).layers
    with pytest.raises(StructureError, match="unit differs"):
        load("resnet", unit=numpy.array(["basic", "bottleneck"]))
