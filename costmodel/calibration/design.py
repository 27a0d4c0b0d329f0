"""Which parameters each constant of each row is a product of, found once: patterns of few members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.observations import Observations
from costmodel.calibration.parameters import FACTOR, NUMBER, SET, TIMES, Parameter
from costmodel.calibration.scientific import sparse
from costmodel.hardware import Calibration
from costmodel.latency.bounds import EFFICIENCIES
from costmodel.latency.constants import CONSTANTS, EFFICIENCY_MOST, WINOGRAD_MOST
from costmodel.latency.families import Family
from costmodel.latency.predictions import conditions_of
from costmodel.latency.prepared import prepared
from costmodel.records import record, replace

Key = tuple[str, str, str]
OUTSIDE = {"inference_seconds": 0.0, "network_factor": 1.0}
"""Numbers of whole networks, and what they are where a calibration has none."""
INSIDE = {"time_factor": 1.0, "activation_capacity_bytes": 1.0, "weight_capacity_bytes": 1.0}
"""Numbers that rows depend on. A capacity that is not stated belongs to a calibration without spills."""


@record
class Pattern:
    """The values that a constant or number has. In a row of pattern i it is `fixed[i]` times the product of the
    parameters that row i of the sparse matrix `members` marks; `of_row` is the pattern of each row, `most` what a
    value may be, `scale` a column that multiplies it, where a rule multiplies by a size or fact."""

    name: str
    of_row: NDArray[Any]
    fixed: NDArray[Any]
    members: Any
    most: NDArray[Any]
    scale: NDArray[Any] | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether any row depends on a parameter."""
        return bool(self.members.nnz)

    def values(self, logarithms: NDArray[Any]) -> NDArray[Any]:
        """The value of each pattern."""
        with np.errstate(invalid="ignore"):
            made: NDArray[Any] = self.fixed * np.exp(self.members @ logarithms)
        return made

    def columns(self, logarithms: NDArray[Any]) -> NDArray[Any]:
        """The value of each row."""
        made: NDArray[Any] = self.values(logarithms)[self.of_row]
        return made if self.scale is None else made * self.scale

    def row_members(self) -> Any:
        """The parameters of each row: a sparse matrix of rows x parameters."""
        return self.members[self.of_row]


@record
class Design:
    """The distinct rows of some observations with the same memory levels: sizes, rates and patterns of the rows, and
    how often each observation has each row.

    Entry e of `observation`, `row` and `weight` says that an observation has a distinct row so many times. `places`
    are the observations among those of the problem, `outside` the patterns of the numbers of whole networks.
    """

    places: NDArray[Any]
    levels: Sequence[tuple[float, float]]
    columns: Mapping[str, NDArray[Any]]
    rates: Mapping[str, NDArray[Any]]
    batch: NDArray[Any]
    patterns: Mapping[str, Pattern]
    outside: Mapping[str, Pattern]
    observation: NDArray[Any]
    row: NDArray[Any]
    weight: NDArray[Any]


def key_of(parameter: Parameter) -> Key:
    """What a parameter is known by."""
    return parameter.kind, parameter.owner, parameter.name


def designs_of(parts: Sequence[Observations], family: Family, parameters: Sequence[Parameter]) -> list[Design]:
    """The designs of all observations: profiles with the same memory levels are computed together."""
    index = {key_of(each): at for at, each in enumerate(parameters)}
    groups: dict[tuple[Any, ...], list[tuple[int, Observations]]] = {}
    start = 0
    for part in parts:
        groups.setdefault(tuple(_calibration(part).levels), []).append((start, part))
        start += len(part)
    return [_design(levels, members, family, index) for levels, members in groups.items()]


def _calibration(part: Observations) -> Calibration:
    assert part.profile.calibration is not None
    return part.profile.calibration


