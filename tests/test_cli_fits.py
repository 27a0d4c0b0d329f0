"""costmodel fits: text, formats and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from costmodel.cli import main

VWW = ["fits", "mlperf_tiny_vww_mbv1", "--hardware", "stm32f746"]


def test_a_network_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(VWW) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mlperf_tiny_vww_mbv1 on stm32f746:idealised:int8, int8: fits"
    assert lines[3].split()[:8] == ["SRAM", "54", "KiB", "320", "KiB", "16.9", "%", "yes"]
    note = "SRAM: arena without gaps at its peak, without the runtime's own memory, code or stack"
    assert f"{note}; limit: [memory.sram] of stm32f746" in lines


def test_a_network_that_does_not_fit_gives_remedies_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*VWW, "--sram", "48KiB"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("mlperf_tiny_vww_mbv1 on stm32f746:idealised:int8, int8: does not fit: too much SRAM\n")
    assert "What would make it fit\n\nchange" in text
    assert "limit: given" in text
    assert main([*VWW, "--sram", "48KiB", "--no-search"]) == 1
    assert "What would make it fit" not in capsys.readouterr().out


def test_json_has_base_units(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*VWW, "--sram", "48KiB", "--latency", "1s", "--energy", "1J", "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == [
        "network", "hardware", "dtype", "definition", "fits", "answer", "exceeded", "unknown", "macs", "checks",
        "remedies",
    ]  # fmt: skip
    sram, _, latency, energy = answer["checks"]
    assert (sram["needed"], sram["limit"], sram["is_kept"], sram["unit"]) == (55_296, 49_152, False, "bytes")
    assert (latency["limit"], energy["limit"], energy["needed"]) == (1, 1, None)
    assert {"kind", "change", "needs", "fits", "settings", "how", "note"} == set(answer["remedies"][0])
    assert (answer["exceeded"], answer["unknown"]) == (["SRAM"], ["energy"])


@pytest.mark.parametrize(
    ("format", "start"), [("csv", "kind,change,macs,sram_bytes,"), ("markdown", "| kind |"), ("latex", "\\begin")]
)
def test_other_formats(format: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*VWW, "--format", format]) == 0
    assert capsys.readouterr().out.startswith(start)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fits", "mobilenet_v2"], "no device is given: give a budget"),
        ([*VWW, "--sram", "48 kibi"], "--sram '48 kibi' must be a number and a unit, as 320KiB"),
        ([*VWW, "--definition", "single"], "single"),
        (["fits", "mobilenet_v2", "--sram", "1MB", "--latency", "1s"], "latency is that of a device: give hardware"),
    ],
)
def test_mistakes_give_2_and_no_traceback(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert text in error
    assert "Traceback" not in error


def test_arguments_are_not_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    for given, option in (("dtype=int8", "--dtype"), ("sram_bytes=100", "--sram"), ("weight_bits=4", "--weight-bits")):
        assert main(["fits", "lenet5", given, "--sram", "1MiB"]) == 2
        assert f"is no parameter of a network; write {option}" in capsys.readouterr().err


def test_a_huge_image_is_searched_in_large_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "huge image.toml"
    size = "input = [3, 2147483647, 2147483647]"
    file.write_text(f'name = "huge"\nsource = "a test of limits"\n{size}\nlayers = [ {{ conv2d = 1 }} ]\n')
    assert main(["fits", str(file), "--sram", "1KiB"]) == 1
    assert "huge" in capsys.readouterr().out
