"""Rows of devices whose hardware files a user has."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.errors import ParameterError, SpecError, UnknownNameError
from costmodel.files import folder
from costmodel.validation import figure_rows, validate
from costmodel.validation.profiles import devices_of_files, distance, match

HEAD = "device,runtime,dtype,batch,network,latency_seconds\n"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A copy of a calibrated phone under a name of its own."""
    text = (Path(folder("hardware")) / "pixel_1.toml").read_text()
    path = tmp_path / "board.toml"
    path.write_text(text.replace('"pixel_1"', '"my_board"'))
    return path


def rows(folder: Path, *devices: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(HEAD + "".join(f"{device},tflite,float32,1,tflite_phones,0.05\n" for device in devices))
    path.write_text(path.read_text().replace("tflite_phones", "mobilenet_v2"))
    return path


def test_a_row_is_of_a_device_by_its_name_or_by_the_path(tmp_path: Path, board: Path) -> None:
    data = rows(tmp_path, "pixel_1", "my_board", str(board))
    found = validate(data, hardware=[board], by=["device"])
    assert not found.skipped
    assert found.columns["calibrated"] == ["nearest"] * 3 or found.columns["calibrated"] == ["own"] * 3
    assert len(set(found.columns["full"])) == 1
    assert [group.key["device"] for group in found.groups] == ["pixel_1", "my_board", str(board)]
    for predictor in ("macs", "eq1_datasheet", "two_fitted"):
        assert len(set(found.columns[predictor])) == 1, "datasheet and baselines are those of the file"


def test_without_the_file_the_reason_says_what_to_give(tmp_path: Path) -> None:
    found = validate(rows(tmp_path, "my_board"))
    assert dict(found.skipped) == {"no profile of the device (--hardware FILE takes a hardware file)": 1}
    assert str(found.warnings[0]).endswith(
        "mine.csv:2:1: device = 'my_board' has no profile (1 row); give its hardware file with --hardware"
    )


def test_a_file_comes_before_the_bundled_device_of_its_name(tmp_path: Path, board: Path) -> None:
    board.write_text(board.read_text().replace('"my_board"', '"pixel_1"').replace("[runtime.", "[runtime.other_"))
    data = rows(tmp_path, "pixel_1")
    assert validate(data).columns["calibrated"] != ["none"]
    found = validate(data, hardware=board)
    assert found.columns["calibrated"] == ["none"]


def test_a_device_has_one_file(tmp_path: Path, board: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(board.read_text())
    with pytest.raises(
        ParameterError, match=r"other\.toml: the device 'my_board' is given twice; give it one hardware"
    ):
        devices_of_files([board, other])
    assert list(devices_of_files([board])) in (["my_board", str(board)], [str(board), "my_board"])


def test_files_that_are_no_hardware_files(tmp_path: Path) -> None:
    data = rows(tmp_path, "my_board")
    with pytest.raises(ParameterError, match=r"mine\.csv is a table, not a hardware file; give measured tables before"):
        validate(data, hardware=[data])
    with pytest.raises(SpecError, match="cannot be read"):
        validate(data, hardware=[tmp_path / "none.toml"])
    with pytest.raises(UnknownNameError, match="unknown device 'my_bord'"):
        validate(data, hardware=["my_bord"])


def test_a_number_format_without_a_peak_is_not_replaced_by_another(tmp_path: Path) -> None:
    assert match("edge_tpu_usb", "edgetpu", "float32", {}).reason == "no peak of the device in this number format"
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + "edge_tpu_usb,edgetpu,float32,1,coral/mobilenet_v1@224,0.0024\n" * 2)
    found = validate(path)
    assert dict(found.skipped) == {"no peak of the device in this number format": 2}
    assert str(found.warnings[0]).endswith("mine.csv:2:22: edge_tpu_usb has no peak in float32 (2 rows); it has int8")


def test_rows_that_nothing_was_fitted_to_are_counted(tmp_path: Path, board: Path) -> None:
    data = rows(tmp_path, "my_board")
    data.write_text(data.read_text() + "my_board,onnx,float32,1,mobilenet_v2,0.05\n")
    found = validate(data, hardware=board, by=["device"])
    assert found.groups[0].uncalibrated == 1
    assert [row["uncalibrated"] for row in figure_rows(found)] == [1] * 4


def test_threads_that_are_a_word_are_like_themselves_alone() -> None:
    assert distance({"threads": "all"}, {"threads": "all"}) == 0
    assert distance({"threads": "all"}, {"threads": 2}) == distance({"threads": 2}, {"threads": "all"}) == 1
    assert distance({"threads": 1}, {"threads": 4}) == 2
