"""What a network needs of a device."""

from __future__ import annotations

from typing import Any

from costmodel.costs import CostTable, cost_table
from costmodel.deployment.limits import Limits
from costmodel.dtypes import dtype_named
from costmodel.energies import EnergyEstimate, energy
from costmodel.energies.runtimes import runtimes_with_power
from costmodel.errors import PredictionError
from costmodel.graph import Graph
from costmodel.hardware import HardwareProfile
from costmodel.memory.arena import Arena, plan_arena
from costmodel.memory.peak import peak_memory
from costmodel.model_size import FlashSize, flash_size
from costmodel.records import record, replace, values_of
from costmodel.roofline import Prediction, predict


@record
class Setting:
    """Where and how a network is to run: the profile may be missing, then there is no latency.

    `hardware` is how the profile was asked for. `weight_bits` is the width that weights are stored in, None for that of
    the number format.
    """

    profile: HardwareProfile | None
    hardware: str
    dtype: str
    definition: str
    workspace: str
    storage: str
    weight_bits: int | None
    limits: Limits


@record
class Needs:
    """What a network needs: memory in bytes, time and energy; None where the device has no numbers for it."""

    macs: Any
    sram_bytes: int
    flash_bytes: int
    latency_seconds: float | None
    energy_joules: float | None

    def within(self, limits: Limits) -> bool:
        """Whether every limit is known to be kept."""
        needed = (self.sram_bytes, self.flash_bytes, self.latency_seconds, self.energy_joules)
        pairs = zip(needed, values_of(limits), strict=True)
        return all(limit is None or (need is not None and need <= limit.amount) for need, limit in pairs)


def needs_of(graph: Graph, setting: Setting) -> Needs:
    """What a network needs in a setting: SRAM is its arena, with addresses assigned to all buffers."""
    costs = cost_table(graph)
    prediction = predicted(costs, setting)
    estimate = energy_of(costs, setting)
    return Needs(
        macs=costs.total("macs"),
        sram_bytes=plan_of(graph, setting).bytes,
        flash_bytes=flash_of(graph, setting).bytes,
        latency_seconds=None if isinstance(prediction, str) else prediction.latency_seconds,
        energy_joules=None if isinstance(estimate, str) else estimate.joules,
    )


def plan_of(graph: Graph, setting: Setting) -> Arena:
    """The addresses of all buffers of a network."""
    return plan_arena(graph, setting.dtype, setting.definition, workspace=setting.workspace)


def flash_of(graph: Graph, setting: Setting) -> FlashSize:
    """What a network stores."""
    dtype = dtype_named(setting.dtype)
    if setting.weight_bits is not None:
        dtype = replace(dtype, weight_bits=setting.weight_bits)
    return flash_size(graph, dtype, setting.storage)


def predicted(costs: CostTable, setting: Setting) -> Prediction | str:
    """The latency, or in words why there is none.

    Raises: PredictionError where latency is limited and there is none.
    """
    if setting.profile is None:
        return "no device is given"
    try:
        return predict(costs, setting.profile)
    except PredictionError as error:
        if setting.limits.latency is not None:
            raise
        return str(error)


def energy_of(costs: CostTable, setting: Setting) -> EnergyEstimate | str:
    """The energy, or in words why there is none: on a device by the active power of its runtime, else by a table.

    A table of energies is not held against a device: the arithmetic of a chip is not the energy of a processor.

    Raises: PredictionError where no device is given, energy is limited and there is none.
    """
    profile = setting.profile
    if profile is not None and not has_active_power(profile):
        return _without_power(profile)
    try:
        return energy(costs, dtype=setting.dtype) if profile is None else energy(costs, profile, model="power_time")
    except PredictionError as error:
        if setting.limits.energy is not None and profile is None:
            raise
        return str(error)


def has_active_power(profile: HardwareProfile) -> bool:
    """Whether the power that a runtime draws is published: then its energy can be said."""
    return profile.name in runtimes_with_power(profile.device)


def _without_power(profile: HardwareProfile) -> str:
    known = runtimes_with_power(profile.device)
    hint = f"published for {', '.join(known)}" if known else "costmodel energy gives arithmetic and traffic by a table"
    return f"the power of {profile.name} is not known; {hint}"


def keeps_limits(graph: Graph, setting: Setting) -> bool:
    """Whether a network may keep the limits: by its peak, which addresses can only raise, and what else is limited."""
    limits = setting.limits
    if limits.flash is not None and flash_of(graph, setting).bytes > limits.flash.amount:
        return False
    if limits.sram is not None:
        peak = peak_memory(graph, setting.dtype, setting.definition, workspace=setting.workspace)
        if peak.bytes > limits.sram.amount:
            return False
    if limits.latency is None and limits.energy is None:
        return True
    costs = cost_table(graph)
    if limits.latency is not None:
        prediction = predicted(costs, setting)
        if isinstance(prediction, str) or prediction.latency_seconds > limits.latency.amount:
            return False
    if limits.energy is not None:
        estimate = energy_of(costs, setting)
        return not isinstance(estimate, str) and estimate.joules <= limits.energy.amount
    return True
