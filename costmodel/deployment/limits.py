"""What a device, or its user, allows a network to need."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from costmodel.device_memory import Memory, capacity_bytes, level_of
from costmodel.errors import ParameterError
from costmodel.hardware import HardwareProfile
from costmodel.records import record


@record
class Limit:
    """The most that a network may need of a resource, and who says so."""

    amount: float
    source: str


@record
class Limits:
    """A limit for each resource; None where nobody sets one."""

    sram: Limit | None
    flash: Limit | None
    latency: Limit | None
    energy: Limit | None


def limits_of(
    profile: HardwareProfile | None,
    sram_bytes: int | None = None,
    flash_bytes: int | None = None,
    latency_seconds: float | None = None,
    energy_joules: float | None = None,
) -> Limits:
    """The budgets given, else the capacities of the device's SRAM and flash.

    >>> from costmodel import load_hardware
    >>> limits_of(load_hardware("stm32f746"), sram_bytes=256 * 1024).sram
    Limit(amount=262144, source='given')
    >>> limits_of(load_hardware("stm32f746")).flash.amount
    1048576

    Raises: ParameterError for a budget that is no positive number, and where nothing at all is limited.
    """
    limits = Limits(
        sram=_given("sram_bytes", sram_bytes) or _capacity(profile, "SRAM"),
        flash=_given("flash_bytes", flash_bytes) or _capacity(profile, "flash"),
        latency=_given("latency_seconds", latency_seconds),
        energy=_given("energy_joules", energy_joules),
    )
    if not any((limits.sram, limits.flash, limits.latency, limits.energy)):
        lacking = f"{profile.device.name} states no capacity of SRAM or flash" if profile else "no device is given"
        raise ParameterError(
            f"{lacking}: give a budget, sram_bytes, flash_bytes, latency_seconds or energy_joules "
            "(--sram, --flash, --latency, --energy)"
        )
    return limits


def _given(name: str, budget: Any) -> Limit | None:
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, int | float | Fraction) or not 0 < budget < float("inf"):
        raise ParameterError(f"{name} = {budget!r} must be a number above 0")
    return Limit(int(budget) if budget == int(budget) else float(budget), "given")


def _capacity(profile: HardwareProfile | None, memory: Memory) -> Limit | None:
    """What the device has of a memory."""
    level = level_of(profile.device, memory) if profile is not None else None
    if profile is None or level is None:
        return None
    return Limit(capacity_bytes(level), f"[memory.{level.name}] of {profile.device.name}")
