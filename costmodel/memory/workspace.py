"""What runtimes need beside the tensors while they run a layer: unrolled windows of convolutions, accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from costmodel.arithmetic import anywhere, maximum
from costmodel.dtypes import Dtype
from costmodel.errors import ConventionError, ParameterError, UnknownNameError, nearest
from costmodel.graph import Graph, Layer, Shape
from costmodel.memory.storage import Buffer
from costmodel.memory.workspace_needs import (
    CMSIS_NN_DSP,
    CMSIS_NN_MVE,
    IM2COL,
    TINYENGINE_COLUMNS,
    TINYENGINE_FILTERS,
    Needs,
)
from costmodel.operators.labels import operator_label
from costmodel.records import record


@record
class Workspace:
    """A runtime's scratch memory: for each of its parts the bytes that layers need, by operator.

    `without` are the operators and kinds of operators that need nothing; None: all others. What is neither is an error,
    as is a number format outside `dtypes` (none: all are covered). A layer has its own while it runs; a runtime that
    `is_static` sets the greatest need of all layers aside for the whole run, part by part.
    """

    name: str
    meaning: str
    source: str
    parts: Mapping[str, Needs]
    without: frozenset[str] | None = None
    dtypes: tuple[str, ...] = ()
    is_static: bool = False


MOVING = frozenset({"activation", "softmax", "dropout", "elementwise", "copy", "view", "batch_norm", "scale"})
"""Operators and kinds that are folded, element by element, or copies: they need nothing in the runtimes below."""
_CMSIS_NN = "ARM-software/CMSIS-NN, commit 99f736a63036 (after 7.0.0), the functions *_get_buffer_size"

WORKSPACES = {
    workspace.name: workspace
    for workspace in (
        Workspace("none", "tensors only", "", {}),
        Workspace(
            "im2col",
            "the whole matrix of windows of a convolution, one group at a time: the Toeplitz matrix with redundant "
            "data; 1x1 convolutions of stride 1 read their input, other operators have no windows to multiply",
            "Sze et al., arXiv:1703.09039, Sec. V-A",
            {"workspace": IM2COL},
        ),
        Workspace(
            "cmsis_nn",
            "CMSIS-NN on cores with the DSP extension (Cortex-M4, M7, M33), GCC, int8: two columns of windows in 16 "
            "bits, none for 1x1 and 3x3 depthwise convolutions; global and adaptive pooling as average pooling",
            _CMSIS_NN,
            {"workspace": CMSIS_NN_DSP},
            MOVING | {"linear", "max_pool2d", "global_max_pool"},
            ("int8",),
        ),
        Workspace(
            "cmsis_nn_mve",
            "CMSIS-NN on cores with the vector extension (Cortex-M55, M85), GCC, int8: four columns of windows in 8 "
            "bits, none for 1x1 convolutions and pooling; global and adaptive pooling as average pooling",
            _CMSIS_NN,
            {"workspace": CMSIS_NN_MVE},
            MOVING | {"avg_pool2d", "adaptive_avg_pool2d", "global_avg_pool", "max_pool2d", "global_max_pool"},
            ("int8",),
        ),
        Workspace(
            "tinyengine",
            "TinyEngine, int8, set aside once for all layers: two columns of windows or, in a depthwise convolution, "
            "one padded channel, and the filters of a convolution, all in 16 bits",
            "mit-han-lab/tinyengine, commit 47bb283ce9d7, get_sbuf_size and get_kbuf_size in code_generator/operators",
            {"columns": TINYENGINE_COLUMNS, "filters": TINYENGINE_FILTERS},
            MOVING | {"avg_pool2d", "global_avg_pool", "max_pool2d"},
            ("int8",),
            is_static=True,
        ),
    )
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
    """A buffer for each layer that needs scratch memory, alive while it runs, or one for all layers of a static one.

    A 2x2 kernel has four windows of four elements in an image of 3x3, nine elements become sixteen:

    >>> from costmodel.dtypes import dtype_named
    >>> from costmodel.graph import image
    >>> from costmodel.operators.convolution import Conv2d
    >>> layer = Layer("conv", Conv2d(2, kernel=2, padding="valid"), ("x",), ("conv",))
    >>> net = Graph("net", {"x": image(1, 3, 3)}, (layer,), ("conv",), {})
    >>> shapes = {"x": image(1, 3, 3), "conv": image(2, 2, 2)}
    >>> workspace_buffers(net, shapes, dtype_named("int8"), "im2col")["workspace of conv"].bytes
    16

    Raises: UnknownNameError for a workspace that does not exist, ParameterError for a number format and ConventionError
    for an operator that it says nothing about.
    """
    workspace = workspace_named(name)
    if workspace.dtypes and dtype.name not in workspace.dtypes:
        known = " and ".join(workspace.dtypes)
        raise ParameterError(
            f"workspace {name!r} is known for {known}, not for {dtype.name}; choose {known}, or 'im2col' or 'none'"
        )
    buffers = {}
    for part, needs in workspace.parts.items():
        needed = [_bytes_of(layer, shapes, dtype, workspace, needs) for layer in graph.layers]
        if workspace.is_static:
            named, bytes = f"{part} of all layers", reduce(maximum, needed)
            buffers[named] = Buffer(named, bytes, 0, len(graph.layers), is_workspace=True)
            continue
        for step, (layer, bytes) in enumerate(zip(graph.layers, needed, strict=True)):
            named = f"{part} of {layer.name}"
            buffers[named] = Buffer(named, bytes, step, step, is_workspace=True)
    return {named: buffer for named, buffer in buffers.items() if anywhere(buffer.bytes != 0)}


def _bytes_of(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype, workspace: Workspace, needs: Needs) -> Any:
    """What one layer needs of one part.

    Raises: ConventionError for an operator that the workspace says nothing about.
    """
    operator = layer.operator
    label = operator_label(operator, shapes[layer.inputs[0]])
    if label in needs:
        return needs[label](layer, shapes, dtype)
    known = {verb for part in workspace.parts.values() for verb in part}
    if workspace.without is None or label in known or not workspace.without.isdisjoint((operator.verb, operator.kind)):
        return 0
    raise ConventionError(
        f"workspace {workspace.name!r} says nothing about {operator.verb} ({layer.name}): the runtime has no such "
        "operator, or needs tensors of its own for it; choose workspace 'none' or 'im2col'"
    )
