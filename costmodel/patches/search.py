"""The search over cuts and grids of patches: what peak memory costs in multiply-accumulates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.dtypes import Dtype
from costmodel.errors import ParameterError, PassError
from costmodel.graph import Graph
from costmodel.patches.costs import PatchCosts
from costmodel.patches.cuts import Cuts, cut_layer, cuts_of
from costmodel.patches.stages import prepared, whole_grid
from costmodel.records import record

if TYPE_CHECKING:
    import pandas

GRIDS = tuple((rows, columns) for rows in range(1, 9) for columns in range(1, 9) if rows * columns > 1)
"""The grids that are tried: up to eight rows and columns of patches."""
COLUMNS = (
    "cut", "grid", "peak_bytes", "stage_peak_bytes", "rest_peak_bytes", "extra_macs", "overall_macs", "patch_height",
    "patch_width", "stage_layers", "rest_layers",
)  # fmt: skip


@record
class PatchSearch:
    """All cuts and grids that were tried; the first candidate is the network without patches.

    `stopped_by` says which layer ends the part that can run in patches, and why; empty where that is all of it.
    """

    network: str
    dtype: str
    definition: str
    clipped: bool
    image_held: bool
    candidates: tuple[PatchCosts, ...]
    stopped_by: str

    def __repr__(self) -> str:
        return (
            f"<PatchSearch of {self.network}: {len(self.candidates):,} candidates ({self.definition}, {self.dtype}); "
            ".front, .candidates, .frame>"
        )

    @property
    def front(self) -> tuple[PatchCosts, ...]:
        """The candidates that no other beats in peak bytes and extra MACs; the smallest peak first.

        Of equal ones, the one with the fewest patches and the fewest layers in patches. The network without patches is
        the last of them, except where patches of its first layer alone, which repeat no MACs, already need less.
        """
        found: list[PatchCosts] = []
        for candidate in sorted(self.candidates, key=_by_memory):
            if not found or candidate.extra_macs < found[-1].extra_macs:
                found.append(candidate)
        return tuple(found)

    def smallest_within(self, *, peak_bytes: int) -> PatchCosts:
        """The candidate with the fewest extra MACs whose peak stays within a budget.

        Raises: ParameterError for a budget that is no whole number, or that no candidate keeps.
        """
        if isinstance(peak_bytes, bool) or not isinstance(peak_bytes, int) or peak_bytes < 1:
            raise ParameterError(f"peak_bytes = {peak_bytes!r} must be a whole number, at least 1")
        front = self.front
        fitting = [candidate for candidate in front if candidate.peak_bytes <= peak_bytes]
        if not fitting:
            least = f"the least is {front[0].peak_bytes:,}"
            raise ParameterError(f"no patches of {self.network} stay within {peak_bytes:,} bytes; {least}")
        return fitting[-1]

    def columns(self) -> dict[str, list[Any]]:
        """A row per candidate; `on_front` says which are on the front."""
        front = set(map(id, self.front))
        table: dict[str, list[Any]] = {name: [getattr(each, name) for each in self.candidates] for name in COLUMNS}
        return table | {"on_front": [id(each) in front for each in self.candidates]}

    @property
    def frame(self) -> pandas.DataFrame:
        """The same as a DataFrame."""
        import pandas

        return pandas.DataFrame(self.columns())


def _by_memory(candidate: PatchCosts) -> tuple[int, int, int, int]:
    rows, columns = candidate.grid
    return candidate.peak_bytes, candidate.extra_macs, rows * columns, candidate.stage_layers


def search_patches(
    graph: Graph,
    dtype: str | Dtype = "int8",
    definition: str = "fused",
    cuts: str | Sequence[str] | None = None,
    grids: int | Iterable[int | tuple[int, int]] = GRIDS,
    clipped: bool = True,
    image_held: bool = False,
) -> PatchSearch:
    """Every cut with every grid: peak memory and work, each equal to `patch_costs` of that choice.

    `cuts` are names of layers or blocks; when not given, every layer after which one tensor is alive, except between a
    layer and the norm or activation that folds into it. Grids finer than the map at a cut are left out.

    >>> from costmodel import load
    >>> found = search_patches(load("mobilenet_v2"), definition="io_inplace")
    >>> best = found.smallest_within(peak_bytes=175_616)
    >>> best.cut, best.grid, best.overall_macs
    ('inverted_residual_4', (3, 5), 328441344)
    >>> best.rest_peak_bytes == 28 * 28 * (32 + 192), best.stage_peak_bytes
    (True, 174384)

    Raises: PassError for a network without a layer that a stage could end with, ParameterError for an empty list of
    cuts, and as `patch_costs`.
    """
    if cuts is not None and not cuts:
        raise ParameterError(f"cuts = {cuts!r} names no layer or block; leave it out to try all")
    if cuts is None:
        found = cuts_of(graph)
        layers = [layer for layer in found.layers if _has_macs(graph, layer)]
    else:
        found = Cuts((), "")
        layers = sorted({cut_layer(graph, cut) for cut in ([cuts] if isinstance(cuts, str) else cuts)})
    if not layers:
        reason = found.stopped_by or "after no layer is one image all that is needed"
        raise PassError(f"{graph.name} has no first stage that could run in patches: {reason}")
    tried = list(dict.fromkeys(map(whole_grid, [grids] if isinstance(grids, int) else grids)))
    stages = prepared(graph, layers[-1], dtype, definition, image_held)
    candidates = [stages.layer_by_layer(clipped)]
    for layer in layers:
        _, height, width = stages.shapes[stages.stage(layer).tensor].sizes
        candidates += [
            stages.costs(layer, (rows, columns), clipped)
            for rows, columns in tried
            if rows <= height and columns <= width and rows * columns > 1
        ]
    return PatchSearch(
        graph.name, stages.dtype.name, definition, clipped, image_held, tuple(candidates), found.stopped_by
    )


def _has_macs(graph: Graph, layer: int) -> bool:
    """Whether a stage up to that layer could multiply at all."""
    return any(each.operator.kind in ("convolution", "linear") for each in graph.layers[: layer + 1])
