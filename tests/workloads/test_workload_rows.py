"""Layers as rows: kinds and sizes worked by hand, and identities that hold for every bundled network."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel import cost_table, load
from costmodel.errors import UnknownNameError
from costmodel.fusion import FUSIONS
from costmodel.graph import Graph, Layer, Shape, image, tokens
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add
from costmodel.operators.convolution import Conv2d, ConvTranspose2d, DepthwiseConv2d
from costmodel.operators.linear import Linear, Matmul
from costmodel.operators.pooling import GlobalAvgPool, MaxPool2d
from costmodel.operators.recurrent import Lstm
from costmodel.records import replace
from costmodel.specs.listing import published_names
from costmodel.workloads import KINDS, SIZES, workload_of
from costmodel.workloads.operators import kind_of, sizes_of

HEADS = Shape(("heads", "tokens", "d"), (3, 50, 16))
KEYS = Shape(("heads", "tokens", "d"), (3, 50, 16))


def row_of(operator: Operator, *inputs: Shape) -> tuple[str, dict[str, Any]]:
    outputs = operator.output_shapes(inputs)
    sizes = sizes_of(operator, inputs, outputs, operator.count(inputs, outputs))
    return kind_of(operator, inputs[0]), dict(zip(SIZES, sizes, strict=True))


@pytest.mark.parametrize(
    ("operator", "inputs", "kind", "expected"),
    [
        # 5x7 map, 3x3 over 6 channels: 35 positions, 8 results, inner size 9*6
        (Conv2d(8, kernel=3), (image(6, 5, 7),), "conv", {"m": 35, "n": 8, "k": 54, "products": 1, "kernel_height": 3}),
        (Conv2d(8), (image(6, 5, 7),), "pointwise_conv", {"m": 35, "n": 8, "k": 6, "products": 1}),
        # 3 groups of 2 channels to 4
        (Conv2d(12, kernel=(1, 3), groups=3), (image(6, 5, 7),), "grouped_conv", {"n": 4, "k": 6, "products": 3}),
        (Conv2d(6, kernel=3, groups=6), (image(6, 5, 7),), "depthwise_conv", {"n": 1, "k": 9, "products": 6}),
        (DepthwiseConv2d(5, stride=2), (image(6, 8, 8),), "depthwise_conv", {"m": 16, "k": 25, "stride_height": 2}),
        # a transposed convolution multiplies at its input: 5*7 positions, 2x2 kernel
        (ConvTranspose2d(4, kernel=2, stride=2), (image(6, 5, 7),), "conv", {"m": 35, "n": 4, "k": 24}),
        (Linear(10), (tokens(50, 16),), "linear", {"m": 50, "n": 10, "k": 16, "products": 1, "in_height": 0}),
        (Matmul("second"), (HEADS, KEYS), "matmul", {"m": 50, "n": 50, "k": 16, "products": 3}),
        # a step of an LSTM is a product of a vector with 4*8 rows over 6 features and 8 hidden
        (Lstm(8, bidirectional=True), (tokens(10, 6),), "linear", {"m": 1, "n": 32, "k": 14, "products": 20}),
        (MaxPool2d(3, stride=2), (image(6, 8, 8),), "pool", {"kernel_height": 3, "stride_width": 2, "m": 0}),
        (MaxPool2d(2), (image(6, 8, 8),), "pool", {"kernel_height": 2, "stride_width": 2}),
        (GlobalAvgPool(), (image(6, 8, 8),), "pool", {"kernel_height": 0, "input_elements": 384}),
        (Add(), (image(6, 5, 7), image(6, 5, 7)), "elementwise", {"input_elements": 420, "output_elements": 210}),
    ],
)  # fmt: skip
def test_a_layer_as_a_row(operator: Operator, inputs: tuple[Shape, ...], kind: str, expected: dict[str, int]) -> None:
    found, sizes = row_of(operator, *inputs)
    assert found == kind
    assert {name: sizes[name] for name in expected} == expected


@pytest.mark.parametrize("name", published_names()[::11])
@pytest.mark.parametrize("rule", ["folded", "none", "attention"])
def test_rows_keep_the_work_of_the_network(name: str, rule: str) -> None:
    """macs = m*n*k*products in every row, and together they are those of the cost table."""
    costs = cost_table(load(name))
    if costs.is_expected:
        return
    workload = workload_of(costs, FUSIONS[rule])
    sizes = workload.sizes
    assert sizes["macs"].sum() == costs.total("macs")
    product = sizes["m"] * sizes["n"] * sizes["k"] * sizes["products"]
    once = [word not in ("attention", "adder_conv2d", "shift_conv2d") for word in workload.operators]
    assert (product[once] == sizes["macs"][once]).all()
    assert set(workload.kinds) <= KINDS.keys()
    if rule == "none":
        assert sizes["input_elements"].sum() == costs.total("input_elements")
        assert sizes["output_elements"].sum() == costs.total("output_elements")
        assert sizes["weight_elements"].sum() == costs.total("weight_elements")


def test_an_attention_is_one_kernel_that_keeps_its_scores() -> None:
    """Twelve layers of softmax(q k^T) v on 197 tokens of 12 heads: the scores are neither written nor read."""
    costs = cost_table(load("vit_base_patch16_224"))
    workload = workload_of(costs, FUSIONS["attention"])
    at = [row for row, word in enumerate(workload.operators) if word == "attention"]
    assert len(at) == 12
    row = {name: workload.sizes[name][at[0]] for name in SIZES}
    assert row["macs"] == 2 * 12 * 197 * 197 * 64
    assert row["input_elements"] == 3 * 197 * 768
    assert row["output_elements"] == 197 * 768
    assert (row["m"], row["n"], row["k"], row["products"]) == (197, 197, 64, 12)
    assert "softmax" not in workload.operators


def test_a_folded_add_is_read_by_the_convolution_before_it() -> None:
    """The second operand comes from outside the kernel."""
    rule = replace(FUSIONS["folded"], folded=FUSIONS["folded"].folded | {"add"})
    costs = cost_table(load("resnet18"))
    alone, joined = workload_of(costs, FUSIONS["folded"]), workload_of(costs, rule)
    assert alone.operators.count("add") == 8
    assert "add" not in joined.operators
    moved = [each.sizes["input_elements"].sum() + each.sizes["output_elements"].sum() for each in (alone, joined)]
    # each add read two maps and wrote one; now one of them is read and nothing more is written
    maps = sum(
        size for word, size in zip(alone.operators, alone.sizes["output_elements"], strict=True) if word == "add"
    )
    assert moved[0] - moved[1] == 2 * maps


def test_a_conditional_layer_occurs_as_often_as_it_runs() -> None:
    name = next(name for name in published_names() if cost_table(load(name)).is_expected)
    costs = cost_table(load(name))
    workload = workload_of(costs, FUSIONS["none"])
    assert min(workload.repeats) < 1
    assert (workload.sizes["macs"] * workload.repeats).sum() == pytest.approx(costs.total("macs"))


def test_a_conditional_layer_beside_one_that_always_runs() -> None:
    """Two layers that apply one operator to tensors of one shape, and run unequally often."""
    shape = image(8, 5, 5)
    operator = Conv2d(8, kernel=3)
    layers = (
        Layer("always", operator, ("x",), ("a",)),
        Layer("often", operator, ("a",), ("b",), probability=0.75),
        Layer("in_part", operator, ("b",), ("c",), active=0.5),
    )
    workload = workload_of(cost_table(Graph("three", {"x": shape}, layers, ("c",), {})), FUSIONS["none"])
    assert workload.repeats.tolist() == [1, 0.75, 1]
    assert workload.sizes["macs"].tolist() == [14400, 14400, 7200]


def test_an_unknown_column() -> None:
    workload = workload_of(cost_table(load("mobilenet_v1")), FUSIONS["none"])
    with pytest.raises(UnknownNameError, match="a workload has no column 'flops'; it has macs"):
        workload.column("flops")
