"""The first row of a table: which cell holds which column, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.errors import Problem, nearest
from costmodel.measured.columns import Column
from costmodel.measured.rows import Rows

_SEPARATORS = ((";", "semicolons"), ("\t", "tabs"))


def columns_of(rows: Rows, known: Sequence[Column]) -> tuple[dict[str, int], list[Problem]]:
    """Cell number of each known column that is there, and the mistakes of the header."""
    words = [word.lower() for word in rows.texts(0)]
    by_name = {column.name: column for column in known}
    for separator, plural in _SEPARATORS:
        if len(words) == 1 and separator in words[0]:
            return {}, [rows.problem(0, 0, "", f"cells are separated by {plural}", "separate them by commas")]
    if not by_name.keys() & set(words):
        required = ",".join(column.name for column in known if column.required)
        remedy = f"begin with a line of column names, e.g. {required}"
        return {}, [rows.problem(0, 0, "", "the first line names no column of such a table", remedy)]
    found: dict[str, int] = {}
    problems = []
    for cell, word in enumerate(words):
        if word in found:
            problems.append(rows.problem(0, cell, word, f"column {word} stands twice", "remove one of the two"))
        elif word in by_name:
            found[word] = cell
        else:
            problems.append(rows.problem(0, cell, word, *_unknown(word, by_name)))
    for column in known:
        if column.required and column.name not in found:
            problems.append(
                rows.problem(0, len(words), column.name, f"column {column.name} is missing", column.meaning)
            )
    return found, problems


def _unknown(word: str, known: dict[str, Column]) -> tuple[str, str]:
    if not word:
        return "a column has no name", "name it, or remove it"
    shown = word if len(word) <= 40 else word[:37] + "..."
    remedy = nearest(word, known)
    if not remedy:
        remedy = "write it into note, as key=value" if "note" in known else "remove it"
    return f"column {shown!r} is unknown", remedy
