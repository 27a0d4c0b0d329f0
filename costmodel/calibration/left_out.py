"""Measured rows that no fit can use: where they stand, what they measured, and why they are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.measured import Measured, blank_columns
from costmodel.records import record

SHOWN = 3
"""Places that are named of rows with one reason in common."""
MOST_REASONS = 20
"""Reasons that are listed."""


@record
class LeftOut:
    """A measured row that is not fitted: `place` is file:line, `subject` the network or operator, and `reason` says
    why, and what to do."""

    place: str
    subject: str
    reason: str


def place_of(table: Measured, row: Mapping[str, Any]) -> str:
    """file:line of a measured row."""
    return f"{table.path or table.name}:{int(row['line'])}"


def subject_of(row: Mapping[str, Any]) -> str:
    """What a measured row ran: its network, or its operator."""
    return str(row["network"] or row["operator"] or row["op_kind"])


def blank_sizes(row: Mapping[str, Any]) -> str:
    """The reason to leave out the row of an operator; "" where every size that it is priced by is stated.

    >>> blank_sizes({"op_kind": "softmax", "in_elements": 8.0, "out_elements": float("nan")})
    'out_elements of the softmax is blank; fill in its shape'
    """
    blank = blank_columns(row)
    if not blank:
        return ""
    return f"{', '.join(blank)} of the {row['op_kind']} {'are' if len(blank) > 1 else 'is'} blank; fill in its shape"


def in_words(rows: Sequence[LeftOut]) -> list[str]:
    """One line per reason, of the first reasons: how many rows, the reason, and the first places.

    >>> in_words([LeftOut("t.csv:2", "resnet18", "no shapes"), LeftOut("t.csv:5", "vgg16", "no shapes")])
    ['2 rows: no shapes: t.csv:2 resnet18, t.csv:5 vgg16']
    """
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reasons.setdefault(row.reason, []).append(f"{row.place} {row.subject}")
    lines = [f"{counted(len(found), 'row')}: {reason}: {listed(found, SHOWN)}" for reason, found in reasons.items()]
    more = lines[MOST_REASONS:]
    return lines[:MOST_REASONS] + ([f"and {counted(len(more), 'reason')} more"] if more else [])


def counted(count: int, noun: str) -> str:
    """A count and its noun.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def listed(names: Sequence[str], shown: int) -> str:
    """The first names, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    return ", ".join(names[:shown]) + (f" and {len(names) - shown:,} more" if len(names) > shown else "")
