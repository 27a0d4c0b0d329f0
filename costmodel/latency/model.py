"""Latency of a workload on calibrated profiles: constants by rule, formulas on arrays, one sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.arithmetic import maximum
from costmodel.hardware import HardwareProfile
from costmodel.latency.constants import CONSTANTS, TERMS
from costmodel.latency.families import Family
from costmodel.latency.rules import Columns, Matched
from costmodel.latency.times import overlapped, padding, saturation, spilled, tiered_seconds
from costmodel.records import record


@record
class Rates:
    """What a device brings: peak, bandwidth, number format, its factors on constants and its own numbers. For several
    devices at once every number is a column of one row per device."""

    macs_per_second: Any
    bytes_per_second: Any
    activation_bytes: Any
    weight_bytes: Any
    factors: Mapping[str, Any]
    numbers: Mapping[str, Any]
    levels: Sequence[tuple[float, float]]


@record
class Times:
    """Seconds of each row, once, and the bytes it moves; `inference_seconds` belongs to no row."""

    bytes: Any
    compute_seconds: Any
    memory_seconds: Any
    overhead_seconds: Any
    latency_seconds: Any
    inference_seconds: Any


def rates_of(profile: HardwareProfile) -> Rates:
    """The rates of a calibrated profile."""
    calibration = profile.calibration
    assert calibration is not None, "a profile without a calibration has no terms"
    dtype = profile.dtype
    return Rates(
        profile.macs_per_second, profile.bytes_per_second, dtype.activation_bits / 8, dtype.weight_bits / 8,
        calibration.factors, calibration.numbers, calibration.levels,
    )  # fmt: skip


def row_times(
    columns: Columns, base: Matched, rates: Rates, batch: Any, family: Family, terms: frozenset[str] | None = None
) -> Times:
    """The terms of each row. `columns` are its sizes, `base` its constants; `terms` those that are on, by default all.

    t = max((t_c^p + t_m^p)^(1/p), launch) + overhead, with t_c and t_m as `costmodel.latency.times` says.
    """
    constant = _Constants(base, rates.factors, frozenset(TERMS) if terms is None else terms)
    if constant.is_on("batch_share"):
        batch = 1 + constant("batch_share") * (batch - 1)
    compute = _compute_seconds(columns, constant, rates, batch)
    activations, weights = _bytes_moved(columns, constant, rates, batch, family)
    beside, before = _memory_seconds(activations, weights, constant, rates)
    work = overlapped(compute, beside, constant("overlap")) + before
    overhead = constant("overhead_seconds")
    if constant.is_on("launch_seconds"):
        overhead = overhead + maximum(constant("launch_seconds") - work, 0.0)
    factor = rates.numbers.get("time_factor", 1.0) if constant.has("efficiency") else 1.0
    inference = rates.numbers.get("inference_seconds", 0.0) if constant.has("inference") else 0.0
    return Times(
        activations + weights, compute * factor, (beside + before) * factor, overhead * factor,
        (work + overhead) * factor, inference,
    )  # fmt: skip


def _compute_seconds(columns: Columns, constant: _Constants, rates: Rates, batch: Any) -> Any:
    """t_c = MACs * saturation * padding / (P * compute) + elements * element_seconds."""
    seconds = columns["macs"] * batch / (rates.macs_per_second * constant("compute"))
    positions = columns["m"] * batch
    for name, size in (
        ("half_m", positions), ("half_n", columns["n"]), ("half_k", columns["k"]),
        ("half_width", columns["out_width"]), ("half_products", columns["products"]),
    ):  # fmt: skip
        if constant.is_on(name):
            seconds = seconds * saturation(_above_zero(size), constant(name))
    if constant.is_on("half_mn"):
        results = _above_zero(positions * columns["n"] * columns["products"])
        seconds = seconds * saturation(results, constant("half_mn"), constant("half_mn_exponent"))
    if constant.is_on("padded"):
        for name, size in (("width_m", positions), ("width_n", columns["n"]), ("width_k", columns["k"])):
            if constant.is_on(name):
                seconds = seconds * padding(_above_zero(size), constant(name), constant("padded"))
    if constant.is_on("tile_padded"):
        for side in ("out_height", "out_width"):
            seconds = seconds * padding(_above_zero(columns[side]), constant("tile"), constant("tile_padded"))
    if constant.is_on("element_seconds"):
        elements = maximum(columns["input_elements"], columns["output_elements"])
        seconds = seconds + elements * batch * constant("element_seconds")
    return seconds


def _bytes_moved(columns: Columns, constant: _Constants, rates: Rates, batch: Any, family: Family) -> tuple[Any, Any]:
    """Bytes of activations and of weights: shares, what spills, the scores of an attention, short dimensions."""
    activations = (columns["input_elements"] + columns["output_elements"]) * batch * rates.activation_bytes
    share, weight_share = constant("activation_share"), constant("weight_share")
    if constant.is_on("activation_spill"):
        capacity = rates.numbers["activation_capacity_bytes"]
        share = share + constant("activation_spill") * spilled(activations, capacity, family.spill)
    if constant.is_on("weight_spill"):
        capacity = rates.numbers["weight_capacity_bytes"]
        whole = columns["network_weight_elements"] * rates.weight_bytes
        weight_share = weight_share + constant("weight_spill") * spilled(whole, capacity, family.spill)
    moved = activations * share
    if constant.is_on("score_share"):
        scores = columns["m"] * columns["n"] * columns["products"] * batch * rates.activation_bytes
        moved = moved + scores * constant("score_share")
    for name, size in (
        ("half_channels", columns["in_channels"]), ("half_positions", columns["out_height"] * columns["out_width"])
    ):  # fmt: skip
        if constant.is_on(name):
            moved = moved * saturation(_above_zero(size), constant(name))
    return moved, columns["weight_elements"] * rates.weight_bytes * weight_share


def _memory_seconds(activations: Any, weights: Any, constant: _Constants, rates: Rates) -> tuple[Any, Any]:
    """Seconds of the bytes that move beside the work, and of the weights that move before it."""
    rate, apart = rates.bytes_per_second * constant("bandwidth"), constant("weights_apart")
    if rates.levels and constant.has("tiers"):
        near = tiered_seconds(activations, rates.levels, rates.bytes_per_second) / constant("bandwidth")
    else:
        near = activations / rate
    return near + weights * (1 - apart) / rate, weights * apart / rate


class _Constants:
    """Constants by name with the device's factors; those whose term is off are neutral."""

    def __init__(self, base: Matched, factors: Mapping[str, Any], terms: frozenset[str]) -> None:
        self._base, self._terms = base, terms
        self._factors: dict[str, list[tuple[str, Any]]] = {}
        for key, value in factors.items():
            name, _, target = key.partition("@")
            self._factors.setdefault(name, []).append((target, value))

    def has(self, term: str) -> bool:
        return term in self._terms

    def is_on(self, name: str) -> bool:
        """Whether any row has a value that is not neutral."""
        return name in self._base.constants and CONSTANTS[name].term in self._terms

    def __call__(self, name: str) -> Any:
        constant = CONSTANTS[name]
        if constant.term not in self._terms:
            return constant.neutral
        value = self._base.constants.get(name, constant.neutral)
        for target, factor in self._factors.get(name, ()):
            if not target:
                value = value * factor
            elif target in self._base.applies:
                value = value * (1 + self._base.applies[target] * (factor - 1))
        return value


def _above_zero(size: Any) -> Any:
    """Rows without a product have no dimensions: any size does, their work is 0."""
    return maximum(size, 1.0)
