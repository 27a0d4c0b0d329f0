"""One resource after the other: what a network needs, what is allowed, and the layer that needs most."""

from __future__ import annotations

from typing import Any

from costmodel.costs import CostTable
from costmodel.deployment.limits import Limit
from costmodel.deployment.needs import Setting, energy_of, plan_of, predicted
from costmodel.dtypes import dtype_named
from costmodel.memory.peak import peak_memory
from costmodel.model_size import flash_size
from costmodel.records import record


@record
class Check:
    """One resource, in `unit`: bytes, seconds or joules.

    `needed` is None where the device has no numbers for it, `limit` where nobody limits it. `layer` needs most of it:
    `layer_needs`, all that is held while it runs, or its part of the sum. `note` says how `needed` is to be read;
    `is_of_device` is False where it is not a need of this device, so that no limit can be held against it.
    """

    resource: str
    unit: str
    needed: Any
    limit: Limit | None
    layer: str
    layer_needs: Any
    note: str = ""
    is_of_device: bool = True

    @property
    def is_kept(self) -> bool | None:
        """Whether the limit is kept; None without a limit, and where it cannot be said."""
        if self.limit is None or self.needed is None or not self.is_of_device:
            return None
        return bool(self.needed <= self.limit.amount)


def checks_of(costs: CostTable, setting: Setting) -> tuple[Check, ...]:
    """The checks of SRAM, flash, latency and energy, in this order.

    Raises: as `costmodel.deployment.fits`.
    """
    return _sram(costs, setting), _flash(costs, setting), _latency(costs, setting), _energy(costs, setting)


def _sram(costs: CostTable, setting: Setting) -> Check:
    graph = costs.graph
    peak = peak_memory(graph, setting.dtype, setting.definition, costs.shapes, setting.workspace)
    plan = plan_of(graph, setting)
    gaps = plan.bytes - plan.lower_bound_bytes
    note = f"arena, {gaps:,} bytes of it gaps that no plan tried avoids" if gaps else "arena without gaps at its peak"
    return Check("SRAM", "bytes", plan.bytes, setting.limits.sram, peak.layer, peak.bytes, note)


def _flash(costs: CostTable, setting: Setting) -> Check:
    size = flash_size(costs.graph, setting.dtype, setting.storage)
    layer, params = _most(costs, costs.columns["weight_params"])
    layer_bytes = params * dtype_named(setting.dtype).weight_bits // 8
    return Check("flash", "bytes", size.bytes, setting.limits.flash, layer, layer_bytes, "weights, biases, scales")


def _latency(costs: CostTable, setting: Setting) -> Check:
    prediction = predicted(costs, setting)
    if isinstance(prediction, str):
        return Check("latency", "seconds", None, setting.limits.latency, "", None, prediction)
    layer, seconds = _most(costs, prediction.columns["latency_seconds"])
    note = "a lower bound: Eq. 1 on datasheet numbers"
    return Check("latency", "seconds", prediction.latency_seconds, setting.limits.latency, layer, seconds, note)


def _energy(costs: CostTable, setting: Setting) -> Check:
    limit = setting.limits.energy
    estimate = energy_of(costs, setting)
    if isinstance(estimate, str):
        return Check("energy", "joules", None, limit, "", None, estimate, is_of_device=False)
    layer, joules = _most(costs, estimate.columns["joules"])
    if estimate.table is None:
        return Check("energy", "joules", estimate.joules, limit, layer, joules, "active power x latency, a lower bound")
    note = f"arithmetic and traffic by the table {estimate.table.name}"
    if setting.profile is not None:
        note += f", not the energy of {setting.profile.device.name}"
    return Check("energy", "joules", estimate.joules, limit, layer, joules, note, setting.profile is None)


def _most(costs: CostTable, values: list[Any]) -> tuple[str, Any]:
    """The layer with the greatest value, and the value."""
    at = max(range(len(values)), key=values.__getitem__)
    return costs.columns["layer"][at], values[at]
