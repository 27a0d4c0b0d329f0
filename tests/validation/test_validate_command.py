"""`costmodel validate`: what is printed, what is warned of, what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from costmodel.cli import main
from costmodel.errors import ParameterError, SpecError
from costmodel.files import folder
from costmodel.fusion import FUSIONS
from costmodel.measured import Measured, read_measured
from costmodel.records import replace
from costmodel.validation import listing, subjects, validate

HEAD = "device,runtime,dtype,batch,network,op_kind,in_elements,out_elements,macs,gemm_m,gemm_n,latency_seconds\n"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table with every kind of word that nothing is known of; one row of it is predicted as it says."""
    monkeypatch.chdir(tmp_path)
    rows = (
        "pixel_1,tflite,float32,1,mobilenet_v2,,,,,,,0.07",
        "pixl_1,tflite,float32,1,mobilenet_v2,,,,,,,0.07",
        "pixl_1,tflite,float32,1,mobilenet_v2,,,,,,,0.07",
        "pixel_1,tflit,float32,1,mobilenet_v2,,,,,,,0.07",
        "pixel_1,tflite,flot32,1,mobilenet_v2,,,,,,,0.07",
        "pixel_1,tflite,int8,1,mobilenet_v2,,,,,,,0.07",
        "pixel_1,tflite,float32,1,,linear,100,10,,1,10,0.001",
        "device_from_mars,tflite,float32,1,mobilenet_v2,,,,,,,0.07",
        "pixel_1,never_heard_of,float32,1,mobilenet_v2,,,,,,,0.07",
    )
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


EQUATION_1 = "predicted by Eq. 1 on datasheet numbers, which nothing was fitted to"
WARNINGS = [
    "mine.csv:3:1: device = 'pixl_1' has no profile (2 rows); did you mean 'pixel_1'? Else give its hardware file with "
    "--hardware",
    f"mine.csv:5:9: pixel_1 has no runtime 'tflit'; {EQUATION_1} (1 row); did you mean 'tflite'? Else it has tflite",
    "mine.csv:6:16: dtype = 'flot32' is no number format (1 row); did you mean 'float32'? Else pixel_1 has "
    "float32, int8",
    f"mine.csv:7:16: pixel_1:tflite has no calibration in int8; {EQUATION_1} (1 row); it has float32, uint8",
    "mine.csv:8:27: op_kind = 'linear' without gemm_k, macs, weight_elements (1 row); fill them: a size is not guessed",
    "mine.csv:9:1: device = 'device_from_mars' has no profile (1 row); give its hardware file with --hardware",
    f"mine.csv:10:9: pixel_1 has no runtime 'never_heard_of'; {EQUATION_1} (1 row); it has tflite",
]


@pytest.mark.usefixtures("table")
def test_words_that_nothing_is_known_of_are_listed_with_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "mine.csv", "--by", "device,runtime"]) == 0
    text = capsys.readouterr().out
    assert text.rstrip().splitlines()[-len(WARNINGS) :] == WARNINGS
    assert (
        "4 rows predicted; skipped: 3 no profile of the device (--hardware FILE takes a hardware file), 1 no peak"
        in text
    )
    assert "uncalibrated: rows whose full is Eq. 1 on datasheet numbers, since nothing was fitted in" in text
    lines = [line.split() for line in text.splitlines()]
    assert any(line[:5] == ["pixel_1", "tflite", "2", "2", "1"] for line in lines)
    assert any(line[:4] == ["pixel_1", "tflit", "1", "1"] for line in lines)


@pytest.mark.usefixtures("table")
def test_warnings_in_the_other_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "mine.csv", "--by", "device", "--format", "json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["warnings"] == WARNINGS
    assert not printed.err
    assert {row["device"]: row["uncalibrated"] for row in found["rows"]} == {
        "pixel_1": 3, "pixl_1": 0, "device_from_mars": 0,
    }  # fmt: skip
    assert main(["validate", "mine.csv", "--by", "device", "--format", "csv"]) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines() == WARNINGS
    assert printed.out.startswith("device,predictor,n,skipped,uncalibrated,")


def test_a_table_without_unknown_words_has_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "tflite_phones", "--format", "csv"]) == 0
    assert not capsys.readouterr().err
    text = listing.as_text(validate("tflite_phones"))
    assert "uncalibrated" not in text
    assert text.endswith("rows predicted; skipped: none")


