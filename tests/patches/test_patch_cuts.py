"""Where networks can be cut, and what the cuts are called."""

from __future__ import annotations

import pytest
from patch_networks import network

from costmodel import load
from costmodel.operators.activation import Activation, Dropout
from costmodel.operators.combining import Add, Concat, Split
from costmodel.operators.convolution import Conv2d
from costmodel.operators.layout import ChannelShuffle
from costmodel.operators.normalization import BatchNorm
from costmodel.operators.pooling import MaxPool2d
from costmodel.patches.cuts import cut_layer, cut_name, cuts_of
from costmodel.specs.listing import published_names


def names(net: object) -> list[str]:
    return [cut_name(net, layer) for layer in cuts_of(net).layers]  # type: ignore[arg-type]


def test_not_between_a_layer_and_what_folds_into_it() -> None:
    net = network(
        8, ("conv", Conv2d(4)), ("norm", BatchNorm()), ("relu", Activation("relu")), ("pool", MaxPool2d(2)),
        ("drop", Dropout()), ("shuffle", ChannelShuffle(2)),
    )  # fmt: skip
    assert names(net) == ["relu", "drop", "shuffle"]


def test_not_where_two_tensors_are_alive() -> None:
    net = network(
        8, ("conv", Conv2d(4)), ("inside", Conv2d(4)), ("relu", Activation("relu")), ("sum", Add(), ("conv", "relu")),
        ("parts", Split((2, 2))), ("one", Conv2d(2), ("parts.0",)), ("joined", Concat(), ("one", "parts.1")),
    )  # fmt: skip
    assert names(net) == ["conv", "sum", "joined"]


def test_an_activation_beside_a_shortcut_is_no_fold() -> None:
    """The sum is read by the activation and by a shortcut around it."""
    net = network(8, ("conv", Conv2d(2)), ("relu", Activation("relu")), ("sum", Add(), ("conv", "relu")))
    assert names(net) == ["conv", "sum"]


def test_a_layer_that_nothing_needs_ends_the_stages() -> None:
    net = network(8, ("conv", Conv2d(2)), ("aside", Conv2d(2), ("conv",)), ("last", Conv2d(2), ("conv",)))
    assert names(net) == ["conv"]
    assert cuts_of(net).stopped_by == "aside: nothing in the stage needs it"


def test_blocks_of_mobilenet_v2() -> None:
    net = load("mobilenet_v2")
    found = names(net)
    assert [name for name in found if "." not in name] == [
        "conv_1", *(f"inverted_residual_{block}" for block in range(1, 18)), "conv_2",
    ]  # fmt: skip
    assert "inverted_residual_2.depthwise" in found
    assert "inverted_residual_3.depthwise" not in found  # beside a shortcut


@pytest.mark.parametrize("name", [name for name in published_names() if name.endswith(("_1.0_224", "50", "_s", "a"))])
def test_the_name_of_a_cut_leads_back_to_it(name: str) -> None:
    net = load(name)
    for layer in cuts_of(net).layers:
        assert cut_layer(net, cut_name(net, layer)) == layer
