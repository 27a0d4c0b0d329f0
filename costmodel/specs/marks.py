"""What steps say of their layers beyond the operator: merged when re-parameterised, run with a probability."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import is_array
from costmodel.records import record


@record
class Marks:
    """The marks of the layers being made: their merge group, the probability that they run, the active fraction."""

    merge: str | None
    probability: Any
    active: Any


UNMARKED = Marks(None, 1, 1)
REMEDIES = {
    "merge": "write merge = true",
    "probability": "write the part of the inputs for which the step runs, e.g. probability = 0.75",
    "active": "write the part of the output positions that is computed, e.g. active = 0.3",
}


def _everywhere(condition: Any) -> bool:
    """Whether a condition holds for all variants; false for what is not a number."""
    return bool(condition.all()) if is_array(condition) else bool(condition)


def misfit(key: str, value: Any) -> str:
    """What is wrong with the value of a mark, or ''."""
    if key == "merge":
        return "" if isinstance(value, bool) else "must be true or false"
    if isinstance(value, bool) or not (is_array(value) or isinstance(value, int | float)):
        return "must be a number above 0, at most 1"
    return "must be above 0 and at most 1" if not _everywhere((value > 0) & (value <= 1)) else ""
