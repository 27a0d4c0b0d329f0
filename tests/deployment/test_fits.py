"""Does it fit: verdicts at their limits, the layers to blame, and remedies held against what they say they give."""

from __future__ import annotations

import json
from typing import Any

import pytest

import costmodel
from costmodel.cli import main
from costmodel.deployment import Fit, Remedy, fits, smaller
from costmodel.deployment.limits import limits_of
from costmodel.deployment.needs import Setting, needs_of
from costmodel.deployment.origin import origin_of
from costmodel.deployment.smaller import Sizes, largest_scaled
from costmodel.errors import ParameterError, PredictionError, UnknownNameError
from costmodel.graph import Graph, Layer, image
from costmodel.memory.arena import plan_arena
from costmodel.model_size import flash_size
from costmodel.operators.base import Operator
from costmodel.operators.combining import Concat
from costmodel.operators.convolution import Conv2d
from costmodel.passes.execution_order import least_memory_order
from costmodel.passes.scale_resolution import scale_resolution
from costmodel.passes.scale_width import scale_width
from costmodel.patches import patch_costs


def network(*layers: tuple[str, Operator, str]) -> Graph:
    """Layers with the names of their inputs, on an image of 8 channels and 4x4 pixels: 128 bytes in int8."""
    made = tuple(Layer(name, operator, tuple(read.split()), (name,)) for name, operator, read in layers)
    return Graph("tiny", {"input": image(8, 4, 4)}, made, (made[-1].name,), {})


CHAIN = network(("wide", Conv2d(24, bias=True), "input"), ("narrow", Conv2d(16), "wide"))
"""128 -> 384 -> 256 bytes; 192 + 384 weights, 24 biases: 640 bytes at the second layer, 672 bytes of flash."""


def remedies(answer: Fit, kind: str) -> list[Remedy]:
    return [remedy for remedy in answer.remedies if remedy.kind == kind]


def test_the_limit_itself_is_kept_and_a_byte_less_is_not() -> None:
    kept = fits(CHAIN, sram_bytes=640, flash_bytes=672)
    assert kept.fits
    assert [(check.needed, check.is_kept) for check in kept.checks[:2]] == [(640, True), (672, True)]
    exceeded = fits(CHAIN, sram_bytes=639, flash_bytes=671, search=False)
    assert (exceeded.fits, exceeded.exceeded, exceeded.remedies) == (False, ("SRAM", "flash"), ())


def test_the_layer_to_blame_is_named() -> None:
    sram, flash, latency, _ = fits(CHAIN, "stm32f746").checks
    assert (sram.layer, sram.layer_needs) == ("narrow", 640)
    assert (flash.layer, flash.layer_needs) == ("narrow", 384)
    predicted = costmodel.predict(costmodel.cost_table(CHAIN), "stm32f746")
    assert (latency.layer, latency.needed) == ("narrow", predicted.latency_seconds)


def test_limits_are_those_of_the_device_unless_given() -> None:
    checks = fits(CHAIN, "stm32f746", flash_bytes=10_000).checks
    assert [(check.limit.amount, check.limit.source) for check in checks if check.limit] == [
        (327_680, "[memory.sram] of stm32f746"), (10_000, "given"),
    ]  # fmt: skip
    weights = fits(CHAIN, "max78000_cnn").checks[1]
    assert weights.limit is not None
    assert weights.limit.source == "[memory.weight_sram] of max78000_cnn"


def test_number_format_and_storage_change_what_is_needed() -> None:
    assert [check.needed for check in fits(CHAIN, "stm32f746", dtype="float32").checks[:2]] == [2560, 600 * 4]
    stored = fits(CHAIN, sram_bytes=10_000, storage="tflite").checks[1].needed
    assert stored == flash_size(CHAIN, storage="tflite").bytes > 672


