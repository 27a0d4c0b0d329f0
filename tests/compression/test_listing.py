"""What the command prints, and how it reads its arguments."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest

from costmodel import cost_table, load
from costmodel.cli import compression as commands
from costmodel.compression import compress, listing
from costmodel.errors import ParameterError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args(["compress", *arguments])
    code: int = options.run(options)
    return code


def test_the_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    coding = ("--coding", "relative_index", "--index-bits", "3")
    assert run("lenet_caffe", "--sparsity", "ip1=0.9", *coding, "--hardware", "max78000_cnn") == 0
    text = capsys.readouterr().out
    assert "ip1    linear  400,000  40,000              30,233" in text  # 40,000 * 0.9**8 / (1 - 0.9**8)
    assert "weights       70,500 of 430,500 are kept (16.4%); 30,233 fillers are the number expected" in text
    stored = sum(-(-entries * 11 // 8) for entries in (500, 25_000, 70_233, 5_000)) + 580 * 4
    assert f"compressed    {stored:,} bytes" in text
    assert "relative_index: the weights that are not zero" in text
    assert "not used      zeros in traffic: the hardware file of max78000_cnn names nothing that skips zeros" in text
    assert "latency       198.4 µs -> 198.4 µs" in text


def test_a_source_is_cited_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mobilenet_v2", "--coding", "structured_2_4", "--hardware", "a100_sxm_80gb:idealised:int8") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.count("sparse matrix instructions double the rate") == 1
    assert "used zeros in multiply-accumulates: a100_sxm_80gb multiplies weights of this pattern at 2 times" in text
    assert " dense " in text  # the layers where the pattern does not fit have another coding


def test_an_energy_that_cannot_be_computed_says_why() -> None:
    compression = compress(cost_table(load("squeezenet_paper")), 8, hardware="stm32f746")
    assert "energy        not computed: 1,333,344 bytes of activations" in listing.as_text(compression)
    data = listing.as_object(compression)
    assert data["device"]["energy"] is None
    assert data["device"]["energy_missing"].startswith("1,333,344 bytes")


def test_energies_are_shown_with_what_they_leave_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mlperf_tiny_vww_mbv1", "--weight-bits", "4", "--hardware", "stm32f746") == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "(horowitz_45nm: arithmetic and traffic by the table (45 nm, 0.9 V), not the energy of stm32f746",
        "memories stm32f746: sram 327,680 bytes; weights in flash; weights from flash",
        "weight_bytes from flash 208,112 -> 208,112: the table has no energy for them",
        "estimated memory.sram_1mib",
    ):
        assert words in text
    assert run("squeezenet_paper", "--hardware", "stm32f746", "--activation-level", "dram", "--format", "json") == 0
    energy = json.loads(capsys.readouterr().out)["device"]["energy"]
    assert energy["dense"]["served_as"] == {"dram": "dram"}
    assert energy["dense"]["uncounted"]["weight_bytes from flash"] == 1_244_448
    assert run("lenet_caffe", "--hardware", "t4", "--table", "jouppi_7nm", "--sram", "1MB") == 0
    text = capsys.readouterr().out
    assert "(jouppi_7nm: " in text
    assert "1,000,000 bytes of SRAM, the rest from DRAM; weights from sram" in text


def test_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lenet_caffe", "--weight-bits", "*=8,ip*=4", "--hardware", "max78000_cnn", "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["totals"]["stored_bytes"] == 25_500 + 405_000 // 2 + 580 * 4
    assert data["totals"]["ratio"] == 431_080 * 4 / data["totals"]["stored_bytes"]
    assert [use["what"] for use in data["device"]["uses"]] == ["storage", "weight bits"]
    assert data["device"]["dense_bytes"] - data["device"]["bytes"] == 405_000 // 2
    assert data["device"]["energy"]["compressed"]["total"] < data["device"]["energy"]["dense"]["total"]
    assert len(data["layers"]) == len(load("lenet_caffe").layers)
    assert run("lenet_caffe", "--format", "json", "--by", "op") == 0
    assert json.loads(capsys.readouterr().out)["device"] is None


@pytest.mark.parametrize("format", ["csv", "markdown", "latex"])
@pytest.mark.parametrize("by", ["layer", "block", "op"])
def test_other_formats(capsys: pytest.CaptureFixture[str], format: str, by: str) -> None:
    assert run("lenet_caffe", "--format", format, "--by", by, "--hardware", "stm32f746") == 0
    text = capsys.readouterr().out
    assert "400000" in text or "400,000" in text or by == "op"
    assert by in text


def test_sums_over_blocks_are_those_of_the_device() -> None:
    compression = compress(cost_table(load("squeezenet_paper")), 4, hardware="max78000_cnn")
    assert compression.device is not None
    for by in ("block", "op"):
        columns = listing.columns_of(compression, by)
        assert sum(columns["bytes"]) == compression.device.bytes
        assert sum(columns["latency_seconds"]) == pytest.approx(compression.device.latency_seconds)


@pytest.mark.parametrize("text", ["0.5", ".5", "5e-1", "1/2"])
def test_ways_to_write_a_part(text: str) -> None:
    assert compress(cost_table(load("lenet_caffe")), 8, text).total("kept") == 215_250


def test_very_sparse_weights_in_a_relative_index(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("vgg16", "--coding", "relative_index", "--sparsity", "0.9999999999999999999", "--format", "json") == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    large = max(layers, key=lambda layer: layer["weights"])
    assert (large["kept"], large["fillers"]) == (1, pytest.approx(large["weights"] / 16, rel=1e-3))


def test_parameters_of_the_network_and_exact_fractions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mobilenet_v1", "width=0.5", "--sparsity", "2/3", "--coding", "bitmap", "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["parameters"]["width"] == 0.5
    assert all(layer["kept"] == -(-layer["weights"] // 3) for layer in data["layers"])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--weight-bits", "six"], "--weight-bits: 'six' is no whole number"),
        (["--weight-bits", "1234567890"], "--weight-bits: '1234567890' is no whole number"),
        (["--weight-bits", "ip1=8,=4"], "--weight-bits: '=4' is no PATTERN=value; write for example 'conv*=8,fc*=5'"),
        (["--weight-bits", "ip1=8,4"], "--weight-bits: '4' is no PATTERN=value"),
        (["--weight-bits", "ip1=8,ip1=4"], "--weight-bits: 'ip1' is given twice"),
        (["--sparsity", "ip1=half"], "sparsity of 'ip1' = 'half' must be the part of zeros, from 0 to below 1"),
        (
            ["--sparsity", "conv=0.5"],
            "sparsity: no layer or block with weights is called 'conv'; did you mean '*conv*'?",
        ),
        (["--overlap", "sum"], "--overlap belongs to the effect on a device; add --hardware H"),
        (["--sram", "1MB"], "--sram belongs to the effect on a device; add --hardware H"),
        (
            ["--sparsity", "90%"],
            "sparsity = '90%' must be the part of zeros, from 0 to below 1 (a part, not a percentage",
        ),
        (["--sparsity", "\u0660.\u0665"], "must be the part of zeros, from 0 to below 1"),
        (["--sparsity", "=0.5"], "--sparsity: '=0.5' is no PATTERN=value"),
        (["--activation-bits", "8"], "activation_bits belongs to the effect on a device; give hardware"),
    ],
)
def test_mistakes_in_arguments_are_answered(arguments: list[str], text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        run("lenet_caffe", *arguments)
    assert text in str(caught.value)


def test_it_loads_neither_numpy_nor_pandas() -> None:
    code = (
        "import sys; from costmodel import cost_table, load; from costmodel.compression import compress, listing; "
        "made = compress(cost_table(load('squeezenet_paper')), 6, 0.5, 'bitmap', hardware='max78000_cnn'); "
        "listing.as_text(made); print(sorted({'numpy', 'pandas', 'matplotlib', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("pattern", ["", "?"])
def test_a_pattern_of_no_letters_is_like_no_layer(pattern: str) -> None:
    with pytest.raises(ParameterError) as caught:
        compress(cost_table(load("lenet_caffe")), 8, {pattern: 0.5})
    assert str(caught.value).endswith("there are conv1, conv2, ip1 and 1 more")
