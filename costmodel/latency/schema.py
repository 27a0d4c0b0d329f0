"""The layout of a runtime file, and what calibrations of a device may say of it. Imported for users' files and by the
tests: importing pydantic costs as much time as a prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from costmodel.errors import CostmodelError, Problem, SpecError, nearest
from costmodel.files import Document
from costmodel.fusion import FUSIONS
from costmodel.hardware_schema import device_problems, in_order, in_words
from costmodel.hardware_schema.figures import calibrations_in, is_number
from costmodel.hardware_schema.tables import Condition
from costmodel.latency.bounds import Excess, excesses
from costmodel.latency.constants import CONSTANTS, NUMBERS
from costmodel.latency.families import Family, families, family_named, rule_of
from costmodel.latency.prepared import DERIVED
from costmodel.workloads.facts import FACTS
from costmodel.workloads.rows import KINDS, SIZES

Text = Annotated[str, Field(min_length=1)]
Value = Annotated[float, Field(ge=0, le=1e21, allow_inf_nan=True)]
Range = Annotated[list[Annotated[float, Field(allow_inf_nan=True)]], Field(min_length=2, max_length=2)]


def _factor(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if not is_number(value) or not 0 <= value <= 1e21:
        raise ValueError("a factor must be a number from 0 to 1e21, or the name of a size")
    return value


Factor = Annotated[Any, AfterValidator(_factor)]
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
    kinds: list[Text] = []
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
    conditions: dict[Text, Condition] = {}
    set: dict[Text, Value] = {}
    times: dict[Text, Factor] = {}


class RuntimeFile(Table):
    """The whole file."""

    runtime: RuntimeHead
    rule: list[RuleTable] = []


def check_family(document: Document) -> None:
    """Check a runtime file.

    Raises: SpecError with every mistake: missing or unknown keys, wrong types, names of sizes, kinds, constants and
    fold rules that do not exist, constants outside their bounds, alone or with the factors of other rules.
    """
    problems: list[Problem] = []
    try:
        RuntimeFile.model_validate(document.data)
    except ValidationError as error:
        problems = [in_words(document, dict(each), _fields_at(each["loc"])) for each in error.errors()]
    problems += _name_problems(document)
    if not problems:
        problems += _rule_bounds(document)
    if problems:
        raise SpecError(in_order(problems))


def _fields_at(path: tuple[Any, ...]) -> list[str]:
    tables: dict[str, type[Table]] = {"runtime": RuntimeHead, "rule": RuleTable}
    return list(tables.get(str(path[0]), RuntimeFile).model_fields if len(path) > 1 else RuntimeFile.model_fields)


def _name_problems(document: Document) -> Iterator[Problem]:
    """Names that do not exist, and constants outside their bounds. What has the wrong type is passed over."""
    head, rules = document.data.get("runtime"), document.data.get("rule")
    fusion = _table(head).get("fusion", "folded")
    if isinstance(fusion, str) and fusion not in FUSIONS:
        yield document.problem(("runtime", "fusion"), f"unknown fusion {fusion!r}", _hint(fusion, FUSIONS))
    seen: set[str] = set()
    for at, rule in enumerate(map(_table, rules) if isinstance(rules, list) else ()):
        name = rule.get("name")
        if isinstance(name, str):
            if name in seen:
                remedy = "rules need different names"
                yield document.problem(("rule", at, "name"), f"a second rule {name!r}", remedy)
            seen.add(name)
        yield from _rule_problems(document, at, rule)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rule_problems(document: Document, at: int, rule: Mapping[str, Any]) -> Iterator[Problem]:
    kinds = rule.get("kinds", ())
    for kind in kinds if isinstance(kinds, list) else ():
        if isinstance(kind, str) and kind not in KINDS:
            yield document.problem(("rule", at, "kinds"), f"unknown kind {kind!r}", _hint(kind, KINDS))
    tables = ("where", "multiple_of", "not_multiple_of")
    asked = [((table, name), name) for table in tables for name in _table(rule.get(table))]
    asked += [(("times", key), name) for key, name in _table(rule.get("times")).items() if isinstance(name, str)]
    for path, name in asked:
        if name not in SIZES and name not in DERIVED and name not in FACTS:
            known = [*SIZES, *DERIVED, *FACTS]
            yield document.problem(("rule", at, *path), f"unknown size {name!r}", _hint(name, known))
    for table in ("set", "times"):
        for name, value in _table(rule.get(table)).items():
            yield from _constant_problems(document, ("rule", at, table, name), name, value, table == "set")


def _constant_problems(
    document: Document, path: tuple[Any, ...], name: str, value: Any, bound: bool
) -> Iterator[Problem]:
    constant = CONSTANTS.get(name)
    if constant is None:
        yield document.problem(path, f"unknown constant {name!r}", _hint(name, CONSTANTS))
    elif bound and isinstance(value, int | float) and not constant.least <= value <= constant.most:
        problem = f"{name} = {value:g} is outside {constant.least:g} to {constant.most:g}"
        yield document.problem(path, problem, f"it is: {constant.meaning}")


def _rule_bounds(document: Document) -> Iterator[Problem]:
    """Rules that bring a constant outside its bounds together."""
    rules = tuple(map(rule_of, document.data.get("rule", ())))
    places = {rule.name: at for at, rule in enumerate(rules)}
    for excess in excesses(rules, {}):
        table = "times" if excess.constant in rules[places[excess.rule]].times else "set"
        path = ("rule", places[excess.rule], table, excess.constant)
        yield document.problem(path, _words(excess), "lower it here, or the factors of the rules that hold with it")


def _words(excess: Excess, where: str = "") -> str:
    bounds = f"outside {excess.least:g} to {excess.most:g}"
    return f"{excess.constant} comes to {excess.value:.4g} where the rule {excess.rule!r}{where} holds, {bounds}"


def check_hardware(document: Document) -> None:
    """Check a hardware file with its calibrations.

    Raises: SpecError with every mistake that `check_device` or `check_calibrations` finds.
    """
    problems = in_order([*device_problems(document), *calibration_problems(document)])
    if problems:
        raise SpecError(problems)


def check_calibrations(document: Document, own: Mapping[str, Family] | None = None) -> None:
    """Check the calibrations of a hardware file against the runtime files that they name.

    Raises: SpecError with every mistake: families, factors, rules and numbers that do not exist, numbers that a
    family's terms need and that are not there, constants that the device's factors bring outside their bounds.
    """
    problems = calibration_problems(document, own)
    if problems:
        raise SpecError(problems)


def calibration_problems(document: Document, own: Mapping[str, Family] | None = None) -> list[Problem]:
    """Every mistake of the calibrations of a hardware document against their families, by place. What has the wrong
    type is passed over: its layout is wrong."""
    problems: list[Problem] = []
    device = _table(document.data.get("device"))
    for path, settings, tables in calibrations_in(document):
        if "family" not in settings:
            remedy = f'write family = "...", one of {", ".join(families())}'
            problems.append(document.problem(path, "calibrations need a family", remedy))
            continue
        if not isinstance(settings["family"], str):
            continue
        try:
            family = (own or {}).get(settings["family"]) or family_named(settings["family"])
        except CostmodelError as error:
            problems.append(document.problem((*path, "family"), str(error)))
            continue
        about = {"dtype": path[-1], "device": device.get("name"), "class": device.get("class")}
        for at, table in enumerate(map(_table, tables)):
            here = (*path, "calibration", at)
            problems += _calibration_problems(document, here, table, family)
            problems += _efficiency_problems(document, here, table, family, about)
    return in_order(problems)


def _calibration_problems(
    document: Document, path: tuple[Any, ...], table: Mapping[str, Any], family: Family
) -> Iterator[Problem]:
    rules = {rule.name for rule in family.rules}
    for key in _table(table.get("factors")):
        name, sign, target = key.partition("@")
        place = (*path, "factors", key)
        if name not in CONSTANTS:
            yield document.problem(place, f"unknown constant {name!r}", _hint(name, CONSTANTS), of_key=True)
        if sign and target not in rules:
            yield document.problem(place, f"{family.name} has no rule {target!r}", _hint(target, rules), of_key=True)
    numbers = _table(table.get("numbers"))
    for name, value in numbers.items():
        number, place = NUMBERS.get(name), (*path, "numbers", name)
        if number is None:
            yield document.problem(place, f"unknown number {name!r}", _hint(name, NUMBERS), of_key=True)
        elif is_number(value) and value >= 0 and not number.least <= value <= number.most:
            problem = f"{name} = {value:g} is outside {number.least:g} to {number.most:g}"
            yield document.problem(place, problem, f"it is: {number.meaning}")
    for constant, needed in (
        ("activation_spill", "activation_capacity_bytes"), ("weight_spill", "weight_capacity_bytes")
    ):  # fmt: skip
        if any(constant in rule.sets for rule in family.rules) and needed not in numbers:
            problem = f"the {constant} of {family.name} needs the number {needed}"
            yield document.problem(path, problem, f"add numbers = {{ {needed} = ... }}")


def _efficiency_problems(
    document: Document, path: tuple[Any, ...], table: Mapping[str, Any], family: Family, about: Mapping[str, Any]
) -> Iterator[Problem]:
    """Constants that the device's factors bring outside their bounds: one problem per factor, of the worst rule."""
    factors = {key: value for key, value in _table(table.get("factors")).items() if is_number(value) and value >= 0}
    numbers = _table(table.get("numbers"))
    slower = numbers.get("time_factor", 1.0)
    slower = slower if is_number(slower) and slower > 0 else 1.0
    worst: dict[str, Excess] = {}
    for excess in excesses(family.rules, factors, slower, {**about, **_table(table.get("conditions"))}):
        key = excess.factors[-1] if excess.factors else ""
        if key not in worst or _distance(excess) > _distance(worst[key]):
            worst[key] = excess
    for key, excess in worst.items():
        place = (*path, "factors", key) if key else path
        by = " and its time_factor" if slower != 1 and excess.constant in ("compute", "bandwidth") else ""
        factors_shown = ", ".join(f"{each} = {factors[each]:g}" for each in excess.factors) or "no factor"
        problem = f"{_words(excess, f' of {family.name}')}, with {factors_shown}{by}"
        yield document.problem(place, problem, "fit it again within the bounds, or leave the factor out")


def _distance(excess: Excess) -> float:
    """How many times a constant is beyond its bound."""
    return max(excess.value / excess.most, excess.least / max(excess.value, 1e-300))


def _hint(name: str, known: Iterable[str]) -> str:
    listed = list(known)
    return nearest(name, listed) or f"there are {', '.join(sorted(listed))}"