def test_latency_and_energy_are_limited_by_budgets() -> None:
    costs = costmodel.cost_table(CHAIN)
    seconds = costmodel.predict(costs, "stm32f746").latency_seconds
    assert fits(CHAIN, "stm32f746", latency_seconds=seconds).fits
    assert fits(CHAIN, "stm32f746", latency_seconds=seconds * 0.99, search=False).exceeded == ("latency",)
    by_table = costmodel.energy(costs).joules
    assert fits(CHAIN, energy_joules=by_table).fits
    assert fits(CHAIN, energy_joules=by_table * 0.99, search=False).exceeded == ("energy",)


def test_a_table_of_energies_says_nothing_of_a_device() -> None:
    """24 mJ are measured on this board; the arithmetic of a 45 nm chip is three thousand times less."""
    answer = fits("mlperf_tiny_vww_mbv1", "nucleo_l4r5zi", energy_joules=1e-4)
    assert (answer.fits, answer.exceeded, answer.unknown) == (False, (), ("energy",))
    assert answer.answer == "cannot be said: energy"
    assert answer.checks[3].needed is None
    assert "is not known; published for nucleo_l4r5zi:" in answer.checks[3].note
    by_power = fits("mlperf_tiny_vww_mbv1", "nucleo_l4r5zi:tflm", energy_joules=1e-4, search=False)
    assert by_power.exceeded == ("energy",)
    too_much = fits(CHAIN, "stm32f746", sram_bytes=600, energy_joules=1.0)
    assert (too_much.exceeded, too_much.unknown) == (("SRAM",), ("energy",))
    assert too_much.remedies


def test_a_runtime_with_an_active_power_gives_the_energy_by_it() -> None:
    energy = fits("mlperf_tiny_resnet8", "nucleo_l4r5zi:x_cube_ai_8_0").checks[3]
    assert energy.note.startswith("the active power x a calibrated latency, ")
    assert (energy.is_predicted, energy.is_lower_bound) == (True, False)
    latency = fits("mlperf_tiny_resnet8", "nucleo_l4r5zi:x_cube_ai_8_0").checks[2]
    assert 0.05 < energy.needed / latency.needed < 0.1  # watts


def test_another_order_is_found() -> None:
    """The wide branch first: the input, 2048 bytes and its 16 are held, not the 1024 of the other branch."""
    net = network(
        ("small", Conv2d(64), "input"),
        ("wide", Conv2d(128), "input"),
        ("end", Conv2d(1), "wide"),
        ("concat", Concat(), "small end"),
    )
    before = plan_arena(net).bytes
    (remedy,) = remedies(fits(net, sram_bytes=before - 1), "order")
    assert remedy.needs is not None
    assert (remedy.needs.sram_bytes, remedy.fits) == (128 + 2048 + 16, True)
    assert before == 128 + 1024 + 2048
    (none,) = remedies(fits(CHAIN, sram_bytes=600), "order")
    assert (none.needs, none.note) == (None, "none needs less than the order of the file")


def test_remedies_for_mobilenet_v2_give_what_they_say() -> None:
    answer = fits("mobilenet_v2", "stm32f746", classes=10)
    assert answer.exceeded == ("SRAM", "flash")
    (in_place,) = remedies(answer, "in_place")
    assert in_place.needs is not None
    assert in_place.needs.sram_bytes == 1372 * 1024
    for remedy in remedies(answer, "size"):
        assert remedy.fits
        again = fits("mobilenet_v2", "stm32f746", **{"classes": 10, **remedy.settings})
        assert again.fits
        assert remedy.needs is not None
        assert [check.needed for check in again.checks[:2]] == [remedy.needs.sram_bytes, remedy.needs.flash_bytes]
    for remedy in remedies(answer, "patches"):
        settings: dict[str, Any] = dict(remedy.settings)
        cut, grid = settings.pop("cut"), settings.pop("grid")
        definition = "inplace" if "in place" in remedy.change else "fused"
        costs = patch_costs(costmodel.load("mobilenet_v2", classes=10, **settings), cut, grid, definition=definition)
        assert remedy.needs is not None
        assert (remedy.needs.sram_bytes, remedy.needs.macs) == (costs.peak_bytes, costs.overall_macs)
    assert [remedy.fits for remedy in remedies(answer, "patches")] == [False, True, True]
    for remedy in remedies(answer, "variant"):
        again = fits(remedy.change.partition(" ")[0], "stm32f746", classes=10)
        assert again.fits
        assert remedy.needs is not None
        assert [check.needed for check in again.checks[:2]] == [remedy.needs.sram_bytes, remedy.needs.flash_bytes]


