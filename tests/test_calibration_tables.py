"""Calibrations in a hardware file: every figure that contradicts another is answered, all of a file at once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from costmodel.errors import SpecError, UnknownNameError
from costmodel.files import folder
from costmodel.hardware import calibrated_profiles, load_device, load_hardware
from costmodel.hardware_listing import device_details

HEAD = """[device]
name    = "board"
title   = "A board"
class   = "CPU"
memory  = "dram"
runtime = "idealised"
dtype   = "float32"
source  = "a test"

[memory.dram]
bytes_per_second = 1e10
scope            = "chip"
source           = "a test"

[peak.float32]
macs_per_second = 1e10
scope           = "chip"
accumulate      = "float32"
source          = "a test"

[runtime.ncnn.auto]
family = "ncnn"
"""
TABLE = """
[[runtime.ncnn.auto.calibration]]
conditions          = { threads = 1 }
factors             = { compute = 0.2, bandwidth = 0.2 }
numbers             = { time_factor = 1.0 }
levels              = [[1e5, 4e10], [1e6, 2e10]]
baselines           = { macs_macs_per_second = 3e9, two_macs_per_second = 4e9, two_bytes_per_second = 2e9 }
calibrated_on       = "mine"
n                   = 19
date                = 2026-01-31
held_out_by         = "network"
held_out_median_ape = 0.05
held_out_within_20  = 0.9
held_out_low        = 0.9
held_out_high       = 1.2
grade               = "A"
"""
A_FOR = (
    "A is for a median error up to 10% (here {}), 8 rows or more (here {}), and held_out_high / held_out_low up to 2"
)


def problems_of(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "board.toml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_device(str(file))
    return [str(problem).splitlines()[0].removeprefix(str(file)) for problem in caught.value.problems]


def test_the_file_of_these_tests_is_right(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(HEAD + TABLE)
    assert load_hardware(f"{file}:ncnn:auto:threads=1").calibration is not None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"A"', '"B"', ':38:23: grade B where the figures are of grade A: ' + A_FOR.format("5.0%", 19)
         + ' (here 1.33); write grade = "A", or add a note that says why it is lower'),
        ("= 19", "= 7", ':38:23: grade A where the figures are of grade B: ' + A_FOR.format("5.0%", 7)
         + ' (here 1.33); write grade = "B"'),
        ("= 19", "= 3", ':38:23: grade A where the figures are of grade C: ' + A_FOR.format("5.0%", 3)
         + ' (here 1.33); write grade = "C"'),
        ("high       = 1.2", "high       = 1.9", ':38:23: grade A where the figures are of grade B: '
         + A_FOR.format("5.0%", 19) + ' (here 2.11); write grade = "B"'),
        ("ape = 0.05", "ape = 0.15", ':38:23: grade A where the figures are of grade B: '
         + A_FOR.format("15.0%", 19) + ' (here 1.33); write grade = "B"'),
        ("low        = 0.9", "low        = 1.9",
         ":36:23: held_out_low = 1.9 is above held_out_high = 1.2; they are the "
         "ends of the band, the lower one first"),
        ("[1e6, 2e10]", "[1e4, 2e10]", ":28:38: a level of 10000 bytes behind one of 100000; levels stand from the "
         "nearest, each larger than the one before"),
        ("[1e6, 2e10]", "[1e6, 5e10]", ":28:43: a level of 5e+10 bytes/s behind one of 4e+10; levels stand from the "
         "nearest, none faster than the one before"),
        ("[1e6, 2e10]", "[1e6, 2e9]", ":28:43: a level of 2e+09 bytes/s is slower than the memory behind it, 1e+10; "
         "state its rate, or leave the level out"),
        ("[1e6, 2e10]", "[1e6, 0]", ":28:43: levels[1][1] = 0 must be above 0"),
        ("[1e6, 2e10]", "[1e6]", ":28:37: levels[1] needs 2 entries, it has 1; add what is missing"),
        ("[1e6, 2e10]", '["a", 2e10]', ":28:38: levels[1][0] must be a number; write 1.0, without quotes"),
        ("compute = 0.2", "compute = 0",
         ":26:35: compute comes to 0 where the rule 'stem' of ncnn holds, outside 1e-05 "
         "to 2.5, with compute = 0; fit it again within the bounds, or leave the factor out"),
        ("compute = 0.2", "compute = 3",
         ":26:35: compute comes to 7.497 where the rule 'winograd' of ncnn holds, outside "
         "1e-05 to 2.5, with compute = 3; fit it again within the bounds, or leave the factor out"),
        ("bandwidth = 0.2", "bandwidth = 0", ":26:52: bandwidth comes to 0 where the rule 'depthwise_7' of ncnn holds, "
         "outside 1e-05 to 1.2, with bandwidth = 0; fit it again within the bounds, or leave the factor out"),
        ("compute = 0.2", "overlap = 0.01",
         ":26:35: overlap comes to 0.02793 where the rule 'every_operator' of ncnn holds, "
         "outside 1 to inf, with overlap = 0.01; fit it again"),
        ("compute = 0.2", "compute = nan", ":26:35: compute must be a finite number"),
        ("compute = 0.2", "comput = 0.2", ":26:25: unknown constant 'comput'; did you mean 'compute'?"),
        ("compute = 0.2", '"compute@wingrad" = 0.2', ":26:25: ncnn has no rule 'wingrad'; did you mean 'winograd'?"),
        ("time_factor = 1.0", "time_factor = 0", ":27:39: time_factor = 0 is outside 0.01 to 100; it is: times that "
         "every operator takes, against the family"),
        ("time_factor = 1.0", "network_factor = 0",
         ":27:42: network_factor = 0 is outside 0.1 to 10; it is: times that "
         "a network takes, against the sum of its operators"),
        ("time_factor = 1.0", "time_factr = 1.0", ":27:25: unknown number 'time_factr'; did you mean 'time_factor'?"),
        ("two_bytes_per", "two_byte_per", ":29:80: unknown key 'two_byte_per_second'; did you mean "
         "'two_bytes_per_second'?"),
        ("calibrated_on", "calibratd_on", ":30:1: unknown key 'calibratd_on'; did you mean 'calibrated_on'?"),
        ("{ threads = 1 }", "{ threads = [1] }", ":25:35: a condition must be a text or a whole number"),
        ("{ threads = 1 }", "{ threads = 0 }", ":25:35: threads = 0 must be at least 1; leave it out where it is not "
         "known"),
        ("{ threads = 1 }", "{ threads = true }", ":25:35: a condition must be a text or a whole number"),
        ("{ threads = 1 }", '{ version = "1,2" }',
         ":25:35: the condition version = 1,2 cannot be selected: :,= separate "
         "conditions; write it without them"),
        ("{ threads = 1 }", "3", ":25:23: conditions must be a table; write conditions = { ... }"),
        ("2026-01-31", '"soon"', ":32:23: date must be a date; write date = 2026-01-31, without quotes"),
        ("within_20  = 0.9", "within_20  = 90", ":35:23: held_out_within_20 = 90 must be at most 1; write 80 % as 0.8"),
        ('"mine"', '""', ":30:23: calibrated_on is an empty text; write what it is, or leave it out"),
        ('"A"', '"D"', ":38:23: grade = 'D' is not known; there are A, B, C"),
        ("[[runtime.ncnn.auto.calibration]]", "[runtime.ncnn.auto.calibration]",
         ":24:1: calibration must be tables; write "
         "[[runtime.ncnn.auto.calibration]]"),
        ('calibrated_on       = "mine"\n', "", ":24:1: [[runtime.ncnn.auto.calibration]] has no 'calibrated_on'; add "
         "calibrated_on = ..."),
    ],
)  # fmt: skip
def test_mistakes_in_a_calibration_are_answered(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in TABLE
    found = problems_of(tmp_path, HEAD + TABLE.replace(old, new, 1))
    assert [text for text in found if text.startswith(expected)], found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[runtime.ncnn.auto]\nfamily", '[runtime.ncnn.auto]\nfusion = ["a"]\nfamily',
         ':22:10: fusion must be a text; write fusion = "..."'),
        ('family = "ncnn"', "", ':21:1: calibrations need a family; write family = "...", one of bosch_hale, '),
        ('family = "ncnn"', 'family = "ncn"', ":22:10: unknown runtime family 'ncn'; did you mean 'ncnn'?"),
        ('family = "ncnn"', "family = 3", ':22:10: family must be a text; write family = "..."'),
        ("[runtime.ncnn.auto]", "[runtime.idealised.auto]",
         ":21:10: every device has a runtime 'idealised' already; give this one another name"),
        ("[runtime.ncnn.auto]", '[runtime."a:b".auto]',
         ":21:10: the runtime 'a:b' cannot be selected: :,= separate the "
         "parts of a profile's name; leave them out of its name"),
    ],
)  # fmt: skip
def test_mistakes_in_a_runtime_are_answered(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in HEAD
    table = TABLE.replace("runtime.ncnn.", 'runtime."a:b".') if '"a:b"' in new else TABLE
    table = table.replace("runtime.ncnn.", "runtime.idealised.") if "idealised" in new else table
    found = problems_of(tmp_path, HEAD.replace(old, new) + table)
    assert [text for text in found if text.startswith(expected)], found


def test_a_second_calibration_with_the_same_conditions_could_never_be_selected(tmp_path: Path) -> None:
    found = problems_of(tmp_path, HEAD + TABLE + TABLE.replace("threads = 1", 'threads = "1"'))
    assert found == [":40:1: a second calibration with threads = 1; only the first could be selected"]


def test_mistakes_of_layout_and_of_meaning_come_at_once(tmp_path: Path) -> None:
    text = TABLE.replace("time_factor = 1.0", "time_factor = -1, foo = 2").replace("compute = 0.2", "compute = 9.0")
    found = problems_of(tmp_path, HEAD + text.replace("two_bytes_per", "two_byte_per").replace('"A"', '"C"'))
    assert [text.split(":")[1] for text in found] == ["26", "27", "27", "29", "38"]
    assert found[1] == ":27:39: time_factor = -1 must be at least 0"
    assert found[2].startswith(":27:43: unknown number 'foo'; there are activation_capacity_bytes, ")


def test_a_grade_below_its_figures_needs_a_note_and_the_note_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(HEAD + TABLE.replace('"A"', '"C"\nnote = "products alone were measured"'))
    calibration = load_hardware(f"{file}:ncnn").calibration
    assert calibration is not None
    assert (calibration.grade, calibration.note) == ("C", "products alone were measured")
    sources = [row["source"] for row in device_details(str(file))["numbers"]]
    assert "19 rows of mine, left out by network; products alone were measured" in sources
    better = problems_of(tmp_path, HEAD + TABLE.replace("= 19", "= 2").replace('"A"', '"A"\nnote = "I am sure"'))
    assert len(better) == 1
    assert "grade A where the figures are of grade C" in better[0]


def test_no_bundled_grade_is_better_than_its_rows() -> None:
    grades = Counter(profile.calibration.grade for profile in calibrated_profiles() if profile.calibration)
    assert sum(grades.values()) == 615
    for profile in calibrated_profiles():
        own = profile.calibration
        assert own is not None
        assert own.n >= {"A": 8, "B": 4, "C": 1}[own.grade], profile.name
        assert own.held_out_high / own.held_out_low <= {"A": 2.0, "B": 3.0, "C": float("inf")}[own.grade], profile.name


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ("rtx_3090:torch_eager", "A"), ("rtx_4090:torch_eager", "A"), ("rtx_5090:torch_compile", "A"),
        ("i9_10940x:torch_compile", "A"), ("i7_12700h:torch_compile", "A"), ("epyc_zen4:onnxruntime_nchwc", "A"),
        ("pixel_1:tflite", "A"), ("raspberry_pi_4:ncnn", "A"), ("stm32h747i_disco:x_cube_ai", "A"),
        ("gtx_1080_ti:deepbench:float32", "A"), ("gtx_1080_ti:not_stated", "A"), ("pixel_3:tflite", "C"),
        ("iphone_6:deepbench", "C"), ("iphone_7:deepbench", "C"), ("raspberry_pi_3:deepbench:int8", "C"),
        ("xeon_phi_7250:deepbench", "C"),
    ],
)  # fmt: skip
def test_grades_of_devices(name: str, grade: str) -> None:
    calibration = load_hardware(name).calibration
    assert calibration is not None
    assert calibration.grade == grade


def test_conditions_behind_the_wrong_word_are_answered() -> None:
    with pytest.raises(UnknownNameError, match="conditions stand behind device:runtime:dtype, as in raspberry_pi_4:"):
        load_device("raspberry_pi_4,powersave=0")


def test_the_readme_of_the_folder_states_the_grades() -> None:
    text = (Path(folder("hardware")) / "README.md").read_text()
    assert "A: median error up to 10 %, 8 rows or more, `held_out_high` / `held_out_low` up to 2;" in text
    assert "B: up to 20 %, 4 rows or more, up to 3;" in text


ODD = (
    "3", "-1", "0", "1e308", "nan", "inf", "true", '""', '"x"', "2026-01-31", "[]", "[1]", "[[]]", "[{}]", "{}",
    '{ "" = 1 }', '{ "@" = 1 }', '{ compute = "x" }', "[[1, 2], 3]",
)  # fmt: skip


@pytest.mark.parametrize("value", ODD)
def test_a_value_of_any_type_anywhere_is_answered_in_words_of_the_file(tmp_path: Path, value: str) -> None:
    lines = (HEAD + TABLE).split("\n")
    file, said = tmp_path / "board.toml", ""
    for at, line in enumerate(lines):
        key, sign, _ = line.partition("=")
        if not sign:
            continue
        file.write_text("\n".join([*lines[:at], f"{key}= {value}", *lines[at + 1 :]]))
        try:
            load_device(str(file))
        except SpecError as error:
            said += f"{error}\n"
    assert said.count("board.toml") > 20
    assert not re.findall(r".*(?:nput should|alid string|alid number|constrained|validation).*", said)


def test_a_grade_may_stand_on_more_digits_than_the_file_shows(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    text = TABLE.replace("ape = 0.05", "ape = 0.1")
    for grade in "AB":
        file.write_text(HEAD + text.replace('"A"', f'"{grade}"'))
        load_device(str(file))
    assert len(problems_of(tmp_path, HEAD + text.replace('"A"', '"C"'))) == 1
