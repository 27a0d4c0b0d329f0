"""A validation as text, as columns and as one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel.report import as_table, significant
from costmodel.validation.comparison import Validation, figure_rows
from costmodel.validation.figures import PREDICTORS

FIGURES = ("mape", "median_ape", "within_10", "within_20", "kendall_tau", "held_out_median_ape")
UNCALIBRATED_ROWS = (
    "; uncalibrated: rows whose full is Eq. 1 on datasheet numbers, since nothing was fitted in their runtime and "
    "number format"
)


def _part(value: Any) -> str:
    return "" if value is None else f"{value:.1%}"


FORMATTERS = {
    **{name: _part for name in FIGURES if name != "kendall_tau"},
    **{name: _part for name in PREDICTORS},
    "within 20 %": _part,
    "held out": _part,
    "kendall_tau": lambda value: "" if value is None else significant(value, 3),
    "tau": lambda value: "" if value is None else significant(value, 3),
    "threads": lambda value: "" if value is None else str(value),
}


def columns_of(found: Validation) -> dict[str, list[Any]]:
    """One row per group and predictor."""
    rows = figure_rows(found)
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def as_object(found: Validation) -> dict[str, Any]:
    """The JSON of `validate`: rows with the figures of each group and predictor, how many were skipped why, and
    warnings."""
    return {"rows": figure_rows(found), "skipped": dict(found.skipped), "warnings": warning_lines(found)}


def warning_lines(found: Validation) -> list[str]:
    """Each warning as a line."""
    return [str(each) for each in found.warnings]


def as_text(found: Validation) -> str:
    """One line per group with the median errors of the four predictors, then what was skipped."""
    if not found.groups:
        return "no rows"
    keys = list(found.groups[0].key)
    table: dict[str, Sequence[Any]] = {
        key: ["" if group.key[key] is None else group.key[key] for group in found.groups] for key in keys
    }
    table["n"] = [group.accuracy["full"].n for group in found.groups]
    table["skipped"] = [group.skipped or "" for group in found.groups]
    plain = [group.uncalibrated for group in found.groups]
    if any(plain):
        table["uncalibrated"] = [count or "" for count in plain]
    for name in PREDICTORS:
        table[name] = [group.accuracy[name].median_ape for group in found.groups]
    table["within 20 %"] = [group.accuracy["full"].within_20 for group in found.groups]
    table["tau"] = [group.accuracy["full"].kendall_tau for group in found.groups]
    table["held out"] = [group.held_out_median_ape for group in found.groups]
    parts = [as_table(table, FORMATTERS)]
    parts.append(
        "median of |predicted / measured - 1| by "
        + "; ".join(f"{name}: {meaning}" for name, meaning in PREDICTORS.items())
        + "; within 20 % and tau (order) of full; held out: the median error that the profiles state for rows left out "
        "of their fit, since the bundled rows themselves were fitted" + UNCALIBRATED_ROWS * any(plain)
    )
    predicted = sum(group.accuracy["full"].n for group in found.groups)
    skipped = ", ".join(f"{count} {reason}" for reason, count in found.skipped.items()) or "none"
    parts.append(f"{predicted} row{'s' * (predicted != 1)} predicted; skipped: {skipped}")
    if found.warnings:
        parts.append("\n".join(warning_lines(found)))
    return "\n\n".join(parts)
