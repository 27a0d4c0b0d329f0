"""Power x time: the energy of a device that draws a known power while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from costmodel.energies.estimate import EnergyEstimate
from costmodel.energies.work import NetworkWork
from costmodel.errors import ParameterError, PredictionError
from costmodel.hardware import IDEALISED, HardwareProfile, devices, load_device
from costmodel.records import record
from costmodel.roofline import refuse_unrated, roofline_seconds


@record
class PowerTime:
    """An active power and the time it is drawn.

    `networks` is how many the power is the mean of; `deviation` the greatest of theirs from it, as a part of it;
    `held_out_deviation` the greatest of computed / measured - 1 when the power is the mean of the other networks alone.
    `is_given`: the latency was given; otherwise it is the roofline's, a lower bound, and so is the energy.
    """

    runtime: str
    active_watts: float
    networks: int
    deviation: float
    held_out_deviation: float
    source: str
    latency_seconds: float
    is_given: bool

    @property
    def joules(self) -> float:
        """E = active power x latency."""
        return self.active_watts * self.latency_seconds

    @property
    def band_joules(self) -> tuple[float, float] | None:
        """The energies that are no further from this one than the held-out deviation; None for a lower bound."""
        if not self.is_given:
            return None
        return self.joules / (1 + self.held_out_deviation), self.joules / (1 - self.held_out_deviation)


def with_power() -> dict[str, Mapping[str, Any]]:
    """The bundled runtimes that have an active power, by device:runtime:dtype."""
    return {
        f"{name}:{runtime}:{dtype}": settings
        for name in devices()
        for runtime, formats in load_device(name).runtimes.items()
        for dtype, settings in formats.items()
        if "active_watts" in settings
    }


def power_estimate(work: NetworkWork, profile: HardwareProfile, latency_seconds: float | None = None) -> EnergyEstimate:
    """E = active power x latency, shared among the layers as the roofline shares the time.

    compute are the layers whose time computation bounds, memory those that transfers bound. Without a latency the
    roofline's is taken.

    Raises: PredictionError for a runtime without an active power; ParameterError for a latency that is no time.
    """
    settings = _settings(profile)
    refuse_unrated(((layer.layer, layer.op, layer.filter_adds) for layer in work.layers), profile)
    compute, memory, seconds = roofline_seconds(
        [layer.macs for layer in work.layers], [layer.bytes for layer in work.layers],
        profile.macs_per_second, profile.bytes_per_second,
    )  # fmt: skip
    predicted = sum(seconds)
    total = predicted if latency_seconds is None else checked_latency(latency_seconds)
    if predicted == 0:
        raise PredictionError(f"{work.network} has no layer that takes time on {profile.name}")
    seconds = [total * each / predicted for each in seconds]
    watts = settings["active_watts"]
    bound = [
        "free" if spent == 0 else "compute" if c >= m else "memory"
        for spent, c, m in zip(seconds, compute, memory, strict=True)
    ]
    joules = [watts * each for each in seconds]
    columns: dict[str, list[Any]] = {
        name: [getattr(layer, name) for layer in work.layers]
        for name in ("layer", "op", "block", "macs", "input_bytes", "output_bytes", "weight_bytes")
    }
    columns |= {
        "compute_joules": [each if kind == "compute" else 0.0 for each, kind in zip(joules, bound, strict=True)],
        "memory_joules": [each if kind == "memory" else 0.0 for each, kind in zip(joules, bound, strict=True)],
        "joules": joules,
        "latency_seconds": seconds,
        "bound": bound,
    }
    power = PowerTime(
        profile.name, watts, settings["active_watts_networks"], settings["active_watts_deviation"],
        settings["active_watts_held_out_deviation"], settings["active_watts_source"], total,
        latency_seconds is not None,
    )  # fmt: skip
    return EnergyEstimate(work, "power_time", None, None, None, columns, {}, {}, profile.estimated, power)


def checked_latency(latency_seconds: Any) -> float:
    """The latency as a float.

    Raises: ParameterError unless it is a number of seconds above 0.
    """
    number = isinstance(latency_seconds, int | float) and not isinstance(latency_seconds, bool)
    if not number or not isfinite(latency_seconds) or not 0 < latency_seconds < 1e9:
        raise ParameterError(f"latency_seconds = {latency_seconds!r} must be a number of seconds above 0")
    return float(latency_seconds)


def _settings(profile: HardwareProfile) -> Mapping[str, Any]:
    """The settings of the profile's runtime. Raises: PredictionError where they have no active power."""
    formats = profile.device.runtimes.get(profile.runtime, {})
    settings = formats.get(profile.dtype.name, {})
    if "active_watts" in settings:
        return settings
    own = [
        f"{profile.device.name}:{runtime}:{dtype}"
        for runtime, by_dtype in profile.device.runtimes.items()
        for dtype, each in by_dtype.items()
        if "active_watts" in each
    ]
    remedy = f"it has one as {', '.join(own)}" if own else f"there are {', '.join(with_power())}"
    idealised = " (the idealised runtime draws none)" if profile.runtime == IDEALISED else ""
    raise PredictionError(f"{profile.name} has no active power{idealised}; {remedy}")
