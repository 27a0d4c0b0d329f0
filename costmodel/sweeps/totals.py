"""Totals of all variants of one structure: counted layer by layer on arrays, of which only the sums are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

from costmodel.arithmetic import INT64_MAX, is_array, maximum
from costmodel.costs import COLUMNS, cost_table, layer_counts
from costmodel.dtypes import Dtype
from costmodel.fusion import Fusion, folded_layers, fusion_named
from costmodel.graph import Graph, Shape
from costmodel.hardware import HardwareProfile
from costmodel.memory.definitions import MemoryDefinition
from costmodel.memory.peak import counted_by_step, held_bytes, refuse_wrapped_bits
from costmodel.memory.storage import buffers_of
from costmodel.model_size import flash_size
from costmodel.operators.base import Counts
from costmodel.records import fields_of, record, replace, values_of
from costmodel.roofline import Overlap, layer_bytes, predict, refuse_unrated, roofline_seconds
from costmodel.shapes import infer_shapes

WIDEST_ELEMENT_BITS = 64
POINTS_WITH_FACTS = 2**13
"""Variants whose facts are found one by one: so many that their tables take some 100 MB."""


@record
class Device:
    """A profile and how its latency is put together; `fusion` is None where that is the runtime's own."""

    profile: HardwareProfile
    fusion: Fusion | None
    overlap: Overlap


@record
class Memory:
    """A definition of peak memory and the number formats that it is wanted in: those of the devices, or one."""

    definition: MemoryDefinition
    dtypes: tuple[Dtype, ...]


@record
class Costing:
    """What is computed for every variant."""

    batch: int
    devices: tuple[Device, ...]
    memory: Memory | None = None

    @property
    def points_at_once(self) -> int | None:
        """How many variants are costed together, None for as many as counts are; fewer where a runtime's constants
        depend on what is found in each network."""
        families = {device.profile.calibration.family for device in self.devices if device.profile.calibration}
        if not families:
            return None
        from costmodel.latency.families import family_named
        from costmodel.workloads.variants import found_one_by_one

        slow = any(found_one_by_one(family_named(name).facts) for name in families)
        return POINTS_WITH_FACTS if slow else None


@record
class _MeasuredShape(Shape):
    """A shape that knows its number of elements, which in a sweep is a product of large arrays."""

    known_elements: Any

    @property
    def elements(self) -> Any:
        """Number of elements, computed once."""
        return self.known_elements


def totals_of(graph: Graph, costing: Costing) -> dict[Any, Any]:
    """Totals by column; bytes, latency and memory by (column, device); with an array for every value that varies."""
    shapes = infer_shapes(graph)
    memory = _memory(graph, shapes, costing.memory) if costing.memory is not None else {}
    return _totals(graph, shapes, costing) | memory


def _totals(graph: Graph, shapes: Mapping[str, Shape], costing: Costing) -> dict[Any, Any]:
    if not _surely_fits(graph, shapes, costing.batch):
        return _checked_costs(graph, costing)
    measured = {id(shape): _MeasuredShape(shape.axes, shape.sizes, shape.elements) for shape in shapes.values()}
    counts = layer_counts(graph, {name: measured[id(shape)] for name, shape in shapes.items()})
    totals: dict[Any, Any] = {}
    for name, column in COLUMNS.items():
        if column.derived:
            totals[name] = sum(totals[part] for part in column.derived)
        else:
            total = _sum(getattr(count, name) for count in counts)
            totals[name] = total * costing.batch if column.grows_with_batch else total
    for at, device in enumerate(costing.devices):
        refuse_unrated(((layer.name, layer.operator.verb, count.filter_adds)
                        for layer, count in zip(graph.layers, counts, strict=True)), device.profile)  # fmt: skip
        if device.profile.calibration is not None:
            found = _calibrated(graph, shapes, costing.batch, device)
        else:
            found = _latency(graph, counts, costing.batch, device)
        totals["bytes", at], totals["latency_seconds", at] = found
    return totals


