"""Cost table to workload: the kernels that a runtime makes of the layers, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.costs import CostTable
from costmodel.expectations import expected, is_conditional
from costmodel.fusion import Fusion
from costmodel.graph import Graph, Layer, Shape
from costmodel.records import replace
from costmodel.workloads.blocked import blocked_rows
from costmodel.workloads.kernels import Kernel, kernels_of
from costmodel.workloads.operators import kind_of, sizes_of, word_of
from costmodel.workloads.rows import SIZES, Row, Workload
from costmodel.workloads.unfused import Unfused

INPUT = tuple(SIZES).index("input_elements")
OUTPUT = tuple(SIZES).index("output_elements")
ATTENTION = "attention"
"""The word for a whole attention as one operator."""


def workload_of(costs: CostTable, fusion: Fusion) -> Workload:
    """The workload of a network under the fold rule of a runtime, one row per kernel, labelled by its first layer.

    Views and folded layers have no row. Rows are for one sample: the batch is an argument of the latency. A layer
    that runs conditionally has its probability as `repeats`.

    >>> from costmodel import cost_table, load
    >>> from costmodel.fusion import FUSIONS
    >>> workload = workload_of(cost_table(load("mobilenet_v1")), FUSIONS["folded"])
    >>> workload.kinds[:3], int(workload.column("macs").sum())
    (('conv', 'depthwise_conv', 'pointwise_conv'), 568740352)
    """
    return workload_of_rows(costs.graph.name, rows_of(costs.graph, costs.shapes, fusion))


def workload_of_rows(name: str, rows: Mapping[str, Row]) -> Workload:
    """Rows by label as a workload, where no size is an array."""
    import numpy

    different = {id(row): row for row in rows.values()}  # repeated units have the same rows
    place = {key: at for at, key in enumerate(different)}
    table = numpy.array([row.sizes for row in different.values()], dtype=numpy.float64).reshape(-1, len(SIZES))
    table = table[[place[id(row)] for row in rows.values()]]
    return Workload(
        name, tuple(rows), tuple([row.kind for row in rows.values()]), tuple([row.operator for row in rows.values()]),
        numpy.array([row.repeats for row in rows.values()], float), dict(zip(SIZES, table.T, strict=True)),
    )  # fmt: skip


def rows_of(
    graph: Graph, shapes: Mapping[str, Shape], fusion: Fusion, applied: dict[tuple[int, ...], Row | None] | None = None
) -> dict[str, Row]:
    """The rows by the name of the layer that a kernel begins with; sizes may be arrays over variants. A copy between
    two layouts has a name of its own, and a `layer`.

    `applied` are rows by the ids of what they are made of, as far as they are known: repeated units apply the same
    operators to the same shapes, under every fold rule.
    """
    layers = {layer.name: layer for layer in graph.layers}
    copies = dict(fusion.copies)
    known = {} if applied is None else applied
    rows: dict[str, Row] = {}
    kernels = kernels_of(graph, fusion)
    unfused = Unfused(graph, shapes) if fusion.attention else None
    for kernel in kernels:
        layer = layers[kernel.layers[0]]
        if len(kernel.layers) > 1 and (kernel.read or kernel.is_attention):
            rows[layer.name] = _fused(kernel, layers, shapes)
            continue
        made_of = (layer.operator, layer.probability, layer.active, *[shapes[name] for name in layer.inputs])
        ids = tuple(map(id, made_of))
        if ids not in known:
            known[ids] = _row(layer, shapes)
        row = known[ids]
        if row is None and layer.operator.verb in copies:
            row = _copied(layer, copies[layer.operator.verb], shapes)
        if row is not None:
            rows.update({layer.name: row} if unfused is None else unfused.rows(layer, row))
    return blocked_rows(graph, kernels, rows, shapes, fusion.block) if fusion.block else rows


def _copied(layer: Layer, word: str, shapes: Mapping[str, Shape]) -> Row:
    """A view that the runtime executes as a copy: it reads what it writes."""
    written = sum(shapes[name].elements for name in layer.outputs)
    repeats = layer.probability if is_conditional(layer) else 1
    return Row("copy", word, repeats, tuple([written if at in (INPUT, OUTPUT) else 0 for at in range(len(SIZES))]))


def _row(layer: Layer, shapes: Mapping[str, Shape]) -> Row | None:
    """The row of a layer alone; None for a view."""
    inputs = tuple([shapes[name] for name in layer.inputs])
    outputs = tuple([shapes[name] for name in layer.outputs])
    operator = layer.operator
    count = operator.count(inputs, outputs)
    repeats: Any = 1
    if is_conditional(layer):
        count, repeats = expected(count, replace(layer, probability=1)), layer.probability
    moved = count.input_elements, count.output_elements, count.macs
    if all(type(value) is int and value == 0 for value in moved):
        return None
    sizes = sizes_of(operator, inputs, outputs, count)
    return Row(kind_of(operator, inputs[0]), word_of(operator, inputs[0]), repeats, sizes)


def _fused(kernel: Kernel, layers: Mapping[str, Layer], shapes: Mapping[str, Shape]) -> Row:
    """The row of several layers: that of the first, with what the others read from outside."""
    first = layers[kernel.layers[0]]
    if kernel.is_attention:
        return _attention(first, layers[kernel.layers[-1]], kernel, shapes)
    row = _row(first, shapes)
    assert row is not None, "a view begins no kernel"
    sizes = list(row.sizes)
    sizes[INPUT] = sizes[INPUT] + sum(shapes[name].elements for name in kernel.read)
    return replace(row, sizes=tuple(sizes))


def _attention(scores: Layer, result: Layer, kernel: Kernel, shapes: Mapping[str, Shape]) -> Row:
    """softmax(q k^T) v in one pass: reads q, k and v, writes the result; the scores stay inside."""
    row = _row(scores, shapes)
    assert row is not None
    made = {name for name in kernel.layers}
    outside = [name for name in result.inputs if name not in made]
    operands = [shapes[name] for name in result.inputs], [shapes[name] for name in result.outputs]
    second = result.operator.count(tuple(operands[0]), tuple(operands[1]))
    sizes = list(row.sizes)
    sizes[0] = sizes[0] + second.macs
    sizes[INPUT] = sizes[INPUT] + sum(shapes[name].elements for name in outside)
    sizes[OUTPUT] = second.output_elements
    return replace(row, operator=ATTENTION, sizes=tuple(sizes))
