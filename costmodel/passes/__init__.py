"""Passes: graph to graph, one per file. Spec files name those of `PASSES` in a variant.

Those that take arguments are imported from their own files, `scale_width` and `scale_resolution`: most runs do not need
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costmodel.errors import UnknownNameError, nearest
from costmodel.graph import Graph
from costmodel.passes.add_biases import add_biases
from costmodel.passes.append_softmax import append_softmax
from costmodel.passes.execution_order import execution_order
from costmodel.passes.explicit_padding import explicit_padding
from costmodel.passes.fold_norm import fold_norm
from costmodel.passes.input_layers import input_layers
from costmodel.passes.merge_concats import merge_concats
from costmodel.passes.merge_pointwise import merge_pointwise
from costmodel.passes.reparameterize import reparameterize
from costmodel.passes.reserve_and_merge import reserve_and_merge
from costmodel.passes.space_to_batch import space_to_batch

__all__ = [
    "PASSES", "add_biases", "append_softmax", "apply_passes", "execution_order", "explicit_padding", "fold_norm",
    "input_layers", "merge_concats", "merge_pointwise", "reparameterize", "reserve_and_merge", "space_to_batch",
]  # fmt: skip

PASSES: dict[str, Callable[[Graph], Graph]] = {
    "add_biases": add_biases,
    "append_softmax": append_softmax,
    "execution_order": execution_order,
    "explicit_padding": explicit_padding,
    "fold_norm": fold_norm,
    "input_layers": input_layers,
    "merge_concats": merge_concats,
    "merge_pointwise": merge_pointwise,
    "reparameterize": reparameterize,
    "reserve_and_merge": reserve_and_merge,
    "space_to_batch": space_to_batch,
}


def apply_passes(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph after the named passes, in their order.

    Raises: UnknownNameError for a pass that does not exist; PassError where one cannot be applied.
    """
    for name in names:
        if name not in PASSES:
            hint = nearest(name, PASSES) or f"there are {', '.join(PASSES)}"
            raise UnknownNameError(f"unknown pass {name!r}; {hint}")
        graph = PASSES[name](graph)
    return graph
