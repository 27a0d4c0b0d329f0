"""Runtimes that have a published active power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.errors import PredictionError
from costmodel.hardware import IDEALISED, Device, HardwareProfile, devices, load_device

POWER = "active_watts"
"""The key of an active power in the settings of a runtime."""


def runtimes_with_power(device: Device) -> tuple[str, ...]:
    """The runtimes of a device that have a published active power, as device:runtime:dtype.

    >>> runtimes_with_power(load_device("nucleo_h7a3zi_q"))
    ('nucleo_h7a3zi_q:x_cube_ai_7_3:int8', 'nucleo_h7a3zi_q:x_cube_ai_8_0:int8')
    """
    return tuple(
        f"{device.name}:{runtime}:{dtype}"
        for runtime, formats in device.runtimes.items()
        for dtype, settings in formats.items()
        if POWER in settings
    )


def all_runtimes_with_power() -> tuple[str, ...]:
    """Those of all bundled devices."""
    return tuple(name for device in devices() for name in runtimes_with_power(load_device(device)))


def power_settings(profile: HardwareProfile) -> Mapping[str, Any]:
    """The settings of the profile's runtime. Raises: PredictionError where they have no active power."""
    settings: Mapping[str, Any] = profile.device.runtimes.get(profile.runtime, {}).get(profile.dtype.name, {})
    if POWER in settings:
        return settings
    own = runtimes_with_power(profile.device)
    remedy = f"it has one as {', '.join(own)}" if own else f"there are {', '.join(all_runtimes_with_power())}"
    idealised = " (the idealised runtime draws none)" if profile.runtime == IDEALISED else ""
    raise PredictionError(f"{profile.name} has no active power{idealised}; {remedy}")
