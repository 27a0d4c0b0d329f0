"""Peak memory in patches, worked out by hand: what stays whole, what lies in place, what one patch holds."""

from __future__ import annotations

import pytest
from patch_networks import network

from costmodel import load, peak_memory
from costmodel.errors import UnknownNameError
from costmodel.graph import Graph
from costmodel.memory import DEFINITIONS
from costmodel.operators.activation import Activation, Dropout
from costmodel.operators.combining import Add, Slice
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.normalization import BatchNorm
from costmodel.patches import cut_after, patch_costs, search_patches

CHAIN = network(8, ("one", Conv2d(4, kernel=3)), ("two", Conv2d(6, kernel=3, stride=2, padding=1)), ("last", Conv2d(3)))
"""2x8x8 -> 4x8x8 -> 6x4x4 -> 3x4x4: bytes 128, 256, 96, 48 in int8."""


def stage_peak(net: Graph, cut: str, grid: int | tuple[int, int], **settings: object) -> int:
    return patch_costs(net, cut, grid, **settings).stage_peak_bytes  # type: ignore[arg-type]


def test_a_chain_by_hand() -> None:
    """Patches of 6x6 pixels of the image and 5x5 of the middle map, 72 + 100 bytes, beside the output of 96. The tile
    of the second layer is written into the output: then 100 are held, not 100 + 6*2*2."""
    assert stage_peak(CHAIN, "two", 2) == 72 + 100 + 96
    assert patch_costs(CHAIN, "two", 2).rest_peak_bytes == 96 + 48


def test_patches_at_the_border_are_smaller() -> None:
    """Without clipping 7x7 pixels of the image make 5x5 of the middle map."""
    assert stage_peak(CHAIN, "two", 2, clipped=False) == 7 * 7 * 2 + 5 * 5 * 4 + 96
    assert stage_peak(CHAIN, "two", (1, 2)) == 6 * 8 * 2 + 5 * 8 * 4 + 96


def test_the_largest_of_patches_that_differ() -> None:
    """Three rows of four: 1, 1 and 2 high. They see 2, 3 and 5 rows of the middle map, and 3, 5 and 6 of the image."""
    assert stage_peak(CHAIN, "two", (3, 1)) == 6 * 8 * 2 + 5 * 8 * 4 + 96


def test_a_tile_may_be_the_largest_after_a_layer_and_not_before_it() -> None:
    """Seven rows in three: 2, 2 and 3. Going back through two 3x3, the middle one needs 4 and 6 rows, the last 4 and
    5: the middle one reads most of the image, the last has most of the wide map, 20*3*4 beside the 3*4 it is made of.
    """
    net = network(
        (7, 4), ("one", Conv2d(1, kernel=3)), ("two", Conv2d(1, kernel=3)), ("wide", Conv2d(20)), ("last", Conv2d(1))
    )
    costs = patch_costs(net, "last", (3, 1))
    assert costs.patch_height == 6
    assert costs.stage_peak_bytes == 20 * 3 * 4 + 3 * 4 + 7 * 4


def test_one_patch_is_the_plain_execution() -> None:
    """Nothing is held before it is made: 128 + 256, then 256 + 96."""
    for image_held in (False, True):
        assert stage_peak(CHAIN, "two", 1, image_held=image_held) == 128 + 256


def test_a_whole_image_is_held_in_place_of_its_patch() -> None:
    assert stage_peak(CHAIN, "two", 2, image_held=True) == 128 + 100 + 96


def test_bytes_follow_the_number_format() -> None:
    assert stage_peak(CHAIN, "two", 2, dtype="float32") == 4 * (72 + 100 + 96)


def test_of_one_tensor_at_a_time_the_largest_counts() -> None:
    """Patches of 72 and 100, the output of 96, the image of 128."""
    assert stage_peak(CHAIN, "two", 2, definition="single") == 100
    assert stage_peak(CHAIN, "two", 2, definition="single", image_held=True) == 128
    assert stage_peak(CHAIN, "two", 4, definition="single") == 96


FOLDED = network(
    8,
    ("wide", Conv2d(8)),
    ("depthwise", DepthwiseConv2d(3)),
    ("narrow", Conv2d(2)),
    ("norm", BatchNorm()),
    ("sum", Add(), ("input", "norm")),
    ("relu", Activation("relu")),
)
"""A tile of 4x4 of the sum, 32 bytes, needs 5x5 pixels: 50 bytes of the image, 200 of the wide map, 128 after the
depthwise convolution, 32 of the narrow map. The output has 128 bytes."""


@pytest.mark.parametrize(
    ("cut", "definition", "held"),
    [
        ("relu", "fused", 50 + 200 + 128),
        ("relu", "inplace", 50 + 200),
        ("relu", "live", 50 + 200 + 128),
        ("relu", "io", 200 + 128),
        ("relu", "io_inplace", 200 + 50),
        ("relu", "single", 200),
    ],
)
def test_a_block_with_a_shortcut_by_hand(cut: str, definition: str, held: int) -> None:
    """128 more for the output; the largest tensor alone is larger than it."""
    beside = 0 if definition == "single" else 128
    assert stage_peak(FOLDED, cut, 2, definition=definition) == held + beside


