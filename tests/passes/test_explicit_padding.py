"""Padding as operators: shapes stay, copies are added in front of strided convolutions and poolings alone."""

from __future__ import annotations

import pytest

from costmodel import cost_table, load, peak_memory
from costmodel.graph import Graph, Layer, Shape, image
from costmodel.operators.base import Operator
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.pooling import AvgPool2d, MaxPool2d
from costmodel.passes import apply_passes
from costmodel.passes.explicit_padding import explicit_padding
from costmodel.shapes import infer_shapes


def one(operator: Operator, input: Shape) -> Graph:
    layer = Layer("layer", operator, ("input",), ("layer",), probability=0.5)
    return Graph("one", {"input": input}, (layer,), ("layer",), {})


@pytest.mark.parametrize(
    ("operator", "padded"),
    [
        (Conv2d(4, kernel=3, stride=2), (2, 10, 12)),
        (DepthwiseConv2d(5, stride=(2, 1)), (2, 12, 14)),
        (Conv2d(4, kernel=3, stride=2, padding=((0, 1), (1, 1))), (2, 9, 12)),
        (Conv2d(4, kernel=3, stride=2, dilation=2), (2, 12, 14)),
        (MaxPool2d(3, stride=2, padding=1), (2, 10, 12)),
    ],
)
def test_strided_layers_get_a_copy_of_the_padded_map(operator: Operator, padded: tuple[int, ...]) -> None:
    before = one(operator, image(2, 8, 10))
    after = explicit_padding(before)
    pad, layer = after.layers
    shapes = infer_shapes(after)
    assert (shapes["layer_pad"].sizes, pad.probability, layer.probability) == (padded, 0.5, 0.5)
    assert shapes["layer"] == infer_shapes(before)["layer"]


@pytest.mark.parametrize(
    "operator",
    [Conv2d(4, kernel=3), Conv2d(4, kernel=3, stride=2, padding=0), Conv2d(4, stride=2), AvgPool2d(3, stride=2)],
)
def test_other_layers_stay(operator: Operator) -> None:
    assert explicit_padding(one(operator, image(2, 8, 10))) == one(operator, image(2, 8, 10))


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50", "efficientnet_b0"])
def test_only_traffic_and_memory_grow(name: str) -> None:
    net = load(name)
    plain, padded = cost_table(net), cost_table(apply_passes(net, ["explicit_padding"]))
    assert [plain.total(column) for column in ("macs", "params")] == [padded.total(c) for c in ("macs", "params")]
    assert plain.total("memory_access_elements") < padded.total("memory_access_elements")
    assert peak_memory(net).bytes <= peak_memory(padded.graph).bytes


def test_a_kernel_of_even_size_and_a_pooling_without_a_stride_of_its_own() -> None:
    """A 2x2 window on an even map needs no padding; the stride of a pooling is its kernel unless it is given."""
    for pool in (MaxPool2d(2), MaxPool2d(2, stride=2)):
        assert explicit_padding(one(pool, image(2, 8, 10))) == one(pool, image(2, 8, 10))


def test_windows_that_hang_over_the_edge_stay() -> None:
    net = one(MaxPool2d(3, stride=2, padding=0, rounding="ceil"), image(2, 8, 10))
    assert explicit_padding(net) == net
    for name in ("googlenet", "enet", "faster_rcnn_vgg16"):
        before = load(name)
        after = infer_shapes(explicit_padding(before))
        assert all(after[tensor] == shape for tensor, shape in infer_shapes(before).items())
