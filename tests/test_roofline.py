"""Eq. 1: latency = sum over layers of max(MACs / peak, bytes / bandwidth)."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from costmodel.costs import cost_table
from costmodel.errors import CountOverflowError, ParameterError, PredictionError, UnknownNameError
from costmodel.hardware import load_hardware, profile_of
from costmodel.records import replace
from costmodel.roofline import PREDICTION_COLUMNS, Prediction, predict
from costmodel.specs.catalogue import load

NETWORKS = ("mobilenet_v2", "resnet50", "shufflenet_v2", "vit_base_patch16_224")


def row_of(prediction: Prediction, layer: str) -> dict[str, Any]:
    at = prediction.columns["layer"].index(layer)
    return {name: values[at] for name, values in prediction.columns.items()}


def test_the_worked_example_of_a_pointwise_convolution() -> None:
    """MobileNetV2's 16 -> 96 at 112x112 in int8: compute bound at ridge 5, memory bound at ridge 500."""
    costs = cost_table(load("mobilenet_v2"))
    name = "inverted_residual_2.conv_1.conv2d"
    slow, fast = (row_of(predict(costs, device), name) for device in ("ridge_5", "ridge_500"))
    assert slow["macs"] == 112 * 112 * 16 * 96 == 19_267_584
    assert slow["bytes"] == 112 * 112 * (16 + 96) + 16 * 96 == 1_406_464
    assert slow["operational_intensity_macs_per_byte"] == pytest.approx(13.70, abs=0.005)
    assert (slow["bound"], fast["bound"]) == ("compute", "memory")
    assert slow["latency_seconds"] == 19_267_584 / 5e10
    assert fast["latency_seconds"] == 1_406_464 / 1e10


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("device", "peak"), [("ridge_5", 5e10), ("ridge_500", 5e12)])
def test_fig_3_profiles_give_every_layer_to_the_last_digit(network: str, device: str, peak: float) -> None:
    prediction = predict(cost_table(load(network)), device)
    columns = prediction.columns
    for macs, moved, seconds in zip(columns["macs"], columns["bytes"], columns["latency_seconds"], strict=True):
        assert seconds == max(macs / peak, moved / 1e10)
    assert prediction.latency_seconds == sum(columns["latency_seconds"])
    assert prediction.profile.ridge_point_macs_per_byte == peak / 1e10


def test_folded_layers_and_views_are_free_and_an_add_reads_both_operands() -> None:
    prediction = predict(cost_table(load("mobilenet_v2")), "ridge_5")
    for layer in ("conv_1.batch_norm", "conv_1.activation", "inverted_residual_3.conv_2.batch_norm"):
        row = row_of(prediction, layer)
        assert (row["bytes"], row["latency_seconds"], row["bound"]) == (0, 0, "free")
    assert row_of(prediction, "inverted_residual_3.add")["bytes"] == 3 * 24 * 56 * 56
    flattened = predict(cost_table(load("vgg16")), "ridge_5")
    assert row_of(flattened, "flatten")["bound"] == "free"


def test_an_activation_after_an_add_folds_into_it_but_a_layer_norm_pays() -> None:
    prediction = predict(cost_table(load("resnet50")), "ridge_5")
    assert row_of(prediction, "bottleneck_1.relu")["bytes"] == 0
    attention = predict(cost_table(load("vit_base_patch16_224")), "ridge_5")
    assert row_of(attention, "encoder_1.layer_norm_1")["bytes"] == 2 * 197 * 768
    assert row_of(attention, "encoder_1.gelu")["bytes"] == 0
    assert row_of(attention, "encoder_1.attention.softmax")["bytes"] == 2 * 12 * 197 * 197


def test_without_fusion_every_operator_pays() -> None:
    costs = cost_table(load("mobilenet_v2"))
    prediction = predict(costs, "ridge_5", fusion="none")
    assert prediction.fusion == "none"
    assert prediction.columns["bytes"] == costs.columns["memory_access_elements"]
    assert prediction.latency_seconds > predict(costs, "ridge_5").latency_seconds


