"""The command `memory`, and the charts of memory that `plot` draws, run as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from costmodel import load, peak_memory
from costmodel.cli import main
from costmodel.errors import ParameterError
from costmodel.memory import DEFINITIONS
from costmodel.memory.arena import plan_arena
from costmodel.memory_report import as_object, as_text, columns_of, memory_report, readable_columns
from costmodel.passes.execution_order import least_memory_order
from costmodel.patches import search_patches

SPEC = """name = "{name}"
source = "test"
input = [4, 10, 10]
layers = [ {layers} ]
"""


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["memory", *arguments]) == 0
    return capsys.readouterr().out


def parsed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--format", "json"))
    return found


def test_one_screen_says_what_a_deployment_engineer_asks(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "mobilenet_v2", "--hardware", "stm32f746").splitlines()
    assert lines[4:11] == [
        "peak        1,505,280 bytes (1,470 KiB) in inverted_residual_2.depthwise (depthwise_conv2d), step 5 of 64",
        "counted     int8, definition fused: the tensors between first and last use, norm and activation in place",
        "SRAM        does not fit, 4.6 times the SRAM of stm32f746 (320 KiB)",
        "flash       3,541,984 bytes (3,459 KiB): weights 3,469,760, biases 72,224",
        "            does not fit, 3.4 times the flash of stm32f746 (1,024 KiB)",
        "model       3.505 MB, all parameters in int8",
        "",
    ]
    assert lines[11].split()[:4] == ["alive", "at", "the", "peak"]
    alive = "inverted_residual_2.conv_1     96x112x112  1,204,224  1,176 KiB  read for the last time"
    assert lines[12] == alive
    assert [line.split()[0] for line in lines[16:22]] == list(DEFINITIONS)
    assert lines[24].split()[:2] == ["5", "inverted_residual_2.depthwise"]
    assert lines[24].endswith("100.0%  " + "#" * 20)
    assert lines[-1] == "54 steps that hold less are not shown; --layers lists all"
    assert len(lines) <= 40


def test_a_network_that_fits_says_what_comes_on_top(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "mlperf_tiny_vww_mbv1", "--hardware", "stm32f746")
    assert "SRAM        fits, 17 % of the SRAM of stm32f746 (320 KiB); the runtime comes on top" in text
    assert "fits, 21 % of the flash of stm32f746 (1,024 KiB); the runtime comes on top" in text
    text = printed(capsys, "mlperf_tiny_vww_mbv1", "--sram", "50KiB")
    assert "SRAM        does not fit, 108 % of the SRAM (50 KiB)" in text
    assert "the flash of" not in text


def test_the_whole_table(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "mobilenet_v2", "--layers")
    table = text.partition("\nstep  layer")[2].splitlines()
    assert [line.split()[0] for line in table[1:]] == [str(step) for step in range(1, 65)]
    assert "not shown" not in text
    blocks = printed(capsys, "mobilenet_v2", "--by", "block").partition("\nblock  ")[2].splitlines()[1:]
    assert len(blocks) == 21
    assert blocks[2].split()[:4] == [
        "inverted_residual_2",
        "8",
        "1,505,280",
        "inverted_residual_2.depthwise.depthwise_conv2d",
    ]
    assert "not shown" not in printed(capsys, "lenet5")


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_the_definition_decides_peak_and_table(definition: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = parsed(capsys, "mobilenet_v2", "--definition", definition)
    peak = peak_memory(load("mobilenet_v2"), definition=definition)
    assert (found["peak"]["bytes"], found["peak"]["layer"]) == (peak.bytes, peak.layer)
    assert [row["held_bytes"] for row in found["layers"]] == list(peak.held_bytes.values())
    assert sum(held["bytes"] for held in found["peak"]["alive"]) == peak.bytes
    assert {row["definition"]: row["bytes"] for row in found["definitions"]} == {
        name: peak_memory(load("mobilenet_v2"), definition=name).bytes for name in DEFINITIONS
    }


def test_json_holds_base_units_and_the_names_of_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    found = parsed(capsys, "mobilenet_v2", "width=0.35", "--hardware", "stm32f746:idealised:float32", "resolution=96")
    assert found["dtype"] == "float32"  # that of the device's profile
    assert found["parameters"]["width"] == 0.35
    assert found["hardware"] == {
        "name": "stm32f746", "sram_bytes": 327_680, "fits_sram": found["peak"]["bytes"] <= 327_680,
        "flash_bytes": 1_048_576, "fits_flash": False,
    }  # fmt: skip
    peak = peak_memory(load("mobilenet_v2", width=0.35, resolution=96), "float32")
    assert list(found["layers"][0]) == list(peak.columns())
    assert [row["layer"] for row in found["layers"]] == list(peak.held_bytes)
    assert tuple(tuple(row["alive"]) for row in found["layers"]) == peak.counted
    assert found["order"] is found["arena"] is found["patches"] is None
    assert parsed(capsys, "mobilenet_v2")["hardware"] is None
    by_block = parsed(capsys, "mobilenet_v2", "--by", "block")["blocks"]
    assert sum(row["layers"] for row in by_block) == 151
    assert max(row["held_bytes"] for row in by_block) == 1_505_280


def test_dtype_scales_the_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    found = parsed(capsys, "mobilenet_v2", "--dtype", "float32")
    assert found["peak"]["bytes"] == 4 * 1_505_280
    assert found["model_bytes"] == 4 * 3_504_872


def test_the_arena(capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_arena(load("mlperf_tiny_vww_mbv1"))
    found = parsed(capsys, "mlperf_tiny_vww_mbv1", "--arena")["arena"]
    assert found["bytes"] == found["lower_bound_bytes"] == 55_296
    assert found["greedy_by_size_bytes"] == plan.greedy_by_size_bytes
    assert {row["buffer"]: row["offset_bytes"] for row in found["buffers"]} == plan.offsets
    text = printed(capsys, "mlperf_tiny_vww_mbv1", "--arena")
    assert "arena       55,296 bytes (54 KiB), the lower bound, alignment 16, by" in text
    assert f"(greedy by size {plan.greedy_by_size_bytes:,})" in text
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "mlperf_tiny_vww_mbv1", "--arena", "--format", "csv"))))
    assert [row["buffer"] for row in rows] == list(plan.buffers)


def test_the_sram_is_compared_with_the_arena_where_there_is_one() -> None:
    report = memory_report(load("lenet5"), sram_bytes=5880, arena=True)  # 5,888 once aligned
    assert "SRAM        does not fit, 100.1 % of the SRAM (5,880 B)" in as_text(report)
    assert "fits, 100 % of the SRAM" in as_text(memory_report(load("lenet5"), sram_bytes=5880))


def test_another_order(capsys: pytest.CaptureFixture[str]) -> None:
    order = least_memory_order(load("nasnet_a_mobile"))
    assert order.bytes < order.file_order_bytes == 1_127_915
    found = parsed(capsys, "nasnet_a_mobile", "--order")
    assert found["peak"]["bytes"] == found["order"]["bytes"] == order.bytes
    assert found["order"]["file_order_bytes"] == 1_127_915
    assert found["order"]["is_exact"] is order.is_exact
    assert [row["layer"] for row in found["layers"]] == [layer.name for layer in order.graph.layers]
    text = printed(capsys, "nasnet_a_mobile", "--order")
    assert (
        f"order       {order.bytes:,} bytes (1,003 KiB), 8.96 % less than the order of the file with 1,127,915:" in text
    )
    text = printed(capsys, "mobilenet_v2", "--order", "--workspace", "im2col")
    assert "order       the order of the file: no order needs less; 152 down-sets; without workspace" in text


def test_patches(capsys: pytest.CaptureFixture[str]) -> None:
    front = search_patches(load("mobilenet_v2"), definition="io_inplace").front
    arguments = ("mobilenet_v2", "--patches", "--definition", "io_inplace", "--hardware", "stm32f746")
    rows = parsed(capsys, *arguments)["patches"]
    assert [row["peak_bytes"] for row in rows] == sorted((each.peak_bytes for each in front), reverse=True)
    (fitting,) = [row for row in rows if row["peak_bytes"] == 175_616]
    assert (fitting["cut"], fitting["grid"], fitting["overall_macs"]) == ("inverted_residual_4", [3, 5], 328_441_344)
    lines = [line.split() for line in printed(capsys, *arguments).splitlines()]
    assert ["(no", "patches)", "1,404,928", "1,372", "KiB", "300,774,272", "+0.0%"] in lines
    assert ["inverted_residual_4", "3x5", "175,616", "171.5", "KiB", "328,441,344", "+9.2%", "fits"] in lines
    table = list(csv.DictReader(io.StringIO(printed(capsys, *arguments, "--format", "csv"))))
    assert [row["grid"] for row in table if row["peak_bytes"] == "175616"] == ["3x5"]


def test_an_order_that_may_not_be_the_best_says_so() -> None:
    from costmodel.records import replace

    report = memory_report(load("nasnet_a_mobile"), order=True)
    assert report.order is not None
    unsure = replace(report, order=replace(report.order, lower_bound_bytes=1_000_000, down_sets=None))
    (line,) = [line for line in as_text(unsure).splitlines() if line.startswith("order")]
    assert line.endswith("with 1,127,915: the best found, no order needs less than 1,000,000")


def test_scales_are_stored_where_the_runtime_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    """The autoencoder's ten layers have one scale for weights and one for biases each, of 12 bytes."""
    text = printed(capsys, "mlperf_tiny_ad_autoencoder", "--storage", "tflite")
    assert "flash       271,120 bytes (264.8 KiB): weights 264,192, biases 6,688, scales 240" in text
    assert "biases 6,688\n" in printed(capsys, "mlperf_tiny_ad_autoencoder")


