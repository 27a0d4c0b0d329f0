"""Bundled families fitted again: which rows, and what would be written."""

from __future__ import annotations

import datetime
import sys
import tomllib
from pathlib import Path

import pytest

from costmodel.calibration import __main__ as script
from costmodel.calibration import refitting
from costmodel.calibration.refitting import bundled_observations, new_texts, refit, rows_of_settings, write
from costmodel.files import Document, folder, parse
from costmodel.hardware import load_device
from costmodel.hardware_schema import check_device
from costmodel.latency import families, family_named

SMALL = "x_cube_ai"


def test_rows_are_those_that_a_calibration_is_for() -> None:
    for part in bundled_observations(family_named(SMALL)):
        own = part.profile.calibration
        assert own is not None
        assert own.family == SMALL
        assert part.profile.runtime == SMALL
        assert (part.seconds > 0).all()


def test_new_files_differ_in_numbers_alone() -> None:
    result = refit(SMALL, hold_out=False)
    texts = new_texts(result, datetime.date(2026, 11, 21))
    assert len(texts) == 1 + len({name.partition(":")[0] for name in rows_of_settings(result.fit.problem)})
    for path, text in texts.items():
        old = Path(path).read_text()
        assert len(text.split("\n")) == len(old.split("\n"))
        assert _keys(tomllib.loads(text)) == _keys(tomllib.loads(old))
        if "runtimes" not in path:
            check_device(Document(path, text, parse(text, path), True))
    rules = tomllib.loads(texts[str(Path(folder("hardware/runtimes")) / f"{SMALL}.toml")])["rule"]
    for (kind, owner, name), value in result.fit.values.items():
        if kind == "set":
            (rule,) = [each for each in rules if each["name"] == owner]
            assert rule["set"][name] == pytest.approx(value, rel=1e-3)


def _keys(data: object) -> object:
    if isinstance(data, dict):
        return {key: _keys(value) for key, value in data.items()}
    return [_keys(each) for each in data] if isinstance(data, list) and any(isinstance(x, dict) for x in data) else 0


def test_the_files_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {str(tmp_path / "a.toml"): "a = 1\n", str(tmp_path / "b.toml"): "b = 2\n"}
    monkeypatch.setattr(refitting, "new_texts", lambda result, date: texts)
    assert write(None) == list(texts)  # type: ignore[arg-type]
    assert (tmp_path / "b.toml").read_text() == "b = 2\n"


def test_an_unknown_family_ends_with_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["costmodel.calibration", "x_cube_aj"])
    assert script.main() == 2
    assert "unknown runtime family 'x_cube_aj'; did you mean 'x_cube_ai'?" in capsys.readouterr().err


def test_every_calibration_of_a_bundled_device_has_a_bundled_family() -> None:
    from costmodel.hardware import devices

    named = {
        settings["family"]
        for name in devices()
        for formats in load_device(name).runtimes.values()
        for settings in formats.values()
        if "family" in settings
    }
    assert named <= set(families())
