"""One resource after the other: what a network needs, what is allowed, and the layer that needs most."""

from __future__ import annotations

from typing import Any

from costmodel.costs import CostTable, cost_table
from costmodel.deployment.limits import Limit
from costmodel.deployment.needs import Setting, energy_of, flash_of, plan_of, predicted
from costmodel.dtypes import dtype_named
from costmodel.memory.peak import peak_memory
from costmodel.passes.fold_norm import fold_norm
from costmodel.records import record
from costmodel.report import with_prefix
from costmodel.roofline import OFF_CHIP


@record
class Check:
    """One resource, in `unit`: bytes, seconds or joules.

    `needed` is None where the device has no numbers for it, `limit` where nobody limits it. `layer` needs most of it:
    `layer_needs`, all that is held while it runs, or its part of the sum. `note` says how `needed` is to be read;
    `is_predicted`: it is no count but a prediction, so that a limit that is kept is only not excluded; a prediction
    that `is_lower_bound` is at least what the device needs.
    """

    resource: str
    unit: str
    needed: Any
    limit: Limit | None
    layer: str
    layer_needs: Any
    note: str
    is_predicted: bool = False
    is_lower_bound: bool = False

    @property
    def is_kept(self) -> bool | None:
        """Whether the limit is kept; None without a limit, and where it cannot be said."""
        return None if self.limit is None or self.needed is None else bool(self.needed <= self.limit.amount)


def checks_of(costs: CostTable, setting: Setting) -> tuple[Check, ...]:
    """The checks of SRAM, flash, latency and energy, in this order.

    Raises: as `costmodel.deployment.fits`.
    """
    return _sram(costs, setting), _flash(costs, setting), _latency(costs, setting), _energy(costs, setting)


def _sram(costs: CostTable, setting: Setting) -> Check:
    peak = peak_memory(costs.graph, setting.dtype, setting.definition, costs.shapes, setting.workspace)
    plan = plan_of(costs.graph, setting)
    gaps = plan.bytes - plan.lower_bound_bytes
    note = f"arena, {gaps:,} bytes of it gaps that no plan tried avoids" if gaps else "arena without gaps at its peak"
    note += ", without the runtime's own memory, code or stack"
    return Check("SRAM", "bytes", plan.bytes, setting.limits.sram, peak.layer, peak.bytes, note)


def _flash(costs: CostTable, setting: Setting) -> Check:
    folded = cost_table(fold_norm(costs.graph))
    layer, params = _most(folded, folded.columns["weight_params"])
    bits = setting.weight_bits or dtype_named(setting.dtype).weight_bits
    needed = flash_of(costs.graph, setting).bytes
    return Check("flash", "bytes", needed, setting.limits.flash, layer, params * bits // 8, "weights, biases, scales")


def _latency(costs: CostTable, setting: Setting) -> Check:
    limit, prediction = setting.limits.latency, predicted(costs, setting)
    if isinstance(prediction, str):
        return Check("latency", "seconds", None, limit, "", None, prediction)
    layer, seconds = _most(costs, prediction.columns["latency_seconds"])
    calibration = prediction.profile.calibration
    if calibration is not None:
        ends = prediction.latency_low_seconds, prediction.latency_high_seconds
        band = f"no band, beyond what was measured: {', '.join(prediction.beyond)}"
        if prediction.has_band:
            band = "four of five between " + " and ".join(with_prefix(end, "s") for end in ends)
        off = f"{calibration.held_out_median_ape:.1%} off in the median on rows that were not fitted"
        note = f"{band}: grade {calibration.grade}, {off}"
        return Check("latency", "seconds", prediction.latency_seconds, limit, layer, seconds, note, True)
    estimated, memory = prediction.profile.estimated, prediction.profile.device.memory
    note = "a lower bound: Eq. 1 on datasheet numbers"
    if estimated:
        note = f"no bound: Eq. 1 on numbers of which some are estimated, {', '.join(estimated)}"
    elif memory in OFF_CHIP:
        note = f"no bound: Eq. 1 moves every tensor through {memory}; those that stay on the chip are faster"
    needed = prediction.latency_seconds
    is_bound = not estimated and memory not in OFF_CHIP
    return Check("latency", "seconds", needed, limit, layer, seconds, note, True, is_bound)


def _energy(costs: CostTable, setting: Setting) -> Check:
    limit, estimate = setting.limits.energy, energy_of(costs, setting)
    if isinstance(estimate, str):
        return Check("energy", "joules", None, limit, "", None, estimate)
    layer, joules = _most(costs, estimate.columns["joules"])
    if estimate.table is not None:
        note = f"arithmetic and traffic by the table {estimate.table.name}, everything from DRAM"
        return Check("energy", "joules", estimate.joules, limit, layer, joules, note)
    profile = setting.profile
    is_calibrated = profile is not None and profile.calibration is not None
    is_bound = estimate.power is not None and not estimate.power.doubts and not is_calibrated
    note = estimate.meaning if is_calibrated else f"active power x latency, {estimate.meaning}"
    return Check("energy", "joules", estimate.joules, limit, layer, joules, note, True, is_bound)


def _most(costs: CostTable, values: list[Any]) -> tuple[str, Any]:
    """The layer with the greatest value, and the value."""
    at = max(range(len(values)), key=values.__getitem__)
    return costs.columns["layer"][at], values[at]
