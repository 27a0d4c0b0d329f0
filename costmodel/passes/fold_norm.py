"""Fold batch normalisation into the convolution or linear layer before it."""

from __future__ import annotations

from costmodel.arithmetic import anywhere
from costmodel.graph import Graph, Layer
from costmodel.operators.convolution import Conv2d, ConvTranspose2d, DepthwiseConv2d
from costmodel.operators.linear import Linear
from costmodel.operators.normalization import BatchNorm
from costmodel.records import replace

FOLDS_INTO = (Conv2d, DepthwiseConv2d, ConvTranspose2d, Linear)


def fold_norm(graph: Graph) -> Graph:
    """The graph at inference: a batch norm that alone reads a convolution or linear layer disappears into it.

    W' = s W and b' = s b + t per output channel, so the layer gets a bias; s and t come from the norm's scale, shift
    and running statistics. Norms that stand elsewhere (before a convolution, after an add) stay. Layers that shared
    weights but have norms of their own (one head over several levels) have different weights once folded.

    >>> from costmodel import cost_table, load
    >>> int(cost_table(fold_norm(load("mobilenet_v2"))).total("norm_params"))
    0
    """
    producers = {output: layer for layer in graph.layers for output in layer.outputs}
    readers = graph.readers()
    renamed: dict[str, str] = {}
    biased: set[str] = set()
    for layer in graph.layers:
        if not isinstance(layer.operator, BatchNorm):
            continue
        (source,) = layer.inputs
        producer = producers.get(source)
        if producer is not None and _takes_in(producer, layer) and readers[source] == 1:
            renamed[layer.name] = source
            biased.add(producer.name)
    split = _groups_that_differ(graph, renamed, producers)
    layers: list[Layer] = []
    for layer in graph.layers:
        if layer.name in renamed:
            continue
        inputs = tuple(renamed.get(name, name) for name in layer.inputs)
        operator = replace(layer.operator, bias=True) if layer.name in biased else layer.operator
        weights = None if layer.weights in split else layer.weights
        layers.append(replace(layer, operator=operator, inputs=inputs, weights=weights))
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return replace(graph, layers=tuple(layers), outputs=outputs)


def _takes_in(producer: Layer, norm: Layer) -> bool:
    """Whether a layer is linear in its weights, so that a norm can scale them, and runs whenever the norm does."""
    return type(producer.operator) in FOLDS_INTO and not anywhere(producer.probability != norm.probability)


def _groups_that_differ(graph: Graph, renamed: dict[str, str], producers: dict[str, Layer]) -> set[str]:
    """Groups of shared weights whose layers no longer share after folding: each has norms of its own, or none."""
    norms: dict[str, set[str | None]] = {}
    norm_after = {producers[source].name: name for name, source in renamed.items()}
    by_name = {layer.name: layer for layer in graph.layers}
    for layer in graph.layers:
        if layer.weights is not None:
            norm = norm_after.get(layer.name)
            shared = by_name[norm].weights or norm if norm is not None else None
            norms.setdefault(layer.weights, set()).add(shared)
    return {group for group, after in norms.items() if len(after) > 1}
