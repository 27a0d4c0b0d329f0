"""Parallel branches that become one convolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costmodel import cost_table, load, sweep
from costmodel.errors import PassError
from costmodel.graph import Graph, Layer, image
from costmodel.operators.combining import Add
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.passes.reparameterize import reparameterize
from costmodel.shapes import infer_shapes

HEAD = 'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'


def net(folder: Path, layers: str) -> Graph:
    path = folder / "net.toml"
    path.write_text(f"{HEAD}layers = [\n{layers}\n]\n")
    return load(path)


def merged(folder: Path, layers: str) -> list[Any]:
    """The operators after merging."""
    return [layer.operator for layer in reparameterize(net(folder, layers)).layers]


def dense(kernel: tuple[int, int], out_channels: int = 8, **fields: Any) -> Conv2d:
    """A convolution with every pair of its fields written out, as merging leaves it."""
    return Conv2d(out_channels, **({"kernel": kernel, "stride": (1, 1), "dilation": (1, 1)} | fields))


def depthwise(kernel: tuple[int, int], **fields: Any) -> DepthwiseConv2d:
    return DepthwiseConv2d(**({"kernel": kernel, "stride": (1, 1), "dilation": (1, 1)} | fields))


REPVGG = """
{ branches = [
  [ "batch_norm" ],
  [ { conv2d = 8, kernel = 3, groups = 4 }, "batch_norm" ],
  [ { conv2d = 8, groups = 4 }, "batch_norm" ],
], join = "add", merge = true }, "relu",
"""


def test_three_branches_of_repvgg_are_one_3x3(tmp_path: Path) -> None:
    convolution, relu = merged(tmp_path, REPVGG)
    assert convolution == dense((3, 3), groups=4, bias=True)
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
    assert merged(tmp_path, mixer) == [depthwise((7, 7), bias=True)]


def test_identities_alone_are_a_1x1_depthwise(tmp_path: Path) -> None:
    assert merged(tmp_path, '{ branches = [ [], ["scale"] ], join = "add", merge = true },') == [DepthwiseConv2d(1)]


def test_a_dense_branch_makes_the_sum_dense(tmp_path: Path) -> None:
    layers = '{ branches = [ [{ depthwise_conv2d = 3 }], [{ conv2d = 8 }] ], join = "add", merge = true },'
    assert merged(tmp_path, layers) == [dense((3, 3))]


def test_a_single_branch_takes_its_norm_in(tmp_path: Path) -> None:
    layers = '{ steps = [ { conv2d = 16, stride = 2, kernel = 3 }, "batch_norm" ], merge = true },'
    assert merged(tmp_path, layers) == [dense((3, 3), out_channels=16, stride=(2, 2), bias=True)]


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
         "merge = true },", "reparameterize: 'add' adds branches with different dilations"),
        ('{ branches = [ [{ conv2d = 8, kernel = 3, padding = 1, stride = 1 }], [{ conv2d = 8, kernel = 5 }] ], '
         'join = "add", merge = true },', "reparameterize: 'add' adds branches with padding 'same' and with numbers"),
        ('{ branches = [ [{ conv2d = 8, kernel = 3, stride = 2, dilation = 2 }], [{ conv2d = 8, stride = 2 }] ], '
         'join = "add", merge = true },', "reparameterize: 'add' adds kernels that see different pixels"),
        ('{ branches = [ [{ conv2d = 8, kernel = 3 }], [{ conv2d = 8, kernel = 2 }] ], join = "add", merge = true },',
         "reparameterize: 'add' adds kernels of 3 and 2 whose centres differ"),
        ('{ steps = [ { adder_conv2d = 8, kernel = 3 }, "batch_norm" ], merge = true },',
         "reparameterize: 'adder_conv2d' (adder_conv2d) cannot become part of one convolution of 'input'; convolutions "
         "of that tensor, batch norms, scales and their sums can"),
        ('{ shift_conv2d = 8, kernel = 3, merge = true },',
         "reparameterize: 'shift_conv2d' (shift_conv2d) cannot become part of one convolution of 'input'; convolutions "
         "of that tensor, batch norms, scales and their sums can"),
        ('"tokens", { scale = true, merge = true },', "reparameterize: 'scale' reads 256x8 (tokens, c), not an image"),
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


@pytest.mark.parametrize(
    ("first", "second", "merged_into"),
    [
        ("kernel = [1, 3]", "kernel = [3, 1]", dense((3, 3))),
        ("kernel = 5, stride = 2", "kernel = 3, stride = 2", dense((5, 5), stride=(2, 2))),
        ("kernel = 3, padding = [[0, 2], [0, 2]]", "kernel = 3, padding = [[2, 0], [2, 0]]",
         dense((5, 5), padding=((2, 2), (2, 2)))),
        ("kernel = 3, padding = 1", "stride = 1", dense((3, 3), padding=((1, 1), (1, 1)))),
        ("kernel = 3, padding = 2, dilation = 2", "kernel = 5, padding = 4, dilation = 2",
         dense((5, 5), padding=((4, 4), (4, 4)), dilation=(2, 2))),
        ("kernel = 3, dilation = 2", "stride = 1", dense((3, 3), dilation=(2, 2))),
    ],
)  # fmt: skip
def test_the_merged_kernel_covers_both(tmp_path: Path, first: str, second: str, merged_into: Conv2d) -> None:
    layers = (
        f'{{ branches = [ [{{ conv2d = 8, {first} }}], [{{ conv2d = 8, {second} }}] ], join = "add", merge = true }},'
    )
    (operator,) = merged(tmp_path, layers)
    assert operator == merged_into
    before, after = net(tmp_path, layers), reparameterize(net(tmp_path, layers))
    assert infer_shapes(before)[before.outputs[0]] == infer_shapes(after)[after.outputs[0]]


def test_depthwise_multiplier_and_outputs_stay(tmp_path: Path) -> None:
    layers = '{ depthwise_conv2d = 3, multiplier = 2, merge = true, name = "last" },'
    path = tmp_path / "net.toml"
    path.write_text(f'{HEAD}layers = [\n{layers}\n]\noutputs = ["last"]\n')
    graph = reparameterize(load(path))
    assert graph.layers[0].operator == depthwise((3, 3), multiplier=2)
    assert graph.outputs == ("depthwise_conv2d",)


def test_an_identity_beside_a_stride_is_refused() -> None:
    """No spec can say it, a graph can: the sum of a tensor and a convolution of stride 2 of the same size."""
    layers = (
        Layer("conv", Conv2d(8, stride=2), ("x",), ("conv",), merge="1"),
        Layer("add", Add(), ("conv", "x"), ("add",), merge="1"),
    )
    graph = Graph("net", {"x": image(8, 1, 1)}, layers, ("add",), {})
    with pytest.raises(PassError, match="adds branches with different strides"):
        reparameterize(graph)


def test_swept_kernels_merge(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        f'{HEAD}layers = [ {{ branches = [ ["batch_norm"], [{{ conv2d = 8, kernel = "k" }}, "batch_norm"] ], '
        'join = "add", merge = true } ]\n[parameters]\nk = 3\n'
        '[variants]\nnet_deploy = { passes = ["reparameterize"] }\n'
    )
    frame = sweep(f"{path}:net_deploy", k=[3, 5, 7])
    assert frame.weight_params.tolist() == [8 * 8 * k * k for k in (3, 5, 7)]