def test_the_largest_size_is_that_of_trying_every_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smaller, "PIXELS", 32)
    monkeypatch.setattr(smaller, "HUNDREDTHS", 10)
    origin = origin_of("mobilenet_v2", {"classes": 10})
    setting = Setting(
        costmodel.load_hardware("stm32f746"), "stm32f746", "int8", "fused", "none", "plain", None,
        limits_of(costmodel.load_hardware("stm32f746")),
    )  # fmt: skip
    sizes = Sizes(origin)
    every = [
        scaled
        for width in range(len(sizes.widths))
        for resolution in range(len(sizes.resolutions))
        if (scaled := sizes.at(width, resolution)) is not None
        and needs_of(scaled.graph, setting).within(setting.limits)
    ]
    found = largest_scaled(Sizes(origin), setting)
    assert found[0].macs == max(scaled.macs for scaled in every)
    assert {"width", "resolution"} == {name for scaled in every for name in scaled.settings}


def test_networks_without_a_width_are_scaled_by_passes() -> None:
    answer = fits("resnet18", "stm32h743")
    largest = remedies(answer, "size")[0]
    assert largest.fits
    assert "scale_width" in largest.settings
    assert largest.how.startswith("costmodel.fits(scale_width(costmodel.load('resnet18'")
    assert " ".join(f"{name}={value:g}" for name, value in largest.settings.items()) == largest.change


def test_where_no_size_fits_the_least_one_says_why() -> None:
    """The classifier of MobileNetV2 has 1,280,000 weights at every width below 1."""
    least, *narrow = remedies(fits("mobilenet_v2", "stm32f746"), "size")
    assert [remedy.change.startswith("4-bit weights, width=") for remedy in narrow] == [True]
    assert least.note == "the least, and too much flash, most of it in linear"
    assert not least.fits


