"""Lists of devices on the command line: commas between devices, and between the conditions of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costmodel.cli import main
from costmodel.cli.arguments import devices_of

FOUR_THREADS = "raspberry_pi_4:ncnn:auto:threads=4,powersave=0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ridge_5", ["ridge_5"]),
        ("ridge_5,ridge_500", ["ridge_5", "ridge_500"]),
        (FOUR_THREADS, [FOUR_THREADS]),
        (f"{FOUR_THREADS},{FOUR_THREADS},ridge_5", [FOUR_THREADS, FOUR_THREADS, "ridge_5"]),
        (f"ridge_5,{FOUR_THREADS}", ["ridge_5", FOUR_THREADS]),
        ("powersave=0", ["powersave=0"]),
        ("ridge_5,a=b.toml", ["ridge_5", "a=b.toml"]),
        ("ridge_5,,", ["ridge_5", "", ""]),
    ],
)
def test_a_part_with_a_value_and_no_colon_goes_on_with_the_device_before_it(text: str, expected: list[str]) -> None:
    assert devices_of(text) == expected


def test_a_sweep_takes_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "mobilenet_v2", "--hardware", f"{FOUR_THREADS},ridge_5", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = [row["hardware"] for row in found] if isinstance(found, list) else found["hardware"]
    assert names == [FOUR_THREADS, "ridge_5:idealised:int8"]


def test_a_roofline_chart_takes_conditions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "chart.svg"
    assert main(["plot", "roofline", "mobilenet_v2", "--hardware", f"ridge_5,{FOUR_THREADS}", "-o", str(file)]) == 0
    assert file.stat().st_size > 1000
    assert capsys.readouterr().out.strip() == str(file)


def test_a_condition_behind_a_device_alone_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "mobilenet_v2", "--hardware", "ridge_5,powersave=0"]) == 2
    assert capsys.readouterr().err == (
        "costmodel: unknown device 'ridge_5,powersave=0'; conditions stand behind device:runtime:dtype, as in "
        "raspberry_pi_4:ncnn:auto:threads=4,powersave=0\n"
    )
