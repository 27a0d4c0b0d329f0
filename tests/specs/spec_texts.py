"""Small spec files for the tests of the language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costmodel import load
from costmodel.errors import Problem, SpecError
from costmodel.graph import Graph
from costmodel.operators.convolution import Conv2d

HEAD = 'name = "net"\nsource = "none"\ninput = [3, 32, 32]\n'


def spec(layers: str, rest: str = "", head: str = HEAD) -> str:
    """A spec whose layers start on line 5 (with the usual head of three lines)."""
    return f"{head}layers = [\n{layers}\n]\n{rest}"


def build(folder: Path, text: str, variant: str = "", **parameters: Any) -> Graph:
    """The network of a spec text."""
    path = folder / "net.toml"
    path.write_text(text, encoding="utf-8")
    return load(f"{path}:{variant}" if variant else path, **parameters)


def mistakes(folder: Path, text: str, **parameters: Any) -> tuple[Problem, ...]:
    """Every mistake found in a spec text."""
    with pytest.raises(SpecError) as caught:
        build(folder, text, **parameters)
    return caught.value.problems


def told(folder: Path, text: str, **parameters: Any) -> list[str]:
    """Every mistake as line:column: problem; remedy."""
    return [first_line(problem) for problem in mistakes(folder, text, **parameters)]


def first_line(problem: Problem) -> str:
    """line:column: problem; remedy."""
    return str(problem).split("\n")[0].removeprefix(problem.file).removeprefix(":")


def names(graph: Graph) -> list[str]:
    """The layers' names."""
    return [layer.name for layer in graph.layers]


def channels(graph: Graph) -> list[int]:
    """Output channels of the convolutions."""
    return [layer.operator.out_channels for layer in graph.layers if isinstance(layer.operator, Conv2d)]
