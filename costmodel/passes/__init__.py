"""Passes: graph to graph, one per file. Spec files name them in `passes` of a variant."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costmodel.graph import Graph
from costmodel.passes.fold_norm import fold_norm
from costmodel.passes.reparameterize import reparameterize

PASSES: dict[str, Callable[[Graph], Graph]] = {"fold_norm": fold_norm, "reparameterize": reparameterize}


def apply_passes(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph after the named passes, in their order."""
    for name in names:
        graph = PASSES[name](graph)
    return graph
