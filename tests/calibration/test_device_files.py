"""Calibrations in hardware files: only beside the numbers that they are parts of, with all that a prediction needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from devices_made import DEVICE, FAMILY, NAMES, SHAPES, timings, written

from costmodel.calibration.device_files import table_of, write_device
from costmodel.calibration.devices import DeviceFit, calibrate
from costmodel.errors import SpecError
from costmodel.hardware import load_hardware
from costmodel.records import replace

FLASH = '[memory.flash]\ncapacity_bytes  = 1000\ncapacity_source = "made for these tests"\n'


@pytest.fixture
def device(tmp_path: Path) -> str:
    return written(tmp_path, "mine.toml", DEVICE + FLASH)


@pytest.fixture
def found(tmp_path: Path, device: str) -> list[DeviceFit]:
    return calibrate(timings(tmp_path, device, count=6), device=device, runtime=FAMILY)


def test_a_target_with_other_numbers_is_refused(tmp_path: Path, device: str, found: list[DeviceFit]) -> None:
    text = (DEVICE + FLASH).replace("4e10", "8e10").replace("2e10", "3e10").replace("= 1000", "= 2000")
    other = written(tmp_path, "other.toml", text)
    with pytest.raises(SpecError) as error:
        write_device(found, device, other)
    remedy = f"write into a file with the numbers of {device}, or calibrate with --device {other}"
    assert [str(each).split("\n")[0] for each in error.value.problems] == [
        f"{other}:17:19: the calibration is for 4e+10 macs_per_second, not 8e+10; {remedy}",
        f"{other}:12:20: the calibration is for 2e+10 bytes_per_second, not 3e+10; {remedy}",
        f"{other}:22:19: the calibration is for 1000 capacity_bytes, not 2000; {remedy}",
    ]
    assert Path(other).read_text() == text


def test_a_target_with_another_memory_is_refused(tmp_path: Path, device: str, found: list[DeviceFit]) -> None:
    more = '[memory.sram]\nbytes_per_second = 9e10\nscope = "chip"\nsource = "made for these tests"\n'
    other = written(tmp_path, "other.toml", (DEVICE + FLASH + more).replace('= "dram"', '= "sram"'))
    with pytest.raises(SpecError, match=r"other.toml:5:11: the calibration is for the memory 'dram', not 'sram'; "):
        write_device(found, device, other)


def test_a_target_that_knows_more_is_right(tmp_path: Path, device: str, found: list[DeviceFit]) -> None:
    more = '[peak.int8]\nmacs_per_second = 9e10\nscope = "chip"\naccumulate = "int32"\nsource = "made"\n'
    other = written(tmp_path, "other.toml", DEVICE + more)
    write_device(found, device, other)
    assert load_hardware(f"{other}:{FAMILY}").calibration is not None


def test_memory_levels_are_written(found: list[DeviceFit]) -> None:
    own = replace(found[0].calibration, levels=((8e6, 9e10),))
    assert table_of(own)["levels"] == [[8e6, 9e10]]


def test_what_was_measured_is_written(tmp_path: Path, device: str, found: list[DeviceFit]) -> None:
    target = str(tmp_path / "new.toml")
    write_device(found, device, target)
    own = load_hardware(f"{target}:{FAMILY}").calibration
    assert own is not None
    assert list(own.batch or ()) == [1, 1]
    assert own.macs is not None
    rows = [SHAPES.rows_of(name) for name in NAMES[:6]]
    macs = [float((SHAPES.numbers["macs"][each] * SHAPES.numbers["repeats"][each]).sum()) for each in rows]
    assert own.macs == pytest.approx((min(macs), max(macs)), rel=1e-3)
    assert table_of(replace(own, macs=(0.0, 5.0)))["macs"] == []
    assert table_of(replace(own, macs=None))["macs"] == []


def test_levels_of_the_device_are_kept() -> None:
    (found,) = calibrate("coral_edgetpu", device="edge_tpu_usb", runtime="edgetpu")
    own = load_hardware("edge_tpu_usb:edgetpu").calibration
    assert own is not None
    assert found.calibration.levels == own.levels != ()
    assert found.calibration.numbers["weight_capacity_bytes"] == own.numbers["weight_capacity_bytes"]
    assert found.held_out.accuracy.median_ape is not None
    assert found.held_out.accuracy.median_ape < 0.2
