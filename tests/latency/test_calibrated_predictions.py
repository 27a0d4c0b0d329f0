"""What a prediction on a calibrated profile says of itself: its band, its columns, its intensities."""

from __future__ import annotations

import pytest

from costmodel import cost_table, load, predict
from costmodel.hardware import load_hardware
from costmodel.report import with_prefix
from costmodel.roofline import bound_text
from costmodel.summary import as_text

NCNN = load_hardware("raspberry_pi_4:ncnn")


def test_a_band_is_that_of_the_fold_rule_of_the_fit() -> None:
    costs = cost_table(load("mobilenet_v2"))
    fitted, other = predict(costs, NCNN), predict(costs, NCNN, fusion="none")
    assert fitted.latency_low_seconds < fitted.latency_seconds < fitted.latency_high_seconds
    assert predict(costs, NCNN, fusion=fitted.fusion).latency_low_seconds == fitted.latency_low_seconds
    assert other.latency_seconds > fitted.latency_seconds
    assert other.latency_low_seconds is None
    assert "with fusion convolution_activation; no band with fusion none" in as_text(costs, other)


def test_layers_and_what_the_inference_takes_add_up() -> None:
    prediction = predict(cost_table(load("mobilenet_v2")), load_hardware("rtx_4090:torch_eager"))
    assert prediction.inference_seconds > 0
    total = prediction.layers["latency_seconds"].sum() + prediction.inference_seconds
    assert prediction.latency_seconds == pytest.approx(total)


def test_the_intensity_of_an_attention_is_that_of_its_kernel() -> None:
    """Both products, over the bytes of one pass: 197 x 197 scores of 12 heads stay inside."""
    prediction = predict(cost_table(load("vit_base_patch16_224")), load_hardware("rtx_4090:torch_eager"))
    columns = prediction.columns
    at = next(row for row, name in enumerate(columns["layer"]) if name.endswith("matmul_1"))
    product = 12 * 197 * 197 * 64
    assert columns["macs"][at] == product
    moved = columns["bytes"][at]
    assert columns["operational_intensity_macs_per_byte"][at] == pytest.approx(2 * product / moved)
    second = next(row for row, name in enumerate(columns["layer"]) if name.endswith("matmul_2"))
    assert columns["bytes"][second] == 0
    assert columns["operational_intensity_macs_per_byte"][second] is None


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("ridge_5", "a lower bound as far as every tensor moves through dram"),
        ("pixel_6", "no bound: fitted or estimated, memory.dram"),
        ("stm32f746", "a lower bound as far as every tensor moves through sram"),
    ],
)
def test_what_equation_1_bounds(device: str, words: str) -> None:
    profile = load_hardware(device)
    assert bound_text(profile).startswith(words)
    costs = cost_table(load("mcunet"))
    assert words in as_text(costs, predict(costs, profile))


def test_times_are_printed_with_three_digits() -> None:
    costs = cost_table(load("mobilenet_v2"))
    prediction = predict(costs, NCNN)
    text = as_text(costs, prediction)
    for seconds in (prediction.latency_low_seconds, prediction.latency_high_seconds):
        assert with_prefix(seconds, "s", 3) in text
