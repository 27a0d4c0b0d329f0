"""Peak activation memory: every definition on small networks worked out by hand, and published peaks."""

from __future__ import annotations

import numpy
import pytest

from costmodel import load
from costmodel.errors import CountOverflowError, ParameterError, UnknownNameError
from costmodel.graph import Graph, Layer, Shape, image
from costmodel.memory import DEFINITIONS, definition_named, peak_memory, plan_arena
from costmodel.operators.activation import Activation, Dropout, Softmax
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Split
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.layout import Flatten
from costmodel.operators.linear import Linear
from costmodel.operators.normalization import BatchNorm
from costmodel.operators.pooling import MaxPool2d


def network(*layers: tuple[str, Operator, str], outputs: tuple[str, ...] = (), input: Shape | None = None) -> Graph:
    """Layers with the names of their inputs, on an image of 4 channels and 10x10 pixels."""
    made = tuple(
        Layer(
            name,
            operator,
            tuple(read.split()),
            tuple(f"{name}.{part}" for part in range(2)) if name == "parts" else (name,),
        )
        for name, operator, read in layers
    )
    return Graph("tiny", {"input": input or image(4, 10, 10)}, made, outputs or (made[-1].name,), {})


BLOCK = network(
    ("expand", Conv2d(12), "input"),
    ("norm", BatchNorm(), "expand"),
    ("relu", Activation("relu"), "norm"),
    ("depthwise", DepthwiseConv2d(3), "relu"),
    ("project", Conv2d(4), "depthwise"),
    ("sum", Add(), "input project"),
)
"""An inverted residual of 400 -> 1200 -> 1200 -> 400 elements, its input kept for the shortcut."""

HELD = {
    "single": [1200, 1200, 1200, 1200, 1200, 400],
    "io": [1600, 1200, 1200, 2400, 1600, 1200],
    "io_inplace": [1600, 1200, 1200, 1200, 1600, 1200],
    "live": [1600, 2800, 2800, 2800, 2000, 1200],
    "fused": [1600, 1600, 1600, 2800, 2000, 1200],
    "inplace": [1600, 1600, 1600, 1600, 2000, 1200],
}


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_an_inverted_residual_by_hand(definition: str) -> None:
    peak = peak_memory(BLOCK, definition=definition)
    assert list(peak.held_bytes.values()) == HELD[definition]
    assert peak.bytes == max(HELD[definition])
    assert peak.held_bytes[peak.layer] == peak.bytes


def test_the_layer_is_the_first_that_reaches_the_peak() -> None:
    assert peak_memory(BLOCK, definition="single").layer == "expand"
    assert peak_memory(BLOCK, definition="live").layer == "norm"


@pytest.mark.parametrize(("dtype", "bytes"), [("int8", 2800), ("int16", 5600), ("float32", 11200), ("tfloat32", 11200)])
def test_bytes_follow_the_number_format(dtype: str, bytes: int) -> None:
    assert peak_memory(BLOCK, dtype).bytes == bytes


def test_a_depthwise_convolution_with_stride_holds_its_input_then_its_output() -> None:
    net = network(("depthwise", DepthwiseConv2d(3, stride=2), "input"), ("conv", Conv2d(2), "depthwise"))
    assert peak_memory(net, definition="inplace").held_bytes == {"depthwise": 400, "conv": 100 + 50}


def test_a_convolution_with_a_group_per_channel_is_depthwise() -> None:
    net = network(("depthwise", Conv2d(4, kernel=3, groups=4), "input"))
    assert peak_memory(net, definition="inplace").bytes == 400
    assert peak_memory(network(("conv", Conv2d(4), "input")), definition="inplace").bytes == 800


def test_an_input_that_is_read_later_is_not_written_over() -> None:
    net = network(("relu", Activation("relu"), "input"), ("sum", Add(), "input relu"))
    assert peak_memory(net).held_bytes == {"relu": 800, "sum": 1200}


def test_outputs_of_the_graph_live_to_the_end() -> None:
    layers = (("one", Conv2d(8), "input"), ("relu", Activation("relu"), "one"), ("two", Conv2d(1), "relu"))
    assert peak_memory(network(*layers)).held_bytes == {"one": 1200, "relu": 800, "two": 900}
    assert peak_memory(network(*layers, outputs=("one", "two"))).held_bytes == {"one": 1200, "relu": 1600, "two": 1700}


def test_views_hold_nothing_and_keep_what_they_look_at() -> None:
    """The second part keeps the whole input alive; the vector is the last map itself."""
    net = network(
        ("parts", Split((2, 2)), "input"),
        ("conv", Conv2d(2), "parts.0"),
        ("sum", Add(), "parts.1 conv"),
        ("drop", Dropout(), "sum"),
        ("flat", Flatten(), "drop"),
        ("linear", Linear(5), "flat"),
    )
    held = peak_memory(net, definition="live").held_bytes
    assert held == {"parts": 400, "conv": 600, "sum": 800, "drop": 200, "flat": 200, "linear": 205}
    assert peak_memory(net, definition="io").held_bytes["conv"] == 600


def test_what_follows_a_view_writes_over_what_the_view_looks_at() -> None:
    net = network(("flat", Flatten(), "input"), ("relu", Activation("relu"), "flat"))
    assert peak_memory(net).held_bytes == {"flat": 400, "relu": 400}


