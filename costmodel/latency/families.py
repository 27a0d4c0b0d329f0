"""A runtime's file to its rules: the constants that all devices with this runtime share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from costmodel.errors import UnknownNameError, nearest
from costmodel.files import names_in, read_bundled
from costmodel.latency.rule_arrays import RuleArrays
from costmodel.latency.rules import Rule
from costmodel.records import record
from costmodel.workloads.facts import FACTS

FOLDER = "hardware/runtimes"


@record
class Family:
    """The constants that the devices of a runtime share.

    `fusion` names its fold rule, `spill` how what does not fit into a memory moves: smooth, square, all or excess.
    `kinds` are those of the operators that were measured, `asked` the sizes and facts that its rules ask for, `facts`
    and `conditions` the facts and conditions among these, `arrays` its rules for many operators at once.
    """

    name: str
    title: str
    fusion: str
    spill: str
    rules: tuple[Rule, ...]
    kinds: frozenset[str]
    source: str
    note: str
    asked: frozenset[str]
    facts: tuple[str, ...]
    conditions: tuple[str, ...]
    arrays: RuleArrays


def families() -> tuple[str, ...]:
    """Names of the bundled runtime files."""
    return names_in(FOLDER)


@lru_cache(maxsize=256)
def family_named(name: str) -> Family:
    """The family of that name.

    Raises: UnknownNameError with the nearest names.
    """
    if name not in families():
        hint = nearest(name, families()) or f"there are {', '.join(families())}"
        raise UnknownNameError(f"unknown runtime family {name!r}; {hint}")
    return family_of(read_bundled(FOLDER, name).data)


def family_of(data: Mapping[str, Any]) -> Family:
    """The family that the data of a file describe."""
    head = data["runtime"]
    rules = tuple(rule_of(table) for table in data.get("rule", ()))
    asked = asked_by(rules)
    return Family(
        head["name"], head["title"], head.get("fusion", "folded"), head.get("spill", "smooth"), rules,
        frozenset(head.get("kinds", ())), head["source"],
        head.get("note", ""), asked, tuple(sorted(asked & FACTS.keys())),
        tuple(sorted({name for rule in rules for name, _ in rule.conditions})), RuleArrays(rules),
    )  # fmt: skip


def asked_by(rules: tuple[Rule, ...]) -> frozenset[str]:
    """The sizes and facts that rules ask for."""
    sizes = {name for rule in rules for name, *_ in (*rule.ranges, *rule.multiples)}
    sizes |= {factor for rule in rules for factor in rule.times.values() if isinstance(factor, str)}
    spills = any("weight_spill" in rule.sets for rule in rules)
    return frozenset(sizes | {"network_weight_elements"} if spills else sizes)


def rule_of(table: Mapping[str, Any]) -> Rule:
    """A rule as its table in a file says: `where` holds a [least, most] per size, `multiple_of` and `not_multiple_of`
    a number per size, `conditions` the values of conditions, `set` and `times` constants; a constant may be multiplied
    by a size or fact of the row."""
    multiples = [(name, number, True) for name, number in table.get("multiple_of", {}).items()]
    multiples += [(name, number, False) for name, number in table.get("not_multiple_of", {}).items()]
    return Rule(
        table["name"], frozenset(table.get("kinds", ())), frozenset(table.get("operators", ())),
        tuple((name, float(least), float(most)) for name, (least, most) in table.get("where", {}).items()),
        tuple(multiples), tuple((key, str(value)) for key, value in table.get("conditions", {}).items()),
        dict(table.get("set", {})), dict(table.get("times", {})),
    )  # fmt: skip