def test_a_tensor_that_others_read_too_is_not_folded_away() -> None:
    """A norm that shares its input with a shortcut has to be written out."""
    from costmodel.graph import Graph, Layer, image
    from costmodel.operators.combining import Add
    from costmodel.operators.convolution import Conv2d
    from costmodel.operators.normalization import BatchNorm

    layers = (
        Layer("conv", Conv2d(8), ("input",), ("conv",)),
        Layer("norm", BatchNorm(), ("conv",), ("norm",)),
        Layer("add", Add(), ("norm", "conv"), ("add",)),
    )
    graph = Graph("shared", {"input": image(8, 4, 4)}, layers, ("add",), {})
    assert row_of(predict(cost_table(graph), "ridge_5"), "norm")["bytes"] == 2 * 8 * 4 * 4


def test_overlap_sum_adds_compute_and_transfer() -> None:
    costs = cost_table(load("mobilenet_v2"))
    both = predict(costs, "pixel_6", overlap="sum")
    for compute, memory, latency in zip(
        *(both.columns[name] for name in ("compute_seconds", "memory_seconds", "latency_seconds")), strict=True
    ):
        assert latency == compute + memory
    assert both.latency_seconds > predict(costs, "pixel_6").latency_seconds


def test_number_format_changes_peak_and_bytes() -> None:
    costs = cost_table(load("mobilenet_v2"))
    small, large = (predict(costs, "pixel_6", dtype=dtype) for dtype in ("int8", "float32"))
    assert large.bytes == 4 * small.bytes
    assert large.profile.macs_per_second == 8.96e10
    assert predict(costs, "pixel_6:idealised:float32").latency_seconds == large.latency_seconds
    profile = profile_of(load_hardware("pixel_6").device, dtype="float32")
    assert predict(costs, profile, dtype="float32").latency_seconds == large.latency_seconds


def test_a_profile_is_never_replaced_by_the_bundled_device_of_its_name() -> None:
    """A number format other than the profile's own would need another peak, which only the device file knows."""
    profile = replace(load_hardware("pixel_6"), macs_per_second=1e9)
    costs = cost_table(load("lenet5"))
    assert predict(costs, profile, dtype="int8").profile.macs_per_second == 1e9
    with pytest.raises(PredictionError, match="pixel_6:idealised:int8 is a profile for int8, not float32"):
        predict(costs, profile, dtype="float32")


def test_batch_multiplies_work_but_weights_are_read_once() -> None:
    one, eight = (predict(cost_table(load("vgg16"), batch=batch), "rtx_3090") for batch in (1, 8))
    weights = 2 * 138_344_128
    assert eight.bytes - weights == 8 * (one.bytes - weights)
    assert sum(eight.columns["macs"]) == 8 * sum(one.columns["macs"])
    assert eight.latency_seconds < 8 * one.latency_seconds


def test_more_bandwidth_never_costs_time() -> None:
    costs = cost_table(load("mobilenet_v2"))
    profile = load_hardware("pixel_6")
    latencies = [
        predict(costs, replace(profile, bytes_per_second=bandwidth)).latency_seconds
        for bandwidth in numpy.geomspace(1e8, 1e13, 30).tolist()
    ]
    assert latencies == sorted(latencies, reverse=True)
    assert latencies[-1] == pytest.approx(300_774_272 / profile.macs_per_second, rel=0.01)


def test_at_the_ridge_point_both_times_are_equal() -> None:
    from costmodel.roofline import roofline_seconds

    compute, memory, latency = roofline_seconds([5 * 4096], [4096], 5e10, 1e10)
    assert compute == memory == latency == [4096 / 1e10]


def test_a_sweep_equals_the_loop() -> None:
    widths = numpy.array([0.5, 0.75, 1.0, 1.4])
    sweep = predict(cost_table(load("mobilenet_v2", width=widths)), "pixel_6")
    for position, width in enumerate(widths.tolist()):
        single = predict(cost_table(load("mobilenet_v2", width=width)), "pixel_6")
        assert sweep.latency_seconds[position] == pytest.approx(single.latency_seconds, rel=1e-12)
        for cell, expected in zip(sweep.columns["bound"], single.columns["bound"], strict=True):
            assert (cell[position] if numpy.ndim(cell) else cell) in (expected, "memory" if expected == "free" else "")


