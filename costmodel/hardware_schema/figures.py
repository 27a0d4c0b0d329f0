"""Figures of calibrations that contradict each other, whatever the runtime family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from costmodel.accuracy import GRADES, LEAST_ROWS, WIDEST_BAND, grade_of
from costmodel.errors import Problem
from costmodel.files import Document
from costmodel.hardware_schema.names import SEPARATORS
from costmodel.positions import KeyPath

ROUNDED = 1e-3
"""Figures in files have four digits, those that a grade was given for had more."""
FIGURES = ("held_out_median_ape", "n", "held_out_low", "held_out_high")


def calibrations_in(document: Document) -> Iterator[tuple[KeyPath, Mapping[str, Any], list[Any]]]:
    """Path of each runtime's number format, its table, and its calibrations; nothing of what has the wrong type."""
    runtimes = document.data.get("runtime", {})
    for name, formats in runtimes.items() if isinstance(runtimes, dict) else ():
        for dtype, settings in formats.items() if isinstance(formats, dict) else ():
            tables = settings.get("calibration", []) if isinstance(settings, dict) else []
            if isinstance(tables, list) and tables:
                yield ("runtime", name, dtype), settings, tables


def figure_problems(document: Document) -> Iterator[Problem]:
    """Everything that the figures of a calibration contradict: grade, band, memory levels, conditions."""
    bandwidth = _bandwidth(document.data)
    for path, _, tables in calibrations_in(document):
        seen: list[dict[str, str]] = []
        for at, table in enumerate(tables):
            if isinstance(table, dict):
                here = (*path, "calibration", at)
                yield from _condition_problems(document, here, table, seen)
                yield from _level_problems(document, here, table, bandwidth)
                yield from _grade_problems(document, here, table)


def _bandwidth(data: Mapping[str, Any]) -> float:
    """The bandwidth of the roofline, 0 where the file does not state it rightly."""
    device, levels = data.get("device"), data.get("memory")
    name = device.get("memory") if isinstance(device, dict) else None
    level = levels.get(name) if isinstance(levels, dict) and isinstance(name, str) else None
    rate = level.get("bytes_per_second") if isinstance(level, dict) else None
    return float(rate) if rate is not None and is_number(rate) else 0.0


def is_number(value: Any) -> bool:
    """Whether a value of a file is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _condition_problems(
    document: Document, path: KeyPath, table: Mapping[str, Any], seen: list[dict[str, str]]
) -> Iterator[Problem]:
    conditions = table.get("conditions", {})
    if not isinstance(conditions, dict):
        return
    own = {key: str(value) for key, value in conditions.items()}
    if own in seen:
        shown = ", ".join(f"{key} = {value}" for key, value in own.items()) or "no conditions"
        yield document.problem(path, f"a second calibration with {shown}", "only the first could be selected")
    seen.append(own)
    threads = conditions.get("threads", 1)
    if isinstance(threads, int) and threads < 1:
        problem = f"threads = {threads} must be at least 1"
        yield document.problem((*path, "conditions", "threads"), problem, "leave it out where it is not known")
    for key, value in own.items():
        if any(letter in key + value for letter in SEPARATORS):
            problem = f"the condition {key} = {value} cannot be selected: {SEPARATORS} separate conditions"
            yield document.problem((*path, "conditions", key), problem, "write it without them")


def _level_problems(document: Document, path: KeyPath, table: Mapping[str, Any], bandwidth: float) -> Iterator[Problem]:
    """A memory that is farther holds more and is slower: with another order, more capacity would cost time."""
    levels = table.get("levels", [])
    pairs = levels if isinstance(levels, list) else []
    if not all(isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair)) for pair in pairs):
        return
    for at, (capacity, rate) in enumerate(pairs):
        here = (*path, "levels", at)
        if at and capacity <= pairs[at - 1][0]:
            problem = f"a level of {capacity:g} bytes behind one of {pairs[at - 1][0]:g}"
            yield document.problem(
                (*here, 0), problem, "levels stand from the nearest, each larger than the one before"
            )
        if at and rate > pairs[at - 1][1]:
            problem = f"a level of {rate:g} bytes/s behind one of {pairs[at - 1][1]:g}"
            yield document.problem(
                (*here, 1), problem, "levels stand from the nearest, none faster than the one before"
            )
        if 0 < rate < bandwidth:
            problem = f"a level of {rate:g} bytes/s is slower than the memory behind it, {bandwidth:g}"
            yield document.problem((*here, 1), problem, "state its rate, or leave the level out")


def _grade_problems(document: Document, path: KeyPath, table: Mapping[str, Any]) -> Iterator[Problem]:
    """A grade that is not what the rule gives. One below it is right where a note says why."""
    if not all(is_number(table.get(name)) for name in FIGURES):
        return
    median, n, low, high = (table[name] for name in FIGURES)
    if min(n, low, high) <= 0 or median < 0:
        return
    if low > high:
        problem = f"held_out_low = {low:g} is above held_out_high = {high:g}"
        yield document.problem((*path, "held_out_low"), problem, "they are the ends of the band, the lower one first")
        return
    best, stated = grade_of(median, n, low, high), table.get("grade")
    near = {grade_of(median * part, n, low, high * part) for part in (1 - ROUNDED, 1 + ROUNDED)}
    if not isinstance(stated, str) or stated not in GRADES or stated == best or stated in near:
        return
    if stated > best and isinstance(table.get("note"), str):
        return
    remedy = f'write grade = "{best}"' + (", or add a note that says why it is lower" if stated > best else "")
    yield document.problem((*path, "grade"), f"grade {stated} where the figures are of grade {best}: "
                           + _reason(median, n, high / low, min(stated, best)), remedy)  # fmt: skip


def _reason(median: float, n: float, width: float, grade: str) -> str:
    """What the figures are, against the limits of the better of the two grades."""
    return (
        f"{grade} is for a median error up to {GRADES[grade]:.0%} (here {median:.1%}), {LEAST_ROWS[grade]} rows or "
        f"more (here {n:g}), and held_out_high / held_out_low up to {WIDEST_BAND[grade]:g} (here {width:.2f})"
    )
