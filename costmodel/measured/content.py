"""The bytes of a table: read and decompressed within limits, as UTF-8 text with lines that end in a line feed."""

from __future__ import annotations

import zlib

from costmodel.errors import Problem, SpecError

MAXIMUM_BYTES = 16_000_000
"""Of the file and of its text. Twice the largest bundled table; the slowest text of this size takes ten seconds."""
_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31


def read_content(path: str, label: str) -> bytes:
    """The text of a .csv or .csv.gz as bytes that end with a line feed.

    Raises: SpecError when it cannot be read, is too large, damaged, empty, or not UTF-8 text.
    """
    content = _file_bytes(path, label)
    if content.startswith(_GZIP):
        content = _decompressed(content, label)
    if len(content) > MAXIMUM_BYTES:
        raise _refusal(label, f"the table is larger than {MAXIMUM_BYTES:,} bytes", "split it into several files")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip(b" \t\r\n,"):
        raise _refusal(
            label, "the file is empty", "the first line names the columns, e.g. device,network,latency_seconds"
        )
    _check_text(content, label)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content if content.endswith(b"\n") else content + b"\n"


def _file_bytes(path: str, label: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _refusal(label, f"cannot be read: {getattr(error, 'strerror', None) or 'not a path'}") from None
    if len(content) > MAXIMUM_BYTES:
        raise _refusal(label, f"the file is larger than {MAXIMUM_BYTES:,} bytes", "split it into several files")
    return content


def _decompressed(content: bytes, label: str) -> bytes:
    """At most one byte more than the limit: a small file may unfold to any size."""
    machine = zlib.decompressobj(_WITH_GZIP_HEADER)
    try:
        text = machine.decompress(content, MAXIMUM_BYTES + 1)
    except zlib.error:
        raise _refusal(label, "the compressed file is damaged", "compress it again with gzip") from None
    if len(text) <= MAXIMUM_BYTES:
        if not machine.eof:
            raise _refusal(label, "the compressed file ends too early", "compress it again with gzip")
        if machine.unused_data:
            raise _refusal(label, "something follows the compressed table", "compress one table alone with gzip")
    return text


def _check_text(content: bytes, label: str) -> None:
    try:
        content.decode("utf-8")
        at = content.find(b"\0")
        problem, remedy = "not a table of text: it holds a zero byte", "write a CSV file, or one compressed with gzip"
    except UnicodeDecodeError as error:
        at, problem, remedy = error.start, "the file is not UTF-8 text", "save it as UTF-8"
    if at >= 0:
        raise SpecError([Problem(label, content.count(b"\n", 0, at) + 1, 1, "", problem, remedy)])


def _refusal(label: str, problem: str, remedy: str = "") -> SpecError:
    return SpecError([Problem(label, 0, 0, "", problem, remedy)])
