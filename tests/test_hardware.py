"""Hardware files: every bundled one is right, every mistake in a user's is answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from costmodel import cost_table, load, predict
from costmodel.errors import SpecError
from costmodel.files import folder, read_bundled
from costmodel.hardware import MemoryLevel, Peak, devices, load_device, load_hardware, ridge_profile
from costmodel.hardware_listing import device_details, listing
from costmodel.latency.schema import check_hardware

GOOD = (Path(folder("hardware")) / "stm32f746.toml").read_text()


@pytest.mark.parametrize("name", devices())
def test_every_bundled_file_is_right(name: str) -> None:
    check_hardware(read_bundled("hardware", name))
    device = load_device(name)
    assert device.name == name
    assert load_hardware(name).ridge_point_macs_per_byte > 0
    for peak in device.peaks.values():
        assert peak.scope == device.bandwidth.scope
        assert peak.source
    assert device.bandwidth.source
    assert any(row["what"].startswith("ridge point") for row in device_details(name)["numbers"])


def test_there_are_devices_of_every_class() -> None:
    kinds = {load_device(name).kind for name in devices()}
    assert kinds == {"CPU", "GPU", "EdgeTPU", "DSP", "NPU", "MCU"}
    expected = {
        "pixel_6", "pixel_1", "rtx_3090", "gtx_1080_ti", "i9_10940x", "edge_tpu_usb", "stm32h743", "stm32f746",
        "ridge_5", "ridge_500",
    }  # fmt: skip
    assert expected <= set(devices())
    assert len(devices()) >= 14


def test_a_number_without_a_document_is_marked_estimated() -> None:
    for name in devices():
        device = load_device(name)
        parts: list[MemoryLevel | Peak] = [*device.levels.values(), *device.peaks.values()]
        for part in parts:
            if "no document found" in part.source:
                assert part.estimated, (name, part)
    assert load_hardware("pixel_6").estimated == ("memory.dram",)
    assert load_hardware("stm32f746").estimated == ()


def test_the_readme_of_the_folder_lists_every_device_with_its_ridge_points() -> None:
    text = (Path(folder("hardware")) / "README.md").read_text()
    rows = {line.split("`")[1]: line for line in text.splitlines() if re.match(r"\| `[a-z0-9_.]+` \| [A-Z]", line)}
    assert set(rows) == set(devices())
    for name, row in rows.items():
        device = load_device(name)
        numbers = [float(number.replace(",", "")) for number in re.findall(r"(?<![a-z0-9.])[0-9][0-9.e]*", row)]
        assert device.bandwidth.bytes_per_second in numbers
        for dtype, peak in device.peaks.items():
            assert peak.macs_per_second in numbers, (name, dtype)
            ridge = device.ridge_point_macs_per_byte(dtype)
            assert any(number == pytest.approx(ridge, rel=0.006) for number in numbers), (name, dtype)


def test_idealised_profiles_of_fig_3() -> None:
    for name, ridge in (("ridge_5", 5.0), ("ridge_500", 500.0)):
        profile = load_hardware(name)
        assert profile.ridge_point_macs_per_byte == ridge
        assert profile.bytes_per_second == 1e10
        assert profile.name == f"{name}:idealised:int8"


def test_the_listing_marks_estimates() -> None:
    table = listing()
    row = table["name"].index("pixel_6")
    assert table["estimated"][row] == "bandwidth"
    assert table["ridge points (MACs/byte)"][table["name"].index("edge_tpu_usb")] == "int8 3,125"


def test_ridge_profile_agrees_with_the_bundled_devices() -> None:
    costs = cost_table(load("mobilenet_v2"))
    for point in (5, 500):
        made, bundled = ridge_profile(point), load_hardware(f"ridge_{point}")
        assert made.ridge_point_macs_per_byte == point
        assert made.name == bundled.name
        assert predict(costs, made).latency_seconds == predict(costs, bundled).latency_seconds


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ("bytes_per_second = 8.64e8", "bytes_per_second = -1.0", 13,
         "bytes_per_second = -1 must be at least 0.001; write 34.1 GB/s as 34.1e9"),
        ("bytes_per_second = 8.64e8", 'bytes_per_second = "fast"', 13,
         "bytes_per_second must be a number; write 34.1 GB/s as 34.1e9"),
        ("bytes_per_second = 8.64e8", "bandwith = 8.64e8", 13, "unknown key 'bandwith'"),
        ('class   = "MCU"', 'class   = "toaster"', 4, "class = 'toaster' is not known; there are CPU, GPU, EdgeTPU"),
        ('class   = "MCU"\n', "", 1, "[device] has no 'class'; add class = ..."),
        ('memory  = "sram"', 'memory  = "ram"', 5, "there is no [memory.ram]; levels: sram, dtcm, flash"),
        ('memory  = "sram"', 'memory  = "flash"', 25, "the level of the roofline has no bytes_per_second"),
        ('dtype   = "int8"', 'dtype   = "float16"', 7, "there is no [peak.float16]; peaks: int8, float32"),
        ('runtime = "idealised"', 'runtime = "tflite"', 6, "there is no [runtime.tflite]; runtimes: idealised"),
        ("[peak.int8]", "[peak.int9]", 29, "unknown number format 'int9'; did you mean 'int8'?"),
        ("[peak.float32]\nmacs_per_second = 2.16e8\nscope           = \"core\"",
         "[peak.float32]\nmacs_per_second = 2.16e8\nscope           = \"chip\"", 39,
         "peak.float32 is of a chip, the bandwidth of a core; a one-core peak needs a one-core bandwidth"),
        ('capacity_source  = "repo zephyrproject-rtos/zephyr boards/st/*/doc/index.rst"\nbytes', "bytes", 10,
         "capacity_bytes needs capacity_source"),
    ],
)  # fmt: skip
def test_mistakes_in_a_hardware_file_are_answered(tmp_path: Path, old: str, new: str, line: int, text: str) -> None:
    assert old in GOOD
    file = tmp_path / "board.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_hardware(str(file))
    found = [problem for problem in caught.value.problems if text in str(problem)]
    assert found, str(caught.value)
    assert found[0].line == line


def test_all_mistakes_of_a_hardware_file_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD.replace("8.64e8", "0.0").replace('"MCU"', '"X"').replace("[peak.int8]", "[peak.int9]"))
    with pytest.raises(SpecError) as caught:
        load_hardware(str(file))
    assert len(caught.value.problems) >= 3
    assert [p.line for p in caught.value.problems] == sorted(p.line for p in caught.value.problems)


def test_a_users_file_works_like_a_bundled_one(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD)
    assert load_hardware(str(file)).macs_per_second == load_hardware("stm32f746").macs_per_second


def test_a_runtime_needs_the_peak_of_the_format_that_it_computes_in(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD + '\n[runtime.eager.auto]\nfusion = "none"\n')
    assert load_hardware(f"{file}:eager").macs_per_second == load_hardware(f"{file}:idealised:float32").macs_per_second
    file.write_text(GOOD + '\n[runtime.eager.amp]\nfusion = "none"\n')
    with pytest.raises(SpecError, match=r"there is no \[peak.float16\] for this runtime"):
        load_hardware(str(file))


def test_a_runtime_of_a_file_is_addressed_by_name(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(
        GOOD.replace('runtime = "idealised"', 'runtime = "eager"') + '\n[runtime.eager.int8]\nfusion = "none"\n'
    )
    profile = load_hardware(str(file))
    assert (profile.runtime, profile.fusion) == ("eager", "none")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("[memory.dtcm]", "[runtime.tflite]\n[memory.dtcm]", "runtime 'tflite' has no number format"),
        ('memory  = "sram"', "memory  = []", 'memory must be a text; write memory = "..."'),
        ('dtype   = "int8"', "dtype   = {}", 'dtype must be a text; write dtype = "..."'),
        (
            "bytes_per_second = 8.64e8",
            "bytes_per_second = 1e-320",
            "bytes_per_second = 9.99989e-321 must be at least 0.001",
        ),
    ],
)
def test_odd_values_in_a_hardware_file_are_answered(tmp_path: Path, old: str, new: str, text: str) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_hardware(file)
    assert text in str(caught.value)


def test_runtime_and_number_format_of_a_users_file(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD)
    assert load_hardware(f"{file}:idealised:float32").dtype.name == "float32"
    assert load_hardware(file).dtype.name == "int8"