def test_norm_and_activation_work_in_the_complete_output() -> None:
    """16 pixels make a tile of 3*16 bytes, in an output of 192. Each layer writes a new tensor in `live`: the
    convolution's tile, which is in no output, then 48 read by the norm and written by it."""
    net = network(8, ("conv", Conv2d(3)), ("norm", BatchNorm()), ("relu", Activation("relu")))
    assert stage_peak(net, "relu", 2) == 32 + 192
    assert stage_peak(net, "relu", 2, definition="live") == 48 + 48 + 192
    assert stage_peak(net, "norm", 2, definition="live") == 32 + 48 + 192
    assert stage_peak(net, "conv", 2, definition="live") == 32 + 192


def test_a_depthwise_convolution_cannot_work_in_the_output_with_its_halo() -> None:
    """Its input of 5x5 is larger than the tile; a kernel of one pixel has no halo."""
    halo = network(8, ("conv", Conv2d(3)), ("depthwise", DepthwiseConv2d(3)))
    assert stage_peak(halo, "depthwise", 2, definition="inplace") == 2 * 25 + 3 * 25 + 192
    pixel = network(8, ("conv", Conv2d(3)), ("depthwise", DepthwiseConv2d(1)))
    assert stage_peak(pixel, "depthwise", 2, definition="inplace") == 32 + 192


def test_a_whole_image_is_not_overwritten() -> None:
    """A norm of the image itself: in place in the patch, beside the image when that is whole."""
    net = network(8, ("norm", BatchNorm()), ("conv", Conv2d(1, kernel=3)))
    assert stage_peak(net, "conv", 2) == 50 + 64
    assert stage_peak(net, "conv", 2, image_held=True) == 128 + 50 + 64
    assert stage_peak(net, "conv", 1, image_held=True) == 128 + 64


def test_views_at_the_cut() -> None:
    """A dropout is the tensor before it. Of a slice, the complete output has the one channel, a tile all three."""
    net = network(8, ("conv", Conv2d(3)), ("drop", Dropout()), ("last", Conv2d(1)))
    assert stage_peak(net, "drop", 2) == 32 + 192
    net = network(8, ("conv", Conv2d(3)), ("part", Slice(1)), ("last", Conv2d(1)))
    costs = patch_costs(net, "part", 2)
    assert costs.stage_peak_bytes == 32 + 48 + 64
    assert costs.rest_peak_bytes == 64 + 64
    found = search_patches(net, cuts=["part"], grids=[2])
    assert found.candidates[1] == costs


def test_mobilenet_v2_in_mcunetv2_table_1() -> None:
    """arXiv:2110.15352, Table 1: 1372 kB (KiB) layer by layer, 172 kB in patches."""
    net = load("mobilenet_v2")
    assert peak_memory(net, definition="io_inplace").bytes == 1372 * 1024
    for clipped in (True, False):
        costs = patch_costs(net, "inverted_residual_4", 4, clipped, definition="io_inplace")
        assert costs.stage_peak_bytes == 35 * 35 * (16 + 96) + 28 * 28 * 32 == 162_288
        assert costs.peak_bytes == costs.rest_peak_bytes == 28 * 28 * (32 + 192) == 175_616
    fused = patch_costs(net, "inverted_residual_4", 4, definition="fused")
    assert fused.stage_peak_bytes == 35 * 35 * 96 + 17 * 17 * 96 + 28 * 28 * 32 == 170_432
    strict = patch_costs(net, "inverted_residual_4", 4, definition="inplace")
    assert strict.rest_peak_bytes == 28 * 28 * (32 + 192 + 32) == 200_704  # the shortcut is held


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("grid", [1, 2, (1, 3)])
def test_the_rest_is_the_network_after_the_cut(definition: str, grid: int | tuple[int, int]) -> None:
    net = load("mobilenet_v2", width=0.35, resolution=96)
    _, rest = cut_after(net, "inverted_residual_3")
    costs = patch_costs(net, "inverted_residual_3", grid, definition=definition)
    assert costs.rest_peak_bytes == peak_memory(rest, definition=definition).bytes


def test_definitions_and_number_formats_must_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown definition of memory 'fusedd'; did you mean 'fused'"):
        patch_costs(CHAIN, "two", 2, definition="fusedd")
    with pytest.raises(UnknownNameError, match="peak_memory and plan_arena have it; here there are single"):
        search_patches(CHAIN, definition="arena")
    with pytest.raises(UnknownNameError, match="unknown number format 'int9'"):
        patch_costs(CHAIN, "two", 2, dtype="int9")
