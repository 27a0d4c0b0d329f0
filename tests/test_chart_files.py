"""Charts as files, and what drawing them leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from costmodel import CostTable, cost_table, load, plots, predict
from costmodel.errors import ParameterError


@pytest.fixture(scope="module")
def mobilenet() -> CostTable:
    return cost_table(load("mobilenet_v2"))


@pytest.fixture
def figure(mobilenet: CostTable) -> Figure:
    return plots.op_cost(mobilenet)


def test_save_png(figure: Figure, tmp_path: Path) -> None:
    plots.save(figure, tmp_path / "chart.PNG")
    content = (tmp_path / "chart.PNG").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 120_000
    width = int.from_bytes(content[16:20], "big")
    assert width == 9 * 150


def test_save_svg_twice_gives_the_same_bytes(mobilenet: CostTable, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        plots.save(plots.roofline(predict(mobilenet, "pixel_6")), str(tmp_path / name))
    first = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert first.startswith("<?xml")
    assert "<dc:date>" not in first
    assert first == (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert sorted(os.listdir(tmp_path)) == ["one.svg", "two.svg"]


def test_save_in_the_working_directory(figure: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plots.save(figure, "chart.png")
    assert os.listdir() == ["chart.png"]


@pytest.mark.parametrize("name", ["chart.pdf", "chart", ".png", "chart.png.bak"])
def test_save_refuses_other_suffixes(figure: Figure, tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match=r"a chart is written as \.png or \.svg"):
        plots.save(figure, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_save_names_a_missing_folder(figure: Figure, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"the folder '.*absent' does not exist; make it first"):
        plots.save(figure, tmp_path / "absent" / "chart.png")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    figure: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "chart.png"
    target.write_text("old")

    def full(self: Figure, path: str, **settings: Any) -> None:
        Path(path).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(ParameterError, match=r"chart\.png' cannot be written: No space left on device"):
        plots.save(figure, target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["chart.png"]


def test_a_folder_is_not_a_chart(figure: Figure, tmp_path: Path) -> None:
    (tmp_path / "chart.svg").mkdir()
    with pytest.raises(ParameterError, match=r"chart\.svg' cannot be written"):
        plots.save(figure, tmp_path / "chart.svg")
    assert os.listdir(tmp_path) == ["chart.svg"]


def test_no_global_state() -> None:
    """Charts neither import pyplot nor change settings."""
    code = (
        "import sys, matplotlib\n"
        "names = [name for name in matplotlib.rcParams if name != 'backend']  # reading it loads pyplot\n"
        "before = [matplotlib.rcParams[name] for name in names]\n"
        "import costmodel; assert 'costmodel.plots' not in sys.modules\n"
        "figure = costmodel.plots.op_cost(costmodel.cost_table(costmodel.load('mobilenet_v1')))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert [matplotlib.rcParams[name] for name in names] == before\n"
    )
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
