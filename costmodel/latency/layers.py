"""Latency of the layers of a graph on a calibrated profile; sizes may be arrays over variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from costmodel.fusion import Fusion, fusion_named
from costmodel.graph import Graph, Shape
from costmodel.hardware import HardwareProfile
from costmodel.latency.families import Family, family_named
from costmodel.latency.model import Times, rates_of, row_times
from costmodel.latency.predictions import conditions_of
from costmodel.latency.prepared import columns_of
from costmodel.latency.rules import matched
from costmodel.latency.shared import shared_constants, shared_rows
from costmodel.workloads.rows import SIZES, Row
from costmodel.workloads.variants import facts_of_variants


class LayerTimes(NamedTuple):
    """What one layer takes: MACs that its kernel executes, bytes that it moves, and seconds of every inference. A layer
    without a row takes none."""

    macs: Any = 0
    bytes: Any = 0
    compute_seconds: Any = 0.0
    memory_seconds: Any = 0.0
    overhead_seconds: Any = 0.0
    latency_seconds: Any = 0.0


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
    numbers = profile.calibration.numbers
    is_whole = terms is None or "inference" in terms
    whole = numbers.get("network_factor", 1.0) if is_whole else 1.0
    times: Iterable[LayerTimes]
    if shared.is_swept:
        times = _swept(shared.rows, family, profile, batch, whole, terms)
    else:
        made = shared_constants(shared, family, conditions_of(profile), batch)
        found = row_times(made.columns, made.base, rates_of(profile), batch, family, terms)
        times = _listed(found, made.columns["macs"] * batch, made.workload.repeats, whole)
    inference = numbers.get("inference_seconds", 0.0) if is_whole else 0.0
    return _of_layers(shared.rows, times), inference


def _of_layers(rows: Mapping[str, Row], times: Iterable[LayerTimes]) -> dict[str, LayerTimes]:
    """The times of rows as those of the layers that they belong to."""
    found: dict[str, LayerTimes] = {}
    for (name, row), own in zip(rows.items(), times, strict=True):
        layer = row.layer or name
        if layer in found:
            found[layer] = LayerTimes(*[one + other for one, other in zip(found[layer], own, strict=True)])
        else:
            found[layer] = own
    return found


def _listed(times: Times, macs: Any, repeats: Any, whole: float) -> list[LayerTimes]:
    """The times of each row in all its repeats, as plain numbers."""
    import numpy

    seconds = repeats * whole
    table = numpy.empty((len(repeats), len(LayerTimes._fields)))
    table[:, 0] = macs * repeats
    table[:, 1] = times.bytes * repeats
    table[:, 2] = times.compute_seconds * seconds
    table[:, 3] = times.memory_seconds * seconds
    table[:, 4] = times.overhead_seconds * seconds
    table[:, 5] = times.latency_seconds * seconds
    return list(map(LayerTimes._make, table.tolist()))


def _swept(
    rows: Mapping[str, Row], family: Family, profile: HardwareProfile, batch: int, whole: float,
    terms: frozenset[str] | None,
) -> Iterator[LayerTimes]:  # fmt: skip
    """Row by row, each with one number per variant."""
    rates, conditions = rates_of(profile), conditions_of(profile)
    facts = facts_of_variants(rows, family.facts)
    for at, row in enumerate(rows.values()):
        sizes = dict(zip(SIZES, row.sizes, strict=True)) | {fact: values[at] for fact, values in facts.items()}
        columns = columns_of(sizes, family, batch)
        base = matched(family.rules, row.kind, row.operator, columns, conditions)
        times = row_times(columns, base, rates, batch, family, terms)
        seconds = row.repeats * whole
        yield LayerTimes(
            columns["macs"] * batch * row.repeats, times.bytes * row.repeats, times.compute_seconds * seconds,
            times.memory_seconds * seconds, times.overhead_seconds * seconds, times.latency_seconds * seconds,
        )  # fmt: skip
