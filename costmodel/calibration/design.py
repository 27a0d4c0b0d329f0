"""Which parameters each constant of each row is a product of, found once: patterns of few members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.observations import Observations
from costmodel.calibration.parameters import FACTOR, NUMBER, SET, TIMES, Parameter
from costmodel.hardware import Calibration
from costmodel.latency.constants import CONSTANTS, EFFICIENCY_MOST, WINOGRAD_MOST
from costmodel.latency.families import Family
from costmodel.latency.predictions import conditions_of
from costmodel.latency.prepared import prepared
from costmodel.records import record, replace

Key = tuple[str, str, str]
EFFICIENCIES = ("compute", "bandwidth")


@record
class Pattern:
    """The values that a constant has in the rows of a part. In a row of pattern i it is `fixed[i]` times the product of
    the parameters that `members[i]` marks; `of_row` is the pattern of each row, `most` what a value may be, `scale` a
    column that multiplies it, where a rule multiplies by a size or fact."""

    constant: str
    of_row: NDArray[Any]
    fixed: NDArray[Any]
    members: NDArray[Any]
    most: NDArray[Any]
    scale: NDArray[Any] | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether any row depends on a parameter."""
        return bool(self.members.any())

    def values(self, logarithms: NDArray[Any]) -> NDArray[Any]:
        """The value of each pattern."""
        with np.errstate(invalid="ignore"):
            made: NDArray[Any] = self.fixed * np.exp(self.members @ logarithms)
        return made


@record
class Design:
    """The distinct rows of some observations: sizes, patterns, and how often each observation has each row.

    `observation`, `row` and `weight` list which distinct rows an observation consists of.
    """

    part: Observations
    columns: Mapping[str, NDArray[Any]]
    batch: NDArray[Any]
    patterns: Mapping[str, Pattern]
    numbers: Mapping[str, tuple[float, int]]
    observation: NDArray[Any]
    row: NDArray[Any]
    weight: NDArray[Any]


def key_of(parameter: Parameter) -> Key:
    """What a parameter is known by."""
    return parameter.kind, parameter.owner, parameter.name


def design_of(part: Observations, family: Family, calibration: Calibration, parameters: Sequence[Parameter]) -> Design:
    """The design of the observations of one profile; `parameters` are all that are free."""
    index = {key_of(each): at for at, each in enumerate(parameters)}
    own = part.own
    batch = own.each(part.batch)
    made = prepared(own.workload, family, conditions_of(part.profile), batch)
    patterns = {
        name: _pattern(name, family, made.base.applies, calibration, part.setting, index, made.columns)
        for name in _constants(family, calibration)
    }
    sizes = {name: np.asarray(values, float) for name, values in made.columns.items()}
    scales = [each.scale for each in patterns.values() if each.scale is not None]
    distinct, of_row = _distinct([*sizes.values(), batch, *scales, *(each.of_row for each in patterns.values())])
    numbers = {
        name: (float(value), index.get((NUMBER, part.setting, name), -1)) for name, value in calibration.numbers.items()
    }
    return Design(
        part, {name: values[distinct] for name, values in sizes.items()}, batch[distinct],
        {name: _taken(each, distinct) for name, each in patterns.items()}, numbers,
        np.repeat(np.arange(len(part)), own.counts), of_row, np.asarray(own.workload.repeats, float),
    )  # fmt: skip


def _constants(family: Family, calibration: Calibration) -> list[str]:
    """Constants that any rule or factor names."""
    named = {name for rule in family.rules for name in (*rule.sets, *rule.times)}
    factors = {key.partition("@")[0] for key in calibration.factors}
    return [name for name in CONSTANTS if name in named or (name in factors and CONSTANTS[name].neutral > 0)]


def _pattern(
    name: str, family: Family, applies: Mapping[str, Any], calibration: Calibration, setting: str,
    index: Mapping[Key, int], columns: Mapping[str, Any],
) -> Pattern:  # fmt: skip
    count = len(columns["macs"])
    undecided = np.ones(count, bool)
    scale: Any = None
    parts: list[tuple[Any, float, int]] = []  # rows, value, parameter or -1
    for rule in family.rules:
        if rule.name not in applies:
            continue
        holds = applies[rule.name]
        if name in rule.sets:
            parts.append((holds & undecided, rule.sets[name], index.get((SET, rule.name, name), -1)))
            undecided = undecided & ~holds
        times = rule.times.get(name)
        if isinstance(times, str):
            scale = (1.0 if scale is None else scale) * np.where(holds, columns[times], 1.0)
        elif times is not None:
            parts.append((holds, times, index.get((TIMES, rule.name, name), -1)))
    for key, value in calibration.factors.items():
        constant, _, rule_name = key.partition("@")
        if constant == name:
            rows = applies.get(rule_name, np.zeros(count, bool)) if rule_name else np.ones(count, bool)
            parts.append((rows, value, index.get((FACTOR, setting, key), -1)))
    neutral = float(CONSTANTS[name].neutral)
    parts.append((undecided, neutral, -1))
    capped = _is_winograd(columns) if name == "compute" else np.zeros(count, bool)
    of_row = np.asarray(capped, np.int64)
    for rows, *_ in parts:
        of_row = np.unique(of_row * 2 + rows, return_inverse=True)[1].reshape(-1)
    first = np.unique(of_row, return_index=True)[1]
    fixed = np.ones(len(first))
    members = np.zeros((len(first), len(index)))
    for rows, value, at in parts:
        marked = rows[first]
        if at < 0:
            fixed[marked] *= value
        else:
            members[marked, at] = 1
    most = np.where(capped[first], WINOGRAD_MOST, EFFICIENCY_MOST) if name in EFFICIENCIES else np.full(
        len(first), CONSTANTS[name].most)  # fmt: skip
    return Pattern(name, of_row, fixed, members, most, scale)


def _is_winograd(columns: Mapping[str, Any]) -> Any:
    """3x3 convolutions of stride 1, which may need fewer multiplications than MACs."""
    sides = (("kernel_height", 3), ("kernel_width", 3), ("stride_height", 1), ("stride_width", 1))
    holds: Any = True
    for name, size in sides:
        holds = holds & (np.asarray(columns[name]) == size)
    return holds


def _taken(pattern: Pattern, rows: NDArray[Any]) -> Pattern:
    scale = None if pattern.scale is None else pattern.scale[rows]
    return replace(pattern, of_row=pattern.of_row[rows], scale=scale)


def _distinct(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """One of each set of equal rows, and which of them each row is. Rows are told apart by 64 bits of their values."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    odd = np.uint64(0x9E3779B97F4A7C15)
    for column in columns:
        bits = np.ascontiguousarray(column, np.float64).view(np.uint64)
        mixed = (mixed ^ (bits * odd)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    _, first, of_row = np.unique(mixed, return_index=True, return_inverse=True)
    return first, of_row.reshape(-1)
