"""Between what a device's own numbers may lie, so that no constant of a rule leaves its bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from costmodel.hardware import HardwareProfile
from costmodel.latency.bounds import EFFICIENCIES, Excess, excesses
from costmodel.latency.constants import NUMBERS
from costmodel.latency.families import Family
from costmodel.latency.predictions import conditions_of

FAR = 1e9
"""A factor with which every constant is beyond its bounds."""


def limits_of(family: Family, profile: HardwareProfile, names: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Least and most of each factor and number of a profile's calibration, the others as they are."""
    assert profile.calibration is not None
    found = {name: (NUMBERS[name].least, NUMBERS[name].most) for name in names if name in NUMBERS}
    factors = profile.calibration.factors
    if "time_factor" in found:
        shortest = max((each.value / each.most / FAR for each in _with(family, profile, factors, 1 / FAR)
                        if each.constant in EFFICIENCIES), default=0.0)  # fmt: skip
        found["time_factor"] = max(found["time_factor"][0], shortest), found["time_factor"][1]
    for name in factors.keys() & set(names):
        above = [FAR * each.most / each.value for each in _with(family, profile, {**factors, name: FAR})
                 if name in each.factors and each.value > each.most]  # fmt: skip
        below = [each.least / each.value / FAR for each in _with(family, profile, {**factors, name: 1 / FAR})
                 if name in each.factors and 0 < each.value < each.least]  # fmt: skip
        found[name] = max(below, default=0.0), min(above, default=FAR)
    return found


def impossible(family: Family, profile: HardwareProfile) -> Iterator[str]:
    """Constants that the calibration of a profile brings outside their bounds, in words."""
    assert profile.calibration is not None
    for each in _with(family, profile, profile.calibration.factors):
        yield (
            f"{each.constant} comes to {each.value:.3g} where the rule {each.rule!r} of {family.name} holds, outside "
            f"{each.least:g} to {each.most:g}"
        )


def _with(
    family: Family, profile: HardwareProfile, factors: Mapping[str, float], time_factor: float | None = None
) -> Iterator[Excess]:
    assert profile.calibration is not None
    own = profile.calibration.numbers.get("time_factor", 1.0)
    return excesses(family.rules, factors, own if time_factor is None else time_factor, conditions_of(profile))
