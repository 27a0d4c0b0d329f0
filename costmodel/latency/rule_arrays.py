"""The rules of a runtime as arrays: which of them hold for many operators at once, and what they say of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from costmodel.latency.constants import CONSTANTS
from costmodel.latency.rules import Columns, Matched, Rule
from costmodel.records import record

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_KEPT = 4096
"""Pairs of kind and word, under one set of conditions, whose rules are remembered."""


@record
class Ranges:
    """The ranges of all rules, one after the other: the size that each is about, its ends, where a rule's begin."""

    rules: Any
    names: tuple[str, ...]
    name_of_range: Any
    least: Any
    most: Any
    starts: Any


class RuleArrays:
    """What `rules.matched` says of operators of one kind, for operators of any kinds together."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._multiples = [(at, each) for at, rule in enumerate(self._rules) for each in rule.multiples]
        self._conditions = sorted({name for rule in self._rules for name, _ in rule.conditions})
        self._sets = _by_constant([rule.sets for rule in self._rules])
        self._times = _by_constant([rule.times for rule in self._rules])
        self._about: dict[tuple[Any, ...], NDArray[Any]] = {}

    @cached_property
    def _ranges(self) -> Ranges | None:
        """Made on first use: a family that is only listed needs no arrays."""
        import numpy

        bounded = [(at, rule) for at, rule in enumerate(self._rules) if rule.ranges]
        if not bounded:
            return None
        ranges = [each for _, rule in bounded for each in rule.ranges]
        names = tuple(sorted({name for name, *_ in ranges}))
        lengths = [len(rule.ranges) for _, rule in bounded]
        return Ranges(
            numpy.array([at for at, _ in bounded]), names, numpy.array([names.index(name) for name, *_ in ranges]),
            numpy.array([[least] for _, least, _ in ranges]), numpy.array([[most] for *_, most in ranges]),
            numpy.cumsum([0, *lengths[:-1]]),
        )  # fmt: skip

    def matched(
        self, kinds: Sequence[str], operators: Sequence[str], columns: Columns, conditions: Mapping[str, Any]
    ) -> Matched:
        """The constants of operators, one per row of the columns. The first rule that sets a constant decides it, the
        factors of all that apply are multiplied in their order."""
        import numpy

        holds = self._hold(kinds, operators, columns, conditions)
        somewhere: Any = holds.any(axis=1)
        found: dict[str, Any] = {}
        for name, deciding, values in self._sets:
            if somewhere[deciding].any():
                held = holds[deciding]
                neutral = float(CONSTANTS[name].neutral)
                found[name] = numpy.where(held.any(axis=0), numpy.array(values)[held.argmax(axis=0)], neutral)
        for name, multiplying, factors in self._times:
            own = [
                numpy.where(holds[at], columns[factor] if isinstance(factor, str) else factor, 1.0)
                for at, factor in zip(multiplying, factors, strict=True)
                if somewhere[at]
            ]
            if own:
                found[name] = found.get(name, CONSTANTS[name].neutral) * math.prod(own)
        return Matched(found, {rule.name: holds[at] for at, rule in enumerate(self._rules) if somewhere[at]})

    def _hold(
        self, kinds: Sequence[str], operators: Sequence[str], columns: Columns, conditions: Mapping[str, Any]
    ) -> NDArray[Any]:
        """Whether each rule (axis 0) applies to each row (axis 1)."""
        import numpy

        groups: dict[tuple[str, str], int] = {}
        group_of_row = [groups.setdefault(pair, len(groups)) for pair in zip(kinds, operators, strict=True)]
        asked = tuple([str(conditions.get(name, "")) for name in self._conditions])
        about = numpy.array([self._rules_about(*pair, asked, conditions) for pair in groups], bool)
        about = about.reshape(len(groups), len(self._rules))
        holds: NDArray[Any] = about.T[:, group_of_row]
        if ranges := self._ranges:
            sizes = numpy.array([columns[name] for name in ranges.names])[ranges.name_of_range]
            within = (sizes >= ranges.least) & (sizes <= ranges.most)
            holds[ranges.rules] &= numpy.logical_and.reduceat(within, ranges.starts, axis=0)
        for at, (name, number, wanted) in self._multiples:
            holds[at] &= (columns[name] % number == 0) == wanted
        return holds

    def _rules_about(
        self, kind: str, operator: str, asked: tuple[str, ...], conditions: Mapping[str, Any]
    ) -> NDArray[Any]:
        """The rules that can apply to operators of this kind and word, whatever their sizes."""
        import numpy

        key = kind, operator, asked
        found = self._about.get(key)
        if found is None:
            found = numpy.array([rule.is_about(kind, operator, conditions) for rule in self._rules], bool)
            if len(self._about) >= MOST_KEPT:
                self._about.clear()
            self._about[key] = found
        return found


def _by_constant(tables: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[int], list[Any]]]:
    """Constants with the rules that have a value for them, in their order, and these values."""
    found: dict[str, tuple[list[int], list[Any]]] = {}
    for at, table in enumerate(tables):
        for name, value in table.items():
            rules, values = found.setdefault(name, ([], []))
            rules.append(at)
            values.append(value)
    return [(name, *each) for name, each in found.items()]
