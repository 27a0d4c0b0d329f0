"""The bundled networks as columns, and the check of one spec file, for the command line."""

from __future__ import annotations

from typing import Any

from costmodel.costs import cost_table
from costmodel.errors import UnknownNameError, nearest
from costmodel.files import Document
from costmodel.passes import apply_passes
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
                    values = ", ".join(f"{key} = {value}" for key, value in settings.items())
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
    built = 0
    for variant in program.variants.values():
        for _, settings in variant.published():
            cost_table(apply_passes(expand(program, settings), variant.passes))
            built += 1
    layers = len(costs.graph.layers)
    counted = f"{layers} layer{'s' * (layers != 1)}, {costs.total('macs'):,} MACs, {costs.total('params'):,} params"
    return f"{counted} by default" + (f"; {built} variant{'s' * (built != 1)} built" if built else "")
