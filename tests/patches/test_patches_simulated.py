"""Every cut and grid of random networks, against inference in patches by brute force."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from patch_networks import SIMPLE, network, networks
from simulated_patches import macs_of, patches_of, peak_of

from costmodel.graph import Graph
from costmodel.memory import DEFINITIONS
from costmodel.operators.convolution import Conv2d
from costmodel.patches import cut_after, cuts_of, patch_costs
from costmodel.patches.windows import PIXELWISE, WINDOWS
from costmodel.shapes import infer_shapes


@given(networks(), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_costs_are_those_of_a_simulation(
    net: Graph, rows: int, columns: int, clipped: bool, image_held: bool, data: Any
) -> None:
    layers = cuts_of(net).layers
    cuts = [layer for layer in layers if any(each.operator.kind == "convolution" for each in net.layers[: layer + 1])]
    if not cuts:
        reject()
    cut = net.layers[data.draw(st.sampled_from(cuts))].name
    definition = data.draw(st.sampled_from(sorted(DEFINITIONS)))
    dtype, bits = data.draw(st.sampled_from([("int8", 8), ("float32", 32)]))
    stage, _ = cut_after(net, cut)
    _, height, width = infer_shapes(stage)[stage.outputs[0]].sizes
    grid = min(rows, height), min(columns, width)
    costs = patch_costs(net, cut, grid, clipped, dtype, definition, image_held)
    patches = patches_of(stage, grid, clipped)
    assert costs.stage_macs == sum(macs_of(stage, patch) for patch in patches)
    assert costs.patch_height == max(patch["input"][0] for patch in patches)
    assert costs.patch_width == max(patch["input"][1] for patch in patches)
    simulated = [peak_of(stage, patch, bits, definition, len(patches) == 1, image_held) for patch in patches]
    assert costs.stage_peak_bytes == max(simulated)


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize("name", SIMPLE)
def test_every_operator_between_two_convolutions(name: str, clipped: bool) -> None:
    net = network((12, 10), ("one", Conv2d(4, kernel=3)), (name, SIMPLE[name]), ("two", Conv2d(2, kernel=(1, 3))))
    for grid in ((1, 1), (2, 1), (2, 3)):
        patches = patches_of(net, grid, clipped)
        for definition in ("fused", "inplace", "live"):
            costs = patch_costs(net, "two", grid, clipped, definition=definition)
            assert costs.stage_macs == sum(macs_of(net, patch) for patch in patches)
            assert costs.stage_peak_bytes == max(
                peak_of(net, patch, 8, definition, one_patch=grid == (1, 1)) for patch in patches
            )


def test_the_random_networks_have_every_operator_with_patches() -> None:
    drawn = {operator.verb for operator in SIMPLE.values()} | {
        "conv2d", "depthwise_conv2d", "max_pool2d", "avg_pool2d", "add", "concat", "multiply", "split",
    }  # fmt: skip
    assert (PIXELWISE | set(WINDOWS)) - drawn == {"subtract", "divide", "linear"}
