"""The calibration that the fit of a device starts from: the middle of those of the family's other devices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from costmodel.errors import UnknownNameError, nearest
from costmodel.hardware import Calibration, Device, calibrations, devices, load_device
from costmodel.latency.families import Family, families, family_named

FITTED_NUMBERS = frozenset({"time_factor", "inference_seconds"})
PLAIN = ("compute", "bandwidth", "overhead_seconds")
"""What is fitted where no other device of the family tells what devices differ in."""


def family_of_runtime(device: Device, runtime: str, family: str | None) -> Family:
    """The family that is named, else that of the device's runtime, else the one with the runtime's name.

    Raises: UnknownNameError
    """
    stated = {settings.get("family") for settings in device.runtimes.get(runtime, {}).values()} - {None}
    name = family or next(iter(sorted(map(str, stated))), None) or (runtime if runtime in families() else None)
    if name is None:
        hint = nearest(runtime, families()) or f"give --family, one of {', '.join(families())}"
        raise UnknownNameError(f"no runtime family is called {runtime!r}; {hint}")
    return family_named(name)


def template_of(family: Family, device: Device) -> tuple[Calibration, frozenset[str]]:
    """A calibration in the middle of those of the family's other devices, and which of its numbers are fitted. What is
    not fitted, such as the capacities of memories, is the device's own where it is known."""
    own_ones, others = _of_family(device, family), members_of(family, device.name, others=True)
    factors = _middle([each.factors for each in others]) or _neutral([each.factors for each in own_ones])
    numbers = _middle([each.numbers for each in others]) or _neutral([each.numbers for each in own_ones])
    known = _middle([each.numbers for each in own_ones])
    numbers |= {key: value for key, value in known.items() if key not in FITTED_NUMBERS}
    if any("activation_spill" in rule.sets for rule in family.rules):
        numbers.setdefault("activation_capacity_bytes", 1e6)
    if any("weight_spill" in rule.sets for rule in family.rules):
        numbers.setdefault("weight_capacity_bytes", 1e6)
    own = {key for key, value in factors.items() if value > 0 and "@" not in key} | (numbers.keys() & FITTED_NUMBERS)
    if not own - {"inference_seconds"}:
        has_overhead = any("overhead_seconds" in rule.sets for rule in family.rules)
        own |= {*PLAIN} if has_overhead else {*PLAIN[:2]}
        factors = factors | {key: factors.get(key, 1.0) for key in own & {*PLAIN}}
    levels = next((each.levels for each in own_ones if each.levels), ())
    empty = Calibration(family.name, {}, factors, numbers, levels, {}, "", 1, "", "", 0.0, 1.0, 1.0, 1.0, "A")
    return empty, frozenset(own)


def members_of(family: Family, own: str, others: bool = False) -> list[Calibration]:
    """The calibrations of a bundled device with this family, or those of the other devices."""
    return [each for name in devices() if (name == own) != others for each in _of_family(load_device(name), family)]


def _of_family(device: Device, family: Family) -> list[Calibration]:
    """The calibrations of a device with this family."""
    return [
        calibration
        for runtime, formats in device.runtimes.items()
        for dtype in formats
        for calibration in calibrations(device, runtime, dtype)
        if calibration.family == family.name
    ]


def _neutral(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The names of what the tables have, at 1: values of the same device would say what is to be found."""
    return {name: 1.0 for table in tables for name in table if name != "inference_seconds"}


def _middle(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The geometric mean of what at least half of the tables have; 0 of what is 0 in half of them: a term that the
    family's devices do without.

    >>> _middle([{"compute": 0.5, "overhead_seconds": 0.0}, {"compute": 2.0, "overhead_seconds": 3.0}])
    {'compute': 1.0, 'overhead_seconds': 0.0}
    """
    names = [name for name in dict.fromkeys(key for table in tables for key in table)]
    found = {name: [table[name] for table in tables if table.get(name, 0) > 0] for name in names}
    off = {name: 0.0 for name in names if 2 * sum(table.get(name) == 0 for table in tables) >= len(tables)}
    return {
        name: values[0] if len({*values}) == 1 else math.exp(sum(map(math.log, values)) / len(values))
        for name, values in found.items()
        if values and 2 * len(values) >= len(tables)
    } | off
