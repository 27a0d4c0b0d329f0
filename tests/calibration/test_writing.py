"""Numbers into TOML files: nothing else changes, and nothing is half-written."""

from __future__ import annotations

import datetime
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from costmodel.calibration.writing import number_text, replaced, with_calibration, write_whole
from costmodel.errors import ParameterError

FAMILY = """# a family
[runtime]
name = "made"  # its name

[[rule]]
name = "first"
set  = { compute = 0.5, overhead_seconds = 1.5e-5 }  # half

# the second rule
[[rule]]
name  = "second"
times = { bandwidth = 0.8 }
"""
DEVICE = """[device]
name = "mine"

[runtime.tflite.int8]
family = "tflite"
note   = "kept"

[[runtime.tflite.int8.calibration]]
conditions = { threads = 1 }
factors    = { compute = 0.5 }
n          = 3

# about the memory
[memory.dram]
bytes_per_second = 1e9
"""
TABLE = {"conditions": {"threads": 4}, "factors": {"compute": 0.8123456, "bandwidth@a b": 1.0}, "numbers": {}, "n": 20,
         "date": datetime.date(2026, 11, 21), "grade": "A"}  # fmt: skip


def test_only_the_values_change() -> None:
    new = replaced(FAMILY, {("rule", 0, "set", "compute"): 0.61234, ("rule", 1, "times", "bandwidth"): 1.0})
    assert new == FAMILY.replace("compute = 0.5", "compute = 0.6123").replace("bandwidth = 0.8", "bandwidth = 1.0")


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        replaced(FAMILY, {("rule", 0, "set", "bandwidth"): 1.0})


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (1.0, "1.0"), (1.23456e-5, "1.235e-5"), (147126.0, "1.471e5"), (7e9, "7e9"), (3, "3"),
     (0.0001, "0.0001"), (99999.0, "1e5"), (1234.0, "1234.0")],
)  # fmt: skip
def test_numbers_in_files(value: float, text: str) -> None:
    assert number_text(value) == text
    assert tomllib.loads(f"a = {text}")["a"] == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), True])
def test_what_is_no_number_is_not_written(value: Any) -> None:
    with pytest.raises(ParameterError, match=r"^(inf|nan|True) is no number for a file$"):
        number_text(value)


def test_a_calibration_goes_behind_those_of_its_runtime() -> None:
    new = with_calibration(DEVICE, "tflite", "int8", "tflite", TABLE, "mine")
    known = tomllib.loads(new)["runtime"]["tflite"]["int8"]["calibration"]
    assert [each["conditions"] for each in known] == [{"threads": 1}, {"threads": 4}]
    assert known[1]["factors"] == {"compute": 0.8123, "bandwidth@a b": 1.0}
    assert known[1]["date"] == datetime.date(2026, 11, 21)
    before, after = DEVICE.split("\n# about")
    assert new.startswith(before)
    assert new.endswith("\n# about" + after)


def test_a_calibration_takes_the_place_of_the_one_with_its_conditions() -> None:
    new = with_calibration(DEVICE, "tflite", "int8", "tflite", TABLE | {"conditions": {"threads": 1}}, "mine")
    assert len(tomllib.loads(new)["runtime"]["tflite"]["int8"]["calibration"]) == 1
    assert "\n\n# about the memory\n[memory.dram]" in new
    again = with_calibration(new, "tflite", "int8", "tflite", TABLE | {"conditions": {"threads": 1}}, "mine")
    assert again == new


def test_a_runtime_that_is_not_there_comes_at_the_end() -> None:
    new = with_calibration(DEVICE, "my runtime", "float16", "tflite", TABLE, 'say "this"')
    own = tomllib.loads(new)["runtime"]["my runtime"]["float16"]
    assert (own["family"], own["source"], len(own["calibration"])) == ("tflite", 'say "this"', 1)
    assert new.startswith(DEVICE)


def test_a_runtime_without_a_family_gets_one() -> None:
    text = '[runtime.tflm.int8]\nnote = "power"\n\n[device]\nname = "mine"\n'
    own = tomllib.loads(with_calibration(text, "tflm", "int8", "made", TABLE, "mine"))["runtime"]["tflm"]["int8"]
    assert (own["family"], own["note"], own["calibration"][0]["n"]) == ("made", "power", 20)


def test_two_families_in_one_runtime_are_refused() -> None:
    with pytest.raises(ParameterError) as error:
        with_calibration(DEVICE, "tflite", "int8", "ncnn", TABLE, "mine")
    assert str(error.value) == (
        "[runtime.tflite.int8] is calibrated with the family 'tflite', not 'ncnn'; give --family tflite, or another "
        "--runtime"
    )


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.toml"
    write_whole(str(path), "a = 1\n")
    assert path.read_text() == "a = 1\n"

    def failing(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="No space left"):
        write_whole(str(path), "b = 2\n")
    assert path.read_text() == "a = 1\n"
    assert list(tmp_path.iterdir()) == [path]