def test_workspace(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "lenet5", "--workspace", "im2col")
    assert "norm and activation in place; workspace im2col" in text
    assert parsed(capsys, "lenet5", "--workspace", "im2col")["peak"]["bytes"] > 5880


@pytest.mark.parametrize("arguments", [[], ["--arena"], ["--patches"], ["--by", "block"], ["--order"]])
@pytest.mark.parametrize("format", ["table", "csv", "json", "markdown", "latex"])
def test_every_format(format: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "mobilenet_v2", *arguments, "--format", format)
    assert "1204224" in text.replace(",", "") or "1505280" in text.replace(",", "")
    assert "#" not in text or format == "table"


def test_csv_has_a_row_per_layer(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "mobilenet_v2", "--format", "csv"))))
    assert list(rows[0]) == ["step", "layer", "op", "held_bytes", "alive"]
    assert len(rows) == 151
    assert rows[0]["alive"] == "input conv_1.conv2d"


def test_a_file_of_a_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "own.toml"
    spec.write_text(SPEC.format(name="own", layers='{ conv2d = 8, kernel = 3 }, "relu", "flatten", { linear = 2 }'))
    text = printed(capsys, str(spec))
    assert "peak        1,200 bytes in conv2d (conv2d), step 1 of 2" in text
    assert "flash       1,896 bytes: weights 1,888, biases 8" in text  # 4*8*9 + 800*2 bytes, two int32


