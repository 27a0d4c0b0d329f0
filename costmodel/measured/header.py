"""The first row of a table: which cell holds which column, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.errors import Problem, nearest
from costmodel.measured.cells import MAXIMUM_SHOWN
from costmodel.measured.columns import Column
from costmodel.measured.rows import Rows

_SEPARATORS = ((";", "semicolons"), ("\t", "tabs"))


def columns_of(rows: Rows, known: Sequence[Column]) -> tuple[dict[str, int], list[Problem], int]:
    """Cell number of each known column that is there, the mistakes of the header, and how many more it has."""
    words = [word.lower() for word in rows.texts(0)]
    by_name = {column.name: column for column in known}
    strange = _strange(words, by_name)
    if strange:
        return {}, [rows.problem(0, 0, "", *strange)], 0
    found: dict[str, int] = {}
    wrong: list[tuple[int, str]] = []
    for cell, word in enumerate(words):
        if word in by_name and word not in found:
            found[word] = cell
        else:
            wrong.append((cell, word))
    missing = [column for column in known if column.required and column.name not in found]
    problems = [
        *(
            rows.problem(0, len(words), each.name, f"column {each.name} is missing", f"add it: {each.meaning}")
            for each in missing
        ),
        *(rows.problem(0, cell, word, *_wrong(word, by_name)) for cell, word in wrong[:MAXIMUM_SHOWN]),
    ]
    return found, problems, len(wrong[MAXIMUM_SHOWN:])


def _strange(words: list[str], known: dict[str, Column]) -> tuple[str, str] | None:
    for separator, plural in _SEPARATORS:
        if len(words) == 1 and separator in words[0]:
            return f"cells are separated by {plural}", "separate them by commas"
    if known.keys() & set(words):
        return None
    required = ",".join(column.name for column in known.values() if column.required)
    return "the first line names no column of such a table", f"begin with a line of column names, e.g. {required}"


def _wrong(word: str, known: dict[str, Column]) -> tuple[str, str]:
    if word in known:
        return f"column {word} stands twice", "remove one of the two"
    if not word:
        return "a column has no name", "name it, or remove it"
    shown = word if len(word) <= 40 else word[:37] + "..."
    remedy = nearest(word, known)
    if not remedy:
        remedy = "write it into note, as key=value" if "note" in known else "remove it"
    return f"column {shown!r} is unknown", remedy
