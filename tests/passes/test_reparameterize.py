"""Parallel branches that become one convolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costmodel import cost_table, load
from costmodel.errors import PassError
from costmodel.graph import Graph
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.passes.reparameterize import reparameterize

HEAD = 'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'


def net(folder: Path, layers: str) -> Graph:
    path = folder / "net.toml"
    path.write_text(f"{HEAD}layers = [\n{layers}\n]\n")
    return load(path)


def merged(folder: Path, layers: str) -> list[Any]:
    """The operators after merging."""
    return [layer.operator for layer in reparameterize(net(folder, layers)).layers]


REPVGG = """
{ branches = [
  [ "batch_norm" ],
  [ { conv2d = 8, kernel = 3, groups = 4 }, "batch_norm" ],
  [ { conv2d = 8, groups = 4 }, "batch_norm" ],
], join = "add", merge = true }, "relu",
"""


def test_three_branches_of_repvgg_are_one_3x3(tmp_path: Path) -> None:
    convolution, relu = merged(tmp_path, REPVGG)
    assert convolution == Conv2d(8, kernel=(3, 3), groups=4, bias=True)
    assert relu.function == "relu"
    costs = cost_table(reparameterize(net(tmp_path, REPVGG)))
    assert costs.total("macs") == 16 * 16 * 3 * 3 * 2 * 8
    assert costs.total("params") == 3 * 3 * 2 * 8 + 8


def test_readers_read_the_merged_layer(tmp_path: Path) -> None:
    graph = reparameterize(net(tmp_path, REPVGG + REPVGG))
    assert [layer.name for layer in graph.layers] == ["conv2d", "relu_1", "conv2d_2", "relu_2"]
    assert [layer.inputs for layer in graph.layers] == [("input",), ("conv2d",), ("relu_1",), ("conv2d_2",)]
    assert graph.outputs == ("relu_2",)
    assert all(layer.merge is None for layer in graph.layers)


def test_layer_scale_and_subtraction_of_fastvit_are_one_depthwise(tmp_path: Path) -> None:
    mixer = """
    { residual = [
      { branches = [
        [ { branches = [
          [ { depthwise_conv2d = 7 }, "batch_norm" ],
          [ { depthwise_conv2d = 3 }, "batch_norm" ],
        ], join = "add" } ],
        [ "batch_norm" ],
      ], join = "subtract" },
      "scale",
    ], merge = true },
    """
    assert merged(tmp_path, mixer) == [DepthwiseConv2d((7, 7), bias=True)]


def test_identities_alone_are_a_1x1_depthwise(tmp_path: Path) -> None:
    assert merged(tmp_path, '{ branches = [ [], ["scale"] ], join = "add", merge = true },') == [DepthwiseConv2d(1)]


def test_a_dense_branch_makes_the_sum_dense(tmp_path: Path) -> None:
    layers = '{ branches = [ [{ depthwise_conv2d = 3 }], [{ conv2d = 8 }] ], join = "add", merge = true },'
    assert merged(tmp_path, layers) == [Conv2d(8, kernel=(3, 3))]


def test_a_single_branch_takes_its_norm_in(tmp_path: Path) -> None:
    layers = '{ steps = [ { conv2d = 16, stride = 2, kernel = 3 }, "batch_norm" ], merge = true },'
    assert merged(tmp_path, layers) == [Conv2d(16, kernel=(3, 3), stride=(2, 2), bias=True)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("{ conv2d = 8 },", "reparameterize: net has nothing to merge; mark the steps that become one convolution with "
                            "merge = true"),
        ('{ steps = [ { conv2d = 8 }, "relu" ], merge = true },',
         "reparameterize: 'relu' (activation) cannot become part of one convolution of 'input'; convolutions of "
         "that tensor, batch norms, scales and their sums can"),
        ("{ steps = [ { conv2d = 8 }, { conv2d = 8, kernel = 3 } ], merge = true },",
         "reparameterize: 'conv2d_2' (conv2d) cannot become part of one convolution of 'input'; convolutions of that "
         "tensor, batch norms, scales and their sums can"),
        ('{ branches = [ [{ conv2d = 8, stride = 2 }], [{ subsample = 2 }] ], join = "add", merge = true },',
         "reparameterize: 'branch_2.subsample' (subsample) cannot become part of one convolution of 'input'; "
         "convolutions of that tensor, batch norms, scales and their sums can"),
        ('{ branches = [ [{ conv2d = 8, kernel = 3, dilation = 2 }], [{ conv2d = 8, kernel = 3 }] ], join = "add", '
         "merge = true },", "reparameterize: 'add' adds branches with different strides or dilations"),
        ("{ conv2d = 8, merge = true, probability = 0.5 },",
         "reparameterize: 'conv2d' shares its weights or runs conditionally; it cannot merge"),
        ('{ conv2d = 8, name = "a" }, { steps = [ { add = ["a", "input"] }, "batch_norm" ], merge = true },',
         "reparameterize: the merged step of 'add' has 2 inputs and 1 outputs; a convolution has one of each"),
    ],
)  # fmt: skip
def test_what_is_no_single_convolution_is_refused(tmp_path: Path, layers: str, message: str) -> None:
    with pytest.raises(PassError) as raised:
        reparameterize(net(tmp_path, layers))
    assert str(raised.value) == message
