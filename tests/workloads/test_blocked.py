"""The blocked layout: padded channels by hand, reorders, equal counts with tables of executed nodes, sweeps."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from costmodel import cost_table, load
from costmodel.fusion import FUSIONS
from costmodel.graph import Graph, Layer, Shape, image
from costmodel.hardware import load_hardware
from costmodel.latency import family_named, network_seconds, workload_times
from costmodel.measured import bundled_shapes
from costmodel.operators.activation import Activation
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Concat, Multiply
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.normalization import BatchNorm
from costmodel.operators.pooling import GlobalAvgPool, MaxPool2d
from costmodel.roofline import predict
from costmodel.sweeps import sweep
from costmodel.workloads import Workload, workload_of
from costmodel.workloads.tables import workload_of_table

BLOCKED = FUSIONS["inference_blocked"]


def made(*layers: tuple[str, Operator, str], input: Shape | None = None) -> Workload:
    """The workload of layers with the names of their inputs, on an image of 16 channels and 5x5 pixels."""
    graph = Graph(
        "tiny", {"input": input or image(16, 5, 5)},
        tuple(Layer(name, operator, tuple(read.split()), (name,)) for name, operator, read in layers),
        (layers[-1][0],), {},
    )  # fmt: skip
    return workload_of(cost_table(graph), BLOCKED)


def row(workload: Workload, label: str) -> dict[str, float]:
    at = workload.labels.index(label)
    return {name: float(values[at]) for name, values in workload.sizes.items()}


def test_channels_of_a_multiple_of_four_are_padded_to_blocks() -> None:
    first = row(made(("conv", Conv2d(24, kernel=3, padding=1), "input"), input=image(3, 5, 5)), "conv")
    assert (first["in_channels"], first["out_channels"]) == (3, 32)  # an image is read as it is
    assert first["macs"] == 25 * 32 * 27
    assert first["output_elements"] == 32 * 25
    dense = row(made(("conv", Conv2d(24, kernel=3, padding=1), "input"), input=image(20, 5, 5)), "conv")
    assert (dense["in_channels"], dense["n"], dense["k"]) == (32, 32, 9 * 32)
    assert dense["macs"] == 25 * dense["weight_elements"] == 25 * 32 * 32 * 9
    depthwise = row(made(("conv", DepthwiseConv2d(3, padding=1), "input"), input=image(20, 5, 5)), "conv")
    assert (depthwise["groups"], depthwise["products"], depthwise["macs"]) == (32, 32, 25 * 32 * 9)


@pytest.mark.parametrize(
    ("operator", "channels"), [(Conv2d(32), 18), (Conv2d(20), 22), (DepthwiseConv2d(1), 18), (Conv2d(32, groups=2), 24)]
)
def test_other_channels_stay_in_the_plain_layout(operator: Operator, channels: int) -> None:
    workload = made(("conv", operator, "input"), input=image(channels, 5, 5))
    assert workload.labels == ("conv",)
    assert row(workload, "conv")["in_channels"] == channels


def test_a_tensor_is_reordered_once_for_all_that_read_it() -> None:
    workload = made(
        ("conv", Conv2d(20), "input"),
        ("pool", GlobalAvgPool(), "conv"),
        ("scaled", Multiply(), "conv pool"),
        ("last", Conv2d(16), "scaled"),
    )
    assert workload.operators == (
        "reorder_input", "conv2d", "reorder_output", "global_avg_pool", "multiply", "reorder_input", "conv2d"
    )  # fmt: skip
    assert row(workload, "pool.reorder_output.conv")["input_elements"] == 32 * 25
    assert row(workload, "pool.reorder_output.conv")["output_elements"] == 20 * 25


def test_pools_activations_and_sums_keep_the_layout() -> None:
    workload = made(
        ("conv", Conv2d(20), "input"),
        ("gelu", Activation("gelu"), "conv"),
        ("pool", MaxPool2d(3, stride=1, padding=1), "gelu"),
        ("sum", Add(), "pool gelu"),
    )
    assert "reorder_output" not in workload.operators
    assert [row(workload, name)["output_elements"] for name in ("gelu", "pool", "sum")] == [32 * 25] * 3
    assert row(workload, "sum")["input_elements"] == 2 * 32 * 25


def test_concat_keeps_whole_blocks_only() -> None:
    parts = [("one", Conv2d(32), "input"), ("two", Conv2d(16), "input")]
    assert "reorder_output" not in made(*parts, ("both", Concat(), "one two")).operators
    parts[1] = ("two", Conv2d(20), "input")
    assert made(*parts, ("both", Concat(), "one two")).operators.count("reorder_output") == 2


def test_a_norm_of_a_blocked_tensor_is_a_depthwise_convolution_of_1x1() -> None:
    workload = made(
        ("conv", Conv2d(20), "input"),
        ("pool", MaxPool2d(2), "conv"),
        ("norm", BatchNorm(), "pool"),
        ("relu", Activation("relu"), "norm"),
    )
    assert workload.kinds[-1] == "depthwise_conv"
    assert row(workload, "norm.blocked")["macs"] == 32 * 9


def test_a_residual_add_joins_the_last_convolution_and_its_operand_is_read_in_blocks() -> None:
    workload = made(("one", Conv2d(20), "input"), ("two", Conv2d(20), "one"), ("sum", Add(), "two one"))
    assert workload.labels[-1] == "two"
    assert row(workload, "two")["input_elements"] == 32 * 25 + 32 * 25


@pytest.mark.parametrize(
    ("network", "spec"),
    [("mnasnet1_0", "mnasnet1_0"), ("mobilenet_v2", "mobilenet_v2"), ("googlenet", "googlenet"),
     ("densenet121", "densenet121"), ("efficientnet_b0", "efficientnet_b0"), ("resnext50_32x4d", "resnext50_32x4d")],
)  # fmt: skip
def test_macs_and_reorders_are_those_of_the_executed_nodes(network: str, spec: str) -> None:
    table = bundled_shapes()["onnxruntime_nchwc"]
    rows = table.rows_of(f"onnxruntime_nchwc/{network}")
    frame, numbers = table.frame.iloc[rows], {name: values[rows] for name, values in table.numbers.items()}
    executed = workload_of_table(network, list(frame["op_kind"]), list(frame["operator"]), numbers, numbers["repeats"])
    own = workload_of(cost_table(load(spec)), BLOCKED)
    assert own.column("macs").sum() == (executed.column("macs") * executed.repeats).sum()
    for word in ("reorder_input", "reorder_output"):
        counted = sum(
            repeats for each, repeats in zip(executed.operators, executed.repeats, strict=True) if each == word
        )
        assert abs(own.operators.count(word) - counted) <= 1, word


@pytest.mark.parametrize(
    ("network", "parameter", "values"),
    [("mobilenet_v1", "width", [0.31, 0.5, 0.66, 0.75, 1.0]),  # multiples of 4 or not, whole blocks or not
     ("mobilenet_v3_large_1.0_224", "width", [0.4, 0.75, 1.0]),  # gates in blocks or not
     ("densenet121", "growth", [30, 32, 36])],  # norms in blocks or not
)  # fmt: skip
def test_a_sweep_is_the_loop_of_single_networks(network: str, parameter: str, values: list[float]) -> None:
    profile = load_hardware("epyc_zen4:onnxruntime_nchwc")
    axes: dict[str, Any] = {parameter: numpy.array(values)}
    frame = sweep(network, hardware=[profile], **axes)
    alone = [predict(cost_table(load(network, **{parameter: value})), profile) for value in values]
    column = next(each for each in frame.columns if "latency_seconds" in each)
    assert frame[column].to_numpy() == pytest.approx([each.latency_seconds for each in alone], rel=1e-9)


def test_reorders_stand_with_the_layer_before_which_they_run() -> None:
    profile = load_hardware("epyc_zen4:onnxruntime_nchwc")
    costs = cost_table(load("efficientnet_b0"))
    workload = workload_of(costs, FUSIONS[family_named("onnxruntime_nchwc").fusion])
    assert set(workload.labels) - set(costs.columns["layer"]), "reorders have names of their own"
    total = network_seconds(workload, workload_times(workload, profile), profile)
    assert predict(costs, profile).latency_seconds == pytest.approx(total, rel=1e-9)
