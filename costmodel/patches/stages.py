"""A network prepared for stages in patches: what any cut and grid costs, each distinct tile computed once per axis.

Sums over the tiles factor: the MACs of a layer are proportional to rows times columns of its region, and rows depend on
the row of the grid only. So are bytes, and the largest patch is one of those with the largest rows and columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import le
from typing import Any

from costmodel.costs import layer_counts
from costmodel.dtypes import Dtype, dtype_of
from costmodel.errors import ParameterError, PassError
from costmodel.graph import Graph
from costmodel.memory import definition_named, kept_in, peak_memory
from costmodel.operators.base import pair
from costmodel.patches.costs import PatchCosts
from costmodel.patches.cuts import cut_layer, cut_name, cuts_of, parts_of
from costmodel.patches.peak import StageMemory, StageSteps
from costmodel.patches.regions import Axis, regions_of, spans_needed, tiles
from costmodel.records import record
from costmodel.shapes import infer_shapes


def patch_costs(
    graph: Graph,
    cut: str,
    grid: int | tuple[int, int],
    clipped: bool = True,
    dtype: str | Dtype = "int8",
    definition: str = "fused",
    image_held: bool = False,
) -> PatchCosts:
    """Memory and work when the layers up to `cut`, a layer or the block it ends, run on a grid of patches.

    MCUNetV2, arXiv:2110.15352, Sec. 3.1. Going back through a layer, n outputs need (n - 1)*stride + extent inputs.
    `clipped` patches end at the border of the image; otherwise patches at the border are as large as those inside, as
    if the padding were computed too. MobileNetV2 up to the first map of 28x28x32: 7 -> 15 -> 17 -> 35 -> 37 -> 75.

    While a patch runs, the complete output of the stage is held beside its tensors: the tiles that are ready, and room
    for the others; the last layer writes its tile into it. Of the image only the patch is held, as it is read piece by
    piece, unless `image_held`: then the whole image and no copy of the patch. `definition` is a row of
    `costmodel.memory.DEFINITIONS`. One patch is the plain execution of the stage.

    >>> from costmodel import load
    >>> costs = patch_costs(load("mobilenet_v2"), "inverted_residual_4", 4, clipped=False, definition="io_inplace")
    >>> costs.patch_height, costs.stage_macs, round(float(costs.stage_overhead), 3)
    (75, 129517568, 0.419)
    >>> costs.stage_peak_bytes == 35 * 35 * (16 + 96) + 28 * 28 * 32, costs.rest_peak_bytes == 28 * 28 * (32 + 192)
    (True, True)

    Raises: UnknownNameError for a cut, definition or number format that does not exist, ParameterError for a grid that
    is finer than the map or arrays of sizes, PassError where the network cannot be cut there or a layer of the stage
    has no patches.
    """
    layer = cut_layer(graph, cut)
    return prepared(graph, layer, dtype, definition, image_held).costs(layer, grid, clipped)


def prepared(graph: Graph, last: int, dtype: str | Dtype, definition: str, image_held: bool) -> Stages:
    """The stages up to that layer.

    Raises: PassError naming the first layer that has no patches, and the last cut before it.
    """
    try:
        return Stages(graph, last, dtype, definition, image_held)
    except PassError:
        cuts = cuts_of(graph)
        hint = f"; the last cut before it is {cut_name(graph, cuts.layers[-1])!r}" if cuts.layers else ""
        raise PassError(f"{cuts.stopped_by}{hint}") from None


@record
class Stage:
    """The layers up to a cut. `macs_per_pixel` are MACs for every pixel of a region, by its number."""

    layer: int
    name: str
    tensor: str
    macs_per_pixel: tuple[tuple[int, int], ...]
    macs: int
    rest_macs: int
    rest_peak_bytes: int


@record
class Tiling:
    """One axis of a grid: the regions of the largest tiles, sums over all tiles, and the longest side of the image."""

    largest: tuple[tuple[int, ...], ...]
    totals: tuple[int, ...]
    image_side: int


class Stages:
    """The stages of a network that end with one of its first layers, up to number `last`."""

    def __init__(self, graph: Graph, last: int, dtype: str | Dtype, definition: str, image_held: bool) -> None:
        form = dtype_of(dtype)
        definition_named(definition)  # refuses an arena, which only whole networks have
        self.graph, self.definition, self.dtype, self.image_held = graph, definition, form, image_held
        self.shapes = infer_shapes(graph)
        self.macs: list[Any] = [counts.macs for counts in layer_counts(graph, self.shapes)]
        self.regions = regions_of(graph, graph.layers[: last + 1], self.shapes)
        self.peak = peak_memory(graph, form, definition)
        self.held = list(self.peak.held_bytes.values())
        self._stages: dict[int, Stage] = {}
        self._memories: dict[bool, StageMemory] = {}
        self._steps: dict[tuple[int, bool], StageSteps] = {}
        self._tilings: dict[tuple[int, int, int, bool], Tiling] = {}

    def costs(self, layer: int, grid: int | tuple[int, int], clipped: bool) -> PatchCosts:
        """What a cut after that layer and a grid of patches cost.

        Raises: ParameterError for a grid that is finer than the map, PassError for a stage without MACs.
        """
        stage = self.stage(layer)
        rows, columns = self.checked_grid(stage, grid)
        down = self._tiling(self.regions.vertical, stage, rows, clipped)
        across = self._tiling(self.regions.horizontal, stage, columns, clipped)
        return PatchCosts(
            network=self.graph.name,
            cut=stage.name,
            grid=(rows, columns),
            clipped=clipped,
            image_held=self.image_held,
            dtype=self.dtype.name,
            definition=self.definition,
            patch_height=down.image_side,
            patch_width=across.image_side,
            stage_layers=layer + 1,
            rest_layers=len(self.graph.layers) - layer - 1,
            stage_macs=sum(macs * down.totals[region] * across.totals[region] for region, macs in stage.macs_per_pixel),
            layer_by_layer_stage_macs=stage.macs,
            rest_macs=stage.rest_macs,
            stage_peak_bytes=self._peak_bytes(stage, down, across, one_patch=rows * columns == 1),
            rest_peak_bytes=stage.rest_peak_bytes,
        )

    def layer_by_layer(self, clipped: bool) -> PatchCosts:
        """What the network costs without patches: all of it is the rest."""
        return PatchCosts(
            network=self.graph.name,
            cut="",
            grid=(1, 1),
            clipped=clipped,
            image_held=self.image_held,
            dtype=self.dtype.name,
            definition=self.definition,
            patch_height=0,
            patch_width=0,
            stage_layers=0,
            rest_layers=len(self.graph.layers),
            stage_macs=0,
            layer_by_layer_stage_macs=0,
            rest_macs=sum(self.macs),
            stage_peak_bytes=0,
            rest_peak_bytes=self.peak.bytes,
        )

    def stage(self, layer: int) -> Stage:
        """The stage that ends with that layer.

        Raises: PassError where it has no MACs.
        """
        if layer not in self._stages:
            self._stages[layer] = self._made(layer)
        return self._stages[layer]

    def checked_grid(self, stage: Stage, grid: int | tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of a grid of patches.

        Raises: ParameterError unless they are whole numbers, at least 1 and not more than the map has pixels.
        """
        rows, columns = whole_grid(grid)
        _, height, width = self.shapes[stage.tensor].sizes
        if rows > height or columns > width:
            raise ParameterError(f"a grid of {rows}x{columns} patches: the map has {height}x{width} pixels")
        return rows, columns

    def _made(self, layer: int) -> Stage:
        graph, (tensor,) = self.graph, self.graph.layers[layer].outputs
        name = cut_name(graph, layer)
        per_pixel: Counter[int] = Counter()
        for macs, each in zip(self.macs[: layer + 1], graph.layers, strict=False):
            if macs:
                spread = each.operator.verb == "conv_transpose2d"  # counts the pixels it reads, not those it makes
                counted = each.inputs[0] if spread else each.outputs[0]
                _, height, width = self.shapes[counted].sizes
                per_pixel[self.regions.number[counted]] += macs // (height * width)
        if not per_pixel:
            raise PassError(f"{graph.name}: no layer up to {name!r} has multiply-accumulates")
        rest_peak = max(self.held[layer + 1 :], default=0)
        base = kept_in(graph)[tensor]
        if rest_peak and self.shapes[base].elements != self.shapes[tensor].elements:  # a view of a part of it
            _, rest = parts_of(graph, layer)
            rest_peak = peak_memory(rest, self.dtype, self.definition).bytes
        macs, rest_macs = sum(self.macs[: layer + 1]), sum(self.macs[layer + 1 :])
        return Stage(layer, name, tensor, tuple(per_pixel.items()), macs, rest_macs, rest_peak)

    def _peak_bytes(self, stage: Stage, down: Tiling, across: Tiling, one_patch: bool) -> int:
        key = stage.layer, one_patch
        if key not in self._steps:
            self._steps[key] = self._memory(one_patch).steps_up_to(stage.layer, stage.tensor, one_patch)
        return self._steps[key].peak_bytes(down.largest, across.largest)

    def _memory(self, one_patch: bool) -> StageMemory:
        held = self.image_held and not one_patch
        if held not in self._memories:
            bits = self.dtype.activation_bits
            self._memories[held] = StageMemory(self.graph, self.shapes, self.regions, self.peak, bits, held)
        return self._memories[held]

    def _tiling(self, axis: Axis, stage: Stage, parts: int, clipped: bool) -> Tiling:
        key = id(axis), stage.layer, parts, clipped
        if key not in self._tilings:
            self._tilings[key] = self._tiled(axis, stage, parts, clipped)
        return self._tilings[key]

    def _tiled(self, axis: Axis, stage: Stage, parts: int, clipped: bool) -> Tiling:
        root = self.regions.number[stage.tensor]
        patches: Counter[tuple[int, ...]] = Counter()
        for tile in tiles(axis.sizes[root], parts):
            regions = spans_needed(axis, root, tile, clipped)
            patches[tuple([stop - start for start, stop in regions])] += 1
        totals = [0] * len(axis.sizes)
        for sides, number in patches.items():
            totals = [total + number * side for total, side in zip(totals, sides, strict=True)]
        entering = [self.regions.number[name] for name in self.graph.inputs if name in self.regions.number]
        image_side = max(sides[region] for sides in patches for region in entering)
        return Tiling(_largest(list(patches)), tuple(totals), image_side)


def whole_grid(grid: int | tuple[int, int]) -> tuple[int, int]:
    """Rows and columns.

    Raises: ParameterError unless they are whole numbers, at least 1.
    """
    sides: tuple[Any, ...] = pair(grid)
    if len(sides) != 2 or any(isinstance(side, bool) or not isinstance(side, int) for side in sides):
        raise ParameterError(f"grid = {grid!r} must be a whole number, or two: rows and columns")
    rows, columns = sides
    if rows < 1 or columns < 1:
        raise ParameterError(f"grid = {grid!r} must have at least one row and one column of patches")
    return rows, columns


def _largest(patches: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The patches without those that are in every region at most as large as another."""
    found: list[tuple[int, ...]] = []
    for sides in sorted(patches, key=sum, reverse=True):
        if not any(all(map(le, sides, other)) for other in found):
            found.append(sides)
    return tuple(found)
