"""`costmodel explain` on profiles that were calibrated under several conditions."""

from __future__ import annotations

import json

import pytest

from costmodel.cli import main

BIG_CORES = "rk3588:ncnn:auto:threads=4,powersave=2"


def explained(capsys: pytest.CaptureFixture[str], hardware: str) -> str:
    assert main(["explain", "mobilenet_v2", "--hardware", hardware, "--format", "json"]) == 0
    return capsys.readouterr().out


def test_conditions_of_one_profile_hold_commas(capsys: pytest.CaptureFixture[str]) -> None:
    one = json.loads(explained(capsys, BIG_CORES))
    assert one != json.loads(explained(capsys, "rk3588:ncnn"))
    assert "powersave=2" in json.dumps(one)


def test_two_profiles_with_conditions_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, f"{BIG_CORES},rk3588:ncnn:auto:threads=1,powersave=2")
    assert json.loads(text) != json.loads(explained(capsys, f"{BIG_CORES},{BIG_CORES}"))
    assert main(["explain", "mobilenet_v2", "--hardware", f"{BIG_CORES},pixel_1,pixel_2"]) == 2
    assert "an explanation compares two" in capsys.readouterr().err
