"""A validation as text, as columns and as one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel.report import as_table, significant
from costmodel.validation.comparison import Validation, figure_rows
from costmodel.validation.figures import PREDICTORS

FIGURES = ("mape", "median_ape", "within_10", "within_20", "kendall_tau", "held_out_median_ape")


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
    """The JSON of `validate`: rows with the figures of each group and predictor, and how many were skipped why."""
    return {"rows": figure_rows(found), "skipped": dict(found.skipped)}


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
        "of their fit, since the bundled rows themselves were fitted"
    )
    predicted = sum(group.accuracy["full"].n for group in found.groups)
    skipped = ", ".join(f"{count} {reason}" for reason, count in found.skipped.items()) or "none"
    parts.append(f"{predicted} rows predicted; skipped: {skipped}")
    return "\n\n".join(parts)