def test_columns_follow_what_was_asked_for() -> None:
    report = memory_report(load("mobilenet_v2"), patches=True, arena=True)
    assert list(columns_of(report))[:3] == ["cut", "grid", "peak_bytes"]
    assert next(iter(readable_columns(report))) == "patches up to"
    arena = memory_report(load("lenet5"), arena=True)
    assert readable_columns(arena)["buffer"] == columns_of(arena)["buffer"]
    assert list(as_object(report)["layers"][0]) == ["step", "layer", "op", "held_bytes", "alive"]


def test_patches_know_no_workspace() -> None:
    with pytest.raises(ParameterError, match="the search over patches counts tensors only: leave out the workspace"):
        memory_report(load("lenet5"), workspace="im2col", patches=True)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["memory", "mobilenet"], "costmodel: unknown network 'mobilenet'; did you mean 'mobilenet_v"),
        (["memory", "lenet5", "width=2"], "costmodel: unknown parameter 'width'"),
        (["memory", "lenet5", "--dtype", "int7"], "costmodel: unknown number format 'int7'; did you mean"),
        (["memory", "lenet5", "--definition", "fussed"], "memory 'fussed'; did you mean 'fused'?"),
        (["memory", "lenet5", "--workspace", "im2"], "costmodel: unknown workspace 'im2'"),
        (["memory", "lenet5", "--storage", "onnx"], "costmodel: unknown storage 'onnx'"),
        (["memory", "lenet5", "--hardware", "rtx_3090"], "costmodel: rtx_3090 has no SRAM of known size"),
        (["memory", "lenet5", "--hardware", "stm32"], "costmodel: unknown device 'stm32'; did you mean 'stm32"),
        (["memory", "lenet5", "--sram", "much"], "costmodel: --sram 'much' must be a number and a unit"),
        (["memory", "lenet5", "--sram", "1KiB", "--hardware", "stm32f746"], "give one of them"),
        (["memory", "lenet5", "--layers", "--by", "block"], "--layers belongs to the table of layers; other"),
        (["memory", "lenet5", "--layers", "--format", "csv"], "--layers belongs to the table of layers"),
        (["memory", "lenet5", "--by", "op"], "invalid choice: 'op'"),
        (["memory", "lenet5", "--arena", "--definition", "io"], "an arena holds all tensors that are alive, and 'io'"),
        (["memory", "lenet5", "--patches", "--workspace", "im2col"], "the search over patches counts tensors only"),
        (["memory", "mlperf_tiny_ad_autoencoder", "--patches"], "has no first stage that could run in patches"),
        (["memory", "lenet5", "-o", "x.gif"], "'x.gif': a chart is written as .png or .svg"),
        (["memory", "lenet5", "-o", "x.png", "--patches"], "-o draws the steps, or the map of an --arena: leave out"),
        (["memory", "lenet5", "-o", "x.png", "--format", "json"], "-o draws the steps, or the map of an --arena"),
        (["plot", "memory", "lenet5", "-o", "x.png", "--batch", "2"], "--batch does not belong to the memory chart"),
        (["plot", "memory", "lenet5", "-o", "x.png", "--fusion", "none"], "--fusion does not belong to the memory"),
        (["plot", "arena", "lenet5", "-o", "x.png", "--overlap", "sum"], "--overlap does not belong to the arena"),
        (["plot", "op-cost", "lenet5", "-o", "x.png", "--definition", "io"], "--definition does not belong"),
        (["plot", "roofline", "lenet5", "-o", "x.png", "--workspace", "none"], "--workspace does not belong"),
        (["plot", "map", "lenet5", "-o", "x.png"], "invalid choice: 'map'"),
    ],
)  # fmt: skip
def test_a_users_error_exits_with_2(
    arguments: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code: Any = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    output = capsys.readouterr()
    assert code == 2
    assert text in output.err
    assert output.out == ""
    assert list(tmp_path.iterdir()) == []


def test_charts_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["memory", "lenet5", "--hardware", "stm32f746", "-o"],
        ["memory", "lenet5", "--arena", "--order", "--sram", "8KiB", "-o"],
        ["plot", "memory", "lenet5", "--definition", "live", "--dtype", "float32", "-o"],
        ["plot", "arena", "lenet5", "--hardware", "stm32f746", "--workspace", "im2col", "-o"],
    ):
        chart = tmp_path / "chart.svg"
        assert main([*arguments, str(chart)]) == 0
        assert capsys.readouterr().out == f"{chart}\n"
        assert chart.read_text().lstrip().startswith("<?xml")
        chart.unlink()


def test_memory_loads_neither_numpy_nor_pandas_nor_matplotlib_nor_pydantic() -> None:
    code = (
        "import sys; from costmodel.cli import main; "
        "code = main(['memory', 'mobilenet_v2', '--hardware', 'stm32f746', '--arena', '--order', '--patches']); "
        "heavy = {'numpy', 'pandas', 'matplotlib', 'pydantic', 'torch'} & set(sys.modules); "
        "print(code, sorted(heavy), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr == "0 []\n"


def test_the_definition_arena_assigns_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--definition", "arena"], ["--arena"]):
        assert main(["memory", "mlperf_tiny_vww_mbv1", *options]) == 0
    first, second = capsys.readouterr().out.split("mlperf_tiny_vww_mbv1  (")[1:]
    assert first == second
    assert "arena" in first
