"""Peak activation memory: what an interpreter must hold while it runs the layers in order, under named definitions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from costmodel.arithmetic import ceil_div, is_array, maximum, minimum, refuse_overflow
from costmodel.dtypes import Dtype, dtype_of
from costmodel.errors import ParameterError
from costmodel.graph import Graph, Shape
from costmodel.memory.definitions import ARENA, MemoryDefinition, definition_named
from costmodel.memory.storage import Buffer, buffers_of, kept_in
from costmodel.memory.workspace import workspace_buffers
from costmodel.operators.labels import operator_label
from costmodel.records import record
from costmodel.shapes import infer_shapes

if TYPE_CHECKING:
    import pandas


@record
class PeakMemory:
    """The peak, the first layer that reaches it, and what every layer holds while it runs, all in bytes.

    `held_bytes` has a value for each layer in the order of execution. `buffers` are the tensors that occupy memory and
    when; `alive` those that are counted while `layer` runs, each with its bytes.
    """

    network: str
    definition: str
    dtype: str
    bytes: Any
    layer: Any
    held_bytes: Mapping[str, Any]
    operators: tuple[str, ...]
    buffers: Mapping[str, Buffer]
    counted: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        if is_array(self.bytes):
            return f"<PeakMemory of {len(self.bytes):,} variants of {self.network} ({self.definition}, {self.dtype})>"
        return (
            f"<PeakMemory {self.bytes:,} bytes at {self.layer} ({self.definition}, {self.dtype}); "
            ".alive, .timeline, .held_bytes>"
        )

    @property
    def alive(self) -> dict[str, Any]:
        """The buffers that are counted at the peak, largest first. One that is written over counts with the one that
        overwrites it: the larger of the two is held."""
        names = self.counted[list(self.held_bytes).index(self.layer)]
        return dict(sorted(((name, self.buffers[name].bytes) for name in names), key=lambda held: -held[1]))

    def columns(self) -> dict[str, list[Any]]:
        """A row per step: the layer that runs, its operator, the bytes held and the names of the buffers."""
        return {
            "step": list(range(len(self.held_bytes))),
            "layer": list(self.held_bytes),
            "op": list(self.operators),
            "held_bytes": list(self.held_bytes.values()),
            "alive": list(self.counted),
        }

    @property
    def timeline(self) -> pandas.DataFrame:
        """The same as a DataFrame."""
        import pandas

        return pandas.DataFrame(self.columns())


def peak_memory(
    graph: Graph,
    dtype: str | Dtype = "int8",
    definition: str = "fused",
    shapes: Mapping[str, Shape] | None = None,
    workspace: str = "none",
) -> PeakMemory:
    """The most memory that activations need at one time, layers in file order, batch 1.

    A graph input lives from the first layer to its last reader, an output of the graph to the end. Weights are not
    activations. `definition` is a row of `costmodel.memory.DEFINITIONS`, or `arena`: then `bytes` is the highest end
    address of `costmodel.memory.plan_arena`, and what a layer holds the highest in use while it runs. `workspace` is
    one of `costmodel.memory.WORKSPACES`: what a runtime needs beside the tensors while it runs a layer; `single`, the
    largest tensor, leaves it out. `shapes` are the sizes of the tensors where they are not those of the whole network,
    as in one patch of it (`costmodel.patches`). Sizes that are arrays give arrays, except in an arena.

    M(G) = max over operators of the memory held while they run: MobileNetV2 (arXiv:1801.04381), Sec. 5.1. Its first 1x1
    convolution of the second bottleneck reads 16 and writes 96 maps of 112x112, in int8:

    >>> from costmodel import load
    >>> peak = peak_memory(load("mobilenet_v2"), definition="inplace")
    >>> peak.bytes == 112 * 112 * (16 + 96), peak.layer
    (True, 'inverted_residual_2.conv_1.conv2d')
    >>> peak.alive
    {'inverted_residual_2.conv_1.conv2d': 1204224, 'inverted_residual_1.conv_1.batch_norm': 200704}

    Raises: UnknownNameError for a definition, workspace or number format that does not exist, ParameterError for a
    graph without layers, CountOverflowError for arrays whose bytes do not fit into 64 bits.
    """
    if not isinstance(graph, Graph):
        raise ParameterError(f"peak_memory needs a Graph, got {type(graph).__name__}; load a network first")
    if not graph.layers:
        raise ParameterError("peak memory is that of a network with at least one layer")
    has_addresses = definition == ARENA.name
    counting, form = ARENA if has_addresses else definition_named(definition), dtype_of(dtype)
    shapes = infer_shapes(graph) if shapes is None else shapes
    refuse_wrapped_bits(shapes, form.activation_bits)
    buffers = buffers_of(graph, form.activation_bits, counting, shapes)
    buffers |= workspace_buffers(graph, shapes, form, workspace)
    counted = counted_by_step(graph, counting, buffers)
    if has_addresses:
        held = _end_addresses(graph, form, shapes, workspace, counted)
    else:
        held = [held_bytes(step, [buffers[name] for name in names], counting) for step, names in enumerate(counted)]
    layers = [layer.name for layer in graph.layers]
    bytes, layer = _first_greatest(layers, held)
    operators = tuple(operator_label(layer.operator, shapes[layer.inputs[0]]) for layer in graph.layers)
    by_layer = dict(zip(layers, held, strict=True))
    return PeakMemory(graph.name, definition, form.name, bytes, layer, by_layer, operators, buffers, counted)


def counted_by_step(
    graph: Graph, definition: MemoryDefinition, buffers: Mapping[str, Buffer]
) -> tuple[tuple[str, ...], ...]:
    """The buffers that count in each step: those that are alive, or those that the layer reads and writes."""
    if definition.counted == "live":
        alive: list[list[str]] = [[] for _ in graph.layers]
        for buffer in buffers.values():
            for names in alive[buffer.start : buffer.stop + 1]:
                names.append(buffer.name)
        return tuple(map(tuple, alive))
    kept = kept_in(graph)
    scratch: list[list[str]] = [[] for _ in graph.layers]
    for buffer in buffers.values():
        if buffer.is_workspace and definition.counted == "operator":
            for names in scratch[buffer.start : buffer.stop + 1]:
                names.append(buffer.name)
    return tuple(
        (*dict.fromkeys(kept[name] for name in (*layer.inputs, *layer.outputs)), *scratch[step])
        for step, layer in enumerate(graph.layers)
    )


def _end_addresses(
    graph: Graph, dtype: Dtype, shapes: Mapping[str, Shape], workspace: str, counted: tuple[tuple[str, ...], ...]
) -> list[int]:
    """The highest end address in use in each step."""
    from costmodel.memory.arena import plan_arena

    plan = plan_arena(graph, dtype, workspace=workspace, shapes=shapes)
    ends = {
        name: at + plan.alignment * ceil_div(plan.buffers[name].bytes, plan.alignment)
        for name, at in plan.offsets.items()
    }
    return [max(ends[name] for name in names) for names in counted]


def held_bytes(step: int, counted: list[Buffer], definition: MemoryDefinition) -> Any:
    """Bytes held in a step: the largest buffer, or all, a buffer and the one over it counting as the larger of both."""
    if definition.counted == "tensor":
        return reduce(maximum, [buffer.bytes for buffer in counted])
    bytes_of = {buffer.name: buffer.bytes for buffer in counted}
    shared = [
        minimum(buffer.bytes, bytes_of[buffer.overwrites])
        for buffer in counted
        if buffer.overwrites and buffer.start == step
    ]
    return sum(bytes_of.values()) - sum(shared)


def _first_greatest(names: list[str], values: list[Any]) -> tuple[Any, Any]:
    """The greatest value and the name of the first that reaches it; arrays of both where values are arrays."""
    greatest = reduce(maximum, values)
    if not is_array(greatest):
        return greatest, names[values.index(greatest)]
    import numpy

    rows = numpy.array(numpy.broadcast_arrays(*values))
    return greatest, numpy.array(names, dtype=object)[rows.argmax(axis=0)]


def refuse_wrapped_bits(shapes: Mapping[str, Shape], bits: int) -> None:
    """Raise where sizes are arrays and the bits of all tensors together leave 64 bits: no sum over some wraps around.

    Raises: CountOverflowError.
    """
    if not any(is_array(size) for shape in shapes.values() for size in shape.sizes):
        return
    total = sum(reduce(lambda most, size: most * size, shape.sizes, 1.0 * bits) for shape in shapes.values())
    refuse_overflow(total, "the bits of all tensors")
