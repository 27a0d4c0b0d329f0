"""Does a network fit a device: a yes or no for every resource, the layer to blame, and what would make it fit."""

from __future__ import annotations

import os
from typing import Any

from costmodel.costs import cost_table
from costmodel.deployment.checks import Check, checks_of
from costmodel.deployment.limits import limits_of
from costmodel.deployment.needs import Setting
from costmodel.deployment.origin import origin_of
from costmodel.deployment.remedies import remedies_for
from costmodel.deployment.remedy import Remedy
from costmodel.dtypes import dtype_named
from costmodel.errors import ParameterError
from costmodel.graph import Graph
from costmodel.hardware import HardwareProfile
from costmodel.records import record, replace
from costmodel.roofline import profile_for


@record
class Fit:
    """The answer: `fits` where every limit is kept, `checks` for each resource, `remedies` where it does not fit."""

    network: str
    hardware: str
    dtype: str
    definition: str
    macs: Any
    checks: tuple[Check, ...]
    remedies: tuple[Remedy, ...]

    @property
    def fits(self) -> bool:
        """Whether every limit is known to be kept."""
        return not self.exceeded and not self.unknown

    @property
    def exceeded(self) -> tuple[str, ...]:
        """The resources whose limits are not kept."""
        return tuple(check.resource for check in self.checks if check.is_kept is False)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The resources that are limited and of which nothing is known: energy on a device of unknown power."""
        return tuple(check.resource for check in self.checks if check.limit is not None and check.is_kept is None)

    @property
    def answer(self) -> str:
        """The answer in words."""
        if self.exceeded:
            return f"does not fit: too much {' and '.join(self.exceeded)}"
        if self.unknown:
            return f"cannot be said: {' and '.join(self.unknown)}"
        predicted = [check.resource for check in self.checks if check.is_kept and check.is_predicted]
        return f"fits, as far as predictions of {' and '.join(predicted)} can say" if predicted else "fits"

    def __repr__(self) -> str:
        where = f" on {self.hardware}" if self.hardware else ""
        return f"<Fit: {self.network}{where} ({self.dtype}, {self.definition}) {self.answer}; .checks, .remedies>"


def fits(
    network: str | os.PathLike[str] | Graph,
    /,
    hardware: str | HardwareProfile | None = None,
    *,
    dtype: str | None = None,
    definition: str = "fused",
    workspace: str = "none",
    storage: str = "plain",
    weight_bits: int | None = None,
    sram_bytes: int | None = None,
    flash_bytes: int | None = None,
    latency_seconds: float | None = None,
    energy_joules: float | None = None,
    search: bool = True,
    **parameters: Any,
) -> Fit:
    """Does a network fit a device or given budgets, which layer is to blame, and what would make it fit.

    SRAM is the arena of the activations (`costmodel.memory.arena`, addresses aligned to 16 bytes) by a definition that
    follows live tensors, with a runtime's `workspace`; flash is `costmodel.model_size.flash_size` in a `storage`. Their
    limits are the capacities of the device, all of it: a budget takes their place, and leaves room for code and stack.
    `weight_bits` stores weights narrower than the number format. Latency and energy are limited by budgets only.
    Latency is Eq. 1 of `costmodel.predict`, a lower bound where no number of the profile is estimated: then a no is
    certain; a yes means not excluded. Energy is active power x latency where the runtime's power is published; on other
    devices a budget of energy cannot be held against anything, without a device it is held against the default table of
    `costmodel.energy`.

    Where it does not fit, `search` looks for another order of the layers, depthwise convolutions in place, inference by
    patches, 4-bit weights, the largest width (multiples of 0.05) and resolution (8 pixels apart; both steps twice as
    wide for more than 400 layers), and published variants of the family. Each remedy says what the network then needs,
    whether that fits, and how to get it.

    >>> answer = fits("mlperf_tiny_vww_mbv1", "stm32f746")
    >>> answer.fits, [(check.resource, check.needed) for check in answer.checks[:2]]
    (True, [('SRAM', 55296), ('flash', 219064)])

    Raises: ParameterError for a budget that is no positive number, and where nothing is limited; what `load`,
    `load_hardware`, `plan_arena` and, for a budget of latency or energy, `predict` and `energy` raise.
    """
    profile = profile_for(hardware, dtype) if hardware is not None else None
    limits = limits_of(profile, sram_bytes, flash_bytes, latency_seconds, energy_joules)
    if latency_seconds is not None and profile is None:
        raise ParameterError("latency is that of a device: give hardware")
    chosen = profile.dtype.name if profile is not None else dtype_named(dtype or "int8").name
    if weight_bits is not None and (type(weight_bits) is not int or weight_bits not in range(1, 33)):
        raise ParameterError(f"weight_bits = {weight_bits!r} must be a whole number from 1 to 32")
    asked = hardware if isinstance(hardware, str) and dtype is None else profile.name if profile is not None else ""
    setting = Setting(profile, asked, chosen, definition, workspace, storage, weight_bits, limits)
    origin = origin_of(network, parameters)
    costs = cost_table(origin.graph)
    answer = Fit(
        origin.graph.name,
        profile.name if profile is not None else "",
        chosen,
        definition,
        costs.total("macs"),
        checks_of(costs, setting),
        (),
    )
    if not answer.exceeded or not search:
        return answer
    if "energy" in answer.unknown:
        setting = replace(setting, limits=replace(limits, energy=None))
    remedies = remedies_for(origin, setting, answer.exceeded)
    return replace(answer, remedies=remedies)
