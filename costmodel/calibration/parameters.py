"""The numbers that are fitted: those of a runtime's rules and of its calibrations, in logarithms, each with a prior."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from costmodel.calibration.observations import Observations
from costmodel.hardware import Calibration
from costmodel.latency.constants import CONSTANTS, TERMS
from costmodel.latency.families import Family
from costmodel.records import record, replace

SET, TIMES, FACTOR, NUMBER, COMMON = "set", "times", "factor", "number", "common"


@record
class Prior:
    """What is expected of a constant before data: a rule's value lies around a common value of all rules, `spread` of
    its logarithm away; the common value around `start`, `common_spread` away. `start` 0 is taken from the data."""

    start: float
    spread: float
    common_spread: float


PRIORS: Mapping[str, Prior] = {
    "compute": Prior(0.3, 0.8, 1.5),
    "bandwidth": Prior(0.5, 0.8, 1.5),
    "activation_share": Prior(1.0, 0.7, 0.5),
    "weight_share": Prior(1.0, 0.7, 0.5),
    "score_share": Prior(1.0, 0.7, 0.7),
    "weights_apart": Prior(0.5, 0.7, 0.7),
    "batch_share": Prior(0.5, 0.7, 0.7),
    "element_seconds": Prior(0.0, 1.0, 2.5),
    "half_m": Prior(16.0, 1.0, 2.0),
    "half_n": Prior(16.0, 1.0, 2.0),
    "half_k": Prior(32.0, 1.0, 2.0),
    "half_mn": Prior(1e4, 1.0, 3.0),
    "half_mn_exponent": Prior(2.0, 0.5, 0.7),
    "half_width": Prior(4.0, 1.0, 1.5),
    "half_products": Prior(4.0, 1.0, 1.5),
    "half_channels": Prior(8.0, 1.0, 1.5),
    "half_positions": Prior(16.0, 1.0, 2.0),
    "padded": Prior(0.3, 0.7, 0.7),
    "tile_padded": Prior(0.3, 0.7, 0.7),
    "overlap": Prior(2.0, 0.5, 0.5),
    "activation_spill": Prior(1.0, 0.8, 1.0),
    "weight_spill": Prior(1.0, 0.8, 1.0),
    "overhead_seconds": Prior(0.0, 1.0, 2.5),
    "launch_seconds": Prior(0.0, 1.0, 2.5),
}
"""By constant. Sizes of the hardware (widths, tiles) are not fitted."""
TIMES_SPREAD = 0.5
FACTOR_SPREAD = 1.0
FACTOR_OF_RULE_SPREAD = 0.5
NUMBER_PRIORS: Mapping[str, Prior] = {
    "inference_seconds": Prior(0.0, 2.0, 0.0),
    "time_factor": Prior(1.0, 1.0, 0.0),
    "network_factor": Prior(1.0, 0.3, 0.0),
    "activation_capacity_bytes": Prior(0.0, 0.7, 0.0),
    "weight_capacity_bytes": Prior(0.0, 0.7, 0.0),
}
"""Capacities lie around what the file says: they are sizes of memories."""


@record
class Parameter:
    """A number that is fitted. `kind`: set or times of the rule `owner`, factor or number of the calibration `owner`,
    or the common value of a constant. `name` is the constant, the factor or the number; `value` what the file says."""

    kind: str
    owner: str
    name: str
    value: float
    start: float
    spread: float
    least: float
    most: float

    @property
    def constant(self) -> str:
        """The constant that it is or multiplies; a number's own name."""
        return self.name.partition("@")[0]

    def __str__(self) -> str:
        if self.kind == COMMON:
            return f"{self.name} of all rules"
        if self.kind == TIMES:
            return f"times {self.name} of {self.owner}"
        return f"{self.name} of {self.owner}"


@record
class Choice:
    """Which numbers are free: those of the rules, those of the calibrations (all, or `only` some of them); the terms
    that are on; `limits`, the least and most of some of the calibrations' numbers. Where the rules are not free, the
    calibration's numbers lie around what it says, else around 1."""

    rules: bool = True
    factors: bool = True
    numbers: bool = True
    terms: frozenset[str] = frozenset(TERMS)
    only: frozenset[str] | None = None
    limits: Mapping[str, tuple[float, float]] | None = None

    def limited(self, name: str, least: float, most: float) -> tuple[float, float]:
        """The bounds of a number of a calibration, narrowed to its limits."""
        low, high = (self.limits or {}).get(name, (least, most))
        return max(least, low), min(most, high)


def is_free(constant: str, value: float, times: bool = False) -> bool:
    """Whether a number of a rule is fitted: above 0, finite, and of a constant with a prior. A value at a bound of its
    constant, or that switches it off, is a choice and no measurement, but for efficiencies; so is `times` 1."""
    if constant not in PRIORS or not 0 < value < math.inf:
        return False
    if times:
        return value != 1
    known = CONSTANTS[constant]
    return constant in ("compute", "bandwidth") or value not in (known.neutral, known.least, known.most)


