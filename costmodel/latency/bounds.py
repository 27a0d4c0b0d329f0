"""What constants are where a rule holds, with the factors of other rules and of the device: inside their bounds?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from costmodel.latency.constants import CONSTANTS, EFFICIENCY_MOST, WINOGRAD_MOST
from costmodel.latency.rules import Rule
from costmodel.records import record, replace

EVERY = Rule("every operator", frozenset(), frozenset(), (), (), (), {}, {})
NEAR = 1e-3
"""Files round to four digits."""
EFFICIENCIES = ("compute", "bandwidth")
WINOGRAD_KINDS = frozenset({"conv", "grouped_conv", "depthwise_conv"})
PRODUCTS = frozenset({"pointwise_conv", "linear", "matmul"})
WINOGRAD_SIZES = {
    "kernel_height": 3, "kernel_width": 3, "kernel": 3, "window": 9, "kernel_per_stride": 3,
    "stride_height": 1, "stride_width": 1, "stride": 1,
}  # fmt: skip
"""Sizes of a 3x3 convolution of stride 1, which may need fewer multiplications than MACs."""


@record
class Excess:
    """A constant outside its bounds: the value that operators of `rule` have, and the factors of the device in it by
    their keys."""

    constant: str
    rule: str
    value: float
    least: float
    most: float
    factors: tuple[str, ...]


def most_efficient(name: str, is_winograd: bool) -> float:
    """The greatest value of an efficiency with all factors of rules and devices.

    >>> most_efficient("compute", True), most_efficient("compute", False)
    (2.5, 1.2)
    """
    return WINOGRAD_MOST if name == "compute" and is_winograd else EFFICIENCY_MOST


def excesses(
    rules: Sequence[Rule], factors: Mapping[str, float], time_factor: float = 1.0,
    conditions: Mapping[str, Any] | None = None,
) -> Iterator[Excess]:  # fmt: skip
    """Constants that are outside their bounds wherever one of the rules holds.

    Where a rule r holds, every rule holds that asks for no more than r. The first of these that sets a constant decides
    it, the `times` of all of them and the device's factors multiply it; a time factor f divides an efficiency by f.
    Rules that hold for some of the operators of r only, and rules that multiply by a size, are passed over: what they
    give is not known before there is a network. Without `conditions` all those that rules ask for are possible.
    """
    known = list(rules)
    if conditions is not None:
        known = [replace(rule, conditions=()) for rule in rules if _meets(rule, conditions)]
    for name in sorted(({key.partition("@")[0] for key in factors} | set(EFFICIENCIES)) & CONSTANTS.keys()):
        deciding = [rule for rule in known if name in rule.sets or name in rule.times]
        for rule in [part for each in deciding or [EVERY] for part in apart(each)]:
            holding = [each for each in known if covers(each, rule)]
            found = _value(name, holding, factors)
            if found is None:
                continue
            value, used = found
            constant = CONSTANTS[name]
            most = constant.most
            if name in EFFICIENCIES:
                value, most = value / time_factor, most_efficient(name, may_be_winograd(rule))
            if not constant.least * (1 - NEAR) <= value <= most * (1 + NEAR):
                yield Excess(name, rule.name, value, constant.least, most, used)


def apart(rule: Rule) -> list[Rule]:
    """The rule, and the same for its products alone: what a 3x3 convolution may reach they may not."""
    return [rule, *(replace(rule, kinds=frozenset({kind})) for kind in sorted(rule.kinds & PRODUCTS))]


def _meets(rule: Rule, conditions: Mapping[str, Any]) -> bool:
    return all(str(conditions.get(key, "")) == value for key, value in rule.conditions)


def _value(name: str, holding: Sequence[Rule], factors: Mapping[str, float]) -> tuple[float, tuple[str, ...]] | None:
    """A constant where these rules hold, and the keys of the factors in it; None where a size multiplies it."""
    times = [rule.times[name] for rule in holding if name in rule.times]
    if any(isinstance(each, str) for each in times):
        return None
    set_by = next((rule.sets[name] for rule in holding if name in rule.sets), CONSTANTS[name].neutral)
    keys = [key for key in (name, *(f"{name}@{rule.name}" for rule in holding)) if key in factors]
    return set_by * math.prod(map(float, times)) * math.prod(factors[key] for key in keys), tuple(keys)


def covers(wider: Rule, rule: Rule) -> bool:
    """Whether one rule holds wherever another does, by what both ask."""
    ranges = _ranges(rule)
    return (
        _includes(wider.kinds, rule.kinds)
        and _includes(wider.operators, rule.operators)
        and all(_within(ranges.get(name), least, most) for name, least, most in wider.ranges)
        and set(wider.multiples) <= set(rule.multiples)
        and set(wider.conditions) <= set(rule.conditions)
    )


def _ranges(rule: Rule) -> dict[str, tuple[float, float]]:
    """What a rule asks of sizes, and what follows for the larger side of a kernel and of a stride."""
    found = {name: (least, most) for name, least, most in rule.ranges}
    for name in ("kernel", "stride"):
        sides = [found[side] for side in (f"{name}_height", f"{name}_width") if side in found]
        if len(sides) == 2:
            found.setdefault(name, (max(least for least, _ in sides), max(most for _, most in sides)))
    return found


def _includes(wider: Iterable[str], narrower: Iterable[str]) -> bool:
    """Of two sets of which an empty one means all."""
    return not wider or bool(narrower and set(narrower) <= set(wider))


def _within(inner: tuple[float, float] | None, least: float, most: float) -> bool:
    return inner is not None and least <= inner[0] and inner[1] <= most


def may_be_winograd(rule: Rule) -> bool:
    """Whether a rule can hold for a 3x3 convolution of stride 1."""
    return bool(not rule.kinds or rule.kinds & WINOGRAD_KINDS) and all(
        least <= WINOGRAD_SIZES[name] <= most for name, least, most in rule.ranges if name in WINOGRAD_SIZES
    )
