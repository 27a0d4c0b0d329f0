"""Folding batch norm into the layer before it."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel.costs import cost_table
from costmodel.graph import Graph, Layer, image
from costmodel.operators.convolution import Conv2d
from costmodel.operators.normalization import BatchNorm
from costmodel.passes import apply_passes
from costmodel.passes.fold_norm import fold_norm
from costmodel.specs.catalogue import load


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "resnet50", "vgg16_bn", "inception_v3"])
def test_norms_become_biases_and_nothing_else_changes(network: str) -> None:
    before, after = cost_table(load(network)), cost_table(fold_norm(load(network)))
    assert after.total("norm_params") == after.total("norm_macs") == 0
    assert after.total("macs") == before.total("macs")
    assert after.total("weight_params") == before.total("weight_params")
    # scale and shift of a channel become one bias; a convolution that had a bias keeps one
    had = 0 if network != "vgg16_bn" else before.total("norm_params") // 2
    assert after.total("bias_params") == before.total("bias_params") + before.total("norm_params") // 2 - had


def test_a_norm_that_does_not_alone_read_a_convolution_stays() -> None:
    layers = (
        Layer("first", BatchNorm(), ("input",), ("first",)),
        Layer("conv", Conv2d(4), ("first",), ("conv",)),
        Layer("norm", BatchNorm(), ("conv",), ("norm",)),
    )
    graph = Graph("net", {"input": image(4, 8, 8)}, layers, ("norm", "conv"), {})
    assert fold_norm(graph) == graph


def heads(norms: tuple[str | None, ...], shared: str | None) -> Graph:
    """A convolution whose weights are shared over levels, each with a norm or none."""
    layers: list[Layer] = []
    outputs = []
    for at, norm in enumerate(norms):
        layers.append(Layer(f"conv_{at}", Conv2d(8, 3), ("input",), (f"conv_{at}",), weights="head"))
        outputs.append(f"conv_{at}")
        if norm is not None:
            layers.append(Layer(norm, BatchNorm(), (f"conv_{at}",), (norm,), weights=shared))
            outputs[-1] = norm
    return Graph("heads", {"input": image(8, 4, 4)}, tuple(layers), tuple(outputs), {})


def test_shared_weights_with_norms_of_their_own_are_shared_no_longer() -> None:
    assert cost_table(fold_norm(heads(("a", "b"), None))).total("params") == 2 * (3 * 3 * 8 * 8 + 8)
    assert cost_table(fold_norm(heads(("a", None), None))).total("params") == 2 * 3 * 3 * 8 * 8 + 8


def test_shared_weights_with_a_shared_norm_stay_shared() -> None:
    assert cost_table(fold_norm(heads(("a", "b"), "norm"))).total("params") == 3 * 3 * 8 * 8 + 8


def test_passes_are_applied_by_name_in_order() -> None:
    net = load("mobilenet_v2")
    assert apply_passes(net, ("fold_norm",)) == fold_norm(net)
    assert apply_passes(net, ()) == net


@pytest.mark.parametrize("network", ["adder_resnet20_cifar", "shift_resnet20_cifar"])
def test_norms_stay_behind_adder_and_shift_layers(network: str) -> None:
    layers = fold_norm(load(network)).layers
    unmultiplied = ("adder_conv2d", "shift_conv2d")
    operators: list[Any] = [layer.operator for layer in layers if layer.operator.verb in unmultiplied]
    assert len(operators) > 18
    assert not any(operator.bias for operator in operators)


def test_a_norm_that_runs_less_often_than_its_convolution_stays() -> None:
    layers = (
        Layer("conv", Conv2d(4), ("input",), ("conv",)),
        Layer("norm", BatchNorm(), ("conv",), ("norm",), probability=0.25),
    )
    graph = Graph("net", {"input": image(4, 8, 8)}, layers, ("norm",), {})
    assert fold_norm(graph) == graph
