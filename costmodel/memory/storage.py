"""Which tensors occupy memory, how many bytes, and from which step to which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import ceil_div
from costmodel.graph import Graph, Layer, Shape
from costmodel.memory.definitions import VIEWS, MemoryDefinition
from costmodel.operators.labels import operator_label
from costmodel.records import record


@record
class Buffer:
    """A tensor that occupies memory, together with the views of it.

    It is needed from step `start` to step `stop`, both included; steps count layers from 0. Inputs of the network start
    at 0, outputs stop after the last layer. `overwrites` names the buffer, if any, that step `start` reads for the last
    time and writes this one over, so that both begin at one address. A workspace is what a runtime needs beside the
    tensors while it runs one layer.
    """

    name: str
    bytes: Any
    start: int
    stop: int
    overwrites: str = ""
    is_workspace: bool = False

    def is_alive(self, step: int) -> bool:
        """Whether a step needs it."""
        return self.start <= step <= self.stop


def stored_bytes(shape: Shape, bits: int) -> Any:
    """Bytes of a tensor with that many bits an element, rounded up.

    >>> from costmodel.graph import image
    >>> stored_bytes(image(3, 5, 5), 4)
    38
    """
    return ceil_div(shape.elements * bits, 8)


def kept_in(graph: Graph) -> dict[str, str]:
    """The tensor that each tensor is kept in: itself, or what it is a view of.

    >>> from costmodel import load
    >>> kept_in(load("vgg16"))["flatten"]
    'stage_5.max_pool2d'
    """
    kept = {name: name for name in graph.inputs}
    for layer in graph.layers:
        for name in layer.outputs:
            kept[name] = kept[layer.inputs[0]] if layer.operator.kind in VIEWS else name
    return kept


def buffers_of(graph: Graph, bits: int, definition: MemoryDefinition, shapes: Mapping[str, Shape]) -> dict[str, Buffer]:
    """The buffers of a network whose layers run in file order, by name, in order of their first step.

    Sizes that are arrays give arrays of bytes.
    """
    kept = kept_in(graph)
    first = dict.fromkeys(graph.inputs, 0)
    last = dict.fromkeys(graph.inputs, 0)
    for step, layer in enumerate(graph.layers):
        for name in layer.outputs:
            first.setdefault(kept[name], step)
        for name in (*layer.inputs, *layer.outputs):
            last[kept[name]] = step
    for name in graph.outputs:
        last[kept[name]] = len(graph.layers)
    overwritten = {}
    for step, layer in enumerate(graph.layers):
        entering, leaving = kept[layer.inputs[0]], kept[layer.outputs[0]]
        if entering != leaving and last[entering] == step and overwrites_input(definition, layer, shapes):
            overwritten[leaving] = entering
    return {
        name: Buffer(name, stored_bytes(shapes[name], bits), start, last[name], overwritten.get(name, ""))
        for name, start in first.items()
    }


def overwrites_input(definition: MemoryDefinition, layer: Layer, shapes: Mapping[str, Shape]) -> bool:
    """Whether a layer writes over its first input once nothing else reads it."""
    verbs = {layer.operator.verb, operator_label(layer.operator, shapes[layer.inputs[0]])}
    return not verbs.isdisjoint(definition.overwriting)