def _memory(graph: Graph, shapes: Mapping[str, Shape], memory: Memory) -> dict[Any, Any]:
    """Peak activation memory and flash in each number format."""
    by_format = {}
    for dtype in set(memory.dtypes):
        refuse_wrapped_bits(shapes, dtype.activation_bits)
        buffers = buffers_of(graph, dtype.activation_bits, memory.definition, shapes)
        counted = counted_by_step(graph, memory.definition, buffers)
        steps = ([buffers[name] for name in names] for names in counted)
        peak = reduce(maximum, [held_bytes(at, alive, memory.definition) for at, alive in enumerate(steps)])
        by_format[dtype] = peak, flash_size(graph, dtype).bytes
    totals: dict[Any, Any] = {}
    for at, dtype in enumerate(memory.dtypes):
        totals["peak_activation_bytes", at], totals["flash_bytes", at] = by_format[dtype]
    return totals


def _latency(graph: Graph, counts: list[Counts], batch: int, device: Device) -> tuple[Any, Any]:
    """Bytes and seconds of all layers; folded ones move nothing."""
    profile = device.profile
    folded = folded_layers(graph, device.fusion or fusion_named(profile.fusion))
    rates = profile.macs_per_second, profile.bytes_per_second, device.overlap
    moved, seconds = [], []
    for layer, count in zip(graph.layers, counts, strict=True):
        activations = batch * (count.input_elements + count.output_elements)
        own = 0 if layer.name in folded else layer_bytes(activations, count.weight_elements, profile.dtype)
        moved.append(own)
        seconds += roofline_seconds([batch * count.macs], [own], *rates)[2]
    return _sum(moved), _sum(seconds)


def _calibrated(graph: Graph, shapes: Mapping[str, Shape], batch: int, device: Device) -> tuple[Any, Any]:
    """Bytes and seconds of all layers with the terms of a calibrated profile."""
    from costmodel.latency.layers import layer_times

    times, inference = layer_times(graph, shapes, device.profile, batch, fusion=device.fusion)
    rows = times.values()
    return _sum(row.bytes for row in rows), _sum(row.latency_seconds for row in rows) + inference


def _sum(values: Any) -> Any:
    """A sum that adds arrays of one shape in place, and the small ones before the large."""
    by_shape: dict[tuple[int, ...], Any] = {}
    for value in values:
        shape = getattr(value, "shape", ())
        if not shape:
            by_shape[shape] = by_shape.get(shape, 0) + value
        elif shape not in by_shape:
            by_shape[shape] = value.copy()
        elif by_shape[shape].dtype == value.dtype:
            by_shape[shape] += value
        else:
            by_shape[shape] = by_shape[shape] + value
    return sum(by_shape[shape] for shape in sorted(by_shape, key=math.prod))


def _surely_fits(graph: Graph, shapes: Mapping[str, Shape], batch: int) -> bool:
    """Whether no count can wrap around: counted once with the largest size of every array, in unbounded integers.

    Counts grow with every size and field but the groups.
    """
    largest = {name: Shape(shape.axes, tuple(map(_largest, shape.sizes))) for name, shape in shapes.items()}
    bound = 0
    for layer in graph.layers:
        changes = {
            name: int(value.min()) if name == "groups" else _largest(value)
            for name, value in zip(fields_of(layer.operator), values_of(layer.operator), strict=True)
            if is_array(value) or isinstance(value, tuple)
        }
        operator = replace(layer.operator, **changes) if changes else layer.operator
        inputs, outputs = (tuple(largest[name] for name in names) for names in (layer.inputs, layer.outputs))
        bound += sum(values_of(operator.count(inputs, outputs)))
    return bound * batch * WIDEST_ELEMENT_BITS < INT64_MAX


def _largest(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_largest, value))
    return value.max().item() if is_array(value) else value


def _checked_costs(graph: Graph, costing: Costing) -> dict[Any, Any]:
    """The same by way of the cost table, which refuses what does not fit into 64 bits."""
    costs = cost_table(graph, costing.batch)
    totals: dict[Any, Any] = {name: costs.total(name) for name in COLUMNS}
    for at, device in enumerate(costing.devices):
        fusion = None if device.fusion is None else device.fusion.name
        prediction = predict(costs, device.profile, fusion=fusion, overlap=device.overlap)
        totals["bytes", at], totals["latency_seconds", at] = prediction.bytes, prediction.latency_seconds
    return totals
