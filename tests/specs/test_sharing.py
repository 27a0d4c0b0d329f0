"""Steps that share weights: which layers belong together, and what is said when they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from spec_texts import build, spec

from costmodel import cost_table

HEAD8 = 'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'
TWO = '{ steps = [ { conv2d = 8, kernel = 3 }, { conv2d = 8, kernel = 3 } ], share = "w" }'
RECTIFIED = TWO.replace("}, {", '}, "relu", {')
BLOCKS = '[blocks.head]\nneeds = ["out"]\nsteps = [ { conv2d = "out", kernel = 3 }, "relu", { conv = "out" } ]'


def weights(folder: Path, layers: str, rest: str = "") -> list[str | None]:
    return [layer.weights for layer in build(folder, spec(layers, rest, HEAD8)).layers]


@pytest.mark.parametrize(
    ("layers", "params"),
    [
        (f"  {TWO},\n  {TWO},", 1152),
        (f"  {RECTIFIED},\n  {RECTIFIED},", 1152),
        (f"  {TWO},\n  {RECTIFIED},", 1152),
        (f"  {TWO[:-2]}, repeat = 3 }},", 1152),
        ('  { residual = [ { conv2d = 8 }, "relu", { conv2d = 8 } ], share = "w", repeat = 2 },', 128),
        ('  { branches = [ [ { conv2d = 8 } ], [ { conv2d = 8 } ] ], join = "add", share = "w", repeat = 2 },', 128),
        ('  { residual = [ { conv = 8 } ], share = "w", repeat = 2 },', 64 + 16),
        ('  { head = 8, share = "w", repeat = 2 },', 576 + 64 + 16),
        ('  { steps = [ { head = 8 }, { conv2d = 8 } ], share = "w", repeat = 2 },', 576 + 64 + 16 + 64),
        ('  { conv2d = 8, share = "w" },\n  { conv2d = 8, stride = 2, padding = "valid", share = "w" },', 64),
        ('  { conv2d = 8, kernel = 3, share = "w" },\n  { conv2d = 8, kernel = [3, 3], share = "w" },', 576),
        ('  { max_pool2d = 3, stride = 2, share = "w" },\n  { max_pool2d = 2, share = "w" },', 0),
        ('  { depthwise_conv2d = 3, share = "w", repeat = 2 },', 72),
        ('  { batch_norm = true, share = "w", repeat = 2 },', 16),
    ],
)  # fmt: skip
def test_parameters_of_layers_that_belong_together_count_once(tmp_path: Path, layers: str, params: int) -> None:
    costs = cost_table(build(tmp_path, spec(layers, BLOCKS if "head" in layers else "", HEAD8)))
    assert costs.total("params") == params


def test_names_of_the_weights(tmp_path: Path) -> None:
    assert weights(tmp_path, f"  {RECTIFIED},") == ["w.1", None, "w.2"]
    assert weights(tmp_path, '  { conv2d = 8, share = "w" },') == ["w"]
    assert weights(tmp_path, '  { head = 8, name = "a", share = "w" },', BLOCKS) == [
        "w.conv2d", None, "w.conv.conv2d", "w.conv.batch_norm", None,
    ]  # fmt: skip
    nested = '  { steps = [ { head = 8 }, { conv2d = 8, share = "v" } ], share = "w" },'
    assert weights(tmp_path, nested, BLOCKS) == ["w.1", None, "w.2", "w.3", None, "v"]


def test_weights_shared_in_a_sweep(tmp_path: Path) -> None:
    text = spec('  { conv2d = "c", share = "w" },\n  { conv2d = "c", share = "w", repeat = 2 },', "[parameters]\nc = 8",
                HEAD8)  # fmt: skip
    assert cost_table(build(tmp_path, text)).total("params") == 64
    with pytest.raises(ValueError, match=r"share = 'w': conv2d_2 has 256 parameters, conv2d_1 has 128"):
        build(tmp_path, text, c=numpy.array([8, 16]))
