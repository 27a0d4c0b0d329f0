"""Which constants an operator has: the rules of a runtime, in the order of its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.latency.constants import CONSTANTS
from costmodel.records import record

Columns = Mapping[str, Any]
"""Sizes by name: numbers, or arrays over rows or variants."""


@record
class Rule:
    """Constants for the operators that it is about.

    `kinds` and `operators` name them (empty: all); `ranges` bound their sizes, both ends included; `multiples` ask
    that a size is a multiple of a number, or is none; `conditions` ask for a condition of the calibration. The first
    rule that `sets` a constant decides it, every rule that applies multiplies by its `times`: a number, or the name of
    a size or fact of the row.
    """

    name: str
    kinds: frozenset[str]
    operators: frozenset[str]
    ranges: tuple[tuple[str, float, float], ...]
    multiples: tuple[tuple[str, int, bool], ...]
    conditions: tuple[tuple[str, str], ...]
    sets: Mapping[str, float]
    times: Mapping[str, float | str]

    def is_about(self, kind: str, operator: str, conditions: Mapping[str, Any]) -> bool:
        """Whether the rule can apply at all, whatever the sizes."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.operators or operator in self.operators)
            and all(str(conditions.get(key, "")) == value for key, value in self.conditions)
        )

    def applies(self, columns: Columns) -> Any:
        """Whether it applies to these sizes: True, False or an array."""
        holds: Any = True
        for name, least, most in self.ranges:
            size = columns[name]
            holds = holds & (size >= least) & (size <= most)
        for name, number, wanted in self.multiples:
            holds = holds & ((columns[name] % number == 0) == wanted)
        return holds


@record
class Matched:
    """What rules say of operators of one kind and word: a value or array per constant, absent where none decides, and
    where each rule applies."""

    constants: Mapping[str, Any]
    applies: Mapping[str, Any]


def matched(
    rules: tuple[Rule, ...], kind: str, operator: str, columns: Columns, conditions: Mapping[str, Any]
) -> Matched:
    """The constants of operators of one kind and word, whose sizes are numbers or arrays."""
    found: dict[str, Any] = {}
    undecided: dict[str, Any] = {}
    factors: dict[str, Any] = {}
    applies: dict[str, Any] = {}
    for rule in rules:
        if not rule.is_about(kind, operator, conditions):
            continue
        holds = rule.applies(columns)
        if not is_array(holds):
            holds = bool(holds)
        if holds is False:
            continue
        applies[rule.name] = holds
        for name, value in rule.sets.items():
            open_still = undecided.get(name, True)
            if open_still is False:
                continue
            found[name] = _where(open_still & holds, value, found.get(name, CONSTANTS[name].neutral))
            undecided[name] = open_still & ~holds if is_array(holds) else False
        for name, times in rule.times.items():
            factor: Any = columns[times] if isinstance(times, str) else times
            factors[name] = factors.get(name, 1.0) * _where(holds, factor, 1.0)
    for name, product in factors.items():
        found[name] = found.get(name, CONSTANTS[name].neutral) * product
    return Matched(found, applies)


def _where(condition: Any, value: Any, other: Any) -> Any:
    """numpy.where, without arrays where the condition is one truth."""
    if not is_array(condition):
        return value if condition else other
    import numpy

    return numpy.where(condition, value, other)