def test_a_hardware_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board, data = tmp_path / "board.toml", tmp_path / "mine.csv"
    board.write_text((Path(folder("hardware")) / "pixel_1.toml").read_text().replace('"pixel_1"', '"my_board"'))
    data.write_text(HEAD + "my_board,tflite,float32,1,mobilenet_v2,,,,,,,0.07\n")
    assert main(["validate", str(data), "--hardware", str(board), "--device", "my_board", "--by", "device"]) == 0
    text = capsys.readouterr().out
    assert "1 row predicted; skipped: none" in text
    assert "my_board  1" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "pixl_1"], "no row is of the device 'pixl_1'; did you mean 'pixel_1'?"),
        (["--device", "pixel_1,qqqq"], "no row is of the device 'qqqq'; the rows are of device_from_mars, pixel_1"),
        (["--by", "device,device"], "device is given twice among the columns to group by"),
        (["--by", "devise"], "rows cannot be grouped by 'devise'; did you mean 'device'?"),
        (
            ["--hardware", "mine.csv"],
            "mine.csv is a table, not a hardware file; give measured tables before --hardware",
        ),
        (["--hardware", "none.toml"], "none.toml: cannot be read: No such file or directory"),
    ],
)
@pytest.mark.usefixtures("table")
def test_what_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    if arguments[1] == "pixl_1":
        text = Path("mine.csv").read_text().replace("pixl_1", "another")
        Path("mine.csv").write_text(text)
    assert main(["validate", "mine.csv", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_one_word_is_a_list_of_one() -> None:
    found = validate("tflite_phones", by="device", devices="pixel_1")
    assert [group.key for group in found.groups] == [{"device": "pixel_1"}]
    with pytest.raises(ParameterError, match=r"no row is of the device 'pixel_9'; did you mean 'pixel_\d'\?"):
        validate("tflite_phones", devices=["pixel_1", "pixel_9"])


@pytest.mark.parametrize("option", ["shapes", "hardware", "by", "devices"])
@pytest.mark.parametrize("value", [3, [3], None])
def test_what_is_no_list_of_words(option: str, value: Any) -> None:
    with pytest.raises(ParameterError, match="is no list of names or paths; give words, or paths of files"):
        validate("tflite_phones", **{option: value})


def test_what_is_no_table() -> None:
    with pytest.raises(
        ParameterError, match="3 is no measured table; give the name of a bundled one, a path, or a Mea"
    ):
        validate(3)  # type: ignore[arg-type]


def test_twenty_warnings_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("device,network,latency_seconds\n" + "".join(f"from_mars_{n},alexnet,1\n" for n in range(30)))
    lines = listing.warning_lines(validate(path))
    assert len(lines) == 21
    assert lines[-1] == f"{path}: 10 more warnings are not shown"


def test_large_tables_of_unknown_words_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    head = "device,network,latency_seconds\n"
    path.write_text(head + "".join(f"from_mars_{n},alexnet,1\n" for n in range(30_000)))
    started = time.process_time()
    validate(path, by="network")
    assert time.process_time() - started < 10
    path.write_text(head + "".join(f"pixel_1,mobilenet_v2 width={n + 10},1\n" for n in range(30_000)))
    with pytest.raises(SpecError) as caught:
        validate(path, by="network")
    assert len(caught.value.problems) == 20


def test_networks_that_may_be_named_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "MAXIMUM_NAMED", 5)
    path = tmp_path / "mine.csv"
    rows = "pixel_1,tflite/none,1\n" * 10 + "".join(f"pixel_1,qqqq_{n % 6},1\n" for n in range(100))
    path.write_text("device,network,latency_seconds\n" + rows)
    with pytest.raises(
        ParameterError, match="the rows name more than 5 networks that stand in no table; give the oper"
    ):
        validate(path)


def test_networks_of_the_bundled_list_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "MAXIMUM_NAMED", 0)
    found = subjects.Subjects()
    assert found.network("coral/mobilenet_v1@224", FUSIONS["folded"]) is not None
    assert not found.is_full


def test_warnings_about_a_table_whose_file_is_gone(tmp_path: Path, table: Path) -> None:
    read = read_measured(table)
    table.unlink()
    assert str(validate(read).warnings[0]).startswith(f"{table}:3:1: device = 'pixl_1' has no profile (2 rows)")
    made = Measured("by_hand", "", replace(read).frame)
    assert str(validate(made).warnings[0]).startswith("by_hand:3:1: device = 'pixl_1' has no profile (2 rows)")
    assert tmp_path.exists()
