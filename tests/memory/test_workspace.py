"""Workspaces: the bytes that CMSIS-NN's own functions give, matrices of windows by hand, what is refused."""

from __future__ import annotations

import numpy
import pytest

from costmodel import load
from costmodel.dtypes import dtype_named
from costmodel.errors import ConventionError, ParameterError, UnknownNameError
from costmodel.graph import Graph, Layer, Shape, image, tokens, vector
from costmodel.memory import WORKSPACES, peak_memory
from costmodel.memory.workspace import workspace_buffers, workspace_named
from costmodel.operators.activation import Activation, Softmax
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add
from costmodel.operators.convolution import Conv2d, ConvTranspose2d, DepthwiseConv2d
from costmodel.operators.linear import Linear
from costmodel.operators.multiplication_free import AdderConv2d
from costmodel.operators.normalization import LayerNorm
from costmodel.operators.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from costmodel.shapes import infer_shapes


def network(operator: Operator, entering: Shape) -> Graph:
    return Graph("one", {"input": entering}, (Layer("layer", operator, ("input",), ("layer",)),), ("layer",), {})


def needed(operator: Operator, entering: Shape, workspace: str, dtype: str = "int8") -> int:
    """Bytes of the workspace of one layer."""
    net = network(operator, entering)
    held = workspace_buffers(net, infer_shapes(net), dtype_named(dtype), workspace)
    return sum(buffer.bytes for buffer in held.values())


CMSIS_NN: list[tuple[Operator, Shape, int, int]] = [
    (Conv2d(8, kernel=3, stride=2), image(3, 96, 96), 112, 128),
    (Conv2d(16), image(8, 48, 48), 0, 0),
    (Conv2d(32, stride=2), image(16, 32, 32), 0, 0),
    (Conv2d(64, kernel=(10, 4), stride=2), image(1, 49, 10), 160, 192),
    (Conv2d(16, kernel=(1, 3)), image(8, 1, 20), 96, 32),
    (Conv2d(8, kernel=(1, 5), stride=(1, 2)), image(4, 1, 21), 80, 28),
    (Conv2d(16, kernel=(1, 3), stride=(1, 2)), image(8, 1, 20), 96, 24),
    (Conv2d(8, kernel=(1, 2), stride=(1, 3), padding=((0, 0), (1, 0))), image(4, 1, 3), 32, 12),
    (Conv2d(32, kernel=3, groups=4), image(32, 14, 14), 1152, 1152),
    (Conv2d(32, groups=4), image(32, 14, 14), 128, 128),
    (DepthwiseConv2d(3), image(64, 25, 5), 0, 4464),
    (Conv2d(40, kernel=5, groups=40), image(40, 28, 28), 2000, 12_400),
    (DepthwiseConv2d(3, dilation=2), image(40, 28, 28), 0, 0),
    (DepthwiseConv2d(3, multiplier=8), image(1, 28, 28), 0, 136),
    (DepthwiseConv2d(3, multiplier=2), image(4, 28, 28), 0, 0),
    (ConvTranspose2d(16, kernel=4, stride=2), image(32, 8, 8), 10_240, 10_240),
    (ConvTranspose2d(4, kernel=4, stride=2), image(8, 8, 8), 1152, 1152),
    (AvgPool2d(5), image(64, 25, 5), 256, 0),
    (GlobalAvgPool(), image(64, 25, 5), 256, 0),
    (Linear(128), vector(640), 0, 512),
    (Linear(128), tokens(10, 640), 0, 0),
    (MaxPool2d(2), image(64, 8, 8), 0, 0),
    (Activation("relu"), image(64, 8, 8), 0, 0),
    (Softmax(), vector(10), 0, 0),
]
"""Operator, its input, and what the functions *_get_buffer_size of ARM-software/CMSIS-NN (commit 99f736a63036),
compiled with GCC, give for the DSP and for the vector extension."""


@pytest.mark.parametrize(("operator", "entering", "dsp", "mve"), CMSIS_NN)
def test_what_cmsis_nn_asks_for(operator: Operator, entering: Shape, dsp: int, mve: int) -> None:
    assert needed(operator, entering, "cmsis_nn") == dsp
    assert needed(operator, entering, "cmsis_nn_mve") == mve


def test_the_matrix_of_windows() -> None:
    """The lecture's example: a 2x2 filter over 3x3 pixels multiplies a matrix of 4x4."""
    assert needed(Conv2d(1, kernel=2, padding="valid"), image(1, 3, 3), "im2col") == 16
    assert needed(Conv2d(64, kernel=3), image(32, 14, 14), "im2col") == 3 * 3 * 32 * 14 * 14
    assert needed(Conv2d(64, kernel=3), image(32, 14, 14), "im2col", "float16") == 2 * 3 * 3 * 32 * 14 * 14
    assert needed(Conv2d(64, kernel=3, groups=4), image(32, 14, 14), "im2col") == 3 * 3 * 8 * 14 * 14
    assert needed(DepthwiseConv2d(3, stride=2), image(32, 14, 14), "im2col") == 3 * 3 * 7 * 7
    assert needed(AdderConv2d(64, kernel=3), image(32, 14, 14), "im2col") == 3 * 3 * 32 * 14 * 14
    assert needed(Conv2d(64), image(32, 14, 14), "im2col") == 0
    assert needed(Conv2d(64, stride=2), image(32, 14, 14), "im2col") == 32 * 7 * 7
    assert needed(Conv2d(64, padding=1), image(32, 14, 14), "im2col") == 32 * 16 * 16
    assert needed(ConvTranspose2d(16, kernel=4, stride=2), image(32, 8, 8), "im2col") == 4 * 4 * 16 * 8 * 8
    assert needed(LayerNorm(), tokens(10, 64), "im2col") == 0


