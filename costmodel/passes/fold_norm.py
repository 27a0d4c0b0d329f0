"""Fold batch normalisation into the convolution or linear layer before it."""

from __future__ import annotations

from costmodel.graph import Graph, Layer
from costmodel.operators.convolution import Conv2d, ConvTranspose2d, DepthwiseConv2d
from costmodel.operators.linear import Linear
from costmodel.operators.normalization import BatchNorm
from costmodel.records import replace

FOLDS_INTO = (Conv2d, DepthwiseConv2d, ConvTranspose2d, Linear)


def fold_norm(graph: Graph) -> Graph:
    """The graph at inference: a batch norm that alone reads a convolution or linear layer disappears into it.

    W' = s W and b' = s b + t per output channel, so the layer gets a bias; s and t come from the norm's scale, shift
    and running statistics. Norms that stand elsewhere (before a convolution, after an add) stay.

    >>> from costmodel import cost_table, load
    >>> int(cost_table(fold_norm(load("mobilenet_v2"))).total("norm_params"))
    0
    """
    producers = {output: layer for layer in graph.layers for output in layer.outputs}
    readers: dict[str, int] = dict.fromkeys(graph.outputs, 1)
    for layer in graph.layers:
        for name in layer.inputs:
            readers[name] = readers.get(name, 0) + 1
    renamed: dict[str, str] = {}
    biased: set[str] = set()
    for layer in graph.layers:
        if not isinstance(layer.operator, BatchNorm):
            continue
        (source,) = layer.inputs
        producer = producers.get(source)
        if producer is not None and isinstance(producer.operator, FOLDS_INTO) and readers[source] == 1:
            renamed[layer.name] = source
            biased.add(producer.name)
    layers: list[Layer] = []
    for layer in graph.layers:
        if layer.name in renamed:
            continue
        inputs = tuple(renamed.get(name, name) for name in layer.inputs)
        operator = replace(layer.operator, bias=True) if layer.name in biased else layer.operator
        layers.append(replace(layer, operator=operator, inputs=inputs))
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return replace(graph, layers=tuple(layers), outputs=outputs)
