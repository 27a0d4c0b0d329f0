"""Inference in patches by brute force: sets of rows and columns, pixel by pixel, and memory step by step.

Shares no rule with `costmodel.patches`: which pixels an operator reads, what a pixel costs and what a step holds are
written down again here, for one output pixel, one tile and one step at a time.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any, TypeAlias

from costmodel.graph import Graph, Layer, Shape
from costmodel.operators.base import pair
from costmodel.shapes import infer_shapes

Lines: TypeAlias = "dict[str, set[int]]"

SLIDING = {"conv2d", "depthwise_conv2d", "max_pool2d", "avg_pool2d"}
IN_PLACE = {"activation", "prelu", "batch_norm", "scale", "learned"}
VIEWS = {"split", "slice", "dropout"}


def before_first(operator: Any, axis: int, size: int, extent: int, stride: int) -> int:
    """Padding before the first pixel."""
    if operator.padding == "same":
        if operator.verb == "conv_transpose2d":
            return max(extent - stride, 0) // 2
        return max((-(-size // stride) - 1) * stride + extent - size, 0) // 2
    if operator.padding == "valid":
        return 0
    before, _ = pair(pair(operator.padding)[axis])
    return int(before)


def lines_read(layer: Layer, shape: Shape, made: Shape, axis: int, at: int) -> set[int]:
    """Rows (or columns) of an input that one row of the output reads."""
    operator: Any = layer.operator
    verb, size, out = operator.verb, shape.sizes[1 + axis], made.sizes[1 + axis]
    if verb in SLIDING or verb == "conv_transpose2d":
        kernel, dilation = pair(operator.kernel)[axis], pair(operator.dilation)[axis]
        stride = pair(operator.kernel if operator.stride is None else operator.stride)[axis]
        padding = before_first(operator, axis, size, dilation * (kernel - 1) + 1, stride)
        if verb in SLIDING:
            return set(range(at * stride - padding, at * stride - padding + dilation * (kernel - 1) + 1))
        reached = range(-50, 50)
        return {i for i in reached if any(i * stride - padding + tap * dilation == at for tap in range(kernel))}
    if verb == "resize" and operator.method == "nearest":
        return {floor(Fraction(at * size, out))}
    if verb == "resize":
        centre = (at + Fraction(1, 2)) * Fraction(size, out) - Fraction(1, 2)
        return {floor(centre), floor(centre) + 1}
    if verb == "adaptive_avg_pool2d":
        return set(range(floor(Fraction(at * size, out)), -floor(-Fraction((at + 1) * size, out))))
    if verb == "pad":
        return {at - before_first(operator, axis, size, 1, 1)}
    if verb == "crop":
        return {at + pair(operator.start)[axis]}
    if verb == "shift":
        return {at - 1, at, at + 1}
    if verb == "subsample":
        return {operator.start + operator.factor * at}
    if verb == "space_to_channels":
        return set(range(operator.block * at, operator.block * (at + 1)))
    if verb == "channels_to_space":
        return {at // operator.block}
    return {0} if size == 1 < out else {at}


def lines_needed(stage: Graph, shapes: dict[str, Shape], axis: int, tile: set[int], clipped: bool) -> Lines:
    """The rows (or columns) of every tensor that a patch makes: from the first to the last that something needs."""
    needed: Lines = {name: set() for name in shapes} | {stage.outputs[0]: tile}
    for layer in reversed(stage.layers):
        for name in layer.outputs:
            needed[name] = filled(needed[name])
        for name in layer.inputs:
            for out in layer.outputs:
                lines = [lines_read(layer, shapes[name], shapes[out], axis, at) for at in needed[out]]
                inside = range(shapes[name].sizes[1 + axis])
                needed[name] |= {line for line in filled(set().union(*lines)) if not clipped or line in inside}
    return {name: filled(lines) for name, lines in needed.items()}


def filled(lines: set[int]) -> set[int]:
    return set(range(min(lines), max(lines) + 1)) if lines else set()


def tile_lines(size: int, parts: int) -> list[set[int]]:
    edges = [part * size // parts for part in range(parts + 1)]
    return [set(range(start, stop)) for start, stop in pairwise(edges)]


Sides: TypeAlias = "dict[str, tuple[int, int]]"


def patches_of(stage: Graph, grid: tuple[int, int], clipped: bool) -> list[Sides]:
    """Height and width of every tensor in every patch."""
    shapes = infer_shapes(stage)
    _, height, width = shapes[stage.outputs[0]].sizes
    rows, columns = grid
    down = [lines_needed(stage, shapes, 0, tile, clipped) for tile in tile_lines(height, rows)]
    across = [lines_needed(stage, shapes, 1, tile, clipped) for tile in tile_lines(width, columns)]
    return [{name: (len(high[name]), len(wide[name])) for name in shapes} for high in down for wide in across]


def macs_of(stage: Graph, patch: Sides) -> int:
    """Multiply-accumulates of one patch."""
    shapes, macs = infer_shapes(stage), 0
    for layer in stage.layers:
        operator: Any = layer.operator
        if operator.kind != "convolution":
            continue
        counted = layer.inputs[0] if operator.verb == "conv_transpose2d" else layer.outputs[0]
        height, width = patch[counted]
        entering, leaving = shapes[layer.inputs[0]].channels, shapes[layer.outputs[0]].channels
        groups = entering if operator.verb == "depthwise_conv2d" else operator.groups
        kernel_height, kernel_width = pair(operator.kernel)
        macs += height * width * kernel_height * kernel_width * entering // groups * leaving
    return macs


def peak_of(
    stage: Graph, patch: Sides, bits: int, definition: str, one_patch: bool = False, image_held: bool = False
) -> int:
    """The most that one patch holds, the complete output (and image) included."""
    shapes = infer_shapes(stage)
    layers, (output,) = stage.layers, stage.outputs
    base = {name: name for name in stage.inputs}
    for layer in layers:
        base |= {name: base[layer.inputs[0]] if layer.operator.verb in VIEWS else name for name in layer.outputs}
    made = {name: 0 for name in stage.inputs} | {
        name: step for step, layer in enumerate(layers) for name in layer.outputs if base[name] == name
    }
    last = dict.fromkeys(made, 0)
    for step, layer in enumerate(layers):
        last |= {base[name]: step for name in (*layer.inputs, *layer.outputs)}
    last[base[output]] = len(layers)
    over = {
        base[layer.outputs[0]]: base[layer.inputs[0]]
        for step, layer in enumerate(layers)
        if layer.operator.verb not in VIEWS
        and overwrites(layer, shapes, definition)
        and last[base[layer.inputs[0]]] == step
        and not (image_held and not one_patch and base[layer.inputs[0]] in stage.inputs)
    }
    elsewhere = set() if one_patch else in_the_output(stage, shapes, base, over)
    if image_held and not one_patch:
        elsewhere |= set(stage.inputs)

    def bytes_of(name: str) -> int:
        height, width = patch[name]
        return 0 if name in elsewhere else -(-shapes[name].channels * height * width * bits // 8)

    whole = [] if one_patch else [output, *(stage.inputs if image_held else ())]
    beside = [-(-shapes[name].elements * bits // 8) for name in whole]
    if definition == "single":
        return max(map(bytes_of, made)) if one_patch else max(*map(bytes_of, made), *beside)
    held = []
    for step, layer in enumerate(layers):
        counted = {base[name] for name in (*layer.inputs, *layer.outputs)}
        if not definition.startswith("io"):
            counted = {name for name in made if made[name] <= step <= last[name]}
        total = sum(map(bytes_of, counted))
        for upper, lower in over.items():
            if made[upper] == step and {upper, lower} <= counted:
                total -= min(bytes_of(upper), bytes_of(lower))
        held.append(total)
    return max(held) + sum(beside)


def overwrites(layer: Layer, shapes: dict[str, Shape], definition: str) -> bool:
    operator: Any = layer.operator
    depthwise = operator.verb == "depthwise_conv2d" or (
        operator.verb == "conv2d" and operator.groups == shapes[layer.inputs[0]].channels > 1
    )
    if definition in ("live", "single"):
        return False
    return operator.verb in IN_PLACE or (depthwise and definition in ("inplace", "io_inplace"))


def in_the_output(stage: Graph, shapes: dict[str, Shape], base: dict[str, str], over: dict[str, str]) -> set[str]:
    """Tensors of a patch that lie in the complete output: its tile, and what is overwritten pixel by pixel by it."""
    readers = stage.readers()
    maker = {layer.outputs[0]: layer for layer in stage.layers}
    (name,) = stage.outputs
    while base[name] != name:  # a view: the same place if it is of all channels
        before = maker[name].inputs[0]
        if shapes[before] != shapes[name]:
            return set()
        name = before
    found = {name}
    while name in over:
        operator: Any = maker[name].operator
        one_pixel = operator.verb in IN_PLACE or (operator.kernel, operator.stride) == (1, 1)
        if (
            not one_pixel
            or shapes[over[name]] != shapes[name]
            or any(readers[tensor] > 1 for tensor in base if base[tensor] == over[name])
        ):
            break
        name = over[name]
        found.add(name)
    return found
