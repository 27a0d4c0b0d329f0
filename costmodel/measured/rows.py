"""Where the rows and cells of a CSV text begin and end, found for all rows at once."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import Problem, SpecError

MAXIMUM_LINES = 500_000
MAXIMUM_ROW_BYTES = 50_000
Offsets: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
_LINE_FEED, _QUOTE, _COMMA = 10, 34, 44


class Rows:
    """The rows of a text that are not blank: offsets of their first and one past their last byte, and their lines."""

    def __init__(self, content: bytes, label: str) -> None:
        """Raises: SpecError for too many lines, a row that is too long, or a quote that begins or ends no cell."""
        self.content, self.label = content, label
        if content.count(b"\n") > MAXIMUM_LINES:
            raise self._refusal(0, f"the table has more than {MAXIMUM_LINES:,} lines", "split it into several files")
        letters = np.frombuffer(content, np.uint8)
        commas, feeds = letters == _COMMA, letters == _LINE_FEED
        feed_offsets: Offsets = np.flatnonzero(feeds)
        if b'"' in content:
            inside = np.logical_xor.accumulate(letters == _QUOTE)
            self._check_quotes(letters, inside)
            commas &= ~inside
            feeds &= ~inside
        ends: Offsets = np.flatnonzero(feeds)
        starts: Offsets = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        separators: Offsets = np.diff(np.searchsorted(np.flatnonzero(commas), ends), prepend=0)
        filled = ends - starts > separators
        self.starts, self.ends, self.cells = starts[filled], ends[filled], separators[filled] + 1
        self.lines: Offsets = np.searchsorted(feed_offsets, self.starts) + 1
        long = np.flatnonzero(self.ends - self.starts > MAXIMUM_ROW_BYTES)
        if len(long):
            problem = f"the row is longer than {MAXIMUM_ROW_BYTES:,} bytes"
            raise self._refusal(int(self.starts[long[0]]), problem, "end every row with a line break")

    def __len__(self) -> int:
        return len(self.starts)

    def texts(self, row: int) -> list[str]:
        """The cells of a row, without quotes and surrounding blanks."""
        return [_unquoted(self.content[start:end]) for start, end in self._spans(row)]

    def body(self, wanted: Flags) -> bytes:
        """The text of the rows that are marked, one after the other."""
        marked = np.flatnonzero(wanted)
        if not len(marked):
            return b""
        start, end = int(self.starts[marked[0]]), int(self.ends[marked[-1]]) + 1
        if end - start == int((self.ends[marked] - self.starts[marked] + 1).sum()):
            return self.content[start:end]
        spans = zip(self.starts[wanted].tolist(), self.ends[wanted].tolist(), strict=True)
        return b"".join(self.content[start : end + 1] for start, end in spans)

    def problem(self, row: int, cell: int, field: str, problem: str, remedy: str = "") -> Problem:
        """A mistake in a cell, with its place and the text of its line."""
        spans = self._spans(row)
        return self._problem(spans[min(cell, len(spans) - 1)][0], field, problem, remedy)

    def _problem(self, at: int, field: str, problem: str, remedy: str) -> Problem:
        line_start, line_end = self.content.rfind(b"\n", 0, at) + 1, self.content.index(b"\n", at)
        line = self.content.count(b"\n", 0, at) + 1
        if line_end - line_start > MAXIMUM_ROW_BYTES:
            return Problem(self.label, line, 1, field, problem, remedy)
        column = len(self.content[line_start:at].decode()) + 1
        excerpt = self.content[line_start:line_end].decode()
        return Problem(self.label, line, column, field, problem, remedy, excerpt)

    def _refusal(self, at: int, problem: str, remedy: str) -> SpecError:
        return SpecError([self._problem(at, "", problem, remedy)])

    def _spans(self, row: int) -> list[tuple[int, int]]:
        start, end = int(self.starts[row]), int(self.ends[row])
        letters = np.frombuffer(self.content[start:end], np.uint8)
        inside = np.logical_xor.accumulate(letters == _QUOTE)
        at = [start + int(offset) for offset in np.flatnonzero((letters == _COMMA) & ~inside)]
        return list(zip([start, *(offset + 1 for offset in at)], [*at, end], strict=True))

    def _check_quotes(self, letters: NDArray[np.uint8], inside: Flags) -> None:
        """Quotes stand around a whole cell; within it they are doubled. Anything else, readers take differently."""
        offsets = np.flatnonzero(letters == _QUOTE)
        opening, closing = offsets[inside[offsets]], offsets[~inside[offsets]]
        around = np.frombuffer(b',\n"', np.uint8)
        before, after = letters[np.maximum(opening, 1) - 1], letters[np.minimum(closing + 1, len(letters) - 1)]
        wrong = np.concatenate([opening[~np.isin(before, around) & (opening > 0)], closing[~np.isin(after, around)]])
        if len(wrong):
            remedy = 'put the whole cell in quotes and write "" for a quote in it'
            raise self._refusal(int(wrong.min()), "a quote stands within a cell", remedy)
        if inside[-1]:
            raise self._refusal(int(opening[-1]), "a quote is not closed", "close it, or remove it")


def _unquoted(cell: bytes) -> str:
    text = cell.decode()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"')
    return text.strip()
