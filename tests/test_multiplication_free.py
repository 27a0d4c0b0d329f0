"""Networks of adder and shift layers against an independent implementation that has convolutions in their place.

Each file of fixtures/multiplication_free also says which operator every layer is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import FIXTURES, expanded
from test_networks import traced

from costmodel import cost_table, load
from costmodel.graph import Graph
from costmodel.operators.convolution import Conv2d
from costmodel.operators.multiplication_free import AdderConv2d, ShiftConv2d
from costmodel.records import replace, values_of

FILES = sorted((FIXTURES / "multiplication_free").glob("*.json"))


def with_convolutions(graph: Graph) -> Graph:
    """The network with a convolution for every adder and shift layer."""
    return replace(
        graph,
        layers=tuple(
            replace(layer, operator=Conv2d(*values_of(layer.operator)))
            if isinstance(layer.operator, (AdderConv2d, ShiftConv2d))
            else layer
            for layer in graph.layers
        ),
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_layers_agree_with_an_independent_implementation(file: Path) -> None:
    facts: dict[str, Any] = expanded(json.loads(file.read_text()))
    costs = cost_table(load(file.stem))
    multiplied = cost_table(with_convolutions(costs.graph))
    assert traced(multiplied) == [tuple(layer) for layer in facts["layers"]]
    for column in ("params", "weight_params", "bias_params", "norm_params", "other_params"):
        assert costs.total(column) == multiplied.total(column) == facts[column], column
    weights = zip(costs.graph.layers, costs.columns["weight_params"], strict=True)
    verbs = [layer.operator.verb for layer, count in weights if count]
    assert verbs == facts["operators"]
    adders, shifts = (
        sum(layer[-1] for layer, verb in zip(facts["layers"], verbs, strict=True) if verb == kind)
        for kind in ("adder_conv2d", "shift_conv2d")
    )
    assert costs.total("macs") == facts["macs"] - adders - shifts
    assert costs.total("filter_adds") == 2 * adders + shifts
    assert costs.total("shifts") == shifts
