"""Latency of one network on many calibrated profiles: those of one runtime are computed together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.fusion import fusion_named
from costmodel.graph import Graph, Shape
from costmodel.hardware import Calibration, HardwareProfile
from costmodel.latency.families import Family, family_named
from costmodel.latency.model import Rates, rates_of, row_times
from costmodel.latency.predictions import conditions_of
from costmodel.latency.shared import asked_of, shared_constants, shared_rows
from costmodel.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEUTRAL = {"time_factor": 1.0, "inference_seconds": 0.0, "network_factor": 1.0}
"""Numbers that a calibration may leave out. A capacity is none: profiles are together only where all state it."""

LISTS_KEPT = 8


def latencies(
    graph: Graph, shapes: Mapping[str, Shape], profiles: Sequence[HardwareProfile], batch: int = 1
) -> list[float]:
    """Seconds of one network on each of these calibrated profiles, as `costmodel.predict` has them one by one.

    >>> from costmodel import cost_table, load
    >>> from costmodel.hardware import load_hardware
    >>> costs = cost_table(load("mobilenet_v2"))
    >>> profiles = [load_hardware(name) for name in ("pixel_1:tflite", "i7_12700h:torch_compile")]
    >>> [f"{1e3 * seconds:.1f} ms" for seconds in latencies(costs.graph, costs.shapes, profiles)]
    ['73.7 ms', '6.6 ms']
    """
    seconds = [0.0] * len(profiles)
    for group in _grouped(profiles):
        found = _seconds(graph, shapes, group, batch)
        for at, own in zip(group.places, found.tolist(), strict=True):
            seconds[at] = own
    return seconds


@record
class Group:
    """Profiles that are computed together: their places in the list, one of them, the rates of all."""

    places: tuple[int, ...]
    profile: HardwareProfile
    family: Family
    rates: Rates


_groups: OrderedDict[tuple[int, ...], tuple[tuple[HardwareProfile, ...], list[Group]]] = OrderedDict()


def _grouped(profiles: Sequence[HardwareProfile]) -> list[Group]:
    """The groups of a list of profiles, made once while it is among the last few."""
    key = tuple(map(id, profiles))
    found = _groups.get(key)
    if found is None:
        members: dict[tuple[Any, ...], list[int]] = {}
        for at, profile in enumerate(profiles):
            members.setdefault(_together(profile), []).append(at)
        groups = [_group(places, [profiles[at] for at in places]) for places in members.values()]
        found = _groups[key] = tuple(profiles), groups
        while len(_groups) > LISTS_KEPT:
            _groups.popitem(last=False)
    return found[1]


def _group(places: Sequence[int], profiles: Sequence[HardwareProfile]) -> Group:
    family = family_named(_calibration(profiles[0]).family)
    return Group(tuple(places), profiles[0], family, _stacked([rates_of(profile) for profile in profiles]))


def _calibration(profile: HardwareProfile) -> Calibration:
    assert profile.calibration is not None, "a profile without a calibration has no terms"
    return profile.calibration


def _together(profile: HardwareProfile) -> tuple[Any, ...]:
    """What profiles that are computed together have in common: rules, nearer memories, numbers without a neutral."""
    calibration = _calibration(profile)
    family = family_named(calibration.family)
    capacities = frozenset(calibration.numbers.keys() - NEUTRAL.keys())
    return family.name, asked_of(family, conditions_of(profile)), calibration.levels, capacities


def _seconds(graph: Graph, shapes: Mapping[str, Shape], group: Group, batch: int) -> NDArray[Any]:
    """T = inference + factor * sum of repeats * t of each profile of a group."""
    rows = shared_rows(graph, shapes, fusion_named(group.family.fusion))
    made = shared_constants(rows, group.family, conditions_of(group.profile), batch)
    times = row_times(made.columns, made.base, group.rates, batch, group.family)
    own: NDArray[Any] = (times.latency_seconds * made.workload.repeats).sum(axis=-1, keepdims=True)
    numbers = group.rates.numbers
    total: NDArray[Any] = numbers["inference_seconds"] + numbers["network_factor"] * own
    return total[:, 0]


def _stacked(rates: Sequence[Rates]) -> Rates:
    """The rates of several devices: each number a column with one row per device."""

    def column(values: Sequence[float]) -> Any:
        import numpy

        return numpy.array(values, float).reshape(-1, 1)

    factors = {name for own in rates for name in own.factors}
    numbers = {*NEUTRAL, *rates[0].numbers}
    return Rates(
        column([own.macs_per_second for own in rates]), column([own.bytes_per_second for own in rates]),
        column([own.activation_bytes for own in rates]), column([own.weight_bytes for own in rates]),
        {name: column([own.factors.get(name, 1.0) for own in rates]) for name in sorted(factors)},
        {name: column([own.numbers.get(name, NEUTRAL.get(name)) for own in rates]) for name in sorted(numbers)},
        rates[0].levels,
    )  # fmt: skip
