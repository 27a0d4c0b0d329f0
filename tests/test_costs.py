"""The cost table: columns, totals, groups, batch, arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

import costmodel
from costmodel.costs import COLUMNS, CostTable, cost_table
from costmodel.errors import CostmodelError, CountOverflowError, ParameterError, StructureError
from costmodel.graph import Graph, Layer, image
from costmodel.operators.convolution import Conv2d
from costmodel.roofline import predict
from costmodel.specs.catalogue import load
from costmodel.sweeps import group_by_structure

NETWORKS = ("lenet5", "mobilenet_v2", "shufflenet_v2", "googlenet_paper", "vit_base_patch16_224")


def row_of(costs: CostTable, layer: str) -> dict[str, Any]:
    at = costs.columns["layer"].index(layer)
    return {name: values[at] for name, values in costs.columns.items()}


@pytest.mark.parametrize("network", NETWORKS)
def test_columns_sum_to_totals_by_layer_block_and_op(network: str) -> None:
    costs = cost_table(load(network))
    for by in ("layer", "block", "op"):
        table = costs.grouped(by)
        for column in COLUMNS:
            assert sum(table[column]) == costs.total(column)
            assert all(type(value) is int for value in table[column])


@pytest.mark.parametrize("network", NETWORKS)
def test_derived_columns_are_sums_of_their_parts(network: str) -> None:
    frame = cost_table(load(network)).layers
    assert (frame.params == frame.weight_params + frame.bias_params + frame.norm_params + frame.other_params).all()
    parts = frame.input_elements + frame.output_elements + frame.weight_elements
    assert (frame.memory_access_elements == parts).all()


def test_memory_access_of_a_pointwise_and_a_3x3_convolution() -> None:
    costs = cost_table(load("mobilenet_v2"))
    row = row_of(costs, "inverted_residual_2.conv_1.conv2d")
    assert row["memory_access_elements"] == 112 * 112 * (16 + 96) + 16 * 96
    row = row_of(cost_table(load("vgg16")), "stage_2.plain_2.conv2d")
    assert row["memory_access_elements"] == 112 * 112 * (128 + 128) + 3 * 3 * 128 * 128


def test_frames_have_the_documented_columns() -> None:
    costs = cost_table(load("lenet5"))
    assert list(costs.layers.columns) == [*costs.columns]
    assert list(costs.totals.index) == list(COLUMNS)
    assert costs.totals["macs"] == 416_520
    assert list(costs.by("op").op) == ["conv2d", "tanh", "avg_pool2d", "linear"]


def test_batch_scales_work_and_traffic_but_not_parameters() -> None:
    one, eight = (cost_table(load("mobilenet_v2"), batch=batch) for batch in (1, 8))
    for name, column in COLUMNS.items():
        if name != "memory_access_elements":
            assert eight.total(name) == one.total(name) * (8 if column.grows_with_batch else 1), name
    weights = one.total("weight_elements")
    activations = one.total("memory_access_elements") - weights
    assert eight.total("memory_access_elements") == 8 * activations + weights


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, "2"])
def test_batch_must_be_a_positive_whole_number(batch: Any) -> None:
    with pytest.raises(ParameterError, match="must be a whole number, at least 1"):
        cost_table(load("lenet5"), batch=batch)


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="unknown column 'mac'; did you mean 'macs'"):
        cost_table(load("lenet5")).total("mac")


def shared_head(first_out: int, second_out: int) -> Graph:
    layers = (
        Layer("a", Conv2d(first_out, 3), ("input",), ("a",), weights="head"),
        Layer("b", Conv2d(second_out, 3), ("input",), ("b",), weights="head"),
    )
    return Graph("shared", {"input": image(8, 10, 12)}, layers, ("a", "b"), {})


def test_layers_that_share_weights_count_parameters_once_and_macs_twice() -> None:
    costs = cost_table(shared_head(8, 8))
    assert costs.total("params") == 3 * 3 * 8 * 8
    assert costs.total("macs") == 2 * 10 * 12 * 3 * 3 * 8 * 8
    assert costs.total("weight_elements") == 2 * 3 * 3 * 8 * 8


def test_shared_weights_of_different_size_are_refused() -> None:
    with pytest.raises(CostmodelError, match="share the weights 'head' but have 576 and 1152 parameters"):
        cost_table(shared_head(8, 16))


# ---- arrays


def assert_equal_to_loop(network: str, parameters: dict[str, Any]) -> int:
    """Every column of every layer of a sweep equals that of the single graphs; returns the number of structures."""
    groups = group_by_structure(network, parameters)
    seen = []
    for group in groups:
        array = cost_table(group.graph)
        for position, row in enumerate(group.rows):
            values = {name: value[row].item() for name, value in parameters.items()}
            single = cost_table(load(network, **values))
            assert array.columns["layer"] == single.columns["layer"]
            for column in (*COLUMNS, "receptive_field_height", "jump_width"):
                for cell, expected in zip(array.columns[column], single.columns[column], strict=True):
                    got = cell[position].item() if numpy.ndim(cell) else cell
                    assert got == expected, (network, values, column)
            for column in COLUMNS:
                total = array.total(column)
                assert (total[position] if numpy.ndim(total) else total) == single.total(column)
            seen.append(int(row))
    assert sorted(seen) == list(range(len(next(iter(parameters.values())))))
    return len(groups)


def test_array_of_widths_and_resolutions_equals_the_loop_structure_changes_included() -> None:
    widths = numpy.array([0.1, 0.2, 0.25, 0.27, 0.28, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4, 2.0])
    resolutions = numpy.array([96, 128, 160, 192, 224, 97, 131, 225, 320, 64, 100, 448])
    structures = assert_equal_to_loop("mobilenet_v2", {"width": widths, "resolution": resolutions})
    assert structures > 1


def test_mobilenet_v2_gains_a_shortcut_below_width_0_27() -> None:
    narrow, wide = (
        sum(layer.operator.verb == "add" for layer in load("mobilenet_v2", width=width).layers) for width in (0.26, 0.3)
    )
    assert (narrow, wide) == (11, 10)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("mobilenet_v1", {"width": numpy.linspace(0.05, 2.0, 9), "resolution": numpy.arange(96, 96 + 9 * 17, 17)}),
        ("resnet", {"base": numpy.array([32, 64, 128]), "resolution": numpy.array([224, 161, 448])}),
        ("resnet", {"conv4_x": numpy.array([6, 23, 6, 1])}),
        ("shufflenet_v2", {"c2": numpy.array([48, 116, 176, 244])}),
        ("vit_base_patch16_224", {"dim": numpy.array([192, 384, 768]), "resolution": numpy.array([224, 240, 384])}),
        ("vgg", {"resolution": numpy.array([32, 64, 225])}),
        ("inception_v3", {"resolution": numpy.array([299, 331])}),
    ],
)
def test_arrays_equal_the_loop_of_single_networks(network: str, parameters: dict[str, Any]) -> None:
    assert assert_equal_to_loop(network, parameters) >= 1


def test_a_structure_that_differs_within_an_array_is_refused_by_load() -> None:
    with pytest.raises(StructureError, match="differs within the sweep") as caught:
        load("mobilenet_v2", width=numpy.array([0.25, 1.0]))
    assert caught.value.values.shape == (2,)


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ParameterError, match="must have one length, got width: 2, resolution: 3"):
        group_by_structure("mobilenet_v1", {"width": [0.5, 1.0], "resolution": [96, 128, 160]})


def test_counts_beyond_64_bits_are_refused_in_an_array_and_exact_in_a_single_network() -> None:
    wide = 2**31 - 1
    graph = Graph(
        "wide", {"input": image(wide, 64, 64)},
        (Layer("conv", Conv2d(wide, 3), ("input",), ("conv",)),), ("conv",), {},
    )  # fmt: skip
    assert cost_table(graph).total("macs") == 64 * 64 * 9 * wide * wide
    arrays = Graph("wide", {"input": image(numpy.array([8, wide]), 64, 64)}, graph.layers, ("conv",), {})  # type: ignore[arg-type]
    with pytest.raises(CountOverflowError, match="beyond the 64-bit integers"):
        cost_table(arrays)


def test_totals_beyond_64_bits_are_refused() -> None:
    size = numpy.array([2**20, 2**21])
    layers = tuple(Layer(f"conv_{at}", Conv2d(2**20), ("input",), (f"conv_{at}",)) for at in range(8))
    graph = Graph("many", {"input": image(size, 2**10, 2**10)}, layers, tuple(x.name for x in layers), {})  # type: ignore[arg-type]
    costs = cost_table(graph)
    with pytest.raises(CountOverflowError, match="the total of macs"):
        costs.total("macs")


def shifted(sizes: list[int], layers: int) -> Graph:
    from costmodel.operators.layout import Shift

    names = ["input", *(f"s.{at}" for at in range(layers))]
    chain = tuple(Layer(name, Shift(), (before,), (name,)) for before, name in itertools.pairwise(names))
    wide: Any = numpy.array(sizes)
    return Graph("wide", {"input": image(wide, 2**16, 2**16)}, chain, (names[-1],), {})


def test_sums_of_columns_groups_and_conventions_beyond_64_bits_are_refused() -> None:
    from costmodel.conventions import convention_named

    with pytest.raises(CountOverflowError, match="memory_access_elements reaches"):
        cost_table(shifted([1, 2**30], 1))
    costs = cost_table(shifted([1, 2**29], 5))
    with pytest.raises(CountOverflowError, match="input_elements of 's' reaches"):
        costs.grouped("block")
    size: Any = numpy.array([1, 2**20])
    layer = Layer("conv", Conv2d(2**20), ("input",), ("conv",))
    heavy = Graph("heavy", {"input": image(size, 2**11, 2**11)}, (layer,), ("conv",), {})
    assert cost_table(heavy).total("macs").tolist() == [2**42, 2**62]
    with pytest.raises(CountOverflowError, match="two_per_mac of 'conv' reaches"):
        convention_named("two_per_mac").total(cost_table(heavy))


@pytest.mark.parametrize(("wrong", "text"), [("operator", "by = 'operator' is no grouping"), (3, "by = 3 is no")])
def test_an_unknown_grouping_is_refused(wrong: Any, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        cost_table(load("lenet5")).by(wrong)


def test_a_name_is_no_graph() -> None:
    name: Any = "lenet5"
    with pytest.raises(ParameterError, match="cost_table needs a Graph, got str; load a network first"):
        cost_table(name)


def test_batch_may_be_a_numpy_integer_and_is_bounded() -> None:
    batch: Any = numpy.int8(100)
    assert cost_table(load("lenet5"), batch=batch).batch == 100
    with pytest.raises(ParameterError, match="batch = a larger number must be a whole number"):
        cost_table(load("lenet5"), batch=10**5000)


def test_the_public_example() -> None:
    assert costmodel.cost_table(costmodel.load("mobilenet_v1")).total("macs") == 568_740_352


def test_a_group_per_channel_is_called_depthwise() -> None:
    for network, count in (("mlperf_tiny_vww_mbv1", 13), ("mlperf_tiny_kws_dscnn", 4), ("resnext50_32x4d", 0)):
        assert cost_table(load(network)).columns["op"].count("depthwise_conv2d") == count
    assert cost_table(load("lenet5")).columns["op"][0] == "conv2d"  # one channel, one group


def test_results_print_in_a_line() -> None:
    costs = cost_table(load("mobilenet_v2"))
    assert str(costs.graph).startswith("<Graph mobilenet_v2: 151 layers;")
    assert str(costs) == "<CostTable of mobilenet_v2: 151 layers, batch 1; .layers, .totals>"
    assert str(predict(costs, "ridge_5")).startswith("<Prediction of mobilenet_v2 on ridge_5:idealised:int8")