def parameters_of(
    family: Family, settings: Mapping[str, Calibration], choice: Choice, scales: Mapping[str, float],
    inference_seconds: Mapping[str, float],
) -> list[Parameter]:  # fmt: skip
    """The free numbers, in the order of the files. `scales` are starts of constants that data give, in seconds;
    `inference_seconds` those of each setting."""
    found: list[Parameter] = []
    if choice.rules:
        found += _of_rules(family, choice.terms, scales)
    for owner, calibration in settings.items():
        if choice.factors:
            for key, value in calibration.factors.items():
                constant, _, rule = key.partition("@")
                if choice.only is not None and key not in choice.only:
                    continue
                if value > 0 and constant in PRIORS and CONSTANTS[constant].term in choice.terms:
                    spread = FACTOR_OF_RULE_SPREAD if rule else FACTOR_SPREAD
                    start = 1.0 if choice.rules else value
                    found.append(Parameter(FACTOR, owner, key, value, start, spread, *choice.limited(key, 1e-4, 1e4)))
        if choice.numbers:
            found += [
                each for each in _of_numbers(owner, calibration, choice, inference_seconds[owner])
                if family.spill != "all" or not each.name.endswith("capacity_bytes")  # a step has no slope to follow
            ]  # fmt: skip
    return found


def _of_rules(family: Family, terms: frozenset[str], scales: Mapping[str, float]) -> list[Parameter]:
    found: list[Parameter] = []
    members: dict[str, list[Parameter]] = {}
    for rule in family.rules:
        for name, value in rule.sets.items():
            if is_free(name, value) and CONSTANTS[name].term in terms:
                bounds = CONSTANTS[name]
                start = scales.get(name, PRIORS[name].start)
                least = max(bounds.least, start * 1e-6)
                own = Parameter(SET, rule.name, name, value, start, PRIORS[name].spread, least, bounds.most)
                found.append(own)
                members.setdefault(name, []).append(own)
        for name, times in rule.times.items():
            if not isinstance(times, str) and is_free(name, times, True) and CONSTANTS[name].term in terms:
                found.append(Parameter(TIMES, rule.name, name, times, 1.0, TIMES_SPREAD, 1e-4, 1e4))
    for name, own_ones in members.items():
        if len(own_ones) == 1:  # nothing to have in common: the rule's value has the freedom of both
            at, own = found.index(own_ones[0]), own_ones[0]
            spread = (PRIORS[name].spread ** 2 + PRIORS[name].common_spread ** 2) ** 0.5
            found[at] = replace(own, spread=spread)
            continue
        values = [each.value for each in own_ones]
        middle = math.exp(sum(map(math.log, values)) / len(values))
        start, spread = own_ones[0].start, PRIORS[name].common_spread
        found.append(Parameter(COMMON, family.name, name, middle, start, spread, start * 1e-6, start * 1e6))
    return found


def _of_numbers(owner: str, calibration: Calibration, choice: Choice, inference: float) -> list[Parameter]:
    found, terms = [], choice.terms
    for name, value in calibration.numbers.items():
        if choice.only is not None and name not in choice.only:
            continue
        off = (name == "inference_seconds" and "inference" not in terms) or (
            name.endswith("capacity_bytes") and "tiers" not in terms
        )
        if value > 0 and name in NUMBER_PRIORS and not off:
            prior = NUMBER_PRIORS[name]
            neutral = prior.start or (inference if name == "inference_seconds" else value)
            start = neutral if choice.rules else value
            bounds = choice.limited(name, start * 1e-5, start * 1e5)
            found.append(Parameter(NUMBER, owner, name, value, start, prior.spread, *bounds))
    return found


def data_scales(parts: Sequence[Observations]) -> tuple[dict[str, float], dict[str, float]]:
    """Where times start that no document gives: a tenth of the median time per operator or per element; and a tenth
    of the median time of each setting."""
    import numpy as np

    per_row, per_element = [], []
    own: dict[str, list[float]] = {}
    for part in parts:
        sizes = part.own.workload.sizes
        elements = part.own.total(sizes["input_elements"] + sizes["output_elements"]) * part.batch
        rows = part.own.total(np.ones(len(part.own.workload.kinds)))
        per_row += (part.seconds / np.maximum(rows, 1)).tolist()
        per_element += (part.seconds / np.maximum(elements, 1)).tolist()
        own.setdefault(part.setting, []).extend(part.seconds.tolist())
    row, element = 0.1 * float(np.median(per_row)), 0.1 * float(np.median(per_element))
    starts = {"overhead_seconds": row, "launch_seconds": row, "element_seconds": element}
    return starts, {name: 0.1 * float(np.median(values)) for name, values in own.items()}
