"""Steps of an inference: which layers stand together, what a step holds, and how things are named."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import load
from costmodel.errors import ParameterError
from costmodel.graph import Graph, Layer, image, vector
from costmodel.memory import DEFINITIONS, peak_memory
from costmodel.memory.sizes import binary_size, in_full, unit_of
from costmodel.memory.steps import HeldTensor, execution_steps, peak_step, short_names
from costmodel.operators.activation import Activation
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Split
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.layout import Flatten
from costmodel.operators.linear import Linear
from costmodel.operators.normalization import BatchNorm

NETWORKS = ("mobilenet_v2", "resnet50", "densenet121", "shufflenet_v2", "googlenet", "swin_tiny_patch4_window7_224")


def network(*layers: tuple[str, Operator, str], outputs: tuple[str, ...] = ()) -> Graph:
    """Layers with the names of their inputs, on an image of 4 channels and 10x10 pixels."""
    made = tuple(
        Layer(name, operator, tuple(read.split()), (f"{name}.0", f"{name}.1") if name == "parts" else (name,))
        for name, operator, read in layers
    )
    return Graph("tiny", {"image": image(4, 10, 10)}, made, outputs or (made[-1].name,), {})


BLOCK = network(
    ("unit.expand.conv2d", Conv2d(12), "image"),
    ("unit.expand.batch_norm", BatchNorm(), "unit.expand.conv2d"),
    ("unit.expand.relu", Activation("relu"), "unit.expand.batch_norm"),
    ("unit.depthwise", DepthwiseConv2d(3), "unit.expand.relu"),
    ("unit.project", Conv2d(4), "unit.depthwise"),
    ("unit.add", Add(), "image unit.project"),
    ("flatten", Flatten(), "unit.add"),
)
"""An inverted residual of 400 -> 1200 -> 1200 -> 400 elements, its input kept for the shortcut."""


def held(definition: str) -> list[list[tuple[str, int, str]]]:
    steps = execution_steps(peak_memory(BLOCK, definition=definition))
    return [[(each.name, each.bytes, each.role) for each in step.held] for step in steps]


def test_norm_activation_and_views_stand_with_the_layer_before_them() -> None:
    steps = execution_steps(peak_memory(BLOCK))
    assert [step.name for step in steps] == ["unit.expand", "unit.depthwise", "unit.project", "unit.add"]
    assert [(step.first, step.last) for step in steps] == [(0, 2), (3, 3), (4, 4), (5, 6)]
    assert [step.held_bytes for step in steps] == [1600, 2800, 2000, 1200]
    assert [step.op for step in steps] == ["conv2d", "depthwise_conv2d", "conv2d", "add"]


def test_what_each_step_does_with_what_it_holds() -> None:
    kept = ("image", 400, "kept")
    assert held("fused") == [
        [kept, ("unit.expand", 1200, "output")],
        [kept, ("unit.expand", 1200, "input"), ("unit.depthwise", 1200, "output")],
        [kept, ("unit.depthwise", 1200, "input"), ("unit.project", 400, "output")],
        [("image", 400, "input"), ("unit.project", 400, "input"), ("unit.add", 400, "output")],
    ]


def test_a_depthwise_convolution_in_place_is_a_step_of_its_own() -> None:
    assert held("inplace")[1] == [("image", 400, "kept"), ("unit.expand", 1200, "in_place")]
    assert held("inplace")[2] == [("image", 400, "kept"), ("unit.depthwise", 1200, "input"),
                                  ("unit.project", 400, "output")]  # fmt: skip


def test_where_every_operator_writes_a_new_tensor_every_layer_but_a_view_is_a_step() -> None:
    steps = execution_steps(peak_memory(BLOCK, definition="live"))
    assert [step.name for step in steps][:3] == ["unit.expand.conv2d", "unit.expand.batch_norm", "unit.expand.relu"]
    assert len(steps) == len(BLOCK.layers) - 1


def test_of_single_tensors_only_the_largest_is_held() -> None:
    assert held("single")[3] == [("unit.expand.relu", 1200, "input")]


def test_a_workspace_is_named_and_stands_on_top() -> None:
    net = network(("conv", Conv2d(2, kernel=3), "image"))
    (step,) = execution_steps(peak_memory(net, workspace="im2col"))
    assert step.held_bytes == 400 + 200 + 100 * 4 * 9
    assert step.held[-1] == HeldTensor("workspace", "workspace of conv", 3600, "workspace")


def test_parts_of_a_tensor_are_views_of_it() -> None:
    net = network(("parts", Split((2,)), "image"), ("sum", Add(), "parts.0 parts.1"))
    steps = execution_steps(peak_memory(net))
    assert [step.name for step in steps] == ["parts", "sum"]
    assert [each.name for each in steps[1].held] == ["image", "sum"]


def test_an_activation_of_the_input_writes_over_it_in_a_first_step() -> None:
    steps = execution_steps(peak_memory(network(("relu", Activation("relu"), "image"), ("conv", Conv2d(2), "relu"))))
    assert [step.name for step in steps] == ["relu", "conv"]
    assert steps[0].held == (HeldTensor("image", "relu", 400, "in_place"),)
    assert [each.name for each in steps[1].held] == ["image", "conv"]


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_steps_hold_what_their_layers_hold(name: str, definition: str) -> None:
    peak = peak_memory(load(name), definition=definition)
    steps = execution_steps(peak)
    by_layer = list(peak.held_bytes.values())
    for step in steps:
        assert sum(each.bytes for each in step.held) == step.held_bytes == max(by_layer[step.first : step.last + 1])
    assert [step.first for step in steps] == [0, *(step.last + 1 for step in steps[:-1])]
    assert steps[-1].last == len(by_layer) - 1
    at_peak = steps[peak_step(peak, steps)]
    assert at_peak.held_bytes == peak.bytes
    assert {each.tensor for each in at_peak.held} <= peak.buffers.keys()
    assert len({step.name for step in steps}) == len(steps)


def test_many_variants_have_no_steps() -> None:
    peak = peak_memory(load("mobilenet_v2", width=numpy.array([0.5, 1.0])))
    with pytest.raises(ParameterError, match="steps are those of one network, and these sizes are arrays: load one"):
        execution_steps(peak)


PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", "conv"]), min_size=1, max_size=4).map(".".join), unique=True, min_size=1
)


@given(PATHS)
def test_short_names_stay_different_and_are_beginnings(paths: list[str]) -> None:
    short = short_names(paths)
    assert len(set(short)) == len(paths)
    for name, path in zip(short, paths, strict=True):
        assert path == name or path.startswith(f"{name}.")


def test_short_names_by_hand() -> None:
    assert short_names(["a.b.conv", "a.c.conv", "d.e.f"]) == ["a.b", "a.c", "d"]
    assert short_names(["a", "a.b"]) == ["a", "a.b"]  # the block has the name of a layer


def test_sizes_keep_at_least_ten_of_their_unit() -> None:
    assert [binary_size(bytes) for bytes in (0, 10_239, 10_240, 327_680, 10 * 1024**2, 2**40)] == [
        "0 B", "10,239 B", "10 KiB", "320 KiB", "10 MiB", "1,024 GiB",
    ]  # fmt: skip
    assert unit_of(10 * 1024**3) == (1024**3, "GiB")
    assert in_full(10_240) == "10,240 bytes (10 KiB)"


def test_vectors_have_steps_too() -> None:
    layers = (Layer("hidden", Linear(8), ("features",), ("hidden",)), Layer("out", Linear(2), ("hidden",), ("out",)))
    net = Graph("mlp", {"features": vector(16)}, layers, ("out",), {})
    assert [step.held_bytes for step in execution_steps(peak_memory(net))] == [24, 10]
