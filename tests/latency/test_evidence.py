"""Beyond what was measured a stated error says nothing: batches, sizes and operators that no fitted row is like."""

from __future__ import annotations

import pytest

from costmodel import cost_table, energy, explain, load, predict
from costmodel.deployment import fits
from costmodel.explanation import text as explanation_text
from costmodel.fusion import fusion_named
from costmodel.hardware import load_hardware
from costmodel.latency.evidence import beyond
from costmodel.latency.families import family_named
from costmodel.latency.shared import shared_rows
from costmodel.records import replace
from costmodel.roofline import Prediction
from costmodel.summary import as_object, as_text
from costmodel.workloads.rows import SIZES, Row

PIXEL = load_hardware("pixel_1:tflite")
GPU = load_hardware("rtx_4090:torch_eager")


def prediction_of(network: str, hardware: str, batch: int = 1) -> Prediction:
    return predict(cost_table(load(network), batch=batch), hardware)


def row(kind: str, macs: int, elements: int) -> Row:
    sizes = {"macs": macs, "input_elements": elements}
    return Row(kind, kind, 1, tuple([sizes.get(name, 0) for name in SIZES]))


@pytest.mark.parametrize(
    ("network", "hardware", "batch", "words"),
    [
        ("mobilenet_v2", "pixel_1:tflite", 1, ()),
        ("resnet50", "rtx_4090:torch_eager", 512, ()),
        ("resnet50", "rtx_4090:torch_eager", 1, ("batch 1, measured ",)),
        ("vgg16", "pixel_1:tflite", 1, ("15.5 GMACs, measured 11.9 MMACs to 586 MMACs",)),
        (
            "vit_base_patch16_224", "pixel_1:tflite", 1,
            ("17.6 GMACs, measured", "operators of kinds that were not measured: matmul, softmax"),
        ),
        ("mobilenet_v3_large_1.0_224", "pixel_2:tflite", 1, ("2 rows measured, too few to tell an error",)),
        ("resnet50", "v100:deepbench", 1, ("single operators were measured, no networks",)),
    ],
)  # fmt: skip
def test_what_is_beyond(network: str, hardware: str, batch: int, words: tuple[str, ...]) -> None:
    prediction = prediction_of(network, hardware, batch)
    assert len(prediction.beyond) >= len(words)
    assert bool(prediction.beyond) == bool(words)
    for wanted in words:
        assert any(said.startswith(wanted) for said in prediction.beyond), prediction.beyond
    assert (prediction.latency_low_seconds is None) == (prediction.latency_high_seconds is None) == bool(words)


def test_every_place_says_so() -> None:
    costs = cost_table(load("vgg16"))
    prediction = predict(costs, PIXEL)
    words = "no band, beyond what was measured: 15.5 GMACs, measured 11.9 MMACs to 586 MMACs"
    assert words in as_text(costs, prediction)
    assert as_object(costs, prediction)["totals"]["beyond"] == list(prediction.beyond)
    found = explain(costs, PIXEL)
    assert words in explanation_text.as_text(found, "op")
    assert explanation_text.as_object(found, "op")["beyond"] == list(prediction.beyond)
    check = next(check for check in fits("vgg16", PIXEL, latency_seconds=1.0).checks if check.resource == "latency")
    assert words in check.note
    inside = fits("mobilenet_v2", PIXEL, latency_seconds=1.0)
    assert any("four of five between" in check.note for check in inside.checks)


def test_an_energy_beyond_what_was_measured_says_so() -> None:
    meaning = energy(cost_table(load("vgg16")), "nucleo_l4r5zi:tflm", model="power_time").meaning
    assert meaning.startswith("the active power x a latency beyond what was measured: 15.5 GMACs, measured ")


def test_twice_the_largest_is_still_like_it() -> None:
    calibration = PIXEL.calibration
    assert calibration is not None
    calibration = replace(calibration, batch=(2, 8), macs=(100.0, 1000.0))
    family = family_named("tflite")
    for batch, macs, count in ((1, 50, 0), (16, 2000, 0), (17, 2000, 1), (1, 49, 1), (16, 2001, 1), (17, 2001, 2)):
        assert len(beyond([row("conv", macs, 10)], batch, family, calibration)) == count, (batch, macs)


def test_a_kind_that_was_not_measured_may_have_a_twentieth() -> None:
    calibration = PIXEL.calibration
    assert calibration is not None
    calibration = replace(calibration, macs=(1.0, 1e9))
    family = family_named("tflite")
    for elements, is_said in ((5, False), (6, True)):
        said = beyond([row("conv", 1000, 95), row("softmax", 0, elements)], 1, family, calibration)
        assert bool(said) == is_said
    assert beyond([row("matmul", 60, 0), row("conv", 1000, 95)], 1, family, calibration)
    assert not beyond([row("softmax", 0, 50)], 1, replace(family, kinds=frozenset()), replace(calibration, macs=(0, 1)))


def test_a_file_that_does_not_say_what_was_measured_is_taken_at_its_word() -> None:
    calibration = PIXEL.calibration
    assert calibration is not None
    rows = shared_rows(load("vgg16"), cost_table(load("vgg16")).shapes, fusion_named("inference_relu")).rows.values()
    silent = replace(calibration, batch=None, macs=None)
    assert not beyond(rows, 7, family_named("tflite"), silent)
