"""Arenas of networks: published numbers, every definition and workspace, what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest
from naive_arena import buffers, check_addresses

from costmodel import load
from costmodel.errors import ConventionError, ParameterError, UnknownNameError
from costmodel.graph import Graph, Layer, image
from costmodel.memory import Arena, peak_memory, plan_arena
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.records import replace

LIVE = ("live", "fused", "inplace")

SHRINKING = Graph(
    "shrinking",
    {"input": image(4, 8, 8)},
    (
        Layer("expand", Conv2d(16), ("input",), ("expand",)),
        Layer("depthwise", DepthwiseConv2d(3, stride=2), ("expand",), ("depthwise",)),
        Layer("project", Conv2d(8), ("depthwise",), ("project",)),
    ),
    ("project",),
    {},
)
"""256 -> 1024 -> 256 -> 128 bytes, the step in the middle in place."""


@pytest.mark.parametrize(
    ("name", "greedy_by_size", "tflite_micro", "bytes"),
    [
        ("mlperf_tiny_vww_mbv1", 64_512, 73_728, 55_296),
        ("mlperf_tiny_resnet8", 49_152, 49_152, 49_152),
        ("mlperf_tiny_kws_dscnn", 16_000, 16_000, 16_000),
        ("mlperf_tiny_ad_autoencoder", 768, 768, 768),
    ],
)
def test_the_files_of_mlperf_tiny(name: str, greedy_by_size: int, tflite_micro: int, bytes: int) -> None:
    """What TensorFlow Lite Micro's GreedyMemoryPlanner (commit 90b983c2b3f1) gives for the files of mlcommons/tiny:
    73,728, 49,152, 16,000 and 768 bytes."""
    arena = plan_arena(load(name))
    assert (arena.greedy_by_size_bytes, arena.tflite_micro_bytes) == (greedy_by_size, tflite_micro)
    assert arena.bytes == arena.lower_bound_bytes == bytes


@pytest.mark.parametrize(
    ("name", "parameters", "printed_kib"),
    [
        ("mcunet_in0", {}, 49),
        ("mcunet_in1", {}, 96),
        ("mcunet_in2", {}, 215),
        ("mcunet_in3", {}, 260),
        ("mcunet_in4", {}, 416),
        ("mcunet_proxyless_w0.3", {"resolution": 64}, 35),
        ("mcunet_proxyless_w0.3", {}, 259),
    ],
)
def test_sram_of_tinyengine(name: str, parameters: dict[str, int], printed_kib: int) -> None:
    """README of mit-han-lab/tinyengine (commit 47bb283ce9d7), peak memory (SRAM) on an STM32H743, all but the four
    networks that are not bundled as they were measured."""
    arena = plan_arena(load(name, **parameters), definition="inplace", workspace="tinyengine")
    assert round(arena.bytes / 1024) == printed_kib


@pytest.mark.parametrize("definition", LIVE)
@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "nasnet_a_mobile", "densenet121", "shufflenet_v2_1.0x", "convnext_tiny", "resnet20_cifar"]
)
def test_addresses_of_networks(name: str, definition: str) -> None:
    net = load(name)
    arena = plan_arena(net, definition=definition)
    check_addresses(arena.buffers, arena.offsets, 16)
    assert arena.bytes == arena.lower_bound_bytes <= arena.greedy_by_size_bytes
    assert list(arena.offsets) == list(arena.buffers)
    least = plan_arena(net, definition=definition, alignment=1, iterations=0).lower_bound_bytes
    assert least == peak_memory(net, definition=definition).bytes <= arena.lower_bound_bytes


@pytest.mark.parametrize("workspace", ["im2col", "cmsis_nn", "cmsis_nn_mve", "tinyengine"])
def test_workspaces_have_addresses(workspace: str) -> None:
    net = load("mobilenet_v2", resolution=96)
    arena = plan_arena(net, definition="inplace", workspace=workspace)
    check_addresses(arena.buffers, arena.offsets, 16)
    least = plan_arena(net, definition="inplace", workspace=workspace, alignment=1).lower_bound_bytes
    assert least == peak_memory(net, definition="inplace", workspace=workspace).bytes
    assert arena.bytes >= plan_arena(net, definition="inplace").bytes
    assert any(arena.table.is_workspace)


def test_the_matrix_of_windows_of_resnet18() -> None:
    """The first convolution: an image, 64 maps of 112x112, and for each of their pixels a window of 7*7*3."""
    arena = plan_arena(load("resnet18"), workspace="im2col")
    assert arena.bytes == 3 * 224 * 224 + 112 * 112 * (64 + 7 * 7 * 3)


def test_a_depthwise_convolution_that_shrinks_in_place() -> None:
    arena = plan_arena(SHRINKING, definition="inplace")
    assert arena.offsets["expand"] == arena.offsets["depthwise"]
    assert arena.bytes == 256 + 1024
    assert plan_arena(SHRINKING).bytes == 1024 + 256
    wide = replace(SHRINKING, inputs={"input": image(4, 6, 6)})
    arena = plan_arena(wide, definition="inplace", alignment=64)  # 144 -> 576 -> 144 -> 72
    assert (arena.bytes, arena.alignment) == (192 + 576, 64)


def test_what_the_result_says() -> None:
    arena = plan_arena(load("mlperf_tiny_vww_mbv1"))
    assert repr(arena) == (
        "<Arena 55,296 bytes, the lower bound, by greedy by lifetime, lowest gap (fused, int8, alignment 16); "
        ".offsets, .table>"
    )
    table = arena.table
    assert list(table.columns) == [
        "buffer", "offset_bytes", "bytes", "start", "stop", "overwrites", "is_workspace",
    ]  # fmt: skip
    assert (table.offset_bytes + table.bytes).max() == arena.bytes
    assert list(table.iloc[0])[:1] == ["input"]
    assert arena.excess == 0


def test_an_arena_above_the_lower_bound_says_so() -> None:
    held = buffers((2, 0, 0), (4, 0, 2), (1, 1, 3), (2, 3, 3), (1, 1, 4), (2, 3, 4), (3, 4, 5), (3, 5, 5))
    arena = plan_arena(SHRINKING, alignment=1, buffers=held)
    assert (arena.bytes, arena.lower_bound_bytes, arena.excess) == (7, 6, Fraction(1, 6))
    assert ", 17 % above the lower bound, by greedy by " in repr(arena)


def test_number_formats_shapes_and_seeds() -> None:
    net = load("convnext_tiny")
    assert plan_arena(net, "float32").bytes == 4 * plan_arena(net).bytes
    first, second = plan_arena(net, seed=5), plan_arena(net, seed=5)
    assert first == second
    assert isinstance(first, Arena)
    assert first.strategy == "hill climb from greedy by size, lowest gap"
    assert plan_arena(net, iterations=0).bytes > first.bytes
    half = {name: image(4, 4, 4) for name in ("input", "expand", "depthwise", "project")}
    assert plan_arena(SHRINKING, shapes=half).bytes == 128


def test_mistakes_are_named() -> None:
    net = SHRINKING
    with pytest.raises(
        ParameterError,
        match="an arena holds all tensors that are alive, and 'single' counts the largest tensor; "
        "choose live, fused or inplace",
    ):
        plan_arena(net, definition="single")
    with pytest.raises(UnknownNameError, match="unknown definition of memory 'fuse'; did you mean 'fused'"):
        plan_arena(net, definition="fuse")
    with pytest.raises(UnknownNameError, match="unknown workspace 'cmsis'; did you mean 'cmsis_nn'"):
        plan_arena(net, workspace="cmsis")
    with pytest.raises(ParameterError, match="plan_arena needs a Graph, got str; load a network first"):
        plan_arena("mobilenet_v2")  # type: ignore[arg-type]
    for alignment in (0, -16, 2.5, True, "16"):
        with pytest.raises(ParameterError, match="alignment is a whole number of at least 1, got"):
            plan_arena(net, alignment=alignment)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="iterations is a whole number of at least 0, got -1"):
        plan_arena(net, iterations=-1)
    with pytest.raises(ParameterError, match="planned for one network at a time, and the sizes of this one are arrays"):
        plan_arena(load("mobilenet_v2", width=numpy.array([0.5, 1.0])))
    with pytest.raises(ParameterError, match="an arena is planned for at least one buffer"):
        plan_arena(net, buffers={})
    with pytest.raises(ConventionError, match="workspace 'cmsis_nn' says nothing about layer_norm"):
        plan_arena(load("convnext_tiny"), workspace="cmsis_nn")


@pytest.mark.parametrize(
    "held",
    [
        buffers((8, 0, 2), (8, 3, 4, "a")),  # a is gone before
        buffers((8, 0, 2), (8, 2, 4, "a"), (8, 2, 4, "a")),  # two at once
        buffers((8, 0, 0, "b"), (8, 0, 0, "a")),  # each other
        buffers((8, 0, 2, "z")),  # there is no z
    ],
)
def test_buffers_that_overwrite_what_they_cannot(held: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=r"cannot overwrite '\w': that must be a buffer listed before it which"):
        plan_arena(SHRINKING, buffers=held)  # type: ignore[arg-type]
