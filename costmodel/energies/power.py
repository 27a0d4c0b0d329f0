"""Power x time: the energy of a device that draws a known power while it runs."""

from __future__ import annotations

from typing import Any

from costmodel.energies.estimate import EnergyEstimate
from costmodel.energies.runtimes import power_settings
from costmodel.energies.work import NetworkWork
from costmodel.errors import ParameterError, PredictionError
from costmodel.hardware import HardwareProfile
from costmodel.records import record
from costmodel.roofline import refuse_unrated, roofline_seconds


@record
class PowerTime:
    """An active power and the time it is drawn.

    `networks` is how many the power is the mean of; `deviation` the greatest of theirs from it, as a part of it;
    `held_out_deviation` the greatest of computed / measured - 1 when the power is the mean of the other networks alone.
    `is_given`: the latency was given; otherwise it is the roofline's, and `doubts` says why that is no lower bound.
    `accelerator` is what the measured runs used, where the roofline is that of the core: then the shares of the layers
    mean nothing.
    """

    runtime: str
    active_watts: float
    networks: int
    deviation: float
    held_out_deviation: float
    source: str
    latency_seconds: float
    is_given: bool
    doubts: tuple[str, ...] = ()
    accelerator: str = ""

    @property
    def joules(self) -> float:
        """E = active power x latency."""
        return self.active_watts * self.latency_seconds

    @property
    def band_joules(self) -> tuple[float, float] | None:
        """The energies that are no further from this one than the held-out deviation; None without a given latency."""
        if not self.is_given:
            return None
        return self.joules / (1 + self.held_out_deviation), self.joules / (1 - self.held_out_deviation)

    @property
    def meaning(self) -> str:
        """What the energy is: of a given latency, a lower bound, or neither."""
        if self.is_given:
            return "the active power x the latency that was given"
        if self.doubts:
            return f"no bound: {'; '.join(self.doubts)}"
        return (
            f"a lower bound, but for the {self.deviation:.1%} by which powers of networks differ: the latency is the "
            "roofline's, not calibrated"
        )


def power_estimate(work: NetworkWork, profile: HardwareProfile, latency_seconds: float | None = None) -> EnergyEstimate:
    """E = active power x latency, shared among the layers as the roofline shares the time.

    compute_bound_joules are of the layers whose time computation bounds, memory_bound_joules of those that transfers
    bound. Without a latency the roofline's is taken.

    Raises: PredictionError for a runtime without an active power; ParameterError for a latency that is no time.
    """
    settings = power_settings(profile)
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
        "compute_bound_joules": [each if kind == "compute" else 0.0 for each, kind in zip(joules, bound, strict=True)],
        "memory_bound_joules": [each if kind == "memory" else 0.0 for each, kind in zip(joules, bound, strict=True)],
        "joules": joules,
        "latency_seconds": seconds,
        "bound": bound,
    }
    power = PowerTime(
        profile.name, watts, settings["active_watts_networks"], settings["active_watts_deviation"],
        settings["active_watts_held_out_deviation"], settings["active_watts_source"], total,
        latency_seconds is not None, _doubts(work, profile), settings.get("accelerator", ""),
    )  # fmt: skip
    return EnergyEstimate(work, "power_time", None, None, None, columns, {}, {}, profile.estimated, power)


def _doubts(work: NetworkWork, profile: HardwareProfile) -> tuple[str, ...]:
    """Why the roofline's latency times the power is no lower bound."""
    accelerator = power_settings(profile).get("accelerator")
    found = []
    if accelerator:
        found.append(f"the roofline is that of the core, the power of runs on an accelerator, {accelerator}")
    if profile.estimated:
        found.append(f"the roofline rests on numbers that are estimated, {', '.join(profile.estimated)}")
    if work.fusion == "none":
        found.append("with fusion none every operator moves its tensors, which runtimes that fold do not")
    return tuple(found)


def checked_latency(latency_seconds: Any) -> float:
    """The latency as a float.

    Raises: ParameterError unless it is a number of seconds above 0.
    """
    number = isinstance(latency_seconds, int | float) and not isinstance(latency_seconds, bool)
    if not number or not 0 < latency_seconds < 1e9:
        shown = (
            repr(latency_seconds) if not isinstance(latency_seconds, int) or latency_seconds < 10**12 else "an integer"
        )
        raise ParameterError(f"latency_seconds = {shown} must be a number of seconds above 0, below 1e9")
    return float(latency_seconds)
