"""Fold rules on networks worked by hand: which layers disappear, and into which."""

from __future__ import annotations

import pytest

from costmodel import cost_table
from costmodel.fusion import FUSIONS, folded_layers
from costmodel.graph import Graph, Layer, image
from costmodel.operators.activation import Activation, Dropout
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Split
from costmodel.operators.convolution import Conv2d
from costmodel.operators.layout import Flatten
from costmodel.operators.linear import Linear
from costmodel.operators.normalization import BatchNorm, Scale
from costmodel.workloads import workload_of


def network(*layers: tuple[str, Operator, str]) -> Graph:
    """Layers with the names of their inputs, on an image of 8 channels and 5x5 pixels."""
    made = tuple(
        Layer(name, operator, tuple(read.split()), ("one", "two") if name == "parts" else (name,))
        for name, operator, read in layers
    )
    return Graph("tiny", {"input": image(8, 5, 5)}, made, (made[-1].outputs[0],), {})


RESIDUAL = network(
    ("first", Conv2d(8), "input"),
    ("second", Conv2d(8), "first"),
    ("norm", BatchNorm(), "second"),
    ("sum", Add(), "norm first"),
    ("relu", Activation("relu"), "sum"),
)


def test_a_residual_add_joins_the_convolution_directly_before_it() -> None:
    folded = folded_layers(RESIDUAL, FUSIONS["inference_blocked"])
    assert folded == {"norm": "second", "sum": "second", "relu": "second"}
    assert folded_layers(RESIDUAL, FUSIONS["inference_activation"]) == {"norm": "second"}


def test_of_two_convolutions_the_last_takes_the_add() -> None:
    graph = network(("one", Conv2d(8), "input"), ("two", Conv2d(8), "input"), ("sum", Add(), "two one"))
    assert folded_layers(graph, FUSIONS["inference_blocked"]) == {"sum": "two"}


def test_an_add_joins_no_activation_and_no_linear_layer() -> None:
    graph = network(("one", Conv2d(8), "input"), ("relu", Activation("relu"), "one"), ("sum", Add(), "relu input"))
    assert folded_layers(graph, FUSIONS["inference_blocked"]) == {"relu": "one"}
    flat = network(("flat", Flatten(), "input"), ("one", Linear(200), "flat"), ("sum", Add(), "one flat"))
    assert folded_layers(flat, FUSIONS["inference_blocked"]) == {}


def test_a_scale_joins_a_convolution_alone() -> None:
    graph = network(("one", Conv2d(8), "input"), ("scale", Scale(), "one"))
    assert folded_layers(graph, FUSIONS["inference_activation"]) == {"scale": "one"}
    flat = network(("flat", Flatten(), "input"), ("one", Linear(8), "flat"), ("scale", Scale(), "one"))
    assert folded_layers(flat, FUSIONS["inference_activation"]) == {}


@pytest.mark.parametrize(
    ("function", "rules"),
    [("relu", {"inference_activation", "inference_blocked"}), ("gelu", set()), ("swish", set()),
     ("hard_swish", {"inference_blocked"}), ("sigmoid", {"inference_activation", "inference_blocked"})],
)  # fmt: skip
def test_activations_of_onnx_runtime(function: str, rules: set[str]) -> None:
    graph = network(("one", Conv2d(8), "input"), ("activation", Activation(function), "one"))  # type: ignore[arg-type]
    joined = {name for name in ("inference_activation", "inference_blocked") if folded_layers(graph, FUSIONS[name])}
    assert joined == rules


def test_dropout_disappears() -> None:
    graph = network(("one", Conv2d(8), "input"), ("dropout", Dropout(0.5), "one"))
    assert workload_of(cost_table(graph), FUSIONS["inference_activation"]).labels == ("one",)


def test_views_that_a_runtime_copies_have_a_row() -> None:
    graph = network(("parts", Split((4, 4)), "input"), ("sum", Add(), "one two"))
    assert workload_of(cost_table(graph), FUSIONS["none"]).operators == ("add",)
    copied = workload_of(cost_table(graph), FUSIONS["inference_activation"])
    assert copied.operators == ("slice", "add")
    assert (copied.column("input_elements")[0], copied.column("output_elements")[0]) == (200, 200)
