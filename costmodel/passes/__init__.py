"""Passes: graph to graph, one per file. Spec files name those of `PASSES` in a variant.

Those that take arguments are imported from their own files, `scale_width` and `scale_resolution`: most runs do not need
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costmodel.graph import Graph
from costmodel.passes.fold_norm import fold_norm
from costmodel.passes.merge_pointwise import merge_pointwise
from costmodel.passes.reparameterize import reparameterize
from costmodel.passes.reserve_and_merge import reserve_and_merge

__all__ = ["PASSES", "apply_passes", "fold_norm", "merge_pointwise", "reparameterize", "reserve_and_merge"]

PASSES: dict[str, Callable[[Graph], Graph]] = {
    "fold_norm": fold_norm,
    "merge_pointwise": merge_pointwise,
    "reparameterize": reparameterize,
    "reserve_and_merge": reserve_and_merge,
}


def apply_passes(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph after the named passes, in their order."""
    for name in names:
        graph = PASSES[name](graph)
    return graph
