"""Which layers a runtime executes together: each kernel is one pass over its tensors."""

from __future__ import annotations

from costmodel.fusion import Fusion, folded_layers
from costmodel.graph import Graph
from costmodel.records import record

BETWEEN = frozenset({"softmax", "dropout"})
"""Operators that may stand between the two products of an attention that is one kernel. Each reads nothing but what
the one before it wrote. Where a table of relative positions or a mask is added to the scores, frameworks differ: in
timm 1.0.31 Swin, LeViT, EfficientFormer and GC ViT run the products, the add and the softmax one after the other,
BEiT, CoAtNet and MaxViT hand the table to scaled_dot_product_attention. No such network of the second kind is bundled.
"""


@record
class Kernel:
    """Layers in order of execution; the first one gives the kernel its kind. `read` are the tensors that come from
    outside, beyond those that the first layer reads; an `is_attention` kernel is softmax(q k^T) v in one pass."""

    layers: tuple[str, ...]
    read: tuple[str, ...] = ()
    is_attention: bool = False


def kernels_of(graph: Graph, fusion: Fusion) -> list[Kernel]:
    """The kernels of a network under a fold rule, in the order of their first layers.

    >>> from costmodel import load
    >>> from costmodel.fusion import FUSIONS
    >>> kernels_of(load("mobilenet_v1"), FUSIONS["folded"])[0].layers
    ('conv.conv2d', 'conv.batch_norm', 'conv.activation')
    """
    attentions = _attentions(graph) if fusion.attention else {}
    inside = {name for names in attentions.values() for name in names[1:]}
    folded = folded_layers(graph, fusion)
    members: dict[str, list[str]] = {}
    read: dict[str, list[str]] = {}
    made_by: dict[str, str] = {}
    for layer in graph.layers:
        name = layer.name
        if name in inside:
            continue
        first = folded.get(name, name)
        if first == name or first in inside:  # the fold rule would put it into a layer that an attention holds
            first = name
            members[name] = [name]
        else:
            members[first].append(name)
            outside = [tensor for tensor in layer.inputs if made_by.get(tensor) != first]
            if outside:
                read.setdefault(first, []).extend(outside)
        for tensor in layer.outputs:
            made_by[tensor] = first
    return [
        Kernel(attentions[first], (), True) if first in attentions else
        Kernel(tuple(names), tuple(read.get(first, ())))
        for first, names in members.items()
    ]  # fmt: skip


def _attentions(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Chains from a product of activations over a softmax to a second product, by their first layer."""
    products = [layer for layer in graph.layers if layer.operator.verb == "matmul"]
    if not products:
        return {}
    readers = graph.readers()
    reader_of = {name: layer for layer in graph.layers for name in layer.inputs}
    found = {}
    for layer in products:
        chain = [layer]
        while readers.get(chain[-1].outputs[0]) == 1 and chain[-1].outputs[0] in reader_of:
            chain.append(reader_of[chain[-1].outputs[0]])
            if chain[-1].operator.verb not in BETWEEN:
                break
        between = {step.operator.verb for step in chain[1:-1]}
        if "softmax" in between and chain[-1].operator.verb == "matmul":
            found[layer.name] = tuple(step.name for step in chain)
    return found
