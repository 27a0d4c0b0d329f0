"""The bundled networks as columns, and the check of one spec file, for the command line."""

from __future__ import annotations

from typing import Any

from costmodel.costs import cost_table
from costmodel.files import Document, read_bundled
from costmodel.specs.catalogue import FOLDER, families, program_of
from costmodel.specs.expansion import expand


def listing() -> dict[str, list[Any]]:
    """One row per name that loads: families, their variants, and patterns such as mobilenet_v2_{width}_{resolution}."""
    rows: list[tuple[str, str, str, str]] = []
    for family in families():
        data = read_bundled(FOLDER, family).data
        settable = ", ".join(data.get("parameters", {}))
        rows.append((family, family, settable, data["source"]))
        for name, settings in data.get("variants", {}).items():
            if name != family:
                values = ", ".join(f"{key} = {value}" for key, value in settings.items())
                rows.append((name, family, values, data["source"]))
    columns = ("name", "family", "parameters", "source")
    return dict(zip(columns, (list(column) for column in zip(*rows, strict=True)), strict=True))


def check(document: Document) -> str:
    """Read, expand and cost a spec with its defaults and each named variant; says what was checked.

    Raises: SpecError with every mistake.
    """
    from costmodel.passes import PASSES

    program = program_of(document)
    costs = cost_table(expand(program, {}))
    checked = 0
    for variant in program.variants.values():
        if not variant.is_pattern:
            graph = expand(program, variant.settings)
            for name in variant.passes:
                graph = PASSES[name](graph)
            cost_table(graph)
            checked += 1
    return (
        f"{len(costs.graph.layers)} layers, {costs.total('macs'):,} MACs, {costs.total('params'):,} params by default; "
        f"{checked} named variants built"
    )
