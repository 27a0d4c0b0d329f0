"""What steps say of their layers: merge groups, probabilities, active fractions."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from spec_texts import HEAD, build, spec, told

from costmodel import cost_table
from costmodel.expectations import conditional_layers
from costmodel.roofline import predict
from costmodel.summary import as_object, as_text

UNIT = """
[blocks.unit]
steps = [ { conv2d = "in_channels", kernel = 3 }, "batch_norm" ]
"""


def test_a_mark_covers_all_layers_of_its_step_and_no_other(tmp_path: Path) -> None:
    graph = build(tmp_path, spec('{ unit = true, merge = true, repeat = 2 }, { conv2d = 3 }, "relu"', UNIT))
    groups = [layer.merge for layer in graph.layers]
    assert groups[0] == groups[1] != groups[2] == groups[3] is not None
    assert groups[4:] == [None, None]


def test_units_that_are_replayed_have_groups_of_their_own(tmp_path: Path) -> None:
    marked = "[blocks.outer]\nsteps = [ { unit = true, merge = true } ]"
    graph = build(tmp_path, spec("{ outer = true, repeat = 3 }", UNIT + marked))
    groups = [layer.merge for layer in graph.layers]
    assert len(set(groups)) == 3
    assert groups[0::2] == groups[1::2]


def test_the_outermost_merge_counts(tmp_path: Path) -> None:
    graph = build(tmp_path, spec("{ steps = [ { unit = true, merge = true }, { unit = true } ], merge = true }", UNIT))
    assert len({layer.merge for layer in graph.layers}) == 1


def test_probabilities_multiply_and_active_belongs_to_the_convolution(tmp_path: Path) -> None:
    layers = (
        '{ steps = [ { conv2d = 4, active = 0.25, probability = 0.5 }, "relu" ], probability = 0.5 }, { conv2d = 4 }'
    )
    graph = build(tmp_path, spec(layers))
    assert [(layer.probability, layer.active) for layer in graph.layers] == [(0.25, 0.25), (0.5, 1), (1, 1)]


def test_marks_may_be_expressions(tmp_path: Path) -> None:
    text = spec(
        '{ conv2d = 4, merge = "fused", probability = "executed/36" }', "[parameters]\nexecuted = 27\nfused = true"
    )
    (layer,) = build(tmp_path, text).layers
    assert layer.probability == 0.75
    assert layer.merge is not None
    (layer,) = build(tmp_path, text, fused=False, executed=36).layers
    assert (layer.probability, layer.merge) == (1.0, None)


def test_totals_are_expectations(tmp_path: Path) -> None:
    """32*32 positions, 3 to 8 channels, 1x1: 24,576 MACs; three of four times, on a tenth of the positions."""
    layers = "{ conv2d = 8, bias = true, probability = 0.75, active = 0.1 }, { conv2d = 8 }"
    costs = cost_table(build(tmp_path, spec(layers)), batch=2)
    assert costs.is_expected
    assert costs.columns["macs"] == [pytest.approx(2 * 0.075 * 24_576), 2 * 32 * 32 * 8 * 8]
    assert costs.columns["bias_adds"][0] == pytest.approx(2 * 0.075 * 8 * 32 * 32)
    assert costs.columns["input_elements"][0] == pytest.approx(2 * 0.075 * 3 * 32 * 32)
    assert costs.columns["weight_elements"] == [18, 64]  # read whole whenever the layer runs
    assert costs.columns["weight_params"] == [24, 64]
    assert costs.total("params") == 24 + 8 + 64
    assert costs.columns["probability"] == [0.75, 1]
    assert costs.columns["active"] == [0.1, 1]
    assert costs.grouped("block")["runs"] == [0.75, 1]


def test_a_network_that_always_runs_is_exact(tmp_path: Path) -> None:
    costs = cost_table(build(tmp_path, spec("{ conv2d = 8, probability = 1.0 }")))
    assert not costs.is_expected
    assert "probability" not in costs.columns
    assert type(costs.total("macs")) is int
    assert conditional_layers(costs.graph) == 0


def test_whole_expectations_stay_integers(tmp_path: Path) -> None:
    costs = cost_table(build(tmp_path, spec("{ conv2d = 8, probability = 0.1 }, { conv2d = 8, probability = 0.5 }")))
    assert costs.columns["macs"] == [pytest.approx(2457.6), 32_768]
    assert type(costs.columns["macs"][1]) is int


def test_the_expected_latency_is_the_latency_times_the_probability(tmp_path: Path) -> None:
    always = predict(cost_table(build(tmp_path, spec("{ conv2d = 8 }"))), "ridge_5")
    sometimes = predict(cost_table(build(tmp_path, spec("{ conv2d = 8, probability = 0.25 }"))), "ridge_5")
    assert sometimes.latency_seconds == pytest.approx(always.latency_seconds / 4)


def test_expectations_are_labelled(tmp_path: Path) -> None:
    costs = cost_table(build(tmp_path, spec("{ conv2d = 8, probability = 0.3 }, { conv2d = 8 }")))
    assert "expected        1 of 2 layers run conditionally" in as_text(costs, None)
    assert "MACs            72,909  (" in as_text(costs, None)  # 0.3 * 24,576 + 65,536, rounded
    assert as_object(costs, None)["expected"] is True


@pytest.mark.parametrize(
    ("layers", "macs"),
    [
        ("{ steps = [ { conv2d = 8, probability = 0.1 } ], probability = 0.7 }", 24_576 * 7 / 100),
        ('{ conv2d = 8, probability = "0.1*0.2*0.5" }', 24_576 / 100),
        ('{ conv2d = 8, probability = "1/3" }', 8192),
        ('{ conv2d = 8, probability = "27.3/36" }', 24_576 * 91 / 120),
    ],
)
def test_fractions_are_exact(tmp_path: Path, layers: str, macs: float) -> None:
    assert cost_table(build(tmp_path, spec(layers))).total("macs") == macs


@pytest.mark.parametrize("key", ["probability", "active"])
def test_not_a_number_is_no_part(tmp_path: Path, key: str) -> None:
    (message,) = told(tmp_path, spec(f"  {{ conv2d = 8, {key} = nan }},"))
    assert "= nan must be above 0 and at most 1" in message


def test_the_runs_of_a_block_are_those_of_its_likeliest_layer(tmp_path: Path) -> None:
    block = "[blocks.b]\nsteps = [ { conv2d = 8, probability = 0.25 }, { conv2d = 8, probability = 0.5 } ]"
    assert cost_table(build(tmp_path, spec("{ b = true }", block))).grouped("block")["runs"] == [0.5]


def test_active_on_a_word_that_may_be_a_block_is_refused(tmp_path: Path) -> None:
    rest = '[parameters]\nv = { default = "conv2d", choices = ["conv2d", "conv"] }\n'
    (message,) = told(tmp_path, spec("  { v = 8, active = 0.5 },", rest))
    assert "active belongs to a convolution, v is none" in message


@pytest.mark.parametrize("part", [0.3333333, 0.66666667, 0.9999999, 0.123457])
def test_arrays_of_sizes_have_the_expectations_of_single_sizes(tmp_path: Path, part: float) -> None:
    text = spec(f'{{ conv2d = "c", active = {part} }}', "[parameters]\nc = 8", HEAD.replace("32, 32", "20000, 20000"))
    channels = (64, 6400, 64_000)
    together = cost_table(build(tmp_path, text, c=numpy.array(channels))).total("macs")
    assert together.tolist() == pytest.approx([cost_table(build(tmp_path, text, c=c)).total("macs") for c in channels])


def test_an_array_of_probabilities_beside_a_plain_part(tmp_path: Path) -> None:
    text = spec('{ conv2d = 8, active = 0.1, probability = "p" }', "[parameters]\np = 1.0")
    macs = cost_table(build(tmp_path, text, p=numpy.array([0.25, 0.5]))).total("macs")
    assert macs.dtype == float
    assert macs.tolist() == pytest.approx([614.4, 1228.8])
