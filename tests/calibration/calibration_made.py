"""Observations of a device that follows the model exactly: what a fit must find again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from costmodel.calibration.observations import DEVICE, KERNEL, NETWORK, ROW, Observations, Operators
from costmodel.calibration.problem import Problem
from costmodel.costs import cost_table
from costmodel.fusion import FUSIONS
from costmodel.hardware import Calibration, ridge_profile
from costmodel.latency.families import Family, family_of
from costmodel.records import replace
from costmodel.specs.catalogue import load
from costmodel.workloads import Workload, workload_of
from costmodel.workloads.tables import joined

NETWORKS = tuple(
    (name, resolution)
    for name in ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3", "resnet18", "squeezenet", "mnasnet")
    for resolution in (96, 160, 224)
)


@lru_cache(maxsize=64)
def workload(name: str, resolution: int, fusion: str = "none") -> Workload:
    return workload_of(cost_table(load(name, resolution=resolution)), FUSIONS[fusion])


def family(rules: Sequence[Mapping[str, Any]], fusion: str = "none") -> Family:
    head = {"name": "made", "title": "", "fusion": fusion, "source": "made"}
    return family_of({"runtime": head, "rule": list(rules)})


def calibration(**changes: Any) -> Calibration:
    plain = Calibration("made", {}, {}, {}, (), {}, "made", 1, "2026-11-21", "network", 0.0, 1.0, 1.0, 1.0, "A")
    return replace(plain, **changes)


def observed(chosen: Family, own: Calibration | None = None, ridge: float = 4.5, batch: float = 1.0) -> Observations:
    """The networks on a device, with times that are still to be set."""
    plain = ridge_profile(ridge, "float32", 1.7e10)
    profile = replace(plain, runtime="made", calibration=own or calibration())
    names = tuple(f"{name}@{resolution}" for name, resolution in NETWORKS)
    stems = tuple(name for name, _ in NETWORKS)
    count = len(names)
    keys = {NETWORK: stems, KERNEL: stems, DEVICE: (plain.device.name,) * count, ROW: tuple(map(str, range(count)))}
    parts = {
        fusion: Operators(*joined([workload(*each, fusion) for each in NETWORKS], chosen.facts))
        for fusion in (chosen.fusion, "folded")
    }
    return Observations(
        profile, False, names, keys, np.ones(count), np.full(count, batch), parts[chosen.fusion], parts["folded"]
    )


def exact(chosen: Family, parts: Sequence[Observations], noise: float = 0.0) -> list[Observations]:
    """The observations with the times that the family and the calibrations say, and a little noise."""
    problem = Problem(chosen, parts)
    seconds = np.exp(problem.log_seconds(problem.values))
    seconds = seconds * np.exp(noise * np.random.default_rng(0).standard_normal(len(seconds)))
    made, start = [], 0
    for part in parts:
        made.append(replace(part, seconds=seconds[start : start + len(part)]))
        start += len(part)
    return made
