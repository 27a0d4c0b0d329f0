"""What runtimes need beside the tensors while they run a layer: rows of unrolled convolution windows, accumulators."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from costmodel.dtypes import Dtype
from costmodel.errors import UnknownNameError, nearest
from costmodel.graph import Graph, Layer, Shape
from costmodel.memory.storage import Buffer
from costmodel.records import record


@record
class Workspace:
    """A runtime's scratch memory: `bytes_of` a layer, given the shapes of all tensors and the number format."""

    name: str
    meaning: str
    source: str
    bytes_of: Callable[[Layer, Mapping[str, Shape], Dtype], int]


WORKSPACES = {
    workspace.name: workspace
    for workspace in (Workspace("none", "tensors only", "", lambda _layer, _shapes, _dtype: 0),)
}


def workspace_named(name: str) -> Workspace:
    """The workspace of that name.

    >>> workspace_named("none").meaning
    'tensors only'

    Raises: UnknownNameError with the names that exist.
    """
    if not isinstance(name, str) or name not in WORKSPACES:
        hint = nearest(name, WORKSPACES) or f"there are {', '.join(WORKSPACES)}"
        raise UnknownNameError(f"unknown workspace {name!r}; {hint}")
    return WORKSPACES[name]


def workspace_buffers(graph: Graph, shapes: Mapping[str, Shape], dtype: Dtype, name: str) -> dict[str, Buffer]:
    """A buffer for each layer that needs scratch memory, alive while the layer runs."""
    workspace = workspace_named(name)
    if name == "none":
        return {}
    buffers = {}
    for step, layer in enumerate(graph.layers):
        bytes = workspace.bytes_of(layer, shapes, dtype)
        if bytes:
            named = f"workspace of {layer.name}"
            buffers[named] = Buffer(named, bytes, step, step, is_workspace=True)
    return buffers
