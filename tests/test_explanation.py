"""Where the time goes: steps that add up, and differences that do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, cast

import pytest

from costmodel import cost_table, load, predict
from costmodel.errors import ParameterError, PredictionError, UnknownNameError
from costmodel.explanation import difference, explain, text
from costmodel.explanation.explain import BASE, STEPS
from costmodel.hardware import devices, load_device, profile_of

NET = cost_table(load("mobilenet_v2"))
CALIBRATED = [
    profile_of(load_device(name), runtime, dtype)
    for name in devices()
    for runtime, formats in load_device(name).runtimes.items()
    for dtype, settings in formats.items()
    if settings.get("calibration")
][::7]


@pytest.mark.parametrize("profile", CALIBRATED, ids=[profile.name for profile in CALIBRATED])
def test_the_steps_add_up(profile: object) -> None:
    found = explain(NET, profile)  # type: ignore[arg-type]
    full = predict(NET, profile)  # type: ignore[arg-type]
    assert sum(found.steps.values()) == pytest.approx(full.latency_seconds, rel=1e-9)
    assert found.latency_seconds == full.latency_seconds
    first = predict(NET, profile, terms=())  # type: ignore[arg-type]
    assert found.steps["compute_at_peak"] + found.steps["memory_at_bandwidth"] == pytest.approx(first.latency_seconds)
    for row, seconds in enumerate(found.columns["latency_seconds"]):
        assert sum(found.columns[name][row] for name in STEPS) == pytest.approx(seconds, abs=1e-15)


@pytest.mark.parametrize("profile", CALIBRATED[:3], ids=[profile.name for profile in CALIBRATED[:3]])
def test_without_terms_it_is_equation_1_of_the_datasheet(profile: object) -> None:
    plain = predict(NET, profile, terms=())  # type: ignore[arg-type]
    sheet = profile_of(profile.device, "idealised", profile.dtype.name)  # type: ignore[attr-defined]
    assert plain.latency_seconds == pytest.approx(predict(NET, sheet).latency_seconds, rel=1e-9)


def test_a_device_that_was_not_calibrated_has_only_the_first_steps() -> None:
    found = explain(NET, "ridge_5")
    assert {name for name, seconds in found.steps.items() if seconds} == set(BASE)
    assert "a lower bound as far as every tensor moves through dram; it has no terms" in text.as_text(found, "op")


def test_groups_are_sums_of_layers() -> None:
    found = explain(NET, "ridge_5")
    for by in ("op", "block"):
        table = found.grouped(by)
        assert sum(table["latency_seconds"]) == pytest.approx(found.latency_seconds)
        assert table["latency_seconds"] == sorted(table["latency_seconds"], reverse=True)


def test_the_difference_of_two_networks_comes_from_its_operators() -> None:
    both = difference(explain(NET, "ridge_5"), explain(cost_table(load("mobilenet_v1")), "ridge_5"))
    for parts in (both.parts("op"), both.steps):
        assert sum(parts["difference_seconds"]) == pytest.approx(both.seconds)
    assert both.parts("op")["op"][0] in ("conv2d", "depthwise_conv2d")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: explain(NET, "ridge_5").grouped(cast(Any, "layers")),
            ParameterError,
            "by = 'layers' is no grouping; did you",
        ),
        (lambda: explain(NET, "no_device"), UnknownNameError, "unknown device 'no_device'"),
        (lambda: predict(NET, CALIBRATED[0], terms=["overlapp"]), UnknownNameError, "unknown term 'overlapp'; did you"),
        (lambda: predict(NET, CALIBRATED[0], overlap="sum"), PredictionError, "is a term that was fitted"),
        (
            lambda: explain(cost_table(load("mobilenet_v1", width=_array())), "ridge_5"),
            PredictionError,
            "an explanation is of one network, not of a sweep",
        ),
    ],
)
def test_what_cannot_be_explained(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]


def _array() -> object:
    import numpy

    return numpy.array([0.5, 1.0])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "costmodel", *arguments], capture_output=True, text=True, check=False)


def test_the_command_explains_and_compares() -> None:
    alone = json.loads(run("explain", "mobilenet_v2", "--hardware", "ridge_5", "--format", "json").stdout)
    assert alone["network"] == "mobilenet_v2"
    assert sum(step["seconds"] for step in alone["steps"]) == pytest.approx(alone["latency_seconds"])
    assert alone["layers"][0]["limited_by"] in ("compute", "memory")
    both = json.loads(run("explain", "mobilenet_v2", "--hardware", "ridge_5,ridge_500", "--format", "json").stdout)
    assert both["difference_seconds"] == pytest.approx(both["second"]["latency_seconds"] - alone["latency_seconds"])
    nets = run("explain", "mobilenet_v2", "--hardware", "ridge_5", "--against", "mobilenet_v1", "--format", "csv")
    assert nets.stdout.startswith("op,first_seconds,second_seconds,difference_seconds")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hardware", "ridge_5,ridge_500", "--against", "mobilenet_v1"), "an explanation compares two"),
        (("--hardware", "a,b,c"), "an explanation compares two"),
        (("--hardware", "ridge_6"), "unknown device 'ridge_6'"),
    ],
)
def test_the_command_refuses(arguments: tuple[str, ...], message: str) -> None:
    result = run("explain", "mobilenet_v2", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
