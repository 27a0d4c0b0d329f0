"""costmodel energy: estimates, tables and measured energies on the command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from costmodel.cli import energy as room
from costmodel.energies.tables import FOLDER
from costmodel.errors import CostmodelError, ParameterError, PredictionError
from costmodel.files import folder

CODE = """
import argparse, sys
from costmodel.cli import energy
parser = argparse.ArgumentParser()
energy.add_commands(parser.add_subparsers())
options = parser.parse_args(sys.argv[1:])
code = options.run(options)
heavy = {"numpy", "pandas", "matplotlib", "pydantic"} & set(sys.modules)
print(code, sorted(heavy), file=sys.stderr)
"""


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    room.add_commands(parser.add_subparsers())
    options = parser.parse_args(["energy", *arguments])
    code: int = options.run(options)
    return code


@pytest.mark.parametrize(
    "arguments",
    [
        ["mobilenet_v2", "--hardware", "pixel_6", "--spread"],
        [
            "mlperf_tiny_vww_mbv1",
            "--hardware",
            "nucleo_l4r5zi:tflm",
            "--model",
            "power_time",
            "--latency",
            "0.6s",
            "--format",
            "json",
        ],
        ["--tables"],
        ["--measured"],
    ],
)
def test_it_loads_nothing_heavy(arguments: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", CODE, "energy", *arguments], capture_output=True, text=True, check=True
    )
    assert result.stderr == "0 []\n"


def test_the_table_has_a_row_per_layer_and_says_how_it_was_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mobilenet_v2", "width=0.75", "--sram", "1MB", "--by", "layer") == 0
    out = capsys.readouterr().out
    assert out.startswith("layer ")
    assert "inverted_residual_2.depthwise.depthwise_conv2d" in out
    assert "inverted_residual_2.depthwise.batch_norm" not in out
    assert (
        "memories        activations from sram and dram (what is alive: definition fused), weights from dram  (1,0"
        in out
    )


def test_the_same_numbers_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mlperf_tiny_resnet8", "--by", "op", "--format", "json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert run("mlperf_tiny_resnet8", "--by", "op", "--format", "csv") == 0
    lines = capsys.readouterr().out.splitlines()
    column = lines[0].split(",").index("joules")
    assert [float(line.split(",")[column]) for line in lines[1:]] == [row["joules"] for row in shown["layers"]]
    for form, start in (("markdown", "| op |"), ("latex", "\\begin{tabular}")):
        assert run("mlperf_tiny_resnet8", "--by", "op", "--format", form) == 0
        assert capsys.readouterr().out.startswith(start)


def test_the_spread_is_a_second_table(capsys: pytest.CaptureFixture[str]) -> None:
    for form, start, second in (
        ("table", "op ", "\n\ntable "),
        ("markdown", "| op |", "\n\n| table | technology |"),
        ("latex", "\\begin{tabular}", "\n\n\\begin{tabular}"),
    ):
        assert run("mlperf_tiny_resnet8", "--by", "op", "--spread", "--format", form) == 0
        out = capsys.readouterr().out
        assert out.startswith(start)
        assert second in out
        assert "zigzag" in out.partition(second)[2]
    assert run("mlperf_tiny_resnet8", "--by", "op", "--spread", "--format", "json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["spread"]) == 5
    assert shown["layers"][0]["op"] == "conv2d"
    with pytest.raises(ParameterError) as caught:
        run("mlperf_tiny_resnet8", "--spread", "--format", "csv")
    assert str(caught.value) == ("--spread is a second table, csv holds one; --format json has both, layers and spread")
    for form in ("json", "markdown"):
        with pytest.raises(PredictionError, match="power x time uses no table of energies: there is no spread"):
            run("mlperf_tiny_resnet8", "--hardware", "nucleo_l4r5zi:tflm", "--model", "power_time", "--spread",
                "--format", form)  # fmt: skip
    assert capsys.readouterr().out == ""


def test_power_times_time(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["mlperf_tiny_resnet8", "--hardware", "nucleo_l4r5zi:tflm", "--model", "power_time"]
    assert run(*arguments, "--latency", "0.7042254s") == 0
    out = capsys.readouterr().out
    assert "energy          28.64 mJ  (27.91 mJ to 29.4 mJ: within 2.6%" in out
    assert "power           40.66 mW  (nucleo_l4r5zi:tflm:int8; mean of 4 networks, each within 2.0%; repo mlc" in out
    assert run(*arguments) == 0
    assert "(the active power x a calibrated latency, " in capsys.readouterr().out


def test_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--tables") == 0
    assert "eyeriss_relative      mac_energy  65 nm" in capsys.readouterr().out
    assert run("--tables", "han_45nm") == 0
    out = capsys.readouterr().out
    assert "640 pJ          6,400  4 bytes" in out
    assert out.startswith("han_45nm: Relative energy cost of operations, 45 nm; 45 nm\nHan et al. 2015")
    assert run("--tables", "horowitz_45nm") == 0
    out = capsys.readouterr().out
    shift = next(line for line in out.splitlines() if line.startswith("operation.shift.int8"))
    assert shift.split()[1:5] == ["0.024", "pJ", "0.24", "Xue"]
    multiply = next(line for line in out.splitlines() if line.startswith("operation.multiply.int8"))
    assert multiply.split()[1:] == ["0.2", "pJ", "2"]  # the table's own source is not repeated
    assert run("--tables", "han_45nm", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)[-1]["energy"] == 640e-12
    path = str(Path(folder(FOLDER)) / "han_45nm.toml")
    assert run("--tables", path) == 0
    assert "6,400" in capsys.readouterr().out


def test_the_measured_energies(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--measured") == 0
    out = capsys.readouterr().out
    assert "nucleo_l4r5zi:tflm:int8" in out
    assert "40 of 43 within 8%" in out
    assert run("--measured", "--format", "json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 43


def test_what_it_does_not_understand() -> None:
    with pytest.raises(ParameterError, match="energy needs a network: costmodel energy NET; --tables and --measured "):
        run()
    with pytest.raises(ParameterError, match=r"^--tables and --measured are two listings; give one of them$"):
        run("--tables", "--measured")
    with pytest.raises(ParameterError) as caught:
        run("mobilenet_v2", "--latency", "5ms")
    assert str(caught.value) == (
        'latency_seconds (--latency) belongs to model = "power_time" (--model power_time), not to per_operation'
    )
    for option in ("--tables", "--measured"):
        with pytest.raises(ParameterError, match=f"{option} says nothing of 'lenet5'; give a network or {option}"):
            run("lenet5", option)
    with pytest.raises(CostmodelError, match="unknown network 'mobilenet'"):
        run("mobilenet")
    with pytest.raises(CostmodelError, match="unknown energy table 'horo'"):
        run("mobilenet_v2", "--table", "horo")
