"""The same layers on another input size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from costmodel.costs import cost_table
from costmodel.errors import ParameterError, PassError
from costmodel.graph import Graph, Layer, image, vector
from costmodel.operators.combining import Add
from costmodel.operators.convolution import Conv2d
from costmodel.operators.layout import Flatten, Image, Reshape, Tokens
from costmodel.operators.linear import Linear
from costmodel.operators.resizing import Resize
from costmodel.passes.scale_resolution import scale_resolution
from costmodel.shapes import infer_shapes
from costmodel.specs.catalogue import bundled, families, load

HEAD = 'name = "net"\nsource = "none"\ninput = [8, 16, 24]\n'
SIDED = [family for family in families() if "resolution" in bundled(family).parameters]
"""Families with a parameter for the side of the input."""
OTHER = {"pspnet": 480, "swin": 448, "yolov2": 608}
"""Sides for families that do not take 64 pixels more: windows that must fit."""


def net(folder: Path, layers: str) -> Graph:
    path = folder / "net.toml"
    path.write_text(f"{HEAD}layers = [\n{layers}\n]\n")
    return load(path)


def sizes(graph: Graph) -> str:
    shapes = infer_shapes(graph)
    return ", ".join(" ".join(str(shapes[name]) for name in layer.outputs) for layer in graph.layers)


@pytest.mark.parametrize("family", SIDED)
def test_the_same_graph_as_the_parameter_resolution(family: str) -> None:
    graph = load(family)
    side: Any = graph.parameters["resolution"]
    wanted = load(family, resolution=OTHER.get(family, side + 64))
    (shape,) = wanted.inputs.values()
    scaled = scale_resolution(graph, *shape.sizes[1:])
    assert scaled.layers == wanted.layers
    assert scaled.inputs == wanted.inputs != graph.inputs


@pytest.mark.parametrize("family", ["enet", "segnet"])
def test_the_same_graph_as_the_parameters_height_and_width(family: str) -> None:
    assert scale_resolution(load(family), 320, 640).layers == load(family, height=320, width=640).layers


@pytest.mark.parametrize("family", families())
def test_the_same_size_is_the_same_network(family: str) -> None:
    graph = load(family)
    (shape,) = graph.inputs.values()
    if shape.is_image:
        assert scale_resolution(graph, *shape.sizes[1:]) == graph


def test_macs_by_hand(tmp_path: Path) -> None:
    """16x24 becomes 8x12 and then 10x14, which stride 2 rounds up to 5x7."""
    graph = net(tmp_path, '{ conv2d = 4, kernel = 3, stride = 2 }, "flatten", { linear = 10, bias = false }')
    assert cost_table(graph).total("macs") == 8 * 12 * 9 * 8 * 4 + 4 * 8 * 12 * 10
    assert cost_table(scale_resolution(graph, 10, 14)).total("macs") == 5 * 7 * 9 * 8 * 4 + 4 * 5 * 7 * 10
    assert scale_resolution(graph, 10).inputs == {"input": image(8, 10, 10)}


@pytest.mark.parametrize(
    ("layers", "height", "width", "expected"),
    [
        # back to the size of an earlier tensor: the factor is not whole, or agrees
        ('{ conv2d = 8, kernel = 3, padding = "valid" }, { resize = [16, 24] }, { add = [-1, "input"] }', 21, 30,
         "8x19x28, 8x21x30, 8x21x30"),
        ('{ conv2d = 8, stride = 2 }, { resize = [16, 24] }, { add = [-1, "input"] }', 22, 30,
         "8x11x15, 8x22x30, 8x22x30"),
        # by a factor, to a size that nothing had before
        ("{ resize = [48, 72] }", 10, 20, "8x30x60"),
        ("{ resize = [8, 12] }", 10, 20, "8x5x10"),
        # what was pooled goes to the size it had
        ('{ conv2d = 4, stride = 2 }, "global_avg_pool", { resize = [8, 12] }', 20, 30, "4x10x15, 4x1x1, 4x10x15"),
        ("{ max_pool2d = 2 }, { max_unpool2d = [16, 24] }", 21, 30, "8x11x15, 8x21x30"),
        ("{ pad = 2 }, { crop = [16, 24], start = 1 }", 21, 30, "8x25x34, 8x21x30"),
        ('"tokens", { linear = 4 }, { image = 16 }', 24, 16, "384x8, 384x4, 4x24x16"),
        ('"tokens", { linear = 4 }, { image = 1 }, { avg_pool2d = [1, 4] }', 20, 24,
         "480x8, 480x4, 4x1x480, 4x1x120"),
        # 8x12 went to 11x15 and to 10x15: 165 tokens are the first
        ('{ conv2d = 8, stride = 2, name = "up" }, '
         '{ max_pool2d = 2, padding = "valid", from = "input", name = "down" }, '
         '{ tokens = true, from = "up" }, { image = 8 }, { pad = [[0, 0], [0, 0]], from = "down", name = "d" }, '
         '{ pass = true, from = [-2, "d"] }', 21, 30, "8x11x15, 8x10x15, 165x8, 8x11x15, 8x10x15"),
        ("{ window_partition = 4 }, { window_merge = 16 }", 20, 28, "35x16x8, 8x20x28"),
        ('{ reshape = [8, 384], axes = ["d", "tokens"] }, { reshape = [8, 16, 24] }', 10, 20, "8x200, 8x10x20"),
        # 8 channels are no image of 2x4
        ('{ conv2d = 8, stride = [8, 6], name = "small" }, { reshape = [2, 4, 16, 24], axes = ["a", "b", "h", "w"], '
         'from = "input" }, { pass = true, from = ["small", -1] }', 24, 24, "8x3x4, 2x4x24x24"),
        ("{ reshape = [2, 4, 16, 24], axes = [\"a\", \"b\", \"h\", \"w\"] }", 10, 20, "2x4x10x20"),
        ('"tokens", { class_token = 1 }, { learned = "385*8" }, { token = 0 }', 10, 20, "200x8, 201x8, 201x8, 8"),
        ("{ adaptive_avg_pool2d = 4 }", 21, 30, "8x4x4"),
        # a table of tokens that stay as many stays an image
        ('{ adaptive_avg_pool2d = 4 }, "tokens", { image = 2 }', 21, 30, "8x4x4, 16x8, 8x2x8"),
    ],
)  # fmt: skip
def test_rules(tmp_path: Path, layers: str, height: int, width: int, expected: str) -> None:
    assert sizes(scale_resolution(net(tmp_path, layers), height, width)) == expected


def test_a_position_table_grows_with_the_tokens() -> None:
    small, large = (cost_table(load("vit_base_patch16_224", resolution=side)) for side in (224, 384))
    scaled = cost_table(scale_resolution(small.graph, 384))
    assert scaled.total("other_params") == large.total("other_params")
    assert scaled.total("other_params") - small.total("other_params") == (24 * 24 - 14 * 14) * 768


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        # 10/4 of 6 are 15, but 10/6 of 8 are 13.3
        ("{ conv2d = 8, stride = 4 }, { resize = [10, 10] }",
         "'resize' (resize) goes to 10x10: no size would fit now"),
        # twice 11 is 22, but the input has 21
        ("{ conv2d = 8, stride = 2 }, { resize = [16, 24] }",
         "'resize' (resize) goes to 16x24: 21x30 or 22x30 would fit now"),
        ('"tokens", { linear = 4 }, { image = 8 }', "'image' (image) goes to 8x48: no size would fit now"),
        ("{ reshape = [8, 8, 48] }", "'reshape' (reshape) goes to 8x48: no size would fit now"),
        ('"tokens", { learned = 7 }',
         "'learned' (learned) adds a table of 7 parameters to 384x8, which becomes 630x8: how the table changes is "
         "unknown"),
        ('"tokens", { transpose = [1, 0] }, { linear = 20 }',
         "'linear' (linear) works along tokens, which go from 8x384 to 8x630"),
        ('"tokens", { slice = 3, axis = "tokens" }',
         "'slice' (slice) works along tokens, which go from 384x8 to 630x8"),
        ('{ avg_pool2d = [16, 24], padding = "valid" }',
         "'avg_pool2d' (avg_pool2d) covers the whole 8x16x24; write global_avg_pool to cover 8x21x30"),
        ("{ space_to_channels = 4 }", "layer 'space_to_channels': block = 4 must divide 21x30"),
    ],
)  # fmt: skip
def test_what_cannot_follow_is_refused(tmp_path: Path, layers: str, message: str) -> None:
    with pytest.raises(PassError) as raised:
        scale_resolution(net(tmp_path, layers), 21, 30)
    assert str(raised.value) == f"scale_resolution: {message}"


def test_a_size_of_unknown_meaning_stays_only_with_the_input(tmp_path: Path) -> None:
    graph = net(tmp_path, '"global_avg_pool", { resize = [5, 5] }')
    assert scale_resolution(graph, 16, 24) == graph
    with pytest.raises(PassError, match=r"\(resize\) goes to 5x5: no size would fit now"):
        scale_resolution(graph, 21, 30)


def test_windows_that_no_longer_fit_are_refused() -> None:
    with pytest.raises(PassError, match=r"window = 7 must divide 60x60"):
        scale_resolution(load("swin"), 240)


def graph_of(*layers: Layer, **inputs: Any) -> Graph:
    return Graph("net", inputs, layers, layers[-1].outputs, {})


def test_several_images_of_one_size_are_scaled_together() -> None:
    layers = (
        Layer("add", Add(), ("left", "right"), ("add",)),
        Layer("resize", Resize((8, 8)), ("add",), ("resize",)),
    )
    scaled = scale_resolution(graph_of(*layers, left=image(3, 8, 8), right=image(3, 8, 8)), 9, 5)
    assert sizes(scaled) == "3x9x5, 3x9x5"


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"left": image(3, 8, 8), "right": image(3, 9, 8)}, "left 3x8x8, right 3x9x8"),
        ({"left": vector(5)}, "left 5"),
    ],
)
def test_a_network_without_one_size_of_image_is_refused(inputs: dict[str, Any], named: str) -> None:
    layers = (Layer("flat", Flatten(), ("left",), ("flat",)), Layer("linear", Linear(3), ("flat",), ("linear",)))
    with pytest.raises(PassError) as raised:
        scale_resolution(graph_of(*layers, **inputs), 32)
    assert str(raised.value) == f"scale_resolution: net needs images of one size, its inputs are {named}"


def test_a_size_that_does_not_change_is_written_as_before() -> None:
    """One number for both sides stays one number."""
    layers = (
        Layer("conv", Conv2d(4, stride=2), ("input",), ("conv",)),
        Layer("resize", Resize(4), ("conv",), ("resize",)),
        Layer("tokens", Tokens(), ("resize",), ("tokens",)),
        Layer("image", Image(4), ("tokens",), ("image",)),
        Layer("reshape", Reshape((4, 16)), ("image",), ("reshape",)),
    )
    graph = graph_of(*layers, input=image(3, 8, 7))
    assert scale_resolution(graph, 7, 8).layers == graph.layers


def test_a_sweep_is_refused() -> None:
    swept = load("mobilenet_v1", width=numpy.array([0.5, 1.0]))
    with pytest.raises(
        PassError, match=r"^scale_resolution: mobilenet_v1 is a sweep of array sizes; scale its variants"
    ):
        scale_resolution(swept, 192)


@pytest.mark.parametrize("size", [0, -8, 2.0, True, 2**31])
def test_a_size_must_be_a_whole_number(size: Any) -> None:
    for name, sides in (("height", (size, 3)), ("width", (3, size))):
        with pytest.raises(ParameterError) as raised:
            scale_resolution(load("resnet18"), *sides)
        assert str(raised.value) == f"{name} = {size!r} must be a whole number, from 1 to 2,147,483,647"
