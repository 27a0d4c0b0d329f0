"""A device of one's own on a bundled family: what is fitted, said, refused and written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from devices_made import COLUMNS, DEVICE, FAMILY, NAMES, NO_ONE, TRUE, rows_of, run, seconds, timings, written

from costmodel.calibration.device_files import write_device
from costmodel.calibration.devices import calibrate
from costmodel.calibration.overview import as_text
from costmodel.calibration.templates import family_of_runtime
from costmodel.errors import CostmodelError, ParameterError, SpecError, UnknownNameError
from costmodel.files import text_of_bundled
from costmodel.hardware import IDEALISED, load_device, load_hardware, profile_of
from costmodel.records import replace


@pytest.fixture
def device(tmp_path: Path) -> str:
    return written(tmp_path, "mine.toml", DEVICE)


def test_two_numbers_of_a_new_device(tmp_path: Path, device: str) -> None:
    (found,) = calibrate(timings(tmp_path, device), device=device, runtime=FAMILY)
    assert set(found.fitted) == {"compute", "bandwidth"}
    assert found.calibration.factors["compute"] == pytest.approx(0.7, rel=0.1)
    assert found.held_out.accuracy.median_ape is not None
    assert found.held_out.accuracy.median_ape < 0.05
    assert (found.calibration.grade, found.calibration.n) == ("A", 14)
    assert found.setting == f"mine:{FAMILY}:float32:threads=1"


def test_a_calibration_that_was_written_predicts_the_measurements(tmp_path: Path, device: str) -> None:
    data, target = timings(tmp_path, device), str(tmp_path / "calibrated.toml")
    found = calibrate(data, device=device, runtime=FAMILY)
    write_device(found, device, target)
    profile = load_hardware(f"{target}:{FAMILY}")
    true = replace(profile_of(load_device(device), IDEALISED), calibration=replace(NO_ONE, factors=TRUE))
    for name in NAMES[:4]:
        assert seconds(profile, name) == pytest.approx(seconds(true, name), rel=0.05)
    text = Path(target).read_text()
    assert text.startswith(DEVICE)
    write_device(found, device, target)  # once more, in its place
    assert Path(target).read_text() == text
    four = calibrate(timings(tmp_path, device, threads="4"), device=target, runtime=FAMILY)
    write_device(four, target, target)
    assert load_hardware(f"{target}:{FAMILY}:float32:threads=4").calibration != profile.calibration


def test_a_bundled_device_is_copied(tmp_path: Path) -> None:
    target = str(tmp_path / "gpu.toml")
    data = timings(tmp_path, "rtx_3090", count=6, device="rtx_3090")
    write_device(calibrate(data, device="rtx_3090", runtime=FAMILY), "rtx_3090", target)
    assert Path(target).read_text().startswith(text_of_bundled("hardware", "rtx_3090").rstrip("\n"))


def test_each_set_of_conditions_is_a_calibration(tmp_path: Path, device: str) -> None:
    more = tuple(line.removesuffix(",1") + ",4" for line in rows_of(timings(tmp_path, device))[:5])
    few = (f"mine,{FAMILY},float32,{NAMES[0]},0.5,8",)
    found = calibrate(timings(tmp_path, device, extra=more + few), device=device, runtime=FAMILY)
    assert [dict(each.calibration.conditions) for each in found] == [{"threads": 1}, {"threads": 4}]
    selected = " or ".join(f"--hardware x.toml:{FAMILY}:float32:threads={threads}" for threads in (1, 4))
    assert as_text(found, "x.toml").endswith(f"written to x.toml; use it as {selected}")
    (left,) = found[0].left_out
    assert left.place.endswith("timings.csv:21")
    assert left.subject == NAMES[0]
    assert left.reason == f"1 row of mine:{FAMILY}:float32:threads=8 is too few; measure 3 or more"


def test_shapes_of_networks_that_are_not_bundled(tmp_path: Path, device: str) -> None:
    rows = "network,op_kind,operator,fused,in_elements,weight_elements,out_elements,macs,gemm_m,gemm_n,gemm_k\n"
    rows += "".join(f"own_{n},linear,gemm,1,{n},{n * n},{n},{n * n},1,{n},{n}\n" for n in (500, 900, 2000, 4000))
    shapes = written(tmp_path, "shapes.csv", rows)
    lines = [f"mine,{FAMILY},float32,own_{n},{1e-10 * n * n},1" for n in (500, 900, 2000, 4000)]
    data = written(tmp_path, "own.csv", "\n".join([COLUMNS, *lines]) + "\n")
    (found,) = calibrate(data, device=device, runtime=FAMILY, shapes=[shapes])
    assert found.calibration.n == 4
    with pytest.raises(ParameterError) as error:
        calibrate(data, device=device, runtime=FAMILY)
    assert str(error.value) == (
        "nothing of mine can be calibrated:\n  4 rows: no shapes of the network; give --shapes, or name a bundled "
        f"network, a spec file, or one of hardware/measured/networks.csv: {data}:2 own_500, "
        f"{data}:3 own_900, {data}:4 own_2000 and 1 more"
    )


def test_what_rows_do_not_tell_is_said(tmp_path: Path, device: str) -> None:
    (found,) = calibrate(timings(tmp_path, device, count=3), device=device, runtime=FAMILY)
    for refusal in found.fit.refusals:
        assert str(refusal).endswith(("it stays at its prior", "it stays at 1"))


ERRORS: list[tuple[dict[str, Any], type[CostmodelError], str]] = [
    ({"device": "mien"}, UnknownNameError, "unknown device 'mien'"),
    ({"runtime": "tflit"}, UnknownNameError, "no runtime family is called 'tflit'; did you mean 'tflite'?"),
    ({"runtime": "zzz"}, UnknownNameError, "no runtime family is called 'zzz'; give --family, one of "),
    ({"family": "zzz"}, UnknownNameError, "unknown runtime family 'zzz'; there are "),
    ({"runtime": "mine", "family": FAMILY}, ParameterError,
     "no row of mine is of the runtime 'mine'; they are of tflite"),
    ({"folds": 1}, ParameterError, "folds = 1 must be 2 or more"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "kind", "text"), ERRORS)
def test_errors_name_what_is_wrong(
    tmp_path: Path, device: str, changes: dict[str, Any], kind: type[CostmodelError], text: str
) -> None:
    data = timings(tmp_path, device, count=4)
    with pytest.raises(kind) as error:
        calibrate(data, **({"device": device, "runtime": FAMILY} | changes))
    assert str(error.value).startswith(text)


def test_rows_of_other_devices_are_an_error(tmp_path: Path, device: str) -> None:
    with pytest.raises(ParameterError, match=r"^no row is of the device 'mine'; the rows are of yours$"):
        calibrate(timings(tmp_path, device, count=3, device="yours"), device=device, runtime=FAMILY)


def test_too_few_rows_are_an_error(tmp_path: Path, device: str) -> None:
    with pytest.raises(ParameterError) as error:
        calibrate(timings(tmp_path, device, count=2), device=device, runtime=FAMILY)
    path = tmp_path / "timings.csv"
    assert str(error.value) == (
        f"nothing of mine can be calibrated:\n  2 rows: 2 rows of mine:{FAMILY}:float32:threads=1 are too few; "
        f"measure 3 or more: {path}:2 {NAMES[0]}, {path}:3 {NAMES[1]}"
    )


def test_a_number_format_without_a_peak_is_an_error(tmp_path: Path, device: str) -> None:
    data = timings(tmp_path, device, count=4, dtype="int8")
    with pytest.raises(SpecError, match=r"timings.csv:2:13: mine has no peak for int8"):
        calibrate(data, device=device, runtime=FAMILY)


def test_without_data_there_is_nothing_to_fit(device: str) -> None:
    with pytest.raises(ParameterError, match=r"^give at least one table of measured latencies$"):
        calibrate(device=device, runtime=FAMILY)
    with pytest.raises(SpecError, match=r"cannot be read"):
        calibrate("nothing.csv", device=device, runtime=FAMILY)


def test_the_family_is_that_of_the_runtime_of_the_device(device: str) -> None:
    assert family_of_runtime(load_device(device), FAMILY, None).name == FAMILY
    text = DEVICE + '\n[runtime.lite.float32]\nfamily = "tflite"\n'
    Path(device).write_text(text)
    assert family_of_runtime(load_device(device), "lite", None).name == FAMILY


def test_a_table_that_is_given_twice_is_an_error(tmp_path: Path, device: str) -> None:
    data = timings(tmp_path, device, count=4)
    with pytest.raises(ParameterError, match=r"timings.csv is given twice; its rows would count twice$"):
        calibrate(data, str(tmp_path / "." / "timings.csv"), device=device, runtime=FAMILY)


def test_a_file_of_another_device_is_not_written(tmp_path: Path, device: str) -> None:
    found = calibrate(timings(tmp_path, device, count=5), device=device, runtime=FAMILY)
    other = written(tmp_path, "other.toml", DEVICE.replace('"mine"', '"other"'))
    with pytest.raises(ParameterError, match=r"other.toml is the file of other, not of mine$"):
        write_device(found, device, other)
    with pytest.raises(ParameterError, match=r"^'x.csv' is no hardware file; end its name with .toml$"):
        write_device(found, device, "x.csv")
    with pytest.raises(ParameterError, match=r"cannot be written: No such file or directory$"):
        write_device(found, device, str(tmp_path / "none" / "x.toml"))
    wrong = written(tmp_path, "wrong.toml", DEVICE.replace("2e10", '"fast"'))
    with pytest.raises(SpecError):
        write_device(found, device, wrong)
    assert Path(wrong).read_text() == DEVICE.replace("2e10", '"fast"')


def test_the_command_prints_numbers_figures_and_grade(
    tmp_path: Path, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = timings(tmp_path, device), str(tmp_path / "new.toml")
    assert run(data, "--device", device, "--runtime", FAMILY, "--write", target) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"mine:{FAMILY}:float32:threads=1: 14 rows on the family {FAMILY}\n")
    assert "held out by network: median error " in printed
    assert ": grade A\n" in printed
    assert printed.endswith(f"written to {target}; use it as --hardware {target}:{FAMILY}\n")
    assert os.path.exists(target)


def test_the_command_in_other_formats(tmp_path: Path, device: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = timings(tmp_path, device)
    assert run(data, "--device", device, "--runtime", FAMILY, "--format", "json") == 0
    (found,) = json.loads(capsys.readouterr().out)["calibrations"]
    assert found["grade"] == "A"
    assert set(found["factors"]) == {"compute", "bandwidth", "overhead_seconds"}
    assert run(data, "--device", device, "--runtime", FAMILY, "--format", "csv") == 0
    assert capsys.readouterr().out.startswith("calibration,number,value,starts_from,told\n")