def test_what_tinyengine_sets_aside() -> None:
    net = load("mcunet_in0")
    held = workspace_buffers(net, infer_shapes(net), dtype_named("int8"), "tinyengine")
    assert list(held) == ["columns of all layers", "filters of all layers"]
    columns, filters = held.values()
    assert (columns.start, columns.stop, columns.is_workspace) == (0, len(net.layers), True)
    assert filters.bytes == 2 * 24 * 3 * 3 * 3  # of the first convolution, the only one of more than one pixel
    assert needed(DepthwiseConv2d(5), image(40, 28, 28), "tinyengine") == 2 * 32 * 32
    assert needed(Conv2d(16), image(40, 28, 28), "tinyengine") == 4 * 40
    assert needed(Linear(10), vector(640), "tinyengine") == 4 * 640


def test_the_peak_counts_the_workspace_of_the_layer_that_runs() -> None:
    net = network(Conv2d(16, kernel=5), image(8, 4, 4))
    for definition in ("live", "fused", "inplace", "io"):
        peak = peak_memory(net, definition=definition, workspace="cmsis_nn")
        assert peak.bytes == 8 * 16 + 16 * 16 + 4 * 5 * 5 * 8
        assert peak.alive == {"workspace of layer": 800, "layer": 256, "input": 128}
    assert peak_memory(net, definition="single", workspace="cmsis_nn").bytes == 256


def test_arrays_give_what_single_networks_give() -> None:
    widths, kernels = numpy.array([0.35, 1.0, 1.4]), numpy.array([3, 5, 3])
    for workspace in ("im2col", "cmsis_nn", "cmsis_nn_mve", "tinyengine"):
        many = peak_memory(load("mobilenet_v2", width=widths, kernel=kernels), workspace=workspace)
        for at, (width, kernel) in enumerate(zip(widths.tolist(), kernels.tolist(), strict=True)):
            one = peak_memory(load("mobilenet_v2", width=width, kernel=kernel), workspace=workspace)
            assert (many.bytes[at], many.layer[at]) == (one.bytes, one.layer), workspace


def test_every_row_says_what_it_is() -> None:
    for name, workspace in WORKSPACES.items():
        assert workspace_named(name) is workspace
        assert workspace.meaning
        assert workspace.source or name == "none"
    assert needed(Conv2d(64, kernel=3), image(32, 14, 14), "none") == 0


@pytest.mark.parametrize("workspace", ["cmsis_nn", "cmsis_nn_mve", "tinyengine"])
def test_what_a_runtime_does_not_have_is_named(workspace: str) -> None:
    for operator, entering in ((LayerNorm(), tokens(10, 64)), (AdderConv2d(8), image(8, 4, 4))):
        with pytest.raises(
            ConventionError,
            match=rf"workspace '{workspace}' says nothing about {operator.verb} \(layer\): the runtime has no such "
            r"operator, or needs tensors of its own for it; choose workspace 'none' or 'im2col'",
        ):
            needed(operator, entering, workspace)
    with pytest.raises(
        ParameterError,
        match=f"workspace '{workspace}' is known for int8, not for float32; choose int8, or 'im2col' or 'none'",
    ):
        needed(Conv2d(8), image(8, 4, 4), workspace, "float32")


def test_groups_and_dilation_that_a_runtime_does_not_have() -> None:
    refused = [
        (ConvTranspose2d(8, kernel=2, stride=2, groups=2), "cmsis_nn", "CMSIS-NN has no conv_transpose2d"),
        (Conv2d(8, kernel=3, groups=2), "tinyengine", "TinyEngine has no conv2d"),
        (Conv2d(8, kernel=3, dilation=2), "tinyengine", "TinyEngine has no conv2d"),
        (DepthwiseConv2d(3, multiplier=2), "tinyengine", "TinyEngine has no depthwise_conv2d"),
    ]
    for operator, workspace, message in refused:
        with pytest.raises(
            ConventionError, match=f"{message} with the groups, dilation or multiplier of layer; choose"
        ):
            needed(operator, image(8, 8, 8), workspace)


def test_unknown_workspaces() -> None:
    with pytest.raises(UnknownNameError, match="unknown workspace 'tinyengin'; did you mean 'tinyengine'"):
        workspace_named("tinyengin")
    with pytest.raises(UnknownNameError, match="unknown workspace 7; there are none, im2col, cmsis_nn"):
        workspace_named(7)  # type: ignore[arg-type]


def test_an_operator_without_workspace_beside_one_with() -> None:
    layers = (
        Layer("conv", Conv2d(8, kernel=3), ("input",), ("conv",)),
        Layer("sum", Add(), ("input", "conv"), ("sum",)),
    )
    net = Graph("two", {"input": image(8, 4, 4)}, layers, ("sum",), {})
    held = workspace_buffers(net, infer_shapes(net), dtype_named("int8"), "cmsis_nn")
    assert {name: (each.bytes, each.start, each.stop) for name, each in held.items()} == {
        "workspace of conv": (288, 0, 0)
    }
