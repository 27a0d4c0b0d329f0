"""One network on one device: the time that each term adds to Eq. 1, layer by layer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from costmodel.costs import By, CostTable
from costmodel.errors import ParameterError, PredictionError, nearest
from costmodel.hardware import HardwareProfile
from costmodel.latency.constants import TERMS
from costmodel.records import record
from costmodel.roofline import Prediction, predict, profile_for

if TYPE_CHECKING:
    import pandas

BASE = ("compute_at_peak", "memory_at_bandwidth")
"""Eq. 1 on the datasheet: the time of layers that it finds compute bound, and of those it finds memory bound."""
TERM_NAMES = tuple(TERMS)
STEPS = (*BASE, *TERM_NAMES)
"""What a latency is put together from; the times add up to it. A step may be negative."""

STEP_MEANINGS: Mapping[str, str] = {
    "compute_at_peak": "layers bound by compute in Eq. 1, at the datasheet's peak",
    "memory_at_bandwidth": "layers bound by memory in Eq. 1, at the datasheet's bandwidth",
}


@record
class Explanation:
    """The time of every step per layer. Steps are turned on one after the other, in the order of `STEPS`; each one's
    time is what it adds to those before it, so that they sum to `latency_seconds`. `inference` belongs to no layer."""

    prediction: Prediction
    columns: Mapping[str, list[Any]]
    inference_seconds: float

    @property
    def latency_seconds(self) -> float:
        """The whole prediction."""
        return float(self.prediction.latency_seconds)

    @property
    def steps(self) -> dict[str, float]:
        """Seconds of every step over the network."""
        totals = {name: float(sum(self.columns[name])) for name in STEPS}
        totals["inference"] += self.inference_seconds
        return totals

    @property
    def layers(self) -> pandas.DataFrame:
        """One row per layer that takes time."""
        import pandas

        return pandas.DataFrame(dict(self.columns))

    def grouped(self, by: By) -> dict[str, list[Any]]:
        """The steps summed over the layers of a block or operator, the longest first; by layer as they are.

        Raises: ParameterError unless `by` is layer, block or op.
        """
        if by == "layer":
            return dict(self.columns)
        if by not in ("block", "op"):
            hint = nearest(str(by), ("layer", "block", "op")) or "there are layer, block, op"
            raise ParameterError(f"by = {by!r} is no grouping; {hint}")
        sums: dict[Any, list[float]] = {}
        names = [*STEPS, "latency_seconds"]
        for at, key in enumerate(self.columns[by]):
            row = [self.columns[name][at] for name in names]
            sums[key] = [one + two for one, two in zip(sums.get(key, [0.0] * len(names)), row, strict=True)]
        ordered = sorted(sums.items(), key=lambda pair: -pair[1][-1])
        table: dict[str, list[Any]] = {by: [key for key, _ in ordered]}
        return table | {name: [row[at] for _, row in ordered] for at, name in enumerate(names)}


def explain(
    costs: CostTable, hardware: str | os.PathLike[str] | HardwareProfile, dtype: str | None = None
) -> Explanation:
    """The time that each term adds, per layer.

    The first steps are Eq. 1 on the datasheet's peak and bandwidth (MobileNetV4, arXiv:2404.10518); then the terms of
    `costmodel.latency.TERMS` are turned on one after the other. On the runtime `idealised` there are only the first.

    >>> from costmodel import cost_table, load
    >>> found = explain(cost_table(load("mobilenet_v2")), "ridge_5")
    >>> abs(sum(found.steps.values()) / found.latency_seconds - 1) < 1e-9
    True

    Raises: what `predict` raises; PredictionError for costs of a sweep.
    """
    profile = profile_for(hardware, dtype)
    full = predict(costs, profile)
    if any(hasattr(value, "dtype") for value in full.columns["latency_seconds"]):
        raise PredictionError("an explanation is of one network, not of a sweep; load one variant")
    ladder = [full] if profile.calibration is None else [predict(costs, profile, terms=on) for on in _ladder()]
    first = ladder[0]
    times = [each.columns["latency_seconds"] for each in ladder]
    columns: dict[str, list[Any]] = {
        name: list(full.columns[name]) for name in ("layer", "op", "block", "macs", "bytes")
    }
    for name, bound in zip(BASE, ("compute", "memory"), strict=True):
        pairs = zip(times[0], first.columns["bound"], strict=True)
        columns[name] = [seconds if own == bound else 0.0 for seconds, own in pairs]
    for at, name in enumerate(TERM_NAMES, 1):
        if at < len(times):
            columns[name] = [after - before for before, after in zip(times[at - 1], times[at], strict=True)]
        else:
            columns[name] = [0.0] * len(times[0])
    columns["latency_seconds"] = list(full.columns["latency_seconds"])
    columns["limited_by"] = [_limit(kind) for kind in full.columns["bound"]]
    timed = [at for at in range(len(times[0])) if any(each[at] for each in times)]
    return Explanation(
        full, {name: [values[at] for at in timed] for name, values in columns.items()}, float(full.inference_seconds)
    )


def _ladder() -> Iterable[tuple[str, ...]]:
    """No term, the first, the first two, ... all."""
    return [TERM_NAMES[:count] for count in range(len(TERM_NAMES) + 1)]


def _limit(bound: str) -> str:
    return "" if bound == "free" else bound
