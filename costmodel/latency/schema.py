"""The layout of a runtime file, and what calibrations of a device may say of it. Imported for users' files and by the
tests: importing pydantic costs as much time as a prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from costmodel.errors import CostmodelError, Problem, SpecError, nearest
from costmodel.files import Document
from costmodel.fusion import FUSIONS
from costmodel.latency.constants import CONSTANTS, EFFICIENCY_MOST, NUMBERS, WINOGRAD_MOST
from costmodel.latency.families import Family, families, family_named
from costmodel.latency.prepared import DERIVED
from costmodel.workloads.facts import FACTS
from costmodel.workloads.rows import KINDS, SIZES

Text = Annotated[str, Field(min_length=1)]
Value = Annotated[float, Field(ge=0, le=1e21, allow_inf_nan=True)]
Range = Annotated[list[Annotated[float, Field(allow_inf_nan=True)]], Field(min_length=2, max_length=2)]
CONDITIONS_OF_PROFILES = ("dtype", "device", "class")
"""What a rule may ask of a profile beside the conditions of its calibration."""


class Table(BaseModel):
    """A table of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RuntimeHead(Table):
    """[runtime]."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    fusion: Text = "folded"
    spill: Literal["smooth", "square", "excess", "all"] = "smooth"
    source: Text
    note: Text | None = None


class RuleTable(Table):
    """[[rule]]."""

    name: Text
    kinds: list[Text] = []
    operators: list[Text] = []
    where: dict[Text, Range] = {}
    multiple_of: dict[Text, Annotated[int, Field(gt=0)]] = {}
    not_multiple_of: dict[Text, Annotated[int, Field(gt=0)]] = {}
    conditions: dict[Text, Text | int] = {}
    set: dict[Text, Value] = {}
    times: dict[Text, Value | Text] = {}


class RuntimeFile(Table):
    """The whole file."""

    runtime: RuntimeHead
    rule: list[RuleTable] = []


def check_family(document: Document) -> None:
    """Check a runtime file.

    Raises: SpecError with every mistake: missing or unknown keys, wrong types, names of sizes, kinds, constants and
    fold rules that do not exist, constants outside their bounds.
    """
    problems: list[Problem] = []
    try:
        RuntimeFile.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(document, dict(mistake)) for mistake in error.errors()]
    else:
        problems = list(_rule_problems(document))
    if problems:
        raise SpecError(sorted(problems, key=lambda each: (each.line, each.column)))


def _problem(document: Document, mistake: Mapping[str, Any]) -> Problem:
    path, text = tuple(mistake["loc"]), str(mistake["msg"])
    return document.problem(path, f"{path[-1]}: {text[:1].lower()}{text[1:]}", "")


def _rule_problems(document: Document) -> Iterable[Problem]:
    """What the layout alone does not tell."""
    data = document.data
    fusion = data["runtime"].get("fusion", "folded")
    if fusion not in FUSIONS:
        yield document.problem(("runtime", "fusion"), f"unknown fusion {fusion!r}", _hint(fusion, FUSIONS))
    seen: set[str] = set()
    for at, rule in enumerate(data.get("rule", ())):
        if rule["name"] in seen:
            yield document.problem(
                ("rule", at, "name"), f"a second rule {rule['name']!r}", "rules need different names"
            )
        seen.add(rule["name"])
        for kind in rule.get("kinds", ()):
            if kind not in KINDS:
                yield document.problem(("rule", at, "kinds"), f"unknown kind {kind!r}", _hint(kind, KINDS))
        asked = [
            ((table, name), name)
            for table in ("where", "multiple_of", "not_multiple_of")
            for name in rule.get(table, ())
        ]
        asked += [(("times", key), name) for key, name in rule.get("times", {}).items() if isinstance(name, str)]
        for path, name in asked:
            if name not in SIZES and name not in DERIVED and name not in FACTS:
                known = [*SIZES, *DERIVED, *FACTS]
                yield document.problem(("rule", at, *path), f"unknown size {name!r}", _hint(name, known))
        for table in ("set", "times"):
            for name, value in rule.get(table, {}).items():
                yield from _constant_problems(document, ("rule", at, table, name), name, value, table == "set")


def _constant_problems(
    document: Document, path: tuple[Any, ...], name: str, value: float, bound: bool
) -> Iterable[Problem]:
    constant = CONSTANTS.get(name)
    if constant is None:
        yield document.problem(path, f"unknown constant {name!r}", _hint(name, CONSTANTS))
    elif bound and not constant.least <= value <= constant.most:
        yield document.problem(path, f"{name} = {value:g} is outside {constant.least:g} to {constant.most:g}", "")


def check_calibrations(document: Document, own: Mapping[str, Family] | None = None) -> None:
    """Check the calibrations of a hardware file against the runtime files that they name.

    Raises: SpecError with every mistake: families, factors, rules and numbers that do not exist, numbers that a
    family's terms need and that are not there.
    """
    problems: list[Problem] = []
    for runtime, formats in document.data.get("runtime", {}).items():
        for dtype, settings in formats.items():
            path = ("runtime", runtime, dtype)
            tables = settings.get("calibration", ())
            if not tables:
                continue
            if "family" not in settings:
                problems.append(
                    document.problem(path, "calibrations need a family", f"there are {', '.join(families())}")
                )
                continue
            try:
                family = (own or {}).get(settings["family"]) or family_named(settings["family"])
            except CostmodelError as error:
                problems.append(document.problem((*path, "family"), str(error), ""))
                continue
            for at, table in enumerate(tables):
                problems += _calibration_problems(document, (*path, "calibration", at), table, family)
    if problems:
        raise SpecError(sorted(problems, key=lambda each: (each.line, each.column)))


def _calibration_problems(
    document: Document, path: tuple[Any, ...], table: Mapping[str, Any], family: Family
) -> Iterable[Problem]:
    rules = {rule.name for rule in family.rules}
    for key in table.get("factors", {}):
        name, _, target = key.partition("@")
        if name not in CONSTANTS:
            yield document.problem((*path, "factors", key), f"unknown constant {name!r}", _hint(name, CONSTANTS))
        if target and target not in rules:
            yield document.problem(
                (*path, "factors", key), f"{family.name} has no rule {target!r}", _hint(target, rules)
            )
    for name in table.get("numbers", {}):
        if name not in NUMBERS:
            yield document.problem((*path, "numbers", name), f"unknown number {name!r}", _hint(name, NUMBERS))
    for constant, number in (
        ("activation_spill", "activation_capacity_bytes"), ("weight_spill", "weight_capacity_bytes")
    ):  # fmt: skip
        if any(constant in rule.sets for rule in family.rules) and number not in table.get("numbers", {}):
            yield document.problem(path, f"the {constant} of {family.name} needs the number {number}", "add it")


def most_efficient(name: str, is_winograd: bool) -> float:
    """The greatest value of an efficiency with all factors of rules and devices.

    >>> most_efficient("compute", True), most_efficient("compute", False)
    (2.5, 1.2)
    """
    return WINOGRAD_MOST if name == "compute" and is_winograd else EFFICIENCY_MOST


def _hint(name: str, known: Iterable[str]) -> str:
    listed = list(known)
    return nearest(name, listed) or f"there are {', '.join(sorted(listed))}"
