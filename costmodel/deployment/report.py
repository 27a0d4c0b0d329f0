"""Verdicts as text and as plain objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costmodel.deployment.checks import Check
from costmodel.deployment.remedies import Remedy
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


def as_text(fit: Fit) -> str:
    """The answer, a line per resource, the layers to blame, and the remedies."""
    where = f" on {fit.hardware}" if fit.hardware else ""
    lines = [f"{fit.network}{where}, {fit.dtype}: {fit.answer}", "", as_table(check_columns(fit)), "", *_notes(fit)]
    if fit.remedies:
        made = [remedy for remedy in fit.remedies if remedy.needs is not None]
        lines += (
            ["", "What would make it fit"]
            if any(remedy.fits for remedy in made)
            else ["", "Nothing tried makes it fit"]
        )
        lines += ["", as_table(remedy_columns(made))] if made else []
        notes = [f"{remedy.change}: {remedy.note}" for remedy in fit.remedies if remedy.note]
        lines += ["", *notes] if notes else []
    return "\n".join(lines)


def check_columns(fit: Fit) -> dict[str, list[Any]]:
    """A row per resource, for people."""
    checks = fit.checks
    return {
        "resource": [check.resource for check in checks],
        "needed": [_shown(check, check.needed) for check in checks],
        "limit": [_shown(check, check.limit.amount if check.limit else None) for check in checks],
        "share": [_share(check) for check in checks],
        "fits": ["?" if check.limit and check.is_kept is None else WORDS[check.is_kept] for check in checks],
        "most in layer": [check.layer for check in checks],
        "of it": [_shown(check, check.layer_needs) for check in checks],
    }


def remedy_columns(remedies: list[Remedy]) -> dict[str, list[Any]]:
    """A row per remedy, for people."""
    needs = [remedy.needs for remedy in remedies if remedy.needs is not None]
    return {
        "change": [remedy.change for remedy in remedies],
        "SRAM": [binary_size(need.sram_bytes) for need in needs],
        "flash": [binary_size(need.flash_bytes) for need in needs],
        "MACs": [with_prefix(float(need.macs)) for need in needs],
        "latency": ["" if need.latency_seconds is None else SHOW["seconds"](need.latency_seconds) for need in needs],
        "fits": [WORDS[remedy.fits] for remedy in remedies],
    }


def as_object(fit: Fit) -> dict[str, Any]:
    """The same for programs: base units, the names of the fields."""
    return {
        "network": fit.network,
        "hardware": fit.hardware,
        "dtype": fit.dtype,
        "definition": fit.definition,
        "fits": fit.fits,
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


def _share(check: Check) -> str:
    if check.is_kept is None or check.limit is None:
        return ""
    return f"{significant(float(100 * check.needed / check.limit.amount), 3)} %"


def _shown(check: Check, value: Any) -> str:
    return "" if value is None else SHOW[check.unit](value)
