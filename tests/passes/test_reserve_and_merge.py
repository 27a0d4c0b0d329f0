"""Residual networks without their residual connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costmodel import cost_table, load, sweep
from costmodel.errors import PassError
from costmodel.graph import Graph
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.passes import apply_passes
from costmodel.passes.merge_pointwise import merge_pointwise
from costmodel.passes.reserve_and_merge import reserve_and_merge

HEAD = 'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'


def net(folder: Path, layers: str) -> Graph:
    path = folder / "net.toml"
    path.write_text(f"{HEAD}layers = [\n{layers}\n]\n")
    return load(path)


def block(body: str, projection: str = "") -> str:
    """A residual block behind and in front of a rectifier."""
    return f'"relu", {{ residual = [ {body} ]{f", projection = [ {projection} ]" if projection else ""} }}, "relu",'


def converted(folder: Path, layers: str) -> list[Any]:
    """The operators after the conversion that are no rectifiers."""
    operators = [layer.operator for layer in reserve_and_merge(net(folder, layers)).layers]
    return [operator for operator in operators if getattr(operator, "function", "") != "relu"]


def test_the_first_convolution_reserves_the_input_and_the_last_one_merges_it(tmp_path: Path) -> None:
    plain = block('{ conv2d = 12, kernel = 3 }, "relu", { conv2d = 8, kernel = 3 }')
    assert converted(tmp_path, plain) == [Conv2d(12 + 8, (3, 3)), Conv2d(8, (3, 3))]
    costs = cost_table(reserve_and_merge(net(tmp_path, plain)))
    assert costs.total("macs") == 16 * 16 * 9 * (8 * 20 + 20 * 8)
    assert costs.total("adds") == 0


def test_a_projection_lies_in_the_last_convolution(tmp_path: Path) -> None:
    body = '{ conv2d = 16, kernel = 3, stride = 2 }, "relu", { conv2d = 16, kernel = 3 }'
    assert converted(tmp_path, block(body, "{ conv2d = 16, stride = 2 }")) == [
        Conv2d(16 + 8, (3, 3), (2, 2)), Conv2d(16, (3, 3)),
    ]  # fmt: skip
    for shift in ('{ conv2d = 16, stride = 2 }, "batch_norm"', "{ conv2d = 16, stride = 2, bias = true }"):
        assert converted(tmp_path, block(body, shift))[-1] == Conv2d(16, (3, 3), bias=True)
    copied = block(body, "{ subsample = 2 }, { pad_channels = 16 }")  # option A of CIFAR networks
    assert converted(tmp_path, copied) == [Conv2d(16 + 8, (3, 3), (2, 2)), Conv2d(16, (3, 3))]


def test_a_norm_after_the_last_convolution_takes_the_shift_of_the_projection(tmp_path: Path) -> None:
    body = '{ conv = 16, kernel = 3, stride = 2 }, { conv = 16, kernel = 3, act = "none" }'
    graph = net(tmp_path, block(body, '{ conv = 16, stride = 2, act = "none" }'))
    costs = cost_table(reserve_and_merge(graph))
    assert costs.total("bias_params") == 0
    assert costs.total("norm_params") == 2 * (16 + 8) + 2 * 16
    names = [layer.name for layer in reserve_and_merge(graph).layers]
    assert names[-3:] == ["conv_2.conv2d", "conv_2.batch_norm", "relu_2"]


def test_groups_in_the_middle_get_more_groups_of_the_same_width(tmp_path: Path) -> None:
    body = '{ conv2d = 24 }, "relu", { conv2d = 24, kernel = 3, groups = 6 }, "relu", { conv2d = 8 }'
    assert converted(tmp_path, block(body))[1] == Conv2d(24 + 8, (3, 3), groups=6 + 2)
    depthwise = '{ conv2d = 24 }, "relu", { depthwise_conv2d = 5 }, "relu", { conv2d = 8 }'
    assert converted(tmp_path, block(depthwise))[1] == DepthwiseConv2d((5, 5))


@pytest.mark.parametrize(
    ("before", "inside", "after"),
    [
        ('"relu"', '"relu"', "activation"),
        ('"relu6"', '"relu6"', "activation"),
        ('"sigmoid"', '"relu6"', "activation"),
        ('"relu", { max_pool2d = 3, stride = 1 }', '"relu"', "activation"),
        ('"relu"', '"prelu"', "prelu"),
        ('"relu"', '"relu6"', "prelu"),
        ('"tanh"', '"relu"', "prelu"),
        ('"batch_norm"', '"relu6"', "prelu"),
        ('"batch_norm"', '"leaky_relu"', "prelu"),
    ],
)
def test_a_rectifier_that_would_cut_the_reserved_values_becomes_a_prelu(
    tmp_path: Path, before: str, inside: str, after: str
) -> None:
    graph = net(tmp_path, f"{before}, {{ residual = [ {{ conv2d = 12 }}, {inside}, {{ conv2d = 8 }} ] }},")
    costs = cost_table(reserve_and_merge(graph))
    assert costs.graph.layers[-2].operator.verb == after
    assert costs.total("other_params") == (12 + 8 if after == "prelu" else 0)


def test_blocks_in_a_block_and_other_readers(tmp_path: Path) -> None:
    inner = '{ residual = [ { conv2d = 16, kernel = 3 }, "relu", { conv2d = 12 } ] }'
    outer = block(f'{{ conv2d = 12 }}, "relu", {inner}, "relu", {{ conv2d = 8 }}')
    channels = [operator.out_channels for operator in converted(tmp_path, outer)]
    assert channels == [12 + 8, 16 + 12 + 8, 12 + 8, 8]
    read_twice = '"relu", { residual = [ { conv2d = 12 }, "relu", { conv2d = 8 } ] }, { multiply = [-1, -1] },'
    assert reserve_and_merge(net(tmp_path, read_twice)).layers[-1].inputs == ("conv2d_2", "conv2d_2")


# The same conversion written apart in PyTorch, its outputs equal to those of the residual network: totals.
@pytest.mark.parametrize(
    ("network", "macs", "params", "slopes"),
    [
        ("resnet18", 3_210_973_184, 20_176_296, 0),
        ("resnet34", 6_910_349_312, 40_383_336, 0),
        ("resnet50", 46_066_827_264, 277_325_800, 0),
        ("resnext50_32x4d", 10_189_783_040, 57_930_856, 0),
        ("resnet20_cifar", 77_120_128, 502_026, 0),
        ("mobilenet_v2", 326_605_504, 3_676_704, 11_088),
    ],
)
def test_networks_agree_with_a_separate_conversion(network: str, macs: int, params: int, slopes: int) -> None:
    for passes in (["reserve_and_merge", "fold_norm"], ["fold_norm", "reserve_and_merge"]):
        costs = cost_table(apply_passes(load(network), passes))
        assert [costs.total(column) for column in ("macs", "params", "other_params")] == [macs, params, slopes]
        assert costs.total("norm_params") == 0
        assert "add" not in {layer.operator.verb for layer in costs.graph.layers}


def test_mobilenet_v2_becomes_a_network_of_the_form_of_mobilenet_v1() -> None:
    plain = merge_pointwise(apply_passes(load("mobilenet_v2"), ["reserve_and_merge", "fold_norm"]))
    convolutions = [layer.operator.verb for layer in plain.layers if layer.operator.kind == "convolution"]
    assert convolutions == ["conv2d"] + 17 * ["depthwise_conv2d", "conv2d"]
    costs = cost_table(plain)
    assert [costs.total(column) for column in ("macs", "params")] == [848_285_376, 7_509_952]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("{ conv2d = 8 },", "net has no residual connection"),
        ('{ branches = [ [], [], [{ conv2d = 8 }] ], join = "add" },',
         "'add' (add) adds 3 tensors; a residual connection has two"),
        ('{ residual = [ { conv2d = 8 }, { branches = [ [], ["relu"] ], join = "multiply" } ] },',
         "'add' (add) joins paths from 'multiply' and from 'input'; both must start at the input of the block, "
         "without branches"),
        ('{ residual = [ { conv2d = 8 }, "batch_norm" ] },',
         "'add' (add) adds two linear sides; the pass reparameterize makes one convolution of them"),
        (block('{ conv2d = 8 }, "relu", { conv2d = 8, stride = 2 }', "{ avg_pool2d = 2 }, { conv2d = 8 }"),
         "'projection.avg_pool2d' (avg_pool2d) cannot be in a shortcut; 1x1 convolutions, batch norms, subsample, "
         "pad_channels can"),
        (block('{ conv2d = 8 }, "relu", { conv2d = 8, stride = 2 }', "{ conv2d = 8, kernel = 3, stride = 2 }"),
         "'projection.conv2d' (conv2d) cannot be in a shortcut; 1x1 convolutions, batch norms, subsample, pad_channels "
         "can"),
        (block('{ conv2d = 8 }, "relu", { conv2d = 8, probability = 0.5 }'),
         "'conv2d_2' (conv2d) shares its weights, runs conditionally or is marked with merge = true"),
        (block('{ conv2d = 8 }, "relu", { channel_shuffle = 2 }, { conv2d = 8 }'),
         "'channel_shuffle' (channel_shuffle) cannot let the input of its block through; convolutions, batch norms, "
         "rectifiers can"),
        (block('"batch_norm", "relu", { conv2d = 8 }'),
         "'batch_norm' (batch_norm) comes before the first convolution of its block"),
        (block('{ conv2d = 8 }, "batch_norm", "relu"'),
         "'relu_2' (activation) comes after the last convolution of its block"),
        (block('{ depthwise_conv2d = 3 }, "relu", { conv2d = 8 }'),
         "'depthwise_conv2d' (depthwise_conv2d) has groups; the first and last convolution of a block must see every "
         "channel"),
        (block('{ conv2d = 8 }, "relu", { conv2d = 8, groups = 2 }'),
         "'conv2d_2' (conv2d) has groups; the first and last convolution of a block must see every channel"),
        (block('{ conv2d = 24 }, "relu", { conv2d = 24, groups = 2 }, { conv2d = 8 }'),
         "'conv2d_2' (conv2d) has groups that cannot hold the reserved channels; it needs as many outputs as inputs, "
         "and groups whose width divides the channels that enter the block"),
        (block('{ conv2d = 8, padding = 1 }, "relu", { conv2d = 8, kernel = 3, padding = "valid" }'),
         "'conv2d_1' (conv2d) has no tap of its kernel on the pixel that the shortcut sees"),
        (block('{ conv2d = 8 }, "hard_swish", { conv2d = 8 }'),
         "'hard_swish' (activation) changes the values it should let through; rectifiers can leave them as they are"),
        ('"relu", { max_pool2d = 16 }, { branches = [ [{ conv2d = 8, stride = 2 }, "relu", { conv2d = 8 }], '
         '[{ conv2d = 8 }] ], join = "add" },', "'add' (add) joins a body and a shortcut of different strides"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted_is_refused(tmp_path: Path, layers: str, message: str) -> None:
    with pytest.raises(PassError) as raised:
        reserve_and_merge(net(tmp_path, layers))
    assert str(raised.value) == f"reserve_and_merge: {message}"


def test_adder_and_shift_layers_are_no_convolutions() -> None:
    with pytest.raises(PassError, match="adder_conv2d"):
        reserve_and_merge(load("adder_resnet20_cifar"))


@pytest.mark.parametrize(
    ("convolution", "projection"),
    [
        ("{ conv2d = 8, kernel = 3, stride = 2, dilation = 2 }", "{ conv2d = 8, stride = 2 }"),
        ("{ conv2d = 8, kernel = 2, dilation = 3 }", ""),
    ],
)
def test_a_kernel_that_misses_the_pixel_of_the_shortcut_is_refused(
    tmp_path: Path, convolution: str, projection: str
) -> None:
    """'same' on an even image: the taps of the first lie at -1, 1, 3 around pixel 2i, those of the second at -1, 2."""
    with pytest.raises(PassError, match="has no tap of its kernel on the pixel"):
        reserve_and_merge(net(tmp_path, block(f'{convolution}, "relu", {{ conv2d = 8 }}', projection)))


def test_swept_kernels_and_strides(tmp_path: Path) -> None:
    body = block('{ conv2d = 12, kernel = "k" }, "relu", { conv2d = "c", kernel = 3 }', '{ conv2d = "c" }')
    path = tmp_path / "net.toml"
    path.write_text(
        f"{HEAD}layers = [ {body} ]\n[parameters]\nk = 3\nc = 8\n[variants]\n"
        'net_plain = { passes = ["reserve_and_merge", "merge_pointwise"] }\n'
    )
    frame = sweep(f"{path}:net_plain", k=[1, 3, 5], c=[8, 10])
    alone = [cost_table(load(f"{path}:net_plain", k=k, c=c)).total("macs") for k in (1, 3, 5) for c in (8, 10)]
    assert frame.macs.tolist() == alone
