"""Inverted residual blocks as one operator: found in networks, by hand, against the paper and a simulation."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import formulas, load, peak_memory
from costmodel.arithmetic import ceil_div
from costmodel.costs import cost_table
from costmodel.errors import ParameterError, PassError, UnknownNameError
from costmodel.graph import Graph, Layer, image
from costmodel.memory import DEFINITIONS
from costmodel.memory.bottleneck_split import split_bottlenecks
from costmodel.memory.bottlenecks import bottlenecks_of
from costmodel.operators.activation import Activation
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.normalization import BatchNorm
from costmodel.operators.pooling import GlobalAvgPool
from costmodel.published.tables import bundled_table
from costmodel.records import replace


def network(*layers: tuple[str, Operator, str]) -> Graph:
    """Layers with the names of their inputs, on an image of 4 channels and 10x10 pixels."""
    made = tuple(Layer(name, operator, tuple(read.split()), (name,)) for name, operator, read in layers)
    return Graph("tiny", {"input": image(4, 10, 10)}, made, (made[-1].name,), {})


def block(inner: int = 12, out: int = 4, stride: int = 1, shortcut: bool = False) -> Graph:
    layers: list[tuple[str, Operator, str]] = [
        ("b.expand", Conv2d(inner), "input"),
        ("b.expand_norm", BatchNorm(), "b.expand"),
        ("b.expand_relu", Activation("relu6"), "b.expand_norm"),
        ("b.depthwise", DepthwiseConv2d(3, stride), "b.expand_relu"),
        ("b.depthwise_relu", Activation("relu6"), "b.depthwise"),
        ("b.project", Conv2d(out), "b.depthwise_relu"),
        ("b.norm", BatchNorm(), "b.project"),
    ]
    return network(*layers, *([("b.sum", Add(), "input b.norm")] if shortcut else []))


def test_a_block_and_its_shortcut() -> None:
    (found,) = bottlenecks_of(block(shortcut=True))
    assert (found.name, found.first, found.narrowing, found.last, found.inner_channels) == ("b", 0, 5, 7, 12)
    (found,) = bottlenecks_of(block(stride=2, out=6))
    assert (found.first, found.last, str(found.entering), str(found.leaving)) == (0, 6, "4x10x10", "6x5x5")


@pytest.mark.parametrize(
    "layers",
    [
        [("expand", Conv2d(12), "input"), ("project", Conv2d(4), "expand")],
        [("depthwise", DepthwiseConv2d(3), "input"), ("project", Conv2d(2), "depthwise")],
        [("same", Conv2d(4), "input"), ("depthwise", DepthwiseConv2d(3), "same"), ("last", Conv2d(2), "depthwise")],
        [("wide", Conv2d(12), "input"), ("depthwise", DepthwiseConv2d(3), "wide"), ("last", Conv2d(12), "depthwise")],
        [("wide", Conv2d(12), "input"), ("two", DepthwiseConv2d(3, multiplier=2), "wide"), ("last", Conv2d(4), "two")],
        [("wide", Conv2d(12, 3), "input"), ("depthwise", DepthwiseConv2d(3), "wide"), ("last", Conv2d(4), "depthwise")],
        [
            ("wide", Conv2d(12, groups=2), "input"), ("depthwise", DepthwiseConv2d(3), "wide"),
            ("last", Conv2d(4), "depthwise"),
        ],
        [
            ("wide", Conv2d(12), "input"), ("depthwise", DepthwiseConv2d(3), "wide"),
            ("pool", GlobalAvgPool(), "depthwise"), ("last", Conv2d(4), "depthwise"),
        ],
        [
            ("wide", Conv2d(12), "input"), ("depthwise", DepthwiseConv2d(3), "wide"),
            ("last", Conv2d(4), "depthwise"), ("aside", Conv2d(4), "depthwise"), ("sum", Add(), "last aside"),
        ],
        [("wide", Conv2d(12), "input"), ("depthwise", DepthwiseConv2d(3), "wide")],
    ],
)  # fmt: skip
def test_what_is_no_block(layers: list[tuple[str, Operator, str]]) -> None:
    assert bottlenecks_of(network(*layers)) == ()
    with pytest.raises(PassError, match="tiny has no inverted residual blocks: a 1x1 convolution that widens, a depth"):
        split_bottlenecks(network(*layers))


def test_blocks_of_published_networks() -> None:
    """MobileNetV2's first block does not widen; squeeze-and-excitation mixes the channels of MnasNet-A1's others."""
    assert len(bottlenecks_of(load("mobilenet_v2"))) == 16
    assert len(bottlenecks_of(load("mobilenet_v1"))) == 0
    assert [each.name for each in bottlenecks_of(load("mnasnet_a1"))][:3] == [
        "inverted_residual_2", "inverted_residual_3", "inverted_residual_7",
    ]  # fmt: skip
    with pytest.raises(PassError, match="efficientnet_b0 has no inverted residual blocks"):
        split_bottlenecks(load("efficientnet_b0"))


@pytest.mark.parametrize(
    ("definition", "whole", "one_channel"),
    [
        ("single", 0, 0), ("io", 800, 200), ("io_inplace", 800, 100), ("live", 800, 200), ("fused", 800, 200),
        ("inplace", 800, 100),
    ],
)  # fmt: skip
def test_a_block_by_hand(definition: str, whole: int, one_channel: int) -> None:
    """Input and output of 400 bytes; an inner channel of 100, twice where a layer writes a new tensor."""
    split = split_bottlenecks(block(shortcut=True), definition=definition)
    for splits, channels in ((1, 12), (2, 6), (3, 4), (5, 3), (7, 2), (12, 1), (99, 1)):
        expected = max(400, 100 * channels) if definition == "single" else whole + one_channel * channels
        assert split.peak_bytes(splits) == expected
    assert split.peak_bytes(2) == split_bottlenecks(block(shortcut=True), "float32", definition).peak_bytes(2) / 4
    assert split.layer(1) == "b"
    assert split.outside_bytes == 0


def test_without_layers_outside_the_floor_is_one_channel() -> None:
    split = split_bottlenecks(block(), definition="inplace")
    assert (split.most_splits, split.floor_bytes, split.least_splits) == (12, 900, 12)
    assert split.columns()["peak_bytes"] == [2000, 1400, 1200, 1100, 1100, 1000, 1000, 1000, 1000, 1000, 1000, 900]


@given(
    st.integers(1, 6), st.integers(2, 40), st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 2]),
    st.integers(1, 50),
)  # fmt: skip
def test_the_formula_of_the_paper(channels: int, inner: int, out: int, side: int, stride: int, splits: int) -> None:
    """|s^2 k| + |s'^2 k'| + n/t max(s^2, s'^2), with the depthwise convolution in place."""
    net = replace(block(inner, out, stride), inputs={"input": image(channels, side, side)})
    if not inner > max(channels, out):
        assert bottlenecks_of(net) == ()
        return
    assert split_bottlenecks(net, definition="inplace").peak_bytes(splits) == formulas.bottleneck_block_memory(
        input_side=side,
        input_channels=channels,
        output_side=ceil_div(side, stride),
        output_channels=out,
        inner_channels_at_once=ceil_div(inner, splits),
    )


@given(st.integers(2, 40), st.integers(1, 45))
def test_parts_take_as_many_macs_as_the_whole(inner: int, splits: int) -> None:
    parts = [
        width for at in range(splits) if (width := (at + 1) * inner // splits - at * inner // splits)
    ]  # as equal as can be; the widest has n/t channels, rounded up
    assert max(parts) == ceil_div(inner, splits)
    of_parts = sum(cost_table(block(width, out=3)).total("macs") for width in parts)
    assert of_parts == cost_table(block(inner, out=3)).total("macs")


def test_what_else_is_alive_is_held_too() -> None:
    """A tensor of 400 bytes around the block, for an addition after it."""
    layers = block(shortcut=True).layers
    first, *others = (
        replace(layer, inputs=tuple("before" if name == "input" else name for name in layer.inputs)) for layer in layers
    )
    before = Layer("before", Conv2d(4), ("input",), ("before",))
    after = Layer("after", Add(), ("input", "b.sum"), ("after",))
    net = Graph("around", {"input": image(4, 10, 10)}, (before, first, *others, after), ("after",), {})
    assert split_bottlenecks(net, definition="inplace").peak_bytes(12) == 400 + 800 + 100
    assert split_bottlenecks(net, definition="io_inplace").peak_bytes(12) == 1200  # the last addition
    assert split_bottlenecks(net, definition="io_inplace").layer(12) == "after"


@pytest.mark.parametrize(
    ("definition", "outside", "least"),
    [
        ("single", 112 * 112 * 32, 3),
        ("io", 112 * 112 * (32 + 32), 3),
        ("io_inplace", 112 * 112 * (32 + 16), 4),
        ("live", 112 * 112 * (32 + 32), 5),
        ("fused", 112 * 112 * (32 + 32), 3),
        ("inplace", 112 * 112 * (32 + 16), 4),
    ],
)
def test_mobilenet_v2_needs_between_two_and_five_parts(definition: str, outside: int, least: int) -> None:
    """Sec. 5.1 finds t most helpful as "a small constant between 2 and 5": more parts save nothing, as the first
    layers, which are no such blocks, then need most."""
    split = split_bottlenecks(load("mobilenet_v2"), definition=definition)
    assert split.layer_by_layer_bytes == peak_memory(load("mobilenet_v2"), definition=definition).bytes
    assert split.floor_bytes == split.outside_bytes == outside
    assert split.least_splits == least
    assert split.peak_bytes(least - 1) > outside


def test_what_is_left_of_mobilenet_v2_are_its_bottleneck_tensors() -> None:
    """Table 3: the most channels at each resolution that a block reads at; inner tensors are left out."""
    table = bundled_table("mobilenet_v2_table3_memory")
    channels: dict[int, int] = {}
    for each in bottlenecks_of(load("mobilenet_v2")):
        _, side, _ = each.entering.sizes
        channels[side] = max(channels.get(side, 0), each.leaving.channels)
    printed = {
        int(row.label.split("x")[0]): row.printed["v2_channels"]
        for row in table.rows
        if row.label not in ("max", "1x1")
    }
    del printed[112], channels[112]  # printed 1 and O(1)
    assert channels == {side: int(text) for side, text in printed.items()}


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("name", ["mobilenet_v2_0.35_96", "mobilenet_v2_1.4_224", "proxylessnas_mobile", "mnasnet_a1"])
def test_more_parts_never_need_more(name: str, definition: str) -> None:
    split = split_bottlenecks(load(name), definition=definition)
    peaks = [split.peak_bytes(splits) for splits in range(1, 40)]
    assert peaks == sorted(peaks, reverse=True)
    assert split.floor_bytes <= split.layer_by_layer_bytes
    assert split.peak_bytes(split.least_splits) == split.floor_bytes


def test_a_part_at_a_time_by_simulation() -> None:
    """The tensors of MobileNetV2's second block while its parts run, `fused`: input, output and the two inner ones."""
    second, *_ = split_bottlenecks(load("mobilenet_v2"), definition="fused").blocks
    for splits in (1, 2, 5, 96):
        width = -(-96 // splits)
        held = [
            112 * 112 * 16 + 56 * 56 * 24 + expanded + filtered
            for expanded, filtered in ((112 * 112 * width, 0), (112 * 112 * width, 56 * 56 * width))
        ]
        assert second.peak_bytes(splits) == max(held)


def test_the_table_ends_at_the_floor() -> None:
    split = split_bottlenecks(load("mobilenet_v2"))
    assert split.columns() == {
        "splits": [1, 2, 3],
        "peak_bytes": [1_781_248, 1_028_608, 802_816],
        "layer": ["inverted_residual_2", "inverted_residual_2", "inverted_residual_1.depthwise.depthwise_conv2d"],
    }
    assert split.frame.peak_bytes.tolist() == split.columns()["peak_bytes"]
    assert repr(split) == (
        "<BottleneckSplit of mobilenet_v2: 16 blocks, 802,816 bytes with 3 parts (fused, int8); "
        ".peak_bytes(splits), .frame>"
    )


def test_mistakes() -> None:
    split = split_bottlenecks(block())
    wrong: list[Any] = [0, -1, 2.0, True, "2"]
    for each in wrong:
        with pytest.raises(ParameterError, match=r"splits = .* must be a whole number, at least 1"):
            split.peak_bytes(each)
    with pytest.raises(UnknownNameError, match="unknown definition of memory 'fussed'"):
        split_bottlenecks(block(), definition="fussed")
    with pytest.raises(UnknownNameError, match="unknown number format 'int9'"):
        split_bottlenecks(block(), dtype="int9")
    heights: Any = numpy.array([8, 16])
    with pytest.raises(ParameterError, match="bottlenecks are those of one network, and tiny has arrays of sizes"):
        split_bottlenecks(replace(block(), inputs={"input": image(4, heights, 8)}))
