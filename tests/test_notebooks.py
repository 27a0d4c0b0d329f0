"""Every notebook is executed; its stored outputs must be those that come out, and hold no path of a machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import costmodel

ROOT = Path(costmodel.__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MACHINE_PATH = re.compile(r"/(?:home|Users|root|tmp|work|usr|opt|var|mnt)/|[A-Z]:\\\\")


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def outputs_of(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def texts_of(notebook: Any) -> list[str]:
    """The words of every output, figures by their size; how pandas spaces them may change."""
    texts = [output.get("text") or output.data["text/plain"] for output in outputs_of(notebook)]
    return [" ".join(text.split()) for text in texts]


def test_there_are_notebooks() -> None:
    assert "first_look" in [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_prints_what_is_stored(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    notebook = read(copy)
    stored = texts_of(notebook)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    for output in outputs_of(notebook):
        assert output.output_type != "error", output
        assert output.get("name") != "stderr", f"warning: {output.text}"
    assert texts_of(notebook) == stored
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebook_is_whole_and_small(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert outputs_of(notebook)
    assert path.stat().st_size < 500_000
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert not MACHINE_PATH.search(text)
