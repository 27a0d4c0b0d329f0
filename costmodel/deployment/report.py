"""Verdicts as text, as a table and as plain objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costmodel.deployment.checks import Check
from costmodel.deployment.needs import Needs
from costmodel.deployment.remedy import Remedy
from costmodel.deployment.verdict import Fit
from costmodel.memory.sizes import binary_size
from costmodel.records import fields_of, values_of
from costmodel.report import as_table, significant, with_prefix

SHOW: dict[str, Callable[[Any], str]] = {
    "bytes": binary_size,
    "seconds": lambda seconds: with_prefix(float(seconds), "s"),
    "joules": lambda joules: with_prefix(float(joules), "J"),
}
WORDS = {True: "yes", False: "no", None: ""}
PASSES_NAMED = {
    "scale_width": "scale_width",
    "scale_resolution": "scale_resolution",
    "least_memory_order": "execution_order",
}
"""Functions that calls of remedies name, and the modules that they are in."""
FORMATTERS: dict[str, Callable[[Any], str]] = {
    "sram_bytes": lambda value: _shown("bytes", value),
    "flash_bytes": lambda value: _shown("bytes", value),
    "latency_seconds": lambda value: _shown("seconds", value),
    "energy_joules": lambda value: _shown("joules", value),
}
"""How columns read in tables for people."""


def as_text(fit: Fit) -> str:
    """The answer, a line per resource, the layers to blame, and the remedies with how to get each."""
    where = f" on {fit.hardware}" if fit.hardware else ""
    lines = [f"{fit.network}{where}, {fit.dtype}: {fit.answer}", "", as_table(check_columns(fit)), "", *_notes(fit)]
    made = [remedy for remedy in fit.remedies if remedy.needs is not None]
    if fit.remedies:
        found = any(remedy.fits for remedy in made)
        lines += ["", "What would make it fit" if found else "Nothing that was tried makes it fit"]
        lines += ["", as_table(remedy_columns(fit, made))] if made else []
        lines += [""] + [line for remedy in fit.remedies for line in _remedy_lines(remedy)]
        named = [name for name in PASSES_NAMED if any(f"{name}(" in remedy.how for remedy in fit.remedies)]
        lines += [""] * bool(named) + [f"from costmodel.passes.{PASSES_NAMED[name]} import {name}" for name in named]
    return "\n".join(lines)


def check_columns(fit: Fit) -> dict[str, list[Any]]:
    """A row per resource, for people."""
    checks = fit.checks
    return {
        "resource": [check.resource for check in checks],
        "needed": [_needed(check) for check in checks],
        "limit": [_shown(check.unit, check.limit.amount if check.limit else None) for check in checks],
        "share": [_share(check) for check in checks],
        "fits": [_word(check) for check in checks],
        "most in layer": [check.layer for check in checks],
        "of it": [_shown(check.unit, check.layer_needs) for check in checks],
    }


def remedy_columns(fit: Fit, remedies: list[Remedy]) -> dict[str, list[Any]]:
    """A row per remedy, for people; energy where it is limited."""
    needs = [remedy.needs for remedy in remedies if remedy.needs is not None]
    columns: dict[str, list[Any]] = {
        "change": [remedy.change for remedy in remedies],
        "SRAM": [binary_size(need.sram_bytes) for need in needs],
        "flash": [binary_size(need.flash_bytes) for need in needs],
        "MACs": [with_prefix(float(need.macs)) for need in needs],
        "latency": [_shown("seconds", need.latency_seconds) for need in needs],
    }
    if any(check.resource == "energy" and check.limit is not None for check in fit.checks):
        columns["energy"] = [_shown("joules", need.energy_joules) for need in needs]
    is_predicted = any(check.is_predicted and check.limit is not None for check in fit.checks)
    yes = "not excluded" if is_predicted else WORDS[True]
    return columns | {"fits": [yes if remedy.fits else WORDS[False] for remedy in remedies]}


def columns_of(fit: Fit) -> dict[str, list[Any]]:
    """The network in the first row, then a row per remedy, in base units."""
    own = {check.resource: check.needed for check in fit.checks}
    itself = Needs(fit.macs, own["SRAM"], own["flash"], own["latency"], own["energy"])
    rows: list[tuple[str, str, Needs | None, bool, str]] = [("network", fit.network, itself, fit.fits, "")]
    rows += [(each.kind, each.change, each.needs, each.fits, each.how) for each in fit.remedies]
    table: dict[str, list[Any]] = {
        "kind": [kind for kind, *_ in rows],
        "change": [change for _, change, *_ in rows],
    }
    for name in fields_of(Needs):
        table[name] = [None if needs is None else getattr(needs, name) for _, _, needs, *_ in rows]
    return table | {"fits": [fits for *_, fits, _ in rows], "how": [how for *_, how in rows]}


def as_object(fit: Fit) -> dict[str, Any]:
    """The same for programs: base units, the names of the fields."""
    return {
        "network": fit.network,
        "hardware": fit.hardware,
        "dtype": fit.dtype,
        "definition": fit.definition,
        "fits": fit.fits,
        "answer": fit.answer,
        "exceeded": list(fit.exceeded),
        "unknown": list(fit.unknown),
        "macs": fit.macs,
        "checks": [_check_object(check) for check in fit.checks],
        "remedies": [_remedy_object(remedy) for remedy in fit.remedies],
    }


def _check_object(check: Check) -> dict[str, Any]:
    plain = dict(zip(fields_of(check), values_of(check), strict=True))
    limit = check.limit
    return plain | {
        "limit": limit.amount if limit else None,
        "limit_source": limit.source if limit else "",
        "is_kept": check.is_kept,
    }


def _remedy_object(remedy: Remedy) -> dict[str, Any]:
    needs = remedy.needs
    plain = dict(zip(fields_of(remedy), values_of(remedy), strict=True))
    return plain | {
        "settings": dict(remedy.settings),
        "needs": dict(zip(fields_of(needs), values_of(needs), strict=True)) if needs is not None else None,
    }


def _notes(fit: Fit) -> list[str]:
    """How each number is to be read, and where each limit comes from."""
    lines = []
    for check in fit.checks:
        source = f"; limit: {check.limit.source}" if check.limit else ""
        lines.append(f"{check.resource}: {check.note}{source}")
    return lines


def _remedy_lines(remedy: Remedy) -> list[str]:
    """How to get it, and what has to be known of it."""
    note = f"{remedy.change}: {remedy.note}" if remedy.note else f"{remedy.change}:"
    return [note, *([f"  {remedy.how}"] if remedy.how else [])]


def _word(check: Check) -> str:
    if check.is_kept is None:
        return "?" if check.limit is not None else ""
    return "not excluded" if check.is_kept and check.is_predicted else WORDS[check.is_kept]


def _share(check: Check) -> str:
    if check.is_kept is None or check.limit is None:
        return ""
    return f"{significant(float(100 * check.needed / check.limit.amount), 3)} %"


def _needed(check: Check) -> str:
    shown = _shown(check.unit, check.needed)
    return f"at least {shown}" if check.is_lower_bound else shown


def _shown(unit: str, value: Any) -> str:
    return "" if value is None else SHOW[unit](value)
