"""Latency of the layers of a graph on a calibrated profile; sizes may be arrays over variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.fusion import Fusion, fusion_named
from costmodel.graph import Graph, Shape
from costmodel.hardware import HardwareProfile
from costmodel.latency.families import Family, family_named
from costmodel.latency.model import Times, rates_of, row_times
from costmodel.latency.predictions import conditions_of
from costmodel.latency.prepared import columns_of
from costmodel.latency.rules import matched
from costmodel.latency.shared import shared_constants, shared_rows
from costmodel.records import record
from costmodel.workloads.facts import FACTS
from costmodel.workloads.layers import workload_of_rows
from costmodel.workloads.rows import SIZES, Row


@record
class LayerTimes:
    """What one layer takes: bytes that it moves, and seconds of every inference."""

    bytes: Any
    compute_seconds: Any
    memory_seconds: Any
    overhead_seconds: Any
    latency_seconds: Any


NOTHING = LayerTimes(0, 0.0, 0.0, 0.0, 0.0)


def layer_times(
    graph: Graph, shapes: Mapping[str, Shape], profile: HardwareProfile, batch: int,
    terms: frozenset[str] | None = None, fusion: Fusion | None = None,
) -> tuple[dict[str, LayerTimes], Any]:  # fmt: skip
    """The times of every layer that has any, by name, and the seconds of an inference beside the layers.

    Layers that the runtime executes together stand with the first of them. `terms` are the terms that are on,
    `fusion` a fold rule in place of the runtime's.
    """
    assert profile.calibration is not None
    family = family_named(profile.calibration.family)
    fold = family.fusion if terms is None or "fusion" in terms else "folded"
    shared = shared_rows(graph, shapes, fusion or fusion_named(fold))
    rows = shared.rows
    numbers = profile.calibration.numbers
    is_whole = terms is None or "inference" in terms
    whole = numbers.get("network_factor", 1.0) if is_whole else 1.0
    if shared.is_swept:
        times = dict(_swept(rows, family, profile, batch, terms))
    else:
        made = shared_constants(shared, family, conditions_of(profile), batch)
        found_times = row_times(made.columns, made.base, rates_of(profile), batch, family, terms)
        times = dict(zip(rows, _unstacked(found_times), strict=True))
    found: dict[str, LayerTimes] = {}
    for name, each in times.items():
        row = rows[name]
        layer, seconds = row.layer or name, row.repeats * whole
        own = found.get(layer, NOTHING)
        found[layer] = LayerTimes(
            own.bytes + each.bytes * row.repeats, own.compute_seconds + each.compute_seconds * seconds,
            own.memory_seconds + each.memory_seconds * seconds, own.overhead_seconds + each.overhead_seconds * seconds,
            own.latency_seconds + each.latency_seconds * seconds,
        )  # fmt: skip
    inference = numbers.get("inference_seconds", 0.0) if is_whole else 0.0
    return found, inference


def _unstacked(times: Times) -> list[LayerTimes]:
    """The times of each row as plain numbers."""
    import numpy

    shape = numpy.shape(times.latency_seconds)
    columns = [
        numpy.broadcast_to(column, shape).tolist()
        for column in (
            times.bytes, times.compute_seconds, times.memory_seconds, times.overhead_seconds, times.latency_seconds
        )
    ]  # fmt: skip
    return [LayerTimes(*row) for row in zip(*columns, strict=True)]


def _swept(
    rows: Mapping[str, Row], family: Family, profile: HardwareProfile, batch: int, terms: frozenset[str] | None
) -> list[tuple[str, LayerTimes]]:
    """Row by row, each with one number per variant. Facts of the network are those of the first variant: they come
    from which sizes are equal, which variants of one structure share."""
    rates, conditions = rates_of(profile), conditions_of(profile)
    first = workload_of_rows("first variant", {name: _first(row) for name, row in rows.items()})
    facts = {name: FACTS[name].of(first) for name in family.facts}
    found = []
    for at, (name, row) in enumerate(rows.items()):
        sizes = dict(zip(SIZES, row.sizes, strict=True)) | {fact: values[at] for fact, values in facts.items()}
        columns = columns_of(sizes, family, batch)
        base = matched(family.rules, row.kind, row.operator, columns, conditions)
        times = row_times(columns, base, rates, batch, family, terms)
        found.append((name, LayerTimes(times.bytes, times.compute_seconds, times.memory_seconds,
                                       times.overhead_seconds, times.latency_seconds)))  # fmt: skip
    return found


def _first(row: Row) -> Row:
    """The row of the first variant."""
    sizes = tuple([size.flat[0].item() if is_array(size) else size for size in row.sizes])
    return Row(row.kind, row.operator, 1, sizes)
