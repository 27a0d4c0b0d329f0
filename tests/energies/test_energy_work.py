"""The work that energy pays for: operations and bytes as an inference runs them."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from costmodel import cost_table, load
from costmodel.dtypes import Dtype
from costmodel.energies import LayerWork, NetworkWork, work_of
from costmodel.errors import ParameterError, UnknownNameError
from costmodel.memory import peak_memory
from costmodel.roofline import predict


def layer_of(work: NetworkWork, name: str) -> LayerWork:
    return next(layer for layer in work.layers if layer.layer == name)


@pytest.mark.parametrize("network", ["mobilenet_v2", "resnet50", "vit_base_patch16_224", "shufflenet_v2"])
@pytest.mark.parametrize("fusion", ["folded", "none"])
def test_macs_and_bytes_are_those_of_the_roofline(network: str, fusion: str) -> None:
    costs = cost_table(load(network), batch=3)
    work, prediction = work_of(costs, "float16", fusion), predict(costs, "rtx_4090", "float16", fusion)
    assert [layer.layer for layer in work.layers] == prediction.columns["layer"]
    assert [layer.macs for layer in work.layers] == prediction.columns["macs"]
    assert [layer.bytes for layer in work.layers] == prediction.columns["bytes"]


def test_a_pointwise_convolution_by_hand() -> None:
    """MobileNetV2's 16 -> 96 at 112x112, batch 2, in int8; alive are its input and its output."""
    layer = layer_of(work_of(cost_table(load("mobilenet_v2"), batch=2)), "inverted_residual_2.conv_1.conv2d")
    pixels = 112 * 112
    assert (layer.macs, layer.adds) == (2 * pixels * 16 * 96, 0)
    assert (layer.input_bytes, layer.output_bytes) == (2 * pixels * 16, 2 * pixels * 96)
    assert layer.weight_bytes == 16 * 96
    assert layer.held_bytes == 2 * pixels * (16 + 96)
    assert (layer.arithmetic, layer.accumulator) == ("int8", "int32")


def test_a_folded_norm_leaves_a_bias_behind_and_an_activation_is_computed() -> None:
    work = work_of(cost_table(load("mobilenet_v2")))
    norm = layer_of(work, "inverted_residual_2.conv_1.batch_norm")
    elements = 112 * 112 * 96
    assert (norm.norm_macs, norm.adds, norm.bytes) == (0, elements, 0)
    activation = layer_of(work, "inverted_residual_2.conv_1.activation")
    assert (activation.comparisons, activation.bytes) == (2 * elements, 0)
    unfolded = layer_of(work_of(cost_table(load("mobilenet_v2")), fusion="none"), norm.layer)
    assert (unfolded.norm_macs, unfolded.adds, unfolded.bytes) == (elements, 0, 2 * elements)


def test_a_norm_behind_a_bias_costs_nothing_more() -> None:
    """MLPerf Tiny's ResNet: its convolutions have a bias, which the norm changes and does not add to."""
    work = work_of(cost_table(load("mlperf_tiny_resnet8")))
    norms = [layer for layer in work.layers if layer.op == "batch_norm"]
    assert norms
    assert {layer.adds for layer in norms} == {0}
    first = next(layer for layer in work.layers if layer.op == "conv2d")
    assert first.adds == 32 * 32 * 16


def test_a_norm_behind_adder_filters_is_computed() -> None:
    """|x - w| is not linear in w: no weight can take up the scale."""
    work = work_of(cost_table(load("adder_resnet20_cifar")))
    behind = {later.layer: layer.op for layer, later in zip(work.layers, work.layers[1:], strict=False)}
    norms = [layer for layer in work.layers if layer.op == "batch_norm"]
    computed = {behind[layer.layer] for layer in norms if layer.norm_macs}
    assert computed == {"adder_conv2d"}
    assert all(layer.bytes == 0 for layer in norms)


def test_a_norm_behind_an_addition_is_computed_in_the_same_pass() -> None:
    """The second norm of ReLU networks with the norm first stands behind an add: nothing takes it up."""
    work = work_of(cost_table(load("preact_resnet200")))
    assert any(layer.norm_macs for layer in work.layers if layer.op == "batch_norm")


def test_weights_that_are_shared_are_stored_once() -> None:
    costs = cost_table(load("retinanet_head"))
    work = work_of(costs)
    assert work.stored_weight_bytes == costs.total("weight_params")
    assert work.total("weight_bytes") > work.stored_weight_bytes


def test_alive_bytes_are_those_of_the_fused_definition() -> None:
    costs = cost_table(load("mobilenet_v2"))
    held = peak_memory(costs.graph, "int8", "fused").held_bytes
    assert {layer.layer: layer.held_bytes for layer in work_of(costs).layers} == dict(held)


def test_narrow_weights_are_multiplied_in_a_format_that_is_named() -> None:
    costs = cost_table(load("mlperf_tiny_vww_mbv1"))
    narrow, plain = work_of(costs, Dtype("w4a8", 4, 8, 32), arithmetic="int8"), work_of(costs, "int8")
    assert narrow.dtype == "w4a8"
    assert {(layer.arithmetic, layer.accumulator) for layer in narrow.layers} == {("int8", "int32")}
    assert narrow.stored_weight_bytes == -(-plain.stored_weight_bytes // 2)
    for small, layer in zip(narrow.layers, plain.layers, strict=True):
        assert small.weight_bytes == -(-layer.weight_bytes // 2)
        assert (small.input_bytes, small.output_bytes, small.macs) == (
            layer.input_bytes, layer.output_bytes, layer.macs,
        )  # fmt: skip


def test_expectations_stay_expectations() -> None:
    costs = cost_table(load("dlbench_fcn"))
    assert work_of(costs).total("macs") == costs.total("macs")


def test_formats_that_are_none() -> None:
    costs = cost_table(load("lenet5"))
    for name in ("arithmetic", "accumulator"):
        asked: tuple[Any, ...] = (5, [], "int9")
        for wrong in asked:
            with pytest.raises(UnknownNameError, match=rf"{name} = .* is no number format; (there are|did you mean)"):
                work_of(costs, **{name: wrong})
    assert work_of(costs, "float16", accumulator="float16").layers[0].accumulator == "float16"


def test_what_has_no_work() -> None:
    with pytest.raises(ParameterError, match=r"work_of needs a CostTable, got str; call cost_table\(graph\) first"):
        work_of("mobilenet_v2")  # type: ignore[arg-type]
    swept = cost_table(load("mobilenet_v2", width=numpy.array([0.5, 1.0])))
    with pytest.raises(ParameterError, match="energy is that of one network, not of a sweep"):
        work_of(swept)
    with pytest.raises(UnknownNameError, match="unknown number format 'int9'"):
        work_of(cost_table(load("lenet5")), "int9")
    with pytest.raises(UnknownNameError, match="unknown fusion 'all'"):
        work_of(cost_table(load("lenet5")), fusion="all")
    assert repr(work_of(cost_table(load("lenet5")))).startswith("<NetworkWork of lenet5: ")
