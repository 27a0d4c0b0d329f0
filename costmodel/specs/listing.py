"""The bundled networks as columns, and the check of one spec file, for the command line."""

from __future__ import annotations

from typing import Any

from costmodel.costs import cost_table
from costmodel.errors import PassError, SpecError, UnknownNameError, nearest
from costmodel.files import Document
from costmodel.passes import apply_passes
from costmodel.records import replace
from costmodel.report import grouped_digits
from costmodel.specs.catalogue import bundled, families, program_of
from costmodel.specs.expansion import expand


def listing(word: str = "") -> dict[str, list[Any]]:
    """One row per published name that loads: families, their variants, and the listed values of their patterns.

    `word` picks the names that hold it, and all of a family that does.

    Raises: UnknownNameError when nothing holds it.
    """
    rows: list[tuple[str, str, str, str]] = []
    for family in families():
        program = bundled(family)
        rows.append((family, family, ", ".join(program.parameters), program.source))
        for variant in program.variants.values():
            for name, settings in variant.published():
                if name != family:
                    passes = {"passes": ", ".join(variant.passes)} if variant.passes else {}
                    values = ", ".join(f"{key} = {value}" for key, value in (settings | passes).items())
                    rows.append((name, family, values, program.source))
    names = [name for name, *_ in rows]
    rows = [row for row in rows if word in row[0] or word in row[1]]
    if not rows:
        hint = nearest(word, names) or "all are listed without it"
        raise UnknownNameError(f"no network's name holds {word!r}; {hint}")
    columns = ("name", "family", "parameters", "source")
    return dict(zip(columns, (list(column) for column in zip(*rows, strict=True)), strict=True))


def published_names() -> list[str]:
    """Every published name that loads: families and their listed variants."""
    return [str(name) for name in listing()["name"]]


def check(document: Document) -> str:
    """Read, expand and cost a spec with its defaults and each named variant; says what was checked.

    Raises: SpecError with every mistake.
    """
    program = program_of(document)
    costs = cost_table(expand(program, {}))
    built, problems = 0, []
    for variant in program.variants.values():
        for name, settings in variant.published():
            try:
                cost_table(apply_passes(replace(expand(program, settings), name=name), variant.passes))
            except PassError as error:
                problems.append(document.problem(("variants", variant.name, "passes"), str(error)))
                break
            built += 1
    if problems:
        raise SpecError(problems)
    layers = len(costs.graph.layers)
    macs, params = grouped_digits(costs.total("macs")), costs.total("params")
    counted = f"{layers} layer{'s' * (layers != 1)}, {macs} MACs, {params:,} params"
    return f"{counted} by default" + (f"; {built} variant{'s' * (built != 1)} built" if built else "")
