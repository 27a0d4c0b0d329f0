"""Power x time: the energy of a device that draws a known power while it runs."""

from __future__ import annotations

from typing import Any

from costmodel.energies.estimate import EnergyEstimate
from costmodel.energies.runtimes import power_settings
from costmodel.energies.work import LayerWork, NetworkWork
from costmodel.errors import ParameterError, PredictionError
from costmodel.hardware import HardwareProfile
from costmodel.records import record
from costmodel.roofline import OFF_CHIP, Prediction, roofline_seconds


@record
class PowerTime:
    """An active power and the time it is drawn.

    `networks` is how many the power is the mean of; `deviation` the greatest of theirs from it, as a part of it;
    `held_out_deviation` the greatest of computed / measured - 1 when the power is the mean of the other networks alone.
    Each is None where the hardware file does not say it.
    `is_given`: the latency was given; otherwise it is the roofline's, and `doubts` says why that is no lower bound.
    `accelerator` is what the measured runs used, where the roofline is that of the core: then the shares of the layers
    mean nothing. `unshared` says why there are no shares at all, empty where there are. `median_ape` is the median
    error of a calibrated latency on rows that were not fitted; None for a latency that is not calibrated.
    """

    runtime: str
    active_watts: float
    networks: int | None
    deviation: float | None
    held_out_deviation: float | None
    source: str
    latency_seconds: float
    is_given: bool
    doubts: tuple[str, ...] = ()
    accelerator: str = ""
    unshared: str = ""
    median_ape: float | None = None
    beyond: tuple[str, ...] = ()

    @property
    def joules(self) -> float:
        """E = active power x latency."""
        return self.active_watts * self.latency_seconds

    @property
    def band_joules(self) -> tuple[float, float] | None:
        """The energies that are no further from this one than the held-out deviation.

        None without a given latency, and where that deviation is not known.
        """
        if not self.is_given or self.held_out_deviation is None:
            return None
        return self.joules / (1 + self.held_out_deviation), self.joules / (1 - self.held_out_deviation)

    @property
    def meaning(self) -> str:
        """What the energy is: of a given latency, a lower bound, or neither."""
        if self.is_given:
            unknown = "" if self.band_joules else "; how far the power of another network deviates is not known"
            return f"the active power x the latency that was given{unknown}"
        if self.beyond:
            return f"the active power x a latency beyond what was measured: {', '.join(self.beyond)}"
        if self.median_ape is not None:
            return f"the active power x a calibrated latency, {self.median_ape:.1%} off in the median on other rows"
        if self.doubts:
            return f"no bound: {'; '.join(self.doubts)}"
        power = (
            "if the power is that of this network"
            if self.deviation is None
            else f"but for the {self.deviation:.1%} by which powers of networks differ"
        )
        return f"a lower bound, {power}: the latency is the roofline's, not calibrated"

    @property
    def averaged_over(self) -> str:
        """Over how many networks the power is averaged and how far each is from it, as far as that is known."""
        known = "no deviation is known" if self.deviation is None else f"each within {self.deviation:.1%}"
        if self.networks is None:
            return known
        return f"mean of {self.networks} networks, {known}" if self.networks > 1 else f"of 1 network, {known}"


def power_estimate(
    work: NetworkWork, profile: HardwareProfile, latency_seconds: float | None = None,
    prediction: Prediction | None = None,
) -> EnergyEstimate:  # fmt: skip
    """E = active power x latency, shared among the layers as the roofline shares the time, or as a prediction does.

    compute_bound_joules are of the layers whose time computation bounds, memory_bound_joules of those that transfers
    bound. Without a latency the roofline's is taken. A given latency needs no roofline: where there is none, the layers
    have no shares, their energies and times are None.

    Raises: PredictionError for a runtime without an active power, and for a latency that cannot be predicted;
    ParameterError for a latency that is no time.
    """
    settings = power_settings(profile)
    given = None if latency_seconds is None else checked_latency(latency_seconds)
    unshared = _why_unshared(work, profile)
    if unshared and given is None:
        raise PredictionError(
            f"{unshared}: its latency cannot be predicted; costmodel energy takes a measured one (latency_seconds, "
            "--latency)"
        )
    if unshared:
        spent, total = _empty_shares(work)
    elif prediction is not None:
        spent, total = _predicted_shares(prediction, settings["active_watts"])
    else:
        spent, total = _shares(work, profile, given, settings["active_watts"])
    columns: dict[str, list[Any]] = {
        name: [getattr(layer, name) for layer in work.layers]
        for name in ("layer", "op", "block", "macs", "input_bytes", "output_bytes", "weight_bytes")
    }
    power = PowerTime(
        profile.name, settings["active_watts"], settings.get("active_watts_networks"),
        settings.get("active_watts_deviation"), settings.get("active_watts_held_out_deviation"),
        settings["active_watts_source"], total if given is None else given, given is not None, _doubts(work, profile),
        settings.get("accelerator", ""), unshared,
        None if prediction is None else prediction.profile.calibration.held_out_median_ape,  # type: ignore[union-attr]
        () if prediction is None else prediction.beyond,
    )  # fmt: skip
    estimated = () if unshared else profile.estimated
    return EnergyEstimate(work, "power_time", None, None, None, columns | spent, {}, {}, estimated, power)


