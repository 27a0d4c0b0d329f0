"""Where the bundled data lies, and how a TOML file is read: bounded, with every parse error placed."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cached_property, lru_cache
from typing import Any

from costmodel.errors import Problem, SpecError
from costmodel.positions import KeyPath, first_repeated_key, position

MAXIMUM_BYTES = 200_000
"""Twenty times the longest spec file. The parser takes two seconds for a megabyte."""
MAXIMUM_LONG_NUMBERS = 20

_HERE = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = os.path.join(_HERE, "data")
DATA_FOLDER = _INSTALLED if os.path.isdir(_INSTALLED) else os.path.dirname(_HERE)
"""The folder that holds specs/ and hardware/: inside an installed package, or the root of the checkout."""


class Document:
    """A parsed TOML file that can say where each of its keys stands."""

    def __init__(self, label: str, text: str, data: dict[str, Any], bundled: bool) -> None:
        self.label, self.text, self.data, self.bundled = label, text, data, bundled

    def problem(
        self, path: KeyPath, problem: str, remedy: str = "", of_key: bool = False, inside: str = "",
        used_at: tuple[str, ...] = (),
    ) -> Problem:  # fmt: skip
        """A mistake at a key path, with line, column and the line's text."""
        line, column = position(self.text, path, of_key)
        field = str(next((part for part in reversed(path) if isinstance(part, str)), ""))
        return Problem(self.label, line, column, field, problem, remedy, self.lines[line - 1], inside, used_at)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.split("\n")

    def line_at(self, path: KeyPath) -> str:
        """The line on which a key path stands, shortened."""
        line = self.lines[position(self.text, path)[0] - 1].strip()
        return line if len(line) <= 100 else line[:97] + "..."

    def place(self, path: KeyPath) -> str:
        """file:line of a key path."""
        return f"{self.label}:{position(self.text, path)[0]}"


def folder(name: str) -> str:
    """Path of a bundled data folder."""
    return os.path.join(DATA_FOLDER, name)


@lru_cache(maxsize=16)
def names_in(name: str) -> tuple[str, ...]:
    """Names (without .toml) of the files in a bundled data folder."""
    return tuple(sorted(entry[:-5] for entry in os.listdir(folder(name)) if entry.endswith(".toml")))


@lru_cache(maxsize=512)
def text_of_bundled(folder_name: str, name: str) -> str:
    """The text of a bundled file that is not parsed."""
    with open(os.path.join(folder(folder_name), name + ".toml"), encoding="utf-8") as file:
        return file.read()


def read_bundled(folder_name: str, name: str) -> Document:
    """A bundled file by folder and name. The name must be one of `names_in(folder_name)`."""
    return _read_cached(os.path.join(folder(folder_name), name + ".toml"), f"{folder_name}/{name}.toml")


@lru_cache(maxsize=512)
def _read_cached(path: str, label: str) -> Document:
    return _read(path, label, bundled=True)


def read(path: str) -> Document:
    """A user's file.

    Raises: SpecError when it cannot be read, is too large, not UTF-8, or not valid TOML.
    """
    return _read(path, path, bundled=False)


def _read(path: str, label: str, bundled: bool) -> Document:
    try:
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SpecError([Problem(label, 0, 0, "", f"cannot be read: {reason}")]) from None
    if len(content) > MAXIMUM_BYTES:
        problem = f"the file is larger than {MAXIMUM_BYTES:,} bytes"
        raise SpecError([Problem(label, 0, 0, "", problem, "use repeat and blocks")])
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError([Problem(label, line, 1, "", "the file is not UTF-8 text", "save it as UTF-8")]) from None
    document = Document(label, text, parse(text, label), bundled)
    if not bundled:
        _refuse_long_numbers(document)
    return document


def _refuse_long_numbers(document: Document) -> None:
    """TOML's integers have 64 bits; Python's are unbounded, and slow to print."""
    waiting: list[Any] = [document.data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict | list):
            waiting += item.values() if isinstance(item, dict) else item
        elif isinstance(item, int) and abs(item) >= 2**63:
            break
    else:
        return
    problems: list[Problem] = []
    paths: list[tuple[KeyPath, Any]] = [((), document.data)]
    while paths:
        path, item = paths.pop()
        if isinstance(item, dict | list):
            entries: Any = item.items() if isinstance(item, dict) else enumerate(item)
            paths += [((*path, key), each) for key, each in entries]
        elif isinstance(item, int) and abs(item) >= 2**63 and len(problems) < MAXIMUM_LONG_NUMBERS:
            problems.append(document.problem(path, "the number is beyond 64 bits", "use a smaller one"))
    raise SpecError(sorted(problems, key=lambda each: (each.line, each.column)))


HINTS = (
    ("key part", "an inline table { } ends on its line; break lines inside [ ] only"),
    ("Unclosed inline table", "put words and expressions in quotes, a comma between fields; { } ends on its line"),
    ("Unclosed array", "put words and expressions in quotes, and a comma between elements"),
    ("Invalid value", "put words and expressions in quotes"),
    ("after a statement", "put words and expressions in quotes"),
    ("Expected '='", "write name = value"),
    ("Illegal character '\\n'", "close the quotes on the same line"),
    ("Duplicate inline table key", "remove one of the two"),
)
"""What a person who is no friend of TOML most likely has to change, by a part of the parser's message."""


def parse(text: str, label: str) -> dict[str, Any]:
    """The data of a TOML text.

    Raises: SpecError with the place of the first syntax error (nothing after it can be understood).
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError([_syntax_problem(text, label, str(error))]) from None
    except RecursionError:
        raise SpecError([Problem(label, 0, 0, "", "brackets are nested too deeply", "use blocks")]) from None
    except ValueError:
        raise SpecError([Problem(label, 0, 0, "", "a number has too many digits")]) from None


def _syntax_problem(text: str, label: str, message: str) -> Problem:
    lines = text.split("\n")
    repeated = first_repeated_key(text) if "Cannot" in message else None
    if repeated is not None:
        path, first, (line, column) = repeated
        name = ".".join(map(str, path))
        problem, remedy = f"{name!r} stands twice in the file", f"remove one; the first is on line {first[0]}"
        return Problem(label, line, column, str(path[-1]), problem, remedy, lines[line - 1])
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    problem = "not valid TOML: " + re.sub(r" \(at .*\)$", "", message)
    remedy = next((hint for part, hint in HINTS if part in message), "")
    if found is None:
        line = len(text.rstrip().split("\n"))
        problem += ", the file ends here"
        remedy = "a bracket or a quote is not closed"
        return Problem(label, line, len(lines[line - 1].rstrip()) + 1, "", problem, remedy, lines[line - 1])
    line, column = int(found[1]), int(found[2])
    return Problem(label, line, column, "", problem, remedy, lines[min(line, len(lines)) - 1])