def test_a_graph_has_no_parameters_and_no_family() -> None:
    kinds = {remedy.kind for remedy in fits(costmodel.load("mobilenet_v2", classes=10), "stm32f746").remedies}
    assert kinds == {"order", "in_place", "patches", "weight_bits", "size"}
    with pytest.raises(ParameterError, match=r"a graph has no parameters to set \(width\): give the network's name"):
        fits(CHAIN, sram_bytes=100, width=0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ParameterError, "no device is given: give a budget, sram_bytes, flash_bytes, latency_seconds or"),
        ({"hardware": "pixel_6"}, ParameterError, "pixel_6 states no capacity of SRAM or flash: give a budget"),
        ({"sram_bytes": 0}, ParameterError, "sram_bytes = 0 must be a number above 0"),
        ({"flash_bytes": True}, ParameterError, "flash_bytes = True must be a number above 0"),
        ({"energy_joules": float("nan")}, ParameterError, "energy_joules = nan must be a number above 0"),
        ({"latency_seconds": 1.0}, ParameterError, "latency is that of a device: give hardware"),
        ({"sram_bytes": 9, "definition": "io"}, ParameterError, "io"),
        ({"sram_bytes": 9, "definition": "fussed"}, UnknownNameError, "did you mean 'fused'"),
        ({"sram_bytes": 9, "storage": "tf"}, UnknownNameError, "unknown storage 'tf'"),
        ({"hardware": "stm32f747"}, UnknownNameError, "did you mean"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fits(CHAIN, **arguments)


def test_a_budget_for_what_cannot_be_predicted_is_an_error() -> None:
    with pytest.raises(PredictionError, match="gives no rate for the additions"):
        fits("adder_resnet20_cifar", "stm32f746", latency_seconds=1.0)
    latency = fits("adder_resnet20_cifar", "stm32f746").checks[2]
    assert (latency.needed, latency.is_kept) == (None, None)
    assert "gives no rate for the additions" in latency.note


def test_text_of_the_answer() -> None:
    assert repr(fits(CHAIN, "stm32f746")) == (
        "<Fit: tiny on stm32f746:idealised:int8 (int8, fused) fits; .checks, .remedies>"
    )
    text = repr(fits(CHAIN, sram_bytes=100, flash_bytes=100, search=False))
    assert text == "<Fit: tiny (int8, fused) does not fit: too much SRAM and flash; .checks, .remedies>"


def test_time_and_energy_of_patches_are_those_of_all_their_macs() -> None:
    """The work that patches repeat cannot be done faster than the device multiplies."""
    answer = fits("mobilenet_v2", "stm32h743", classes=10, flash_bytes=4 * 2**20, latency_seconds=0.315)
    patched = remedies(answer, "patches")[0]
    assert patched.needs is not None
    assert patched.needs.latency_seconds == patched.needs.macs / costmodel.load_hardware("stm32h743").macs_per_second
    assert not patched.fits
    assert fits("mobilenet_v2", "stm32h743", classes=10, flash_bytes=4 * 2**20, latency_seconds=0.33).remedies[2].fits


def test_patches_leave_out_no_workspace() -> None:
    (patches,) = remedies(fits("mobilenet_v2", sram_bytes=300_000, workspace="im2col"), "patches")
    assert (patches.needs, patches.fits) == (None, False)
    assert patches.note == "the search over patches counts tensors only, without the workspace im2col"


def test_narrow_weights_are_asked_for_again() -> None:
    (narrow,) = remedies(fits("mobilenet_v2", "stm32f746"), "weight_bits")
    assert narrow.needs is not None
    again = fits("mobilenet_v2", "stm32f746", weight_bits=4, search=False)
    assert again.checks[1].needed == narrow.needs.flash_bytes == 3_469_760 // 2 + 72_224
    assert narrow.how == "costmodel fits mobilenet_v2 --hardware stm32f746 --weight-bits 4"
    for bits in (0, 33, 4.0, True):
        with pytest.raises(ParameterError, match="must be a whole number from 1 to 32"):
            fits(CHAIN, sram_bytes=1, weight_bits=bits)  # type: ignore[arg-type]


@pytest.mark.parametrize("network", ["resnet18", "shufflenet_v2_x2_0"])
def test_every_remedy_says_how_and_gives_what_it_says(network: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands are run, calls evaluated."""
    answer = fits(network, "stm32h743", flash_bytes=2**21)
    names = {
        "costmodel": costmodel,
        "scale_width": scale_width,
        "scale_resolution": scale_resolution,
        "least_memory_order": least_memory_order,
    }
    for remedy in answer.remedies:
        if remedy.needs is None:
            continue
        if remedy.how.startswith("costmodel fits "):
            code = main([*remedy.how.split()[1:], "--no-search", "--format", "json"])
            found = json.loads(capsys.readouterr().out)
            assert code == (0 if remedy.fits else 1)
            assert found["checks"][0]["needed"] == remedy.needs.sram_bytes, remedy.how
            assert found["checks"][1]["needed"] == remedy.needs.flash_bytes, remedy.how
        else:
            made = eval(remedy.how, names)
            needed = made.peak_bytes if remedy.kind == "patches" else made.checks[0].needed
            assert needed == remedy.needs.sram_bytes, remedy.how


def test_yes_by_lower_bounds_says_so() -> None:
    answer = fits("mlperf_tiny_vww_mbv1", "nucleo_l4r5zi:tflm", latency_seconds=0.9, energy_joules=0.04)
    assert answer.answer == "fits, as far as predictions of latency and energy can say"
    assert fits("mlperf_tiny_vww_mbv1", "nucleo_l4r5zi:tflm").answer == "fits"
