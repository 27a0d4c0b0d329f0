"""Every operator: which pixels it reads, or why it has no patches."""

from __future__ import annotations

import pytest

from costmodel import load
from costmodel.errors import PassError
from costmodel.graph import Layer, image, tokens, vector
from costmodel.operators import OPERATORS
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Multiply
from costmodel.operators.convolution import Conv2d, ConvTranspose2d
from costmodel.operators.layout import Crop, Roll, Subsample, Tokens
from costmodel.operators.linear import Linear
from costmodel.operators.multiplication_free import AdderConv2d
from costmodel.operators.normalization import GroupNorm, LayerNorm
from costmodel.operators.pooling import AdaptiveAvgPool2d, GlobalAvgPool, MaxPool2d, RoiPool
from costmodel.operators.resizing import MaxUnpool2d, Pad, Resize
from costmodel.patches import patch_costs
from costmodel.patches.windows import PIXELWISE, WINDOWS, WITHOUT_PATCHES, Window, span_read, windows_read


def test_every_operator_is_decided_once() -> None:
    decided = [*PIXELWISE, *WINDOWS, *WITHOUT_PATCHES]
    assert sorted(decided) == sorted(OPERATORS)


@pytest.mark.parametrize(
    ("operator", "window"),
    [
        (Conv2d(1, kernel=3, stride=2, padding=1), Window(2, 1, -1, 1)),
        (Conv2d(1, kernel=3, dilation=2, padding="valid"), Window(1, 1, 0, 4)),
        (MaxPool2d(2), Window(2, 1, 0, 1)),
        (ConvTranspose2d(1, kernel=2, stride=2, padding=0), Window(1, 2, 0, 0)),
        (Resize(24), Window(8, 24, 0, 0)),
        (AdaptiveAvgPool2d(3), Window(8, 3, 0, 7)),
        (Crop(4, start=2), Window(1, 1, 2, 2)),
        (Subsample(2, start=1), Window(2, 1, 1, 1)),
        (Pad(((3, 0), (0, 0))), Window(1, 1, -3, -3)),
        (GroupNorm(1), None),
    ],
)
def test_windows_along_the_height_of_eight_rows(operator: Operator, window: Window | None) -> None:
    layer = Layer("layer", operator, ("x",), ("layer",))
    if window is None:
        with pytest.raises(PassError, match="layer: group_norm cannot run in patches, its mean and variance are those"):
            windows_read(layer, [image(2, 8, 9)], image(2, 8, 9))
        return
    (leaving,) = operator.output_shapes((image(2, 8, 9),))
    ((vertical, _),) = windows_read(layer, [image(2, 8, 9)], leaving)
    assert vertical == window


def test_rows_that_larger_maps_are_made_of() -> None:
    """Thrice as many rows: rows 1 to 4 come from rows 0 and 1. Bilinear, row 1 lies on row 0, and row 2 a third after
    it. A transposed 3x3 of stride 2 without padding spreads row i over rows 2i to 2i + 2."""
    assert span_read((1, 5), Window(8, 24, 0, 0)) == (0, 2)
    ((bilinear, _),) = windows_read(
        Layer("up", Resize(24, "bilinear"), ("x",), ("up",)), [image(1, 8, 8)], image(1, 24, 24)
    )
    assert [span_read((at, at + 1), bilinear) for at in (0, 1, 2)] == [(-1, 1), (0, 2), (0, 2)]
    ((spread, _),) = windows_read(
        Layer("up", ConvTranspose2d(1, 3, 2, 0), ("x",), ("up",)), [image(1, 8, 8)], image(1, 17, 17)
    )
    assert [span_read((at, at + 1), spread) for at in (0, 1, 2, 3)] == [(-1, 1), (0, 1), (0, 2), (1, 2)]


def test_a_gate_of_one_pixel_is_read_for_every_pixel() -> None:
    layer = Layer("gate", Multiply(), ("x", "pooled"), ("gate",))
    windows = windows_read(layer, [image(2, 8, 9), image(2, 1, 1)], image(2, 8, 9))
    assert windows == ((Window(1, 1, 0, 0), Window(1, 1, 0, 0)), (Window(0, 1, 0, 0), Window(0, 1, 0, 0)))


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (GlobalAvgPool(), "global_avg_pool cannot run in patches, one output depends on all pixels"),
        (Roll(1), "roll cannot run in patches, pixels that leave the map at one end come back at the other"),
        (MaxUnpool2d(16), "max_unpool2d cannot run in patches, where its values go is known for the whole map only"),
        (RoiPool(2), "roi_pool cannot run in patches, boxes may lie anywhere in the map"),
        (Tokens(), "tokens cannot run in patches, it does not keep pixels in rows and columns"),
        (AdderConv2d(2), "adder_conv2d cannot run in patches, what it computes again has no multiply-accumulates"),
    ],
)
def test_what_has_no_patches_says_why(operator: Operator, reason: str) -> None:
    with pytest.raises(PassError, match=f"layer: {reason}"):
        windows_read(Layer("layer", operator, ("x",), ("layer",)), [image(2, 8, 8)], image(2, 8, 8))


def test_only_images_have_patches() -> None:
    for operator, shape in ((LayerNorm(), tokens(4, 8)), (Linear(3), vector(8)), (Add(), vector(8))):
        with pytest.raises(PassError, match=r"layer: \w+ of [x\d]+ \([\w, ]+\) has no patches, only images do"):
            windows_read(Layer("layer", operator, ("x",), ("layer",)), [shape], shape)


def test_what_runs_sometimes_has_no_patches() -> None:
    with pytest.raises(PassError, match="layer runs for a part of the inputs only, and cannot run in patches"):
        windows_read(Layer("layer", Add(), ("x",), ("layer",), probability=0.5), [image(1, 1, 1)], image(1, 1, 1))


def test_squeeze_and_excitation_ends_what_can_be_cut() -> None:
    with pytest.raises(
        PassError,
        match=r"inverted_residual_1\.squeeze_excite\.global_avg_pool: .* pixels; the last cut before it is "
        r"'inverted_residual_1\.depthwise'",
    ):
        patch_costs(load("efficientnet_b0"), "inverted_residual_2", grid=2)