SHARED = ("compute_bound_joules", "memory_bound_joules", "joules", "latency_seconds", "bound")
"""Columns that the roofline shares out."""


def _why_unshared(work: NetworkWork, profile: HardwareProfile) -> str:
    """Why the roofline gives the layers no time, empty where it does."""
    unrated: LayerWork | None = next((layer for layer in work.layers if layer.filter_adds), None)
    if unrated is not None:
        return f"{profile.name} gives no rate for the additions and shifts of {unrated.op} ({unrated.layer!r})"
    if not any(layer.macs or layer.bytes for layer in work.layers):
        return f"{work.network} has no layer that takes time on {profile.name}"
    return ""


def _empty_shares(work: NetworkWork) -> tuple[dict[str, list[Any]], float]:
    return {name: [None] * len(work.layers) for name in SHARED}, 0.0


def _predicted_shares(prediction: Prediction, watts: float) -> tuple[dict[str, list[Any]], float]:
    """The same from the prediction of a calibrated profile; dispatch counts as waiting for memory."""
    seconds = list(prediction.columns["latency_seconds"])
    bound = ["memory" if each == "overhead" else each for each in prediction.columns["bound"]]
    joules = [watts * each for each in seconds]
    parts = [
        [each if kind == bounding else 0.0 for each, kind in zip(joules, bound, strict=True)]
        for bounding in ("compute", "memory")
    ]
    shares = dict(zip(SHARED, (*parts, joules, seconds, bound), strict=True))
    return shares, float(prediction.latency_seconds)


def _shares(
    work: NetworkWork, profile: HardwareProfile, given: float | None, watts: float
) -> tuple[dict[str, list[Any]], float]:
    """What each layer takes of the time and the energy, and the whole time: the given one, else the roofline's."""
    compute, memory, seconds = roofline_seconds(
        [layer.macs for layer in work.layers], [layer.bytes for layer in work.layers],
        profile.macs_per_second, profile.bytes_per_second,
    )  # fmt: skip
    predicted = float(sum(seconds))
    total = predicted if given is None else given
    seconds = [total * each / predicted for each in seconds]
    bound = [
        "free" if spent == 0 else "compute" if c >= m else "memory"
        for spent, c, m in zip(seconds, compute, memory, strict=True)
    ]
    joules = [watts * each for each in seconds]
    parts = [
        [each if kind == bounding else 0.0 for each, kind in zip(joules, bound, strict=True)]
        for bounding in ("compute", "memory")
    ]
    return dict(zip(SHARED, (*parts, joules, seconds, bound), strict=True)), total


def _doubts(work: NetworkWork, profile: HardwareProfile) -> tuple[str, ...]:
    """Why the roofline's latency times the power is no lower bound."""
    accelerator = power_settings(profile).get("accelerator")
    found = []
    if accelerator:
        found.append(f"the roofline is that of the core, the power of runs on an accelerator, {accelerator}")
    if profile.estimated:
        found.append(f"the roofline rests on numbers that are estimated, {', '.join(profile.estimated)}")
    if profile.device.memory in OFF_CHIP:
        found.append(
            f"the roofline moves every tensor through {profile.device.memory}, also those that stay on the chip"
        )
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
        raise ParameterError(f"latency_seconds (--latency) = {shown} must be a number of seconds above 0, below 1e9")
    return float(latency_seconds)