@pytest.mark.parametrize(
    "name",
    ["mobilenet_v3_large_1.0_224", "densenet121", "inception_v3", "shufflenet_v2_1.0x", "enet", "nasnet_a_mobile"],
)
def test_in_place_needs_less_and_shortcuts_need_more(name: str) -> None:
    net = load(name)
    peaks = {definition: peak_memory(net, definition=definition) for definition in DEFINITIONS}
    for less, more in (
        ("single", "io"), ("io_inplace", "io"), ("io", "fused"), ("io_inplace", "inplace"), ("inplace", "fused"),
        ("fused", "live"),
    ):  # fmt: skip
        assert peaks[less].bytes <= peaks[more].bytes, (less, more)
    for definition in ("io", "fused", "inplace"):  # layer by layer
        held = peaks[definition].held_bytes
        assert all(held[layer] <= bytes for layer, bytes in peaks["live"].held_bytes.items()), definition


def test_mistakes_are_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown definition of memory 'inplaced'; did you mean 'inplace'"):
        peak_memory(BLOCK, definition="inplaced")
    with pytest.raises(UnknownNameError, match="unknown number format 'int7'"):
        peak_memory(BLOCK, "int7")
    with pytest.raises(UnknownNameError, match="unknown workspace 'non'; did you mean 'none'"):
        peak_memory(BLOCK, workspace="non")
    with pytest.raises(ParameterError, match="a network with at least one layer"):
        peak_memory(Graph("none", {"input": image(1, 1, 1)}, (), ("input",), {}))
    with pytest.raises(ParameterError, match="peak_memory needs a Graph, got str; load a network first"):
        peak_memory("mobilenet_v2")  # type: ignore[arg-type]
    huge = network(("conv", Conv2d(numpy.array([2, 2**31 - 1])), "input"), input=image(4, 2**16, 2**16))  # type: ignore[arg-type]
    with pytest.raises(CountOverflowError, match="the bits of all tensors reaches"):
        peak_memory(huge)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_arrays_give_what_single_networks_give(definition: str) -> None:
    widths, resolutions = numpy.array([0.35, 0.5, 1.0, 1.4]), numpy.array([96, 160, 224, 128])
    many = peak_memory(load("mobilenet_v2", width=widths, resolution=resolutions), definition=definition)
    for at, (width, resolution) in enumerate(zip(widths.tolist(), resolutions.tolist(), strict=True)):
        one = peak_memory(load("mobilenet_v2", width=width, resolution=resolution), definition=definition)
        assert (many.bytes[at], many.layer[at]) == (one.bytes, one.layer)
    assert repr(many) == f"<PeakMemory of 4 variants of mobilenet_v2 ({definition}, int8)>"


def test_what_is_alive_at_the_peak_and_the_timeline() -> None:
    peak = peak_memory(BLOCK)
    assert peak.layer == "depthwise"
    assert peak.alive == {"relu": 1200, "depthwise": 1200, "input": 400}
    assert sum(peak.alive.values()) == peak.bytes
    assert peak.columns()["alive"][1] == ("input", "expand", "norm")
    assert list(peak.timeline.iloc[2])[:4] == [2, "relu", "relu", 1600]
    assert repr(peak) == "<PeakMemory 2,800 bytes at depthwise (fused, int8); .alive, .timeline, .held_bytes>"


def test_the_readme_model_of_tflite_tools() -> None:
    """Tensors of 3,072 to 10 bytes, two convolutions, pooling, two linear layers, softmax: six steps there."""
    net = network(
        ("conv_1", Conv2d(16, kernel=3, padding=0), "input"),
        ("conv_2", Conv2d(16, kernel=3, padding=0), "conv_1"),
        ("pool", MaxPool2d(2), "conv_2"),
        ("flat", Flatten(), "pool"),
        ("linear_1", Linear(128), "flat"),
        ("linear_2", Linear(10), "linear_1"),
        ("softmax", Softmax(), "linear_2"),
        input=image(3, 32, 32),
    )
    held = dict(peak_memory(net).held_bytes)
    del held["flat"]  # a view, which is no operator there
    assert list(held.values()) == [17_472, 26_944, 15_680, 3_264, 138, 20]


def test_an_arena_is_a_definition_of_the_peak() -> None:
    """Its bytes are those of the plan, aligned to 16; a layer holds the highest address in use while it runs."""
    net = network(("one", Conv2d(5), "input"), ("relu", Activation("relu"), "one"), ("two", Conv2d(1), "relu"))
    peak, plan = peak_memory(net, definition="arena"), plan_arena(net)
    assert (peak.bytes, peak.definition) == (plan.bytes, "arena") == (400 + 512, "arena")
    assert list(peak.held_bytes.values())[1:] == [plan.offsets["relu"] + 512, max(peak.held_bytes["two"], 512)]
    assert peak_memory(load("mlperf_tiny_vww_mbv1"), definition="arena").bytes == 55_296
    with pytest.raises(UnknownNameError, match="peak_memory and plan_arena have it; here there are single"):
        definition_named("arena")


def test_a_static_workspace_counts_in_every_step() -> None:
    net = load("mcunet_in0")
    plain, more = (peak_memory(net, definition="io", workspace=workspace) for workspace in ("none", "tinyengine"))
    added = {held - plain.held_bytes[layer] for layer, held in more.held_bytes.items()}
    assert len(added) == 1
    assert added.pop() > 0
    single = (peak_memory(net, definition="single", workspace=workspace).bytes for workspace in ("none", "tinyengine"))
    assert len(set(single)) == 1
