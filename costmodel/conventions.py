"""How a paper or another tool counts: a convention is a named row of data, applied to a cost table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from costmodel.arithmetic import checked_sum
from costmodel.costs import COLUMNS, CostTable
from costmodel.errors import Problem, SpecError, UnknownNameError, nearest
from costmodel.files import Document, names_in, read_bundled
from costmodel.operators import OPERATORS
from costmodel.records import record

FOLDER = "specs/conventions"
EVERY_OTHER = "*"


@record
class Convention:
    """A way of counting: `weights` maps an operator ("*": any not named) to the columns it adds, with factors."""

    name: str
    quantity: str
    unit: str
    meaning: str
    source: str
    weights: Mapping[str, Mapping[str, int]]

    def per_layer(self, costs: CostTable) -> list[Any]:
        """What each layer contributes."""
        graph = costs.graph
        values = []
        for row, layer in enumerate(graph.layers):
            factors = self.weights.get(layer.operator.verb, self.weights.get(EVERY_OTHER, {}))
            terms = ((costs.columns[column][row], factor) for column, factor in factors.items())
            values.append(checked_sum(terms, f"{self.name} of {layer.name!r}"))
        return values

    def total(self, costs: CostTable) -> Any:
        """What the network costs in this way of counting.

        >>> from costmodel import cost_table, load
        >>> convention_named("two_per_mac").total(cost_table(load("mobilenet_v1")))
        1137480704
        """
        return checked_sum(((value, 1) for value in self.per_layer(costs)), f"the total of {self.name}")


@lru_cache(maxsize=1)
def conventions() -> dict[str, Convention]:
    """All conventions, by name.

    Raises: SpecError when the data names an operator or column that does not exist.
    """
    problems: list[Problem] = []
    found = {}
    for document in (read_bundled(FOLDER, file) for file in names_in(FOLDER)):
        for name, table in document.data.items():
            weights: dict[str, Mapping[str, int]] = {}
            for at, entry in enumerate(table["weights"]):
                problems += _unknown(document, (name, "weights", at), entry)
                weights |= dict.fromkeys(entry["operators"], entry["columns"])
            found[name] = Convention(name, table["quantity"], table["unit"], table["meaning"], table["source"], weights)
    if problems:
        raise SpecError(problems)
    return found


def _unknown(document: Document, path: tuple[str | int, ...], entry: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for at, verb in enumerate(entry["operators"]):
        if verb != EVERY_OTHER and verb not in OPERATORS:
            place = (*path, "operators", at)
            problems.append(document.problem(place, f"unknown operator {verb!r}", nearest(verb, OPERATORS)))
    for column in entry["columns"]:
        if column not in COLUMNS:
            place = (*path, "columns", column)
            problems.append(document.problem(place, f"unknown column {column!r}", nearest(column, COLUMNS)))
    return problems


def convention_named(name: str) -> Convention:
    """The convention of that name.

    Raises: UnknownNameError with the names that exist.
    """
    known = conventions()
    if name not in known:
        hint = nearest(name, known) or f"there are {', '.join(known)}"
        raise UnknownNameError(f"unknown convention {name!r}; {hint}")
    return known[name]
