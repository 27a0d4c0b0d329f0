"""Seconds of networks and of single operators on a calibrated profile."""

from __future__ import annotations

from typing import Any

from costmodel.hardware import HardwareProfile
from costmodel.latency.families import family_named
from costmodel.latency.model import Times, rates_of, row_times
from costmodel.latency.prepared import prepared
from costmodel.workloads import Workload


def workload_times(
    workload: Workload, profile: HardwareProfile, batch: Any = 1, terms: frozenset[str] | None = None
) -> Times:
    """The terms of every row of a workload on a profile, once each; `batch` may be one number per row."""
    assert profile.calibration is not None
    family = family_named(profile.calibration.family)
    made = prepared(workload, family, conditions_of(profile), batch)
    return row_times(made.columns, made.base, rates_of(profile), batch, family, terms)


def conditions_of(profile: HardwareProfile) -> dict[str, Any]:
    """What rules may ask of a profile: its conditions, its number format, its device and its class of device."""
    assert profile.calibration is not None
    own = {"dtype": profile.dtype.name, "device": profile.device.name, "class": profile.device.kind}
    return own | dict(profile.calibration.conditions)


def network_seconds(workload: Workload, times: Times, profile: HardwareProfile) -> Any:
    """Latency of a network: T = inference + factor * sum of repeats * t; the factor is that of a whole network."""
    assert profile.calibration is not None
    factor = profile.calibration.numbers.get("network_factor", 1.0)
    return times.inference_seconds + factor * (times.latency_seconds * workload.repeats).sum(axis=-1)


def network_seconds_of_rows(workload: Workload, times: Times, profile: HardwareProfile, starts: Any) -> Any:
    """The same for several networks in one workload, which begin at the rows `starts`."""
    import numpy

    assert profile.calibration is not None
    factor = profile.calibration.numbers.get("network_factor", 1.0)
    return times.inference_seconds + factor * numpy.add.reduceat(times.latency_seconds * workload.repeats, starts)
