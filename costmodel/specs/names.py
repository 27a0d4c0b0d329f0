"""What a step's expressions and references may name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

WORD = re.compile(r"[a-z][a-z0-9_]*")


class Names:
    """Names in scope: values for expressions, words that choose a verb, labels of steps."""

    __slots__ = ("choices", "labels", "values")

    def __init__(
        self, values: Collection[str], choices: Mapping[str, tuple[str, ...]], labels: Collection[str]
    ) -> None:
        self.values, self.choices, self.labels = set(values), dict(choices), set(labels)

    def below(self, values: Collection[str] = ()) -> Names:
        """Names for a nested list: it sees what stands above, and adds its own without showing them outside."""
        return Names(self.values | set(values), self.choices, self.labels)


def mentioned(raw: Any) -> set[str]:
    """Every name that stands in a string or as the first key of a table: what a faulty part may have meant to use."""
    found: set[str] = set()
    waiting = [raw]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.update(WORD.findall(item))
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += [*list(item)[:1], *item.values()]
    return found