def test_the_share_of_a_sweep_is_an_array_and_an_unknown_bound_an_error() -> None:
    widths = numpy.array([0.5, 1.0])
    sweep = predict(cost_table(load("mobilenet_v2", width=widths)), "pixel_6")
    singles = [predict(cost_table(load("mobilenet_v2", width=width)), "pixel_6") for width in widths.tolist()]
    assert sweep.share("memory").tolist() == pytest.approx([single.share("memory") for single in singles])
    with pytest.raises(ParameterError, match="bound = 'memory bound' is none; did you mean 'memory'"):
        sweep.share("memory bound")


def test_bytes_beyond_64_bits_are_refused_in_a_sweep() -> None:
    from costmodel.graph import Graph, Layer, image
    from costmodel.operators.layout import Shift

    wide: Any = numpy.array([8, 2**27])
    graph = Graph("wide", {"input": image(wide, 2**16, 2**16)}, (Layer("shift", Shift(), ("input",), ("shift",)),),
                  ("shift",), {})  # fmt: skip
    with pytest.raises(CountOverflowError, match="the bits that a layer moves"):
        predict(cost_table(graph), "pixel_6", dtype="float32")


def test_a_prediction_keeps_columns_of_its_own() -> None:
    costs = cost_table(load("lenet5"))
    prediction = predict(costs, "pixel_6")
    prediction.columns["macs"][0] = 5
    assert costs.columns["macs"][0] == 117_600


@pytest.mark.parametrize("wrong", [None, 5, [], b"pixel_6"])
def test_what_is_no_device_is_refused(wrong: Any) -> None:
    with pytest.raises(UnknownNameError, match="is not the name of a device"):
        predict(cost_table(load("lenet5")), wrong)


def test_a_graph_is_no_cost_table() -> None:
    graph: Any = load("lenet5")
    with pytest.raises(ParameterError, match=r"predict needs a CostTable, got Graph; call cost_table\(graph\) first"):
        predict(graph, "pixel_6")


def test_the_frame_has_the_documented_columns() -> None:
    prediction = predict(cost_table(load("lenet5")), "stm32f746")
    assert list(prediction.layers.columns) == list(PREDICTION_COLUMNS)
    assert prediction.share("compute") + prediction.share("memory") == pytest.approx(1.0)
    assert set(prediction.layers.bound) <= {"compute", "memory", "free"}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"hardware": "pixel_7"}, UnknownNameError, "unknown device 'pixel_7'; did you mean 'pixel_"),
        ({"hardware": "pixel_6:tflite"}, UnknownNameError, "pixel_6 has no runtime 'tflite'; it has idealised"),
        ({"hardware": "pixel_6:idealised:int9"}, UnknownNameError, "unknown number format 'int9'; did you mean 'int8'"),
        ({"hardware": "pixel_6:a:b:c:d"}, UnknownNameError, "write device:runtime:dtype:condition=value,..."),
        ({"hardware": "ridge_5:idealised:int8:threads"}, UnknownNameError, "'threads' is no condition; write"),
        (
            {"hardware": "ridge_5:idealised:int8:threads=2"},
            UnknownNameError,
            "ridge_5:idealised:int8 was not calibrated under threads=2; its conditions are: none",
        ),
        ({"hardware": "ridge_5", "terms": ["overlap"]}, PredictionError, "was not calibrated: it has no terms"),
        ({"hardware": "edge_tpu_usb", "dtype": "float32"}, PredictionError,
         "edge_tpu_usb has no peak for float32; its number formats are int8"),
        ({"hardware": "pixel_6", "fusion": "fold"}, UnknownNameError, "unknown fusion 'fold'; did you mean 'folded'"),
        ({"hardware": "pixel_6", "overlap": "mix"}, PredictionError, "overlap = 'mix' is not max or sum"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_answered(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        predict(cost_table(load("lenet5")), **arguments)
    assert text in str(caught.value)