def _design(
    levels: tuple[Any, ...], members: Sequence[tuple[int, Observations]], family: Family, index: Mapping[Key, int]
) -> Design:
    parts = [part for _, part in members]
    batch = np.concatenate([part.own.each(part.batch) for part in parts])
    made = [
        prepared(part.own.workload, family, conditions_of(part.profile), part.own.each(part.batch)) for part in parts
    ]
    sizes = {name: np.concatenate([np.asarray(each.columns[name], float) for each in made]) for name in made[0].columns}
    lengths = [len(part.own.workload.kinds) for part in parts]
    rates = {name: np.repeat([rate(part) for part in parts], lengths) for name, rate in _RATES.items()}
    patterns = {}
    for name in _constants(family, [_calibration(part) for part in parts]):
        own = [
            _pattern(name, family, each.base.applies, _calibration(part), part.setting, index, each.columns)
            for each, part in zip(made, parts, strict=True)
        ]
        patterns[name] = _joined(own)
    for name, neutral in INSIDE.items():
        patterns[name] = _joined(
            [_number(part, name, neutral, index, at) for part, at in zip(parts, lengths, strict=True)]
        )
    outside = {
        name: _joined([_number(part, name, neutral, index, len(part)) for part in parts])
        for name, neutral in OUTSIDE.items()
    }
    scales = [each.scale for each in patterns.values() if each.scale is not None]
    telling = [*sizes.values(), *rates.values(), batch, *scales, *(each.of_row for each in patterns.values())]
    distinct, of_row = _distinct(telling)
    counts = np.concatenate([part.own.counts for part in parts])
    return Design(
        np.concatenate([np.arange(start, start + len(part)) for start, part in members]), levels,
        {name: values[distinct] for name, values in sizes.items()},
        {name: values[distinct] for name, values in rates.items()}, batch[distinct],
        {name: _taken(each, distinct) for name, each in patterns.items()}, outside,
        np.repeat(np.arange(len(counts)), counts), of_row,
        np.concatenate([np.asarray(part.own.workload.repeats, float) for part in parts]),
    )  # fmt: skip


_RATES: Mapping[str, Callable[[Observations], float]] = {
    "macs_per_second": lambda part: part.profile.macs_per_second,
    "bytes_per_second": lambda part: part.profile.bytes_per_second,
    "activation_bytes": lambda part: part.profile.dtype.activation_bits / 8,
    "weight_bytes": lambda part: part.profile.dtype.weight_bits / 8,
}


def _constants(family: Family, calibrations: Sequence[Calibration]) -> list[str]:
    """Constants that any rule or factor names."""
    named = {name for rule in family.rules for name in (*rule.sets, *rule.times)}
    factors = {key.partition("@")[0] for each in calibrations for key in each.factors}
    return [name for name in CONSTANTS if name in named or (name in factors and CONSTANTS[name].neutral > 0)]


def _number(part: Observations, name: str, neutral: float, index: Mapping[Key, int], count: int) -> Pattern:
    """A number of a calibration, the same in all rows; those of networks are neutral for kernels."""
    numbers = _calibration(part).numbers
    value = neutral if part.of_kernels and name in OUTSIDE else numbers.get(name, neutral)
    at = index.get((NUMBER, part.setting, name), -1) if value > 0 and name in numbers else -1
    at = -1 if part.of_kernels and name in OUTSIDE else at
    members = sparse().csr_matrix(([1.0], ([0], [at])) if at >= 0 else (1, len(index)), shape=(1, len(index)))
    fixed = np.array([1.0 if at >= 0 else value])
    return Pattern(name, np.zeros(count, int), fixed, members, np.array([np.inf]))


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
    parts.append((undecided, float(CONSTANTS[name].neutral), -1))
    capped = _is_winograd(columns) if name == "compute" else np.zeros(count, bool)
    of_row = np.asarray(capped, np.int64)
    for rows, *_ in parts:
        of_row = np.unique(of_row * 2 + rows, return_inverse=True)[1].reshape(-1)
    first = np.unique(of_row, return_index=True)[1]
    fixed = np.ones(len(first))
    marks: list[tuple[int, int]] = []
    for rows, value, at in parts:
        marked = rows[first]
        if at < 0:
            fixed[marked] *= value
        else:
            marks += [(place, at) for place in np.flatnonzero(marked).tolist()]
    pairs = np.array(marks, int).reshape(-1, 2)
    members = sparse().csr_matrix((np.ones(len(pairs)), pairs.T), shape=(len(first), len(index)))
    general = EFFICIENCY_MOST if name in EFFICIENCIES else CONSTANTS[name].most
    return Pattern(name, of_row, fixed, members, np.where(capped[first], WINOGRAD_MOST, general), scale)


def _is_winograd(columns: Mapping[str, Any]) -> Any:
    """3x3 convolutions of stride 1, which may need fewer multiplications than MACs."""
    sides = (("kernel_height", 3), ("kernel_width", 3), ("stride_height", 1), ("stride_width", 1))
    holds: Any = True
    for name, size in sides:
        holds = holds & (np.asarray(columns[name]) == size)
    return holds


def _joined(patterns: Sequence[Pattern]) -> Pattern:
    """The patterns of several parts, one after the other."""
    starts = np.cumsum([0, *(len(each.fixed) for each in patterns[:-1])])
    of_row = np.concatenate([each.of_row + start for each, start in zip(patterns, starts, strict=True)])
    scale = None
    if any(each.scale is not None for each in patterns):
        scale = np.concatenate([np.ones(len(each.of_row)) if each.scale is None else each.scale for each in patterns])
    return Pattern(
        patterns[0].name, of_row, np.concatenate([each.fixed for each in patterns]),
        sparse().vstack([each.members for each in patterns], format="csr"),
        np.concatenate([each.most for each in patterns]), scale,
    )  # fmt: skip


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
