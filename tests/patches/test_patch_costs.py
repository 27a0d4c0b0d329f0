"""Patch-based inference: hand-worked chains, a count of every pixel that is needed, and MCUNetV2's Table 1."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from patch_networks import network

from costmodel import load
from costmodel.costs import cost_table
from costmodel.errors import ParameterError, PassError, ShapeError, UnknownNameError
from costmodel.graph import Graph, image
from costmodel.operators.activation import Activation
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Multiply
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.layout import Roll
from costmodel.operators.pooling import AvgPool2d, GlobalAvgPool, MaxPool2d
from costmodel.patches import cut_after, patch_costs
from costmodel.records import replace
from costmodel.shapes import infer_shapes

Pixel: TypeAlias = tuple[int, ...]


TWO = network(8, ("one", Conv2d(4, kernel=3)), ("two", Conv2d(1, kernel=3, stride=2, padding=1)), ("last", Conv2d(3)))
"""8x8 -> 8x8 -> 4x4: 8*8*72 = 4608 and 4*4*36 = 576 MACs, then 4*4*3 = 48."""


def test_a_chain_without_clipping_by_hand() -> None:
    """2 outputs see (2 - 1)*2 + 3 = 5, these 5 + 2 = 7 pixels; 4 patches of 5*5*72 + 2*2*36 = 1944 MACs."""
    costs = patch_costs(TWO, "two", grid=2, clipped=False)
    assert (costs.patch_height, costs.patch_width) == (7, 7)
    assert costs.stage_macs == 4 * (5 * 5 * 72 + 2 * 2 * 36) == 7776
    assert (costs.layer_by_layer_stage_macs, costs.rest_macs, costs.overall_macs) == (5184, 48, 7824)
    assert costs.stage_overhead == Fraction(7776 - 5184, 5184) == Fraction(1, 2)
    assert costs.overall_overhead == Fraction(7776 - 5184, 5184 + 48)


def test_a_chain_with_clipping_by_hand() -> None:
    """Along an axis the tiles see rows -1 to 3 and 3 to 7 of the middle map: 4 and 5 exist; of the image 5 and 6."""
    costs = patch_costs(TWO, "two", grid=2)
    assert (costs.patch_height, costs.patch_width) == (6, 6)
    assert costs.stage_macs == (4 + 5) ** 2 * 72 + 4 * 4 * 36 == 6408


def test_one_patch_is_the_whole_network() -> None:
    costs = patch_costs(TWO, "two", grid=1)
    assert (costs.patch_height, costs.patch_width) == (8, 8)
    assert (costs.stage_macs, costs.layer_by_layer_stage_macs, costs.rest_macs) == (5184, 5184, 48)
    assert costs.extra_macs == costs.stage_overhead == costs.overall_overhead == 0
    assert (costs.stage_layers, costs.rest_layers) == (2, 1)


def test_height_and_width_have_their_own_grid() -> None:
    """Three rows of a 4-row map are 1, 1 and 2 high: middle maps of 3, 3 and 5 rows; columns stay whole."""
    costs = patch_costs(TWO, "two", grid=(3, 1), clipped=False)
    assert (costs.patch_height, costs.patch_width) == (7, 11)
    assert costs.stage_macs == (3 + 3 + 5) * 9 * 72 + 4 * 4 * 36


def test_a_shortcut_needs_no_more_than_the_block() -> None:
    """Two 3x3 on a tile of 4 see 8 pixels, the shortcut 4 of these."""
    net = network(
        (8, 12),
        ("one", Conv2d(2, kernel=3)),
        ("act", Activation("relu")),
        ("two", Conv2d(2, kernel=3)),
        ("sum", Add(), ("input", "two")),
    )
    costs = patch_costs(net, "sum", grid=(2, 3), clipped=False)
    assert (costs.patch_height, costs.patch_width) == (8, 8)
    assert costs.stage_macs == 6 * (6 * 6 + 4 * 4) * 36


def test_branches_need_what_the_larger_window_needs() -> None:
    net = network(
        8, ("small", Conv2d(2)), ("large", Conv2d(2, kernel=5), ("input",)), ("sum", Add(), ("small", "large"))
    )
    assert patch_costs(net, "sum", grid=2, clipped=False).patch_height == 4 + 4


def test_the_pools_see_windows_too() -> None:
    net = network(8, ("conv", Conv2d(1)), ("pool", MaxPool2d(2)), ("mean", AvgPool2d(3, stride=1)))
    costs = patch_costs(net, "mean", grid=2, clipped=False)
    assert costs.patch_height == (2 + 2) * 2
    assert costs.stage_macs == 4 * 8 * 8 * 2


@st.composite
def stages(draw: Callable[..., Any]) -> Graph:
    """Up to four windows, the last around a shortcut; no stride beyond its kernel, so that no pixel is left out."""
    steps: list[Any] = []
    for at in range(draw(st.integers(1, 4))):
        kernel = draw(st.sampled_from([1, 2, 3, 5]))
        stride, dilation = draw(st.integers(1, min(kernel, 2))), draw(st.sampled_from([1, 2] if kernel == 3 else [1]))
        padding = draw(st.sampled_from(["same", "valid", (1, 0), ((0, 1), (1, 1))] if kernel > 1 else ["same", (1, 1)]))
        fields = {"stride": 1 if dilation > 1 else stride, "padding": padding, "dilation": dilation}
        if draw(st.booleans()):
            steps.append((f"conv_{at}", Conv2d(2, kernel=kernel, **fields)))
        else:
            steps.append((f"depthwise_{at}", DepthwiseConv2d(kernel, **fields)))
    entering = steps[-1][0]
    steps += [("inside", Conv2d(2, kernel=3)), ("sum", Add(), (entering, "inside"))]
    return network((draw(st.integers(14, 20)), draw(st.integers(14, 20))), *steps)


def pixels_needed(net: Graph, tile: set[Pixel], clipped: bool) -> dict[str, set[Pixel]]:
    """Every pixel of every tensor that the outputs of a tile depend on, found window by window."""
    shapes = infer_shapes(net)
    needed: dict[str, set[Pixel]] = {name: set() for name in shapes} | {net.outputs[0]: tile}
    for layer in reversed(net.layers):
        operator: Any = layer.operator
        for name in layer.inputs:
            _, *sizes = shapes[name].sizes
            for made in needed[layer.outputs[0]]:
                for pixel in product(*(seen(operator, at, axis, sizes[axis]) for axis, at in enumerate(made))):
                    if not clipped or all(0 <= at < size for at, size in zip(pixel, sizes, strict=True)):
                        needed[name].add(pixel)
    return needed


def seen(operator: Any, at: int, axis: int, size: int) -> list[int]:
    """Where along an axis the taps of the window of output `at` lie."""
    if isinstance(operator, Add):
        return [at]
    kernel, stride, dilation = operator.kernel, operator.stride, operator.dilation
    if operator.padding == "same":
        before = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0) // 2
    elif operator.padding == "valid":
        before = 0
    else:
        ends = operator.padding[axis]
        before = ends[0] if isinstance(ends, tuple) else ends
    return [at * stride - before + tap * dilation for tap in range(kernel)]


@given(stages(), st.integers(1, 3), st.integers(1, 3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_as_many_macs_as_pixels_are_needed(net: Graph, rows: int, columns: int, clipped: bool) -> None:
    try:
        _, height, width = infer_shapes(net)["sum"].sizes
    except ShapeError:
        reject()  # windows larger than what the ones before them leave
    rows, columns = min(rows, height), min(columns, width)
    costs = patch_costs(net, "sum", grid=(rows, columns), clipped=clipped)
    macs, heights = 0, []
    for row, column in product(range(rows), range(columns)):
        down = range(row * height // rows, (row + 1) * height // rows)
        across = range(column * width // columns, (column + 1) * width // columns)
        needed = pixels_needed(net, set(product(down, across)), clipped)
        heights.append(len({line for line, *_ in needed["input"]}))
        for layer in net.layers:
            if not isinstance(layer.operator, Add):
                operator: Any = layer.operator
                channels = 2 if isinstance(operator, DepthwiseConv2d) else 4
                macs += channels * operator.kernel**2 * len(needed[layer.name])
    assert costs.stage_macs == macs
    if not any(getattr(layer.operator, "dilation", 1) > 1 for layer in net.layers):  # a dilated window has gaps
        assert costs.patch_height == max(heights)


def test_mobilenet_v2_in_mcunetv2_table_1() -> None:
    """arXiv:2110.15352, Table 1: 75x75 patches, 130M (+42%) and 330M MACs, 172 kB."""
    net = load("mobilenet_v2")
    inside, clipped = (patch_costs(net, "inverted_residual_4", grid=4, clipped=clipped) for clipped in (False, True))
    assert inside.patch_height == inside.patch_width == clipped.patch_width == 75
    assert (inside.stage_macs, round(float(100 * inside.stage_overhead), 1)) == (129_517_568, 41.9)
    assert (inside.overall_macs, round(float(100 * inside.overall_overhead), 1)) == (339_009_152, 12.7)
    assert (clipped.overall_macs, round(float(100 * clipped.overall_overhead), 1)) == (328_693_616, 9.3)
    assert inside.layer_by_layer_stage_macs + inside.rest_macs == cost_table(net).total("macs")


def test_mobilenet_v2_with_its_receptive_field_moved_in_mcunetv2_table_1() -> None:
    """arXiv:2110.15352, Table 1: 63x63 patches, 73M (+18%) MACs in the stage, overall +3%."""
    costs = patch_costs(load("mobilenet_v2_rd"), "inverted_residual_2", grid=4, clipped=False)
    assert (costs.patch_height, costs.stage_macs, round(float(100 * costs.stage_overhead))) == (63, 73_250_048, 18)
    clipped = patch_costs(load("mobilenet_v2_rd"), "inverted_residual_2", grid=4)
    assert round(float(100 * clipped.overall_overhead)) == 3


def test_the_two_parts_of_a_cut_are_networks() -> None:
    net = load("mobilenet_v2", width=0.35, resolution=96)
    stage, rest = cut_after(net, "inverted_residual_7")
    assert stage.layers + rest.layers == net.layers
    assert cost_table(stage).total("macs") + cost_table(rest).total("macs") == cost_table(net).total("macs")
    assert list(rest.inputs) == list(stage.outputs)
    assert cut_after(TWO, "two")[0].layers == TWO.layers[:2]


def test_windows_that_see_only_padding_need_nothing_before_them() -> None:
    """The first and the last of six rows see padding alone; the others see a row, which needs 2, 3, 3, 2 rows."""
    net = network(
        4, ("one", Conv2d(1, kernel=3)), ("two", Conv2d(1, kernel=3)), ("around", Conv2d(1, padding=((1, 1), (0, 0))))
    )
    costs = patch_costs(net, "around", grid=(6, 1))
    assert costs.stage_macs == (2 + 3 + 3 + 2) * 4 * 18 + 4 * 4 * 9 + 6 * 4


def test_what_a_branch_does_not_need_is_not_read_for_it() -> None:
    """Row r of six is the sum of rows r - 2 and r of four: it needs 1, 1, 3, 3, 1 and 1 rows."""
    net = network(
        4,
        ("conv", Conv2d(1)),
        ("above", Conv2d(1, padding=((2, 0), (0, 0)))),
        ("below", Conv2d(1, padding=((0, 2), (0, 0))), ("conv",)),
        ("sum", Add(), ("above", "below")),
    )
    assert patch_costs(net, "sum", grid=(6, 1)).stage_macs == (1 + 1 + 3 + 3 + 1 + 1) * 4 * 2 + 2 * 6 * 4


def test_an_input_that_the_stage_does_not_read_is_not_in_it() -> None:
    two = replace(TWO, inputs=dict(TWO.inputs) | {"unread": image(1, 1, 1)})
    assert patch_costs(two, "two", grid=2) == patch_costs(TWO, "two", grid=2)


def test_after_the_last_layer_there_is_no_rest() -> None:
    whole = network(4, ("conv", Conv2d(3)))
    costs = patch_costs(whole, "conv", grid=2)
    assert (costs.rest_macs, costs.rest_peak_bytes, costs.rest_layers) == (0, 0, 0)


def test_layers_after_the_stage_that_run_sometimes_count_as_often() -> None:
    net = network(4, ("conv", Conv2d(2)), ("last", Conv2d(2)))
    first, last = net.layers
    costs = patch_costs(replace(net, layers=(first, replace(last, probability=1 / 3))), "conv", grid=2)
    assert costs.rest_macs == pytest.approx(4 * 4 * 4 / 3)
    assert costs.overall_overhead == 0


def test_a_cut_must_leave_one_tensor() -> None:
    with pytest.raises(
        PassError, match=r"a cut after 'inverted_residual_3\.conv_1\.conv2d' leaves more than its output"
    ):
        cut_after(load("mobilenet_v2"), "inverted_residual_3.conv_1.conv2d")
    with pytest.raises(PassError, match="a cut after 'one' leaves more than its output"):
        cut_after(network(8, ("one", Conv2d(2)), ("two", Add(), ("input", "one"))), "one")
    with pytest.raises(PassError, match="a cut after 'two' leaves more than its output"):
        cut_after(replace(TWO, outputs=("one", "last")), "two")


def test_a_cut_must_exist() -> None:
    with pytest.raises(UnknownNameError, match="tiny has no layer or block 'twoo'; did you mean 'two'"):
        patch_costs(TWO, "twoo", grid=2)


def test_a_grid_is_not_finer_than_the_map() -> None:
    for grid in (5, (1, 5)):
        with pytest.raises(ParameterError, match=r"a grid of \d+x5 patches: the map has 4x4 pixels"):
            patch_costs(TWO, "two", grid=grid)
    with pytest.raises(ParameterError, match=r"grid = \(0, 2\) must have at least one row and one column of patches"):
        patch_costs(TWO, "two", grid=(0, 2))


@pytest.mark.parametrize("grid", [2.0, "2", True, (1, None), (1, 2, 3), None])
def test_a_grid_is_of_whole_numbers(grid: Any) -> None:
    with pytest.raises(ParameterError, match="must be a whole number, or two: rows and columns"):
        patch_costs(TWO, "two", grid=grid)


@pytest.mark.parametrize("operator", [GlobalAvgPool(), Roll(1)])
def test_what_sees_the_whole_map_has_no_patches(operator: Operator) -> None:
    net = network(8, ("conv", Conv2d(2)), ("whole", operator))
    with pytest.raises(PassError, match=r"whole: .* cannot run in patches"):
        patch_costs(net, "whole", grid=1)


def test_a_gate_of_the_whole_map_has_no_patches() -> None:
    net = network(8, ("pool", GlobalAvgPool()), ("gate", Multiply(), ("input", "pool")), ("conv", Conv2d(2)))
    with pytest.raises(PassError, match="pool: global_avg_pool cannot run in patches, one output depends on all"):
        patch_costs(net, "conv", grid=1)


def test_a_stage_must_be_run_and_must_work() -> None:
    sometimes = network(8, ("conv", Conv2d(2)), ("last", Conv2d(2)))
    first, last = sometimes.layers
    with pytest.raises(PassError, match="conv runs for a part of the inputs only"):
        patch_costs(replace(sometimes, layers=(replace(first, probability=0.5), last)), "conv", grid=1)
    unread = network(8, ("aside", Conv2d(2)), ("conv", Conv2d(2), ("input",)))
    with pytest.raises(PassError, match="aside: nothing in the stage needs it"):
        patch_costs(unread, "conv", grid=1)
    with pytest.raises(PassError, match="no layer up to 'act' has multiply-accumulates"):
        patch_costs(network(8, ("act", Activation("relu")), ("conv", Conv2d(2))), "act", grid=1)
