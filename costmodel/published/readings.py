"""A reading: which network, counted how, gives a number that somebody printed. And what it computes, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from costmodel.arithmetic import whole_if_whole
from costmodel.conventions import convention_named
from costmodel.costs import CostTable, cost_table
from costmodel.errors import ParameterError
from costmodel.expressions import Expression, ExpressionError, parse
from costmodel.passes import apply_passes
from costmodel.records import record
from costmodel.specs.catalogue import load

Number: TypeAlias = int | Fraction
Settings: TypeAlias = tuple[tuple[str, Any], ...]

KEPT = 64
"""Cost tables that are kept: the tables of one paper count the same networks again and again."""
MAXIMUM_BITS = 512
"""Of a result's numerator and denominator: terms inside terms could multiply on and on."""


@record
class Reading:
    """One way to arrive at a number; what is not given stays at what a plain reading has.

    `network` with `parameters`, after the graph passes `edits`, costed at `batch`, counted by `convention`, over the
    layers whose name matches one of `layers` (shell patterns) and whose operator is one of `operators` (all, when
    empty). Instead of a convention, `formula` with `inputs` (`costmodel.formulas`), `peak` (a definition of
    `costmodel.memory`), `patches` (`costmodel.patches`), `compression` (`costmodel.compress`) or `cell`, the number
    that a published table prints.

    `value` is arithmetic on `total`, on `whole` (the same over all layers), on the totals of the further readings
    `terms`, and on numbers that the place of the reading supplies.
    """

    network: str = ""
    parameters: Settings = ()
    edits: tuple[str, ...] = ()
    batch: int = 1
    layers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    convention: str = ""
    formula: str = ""
    inputs: Settings = ()
    peak: Settings = ()
    patches: Settings = ()
    compression: Settings = ()
    cell: Settings = ()
    terms: tuple[tuple[str, Reading], ...] = ()
    value: str = ""

    @property
    def can_be_computed(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self.network or self.formula or self.cell or self.value)


def computed(reading: Reading, known: Mapping[str, Any] | None = None) -> Number:
    """The number a reading gives. `known` are further names that `value` and `inputs` may use.

    >>> computed(Reading("mobilenet_v1", convention="conv_linear"))
    568740352
    >>> share = Reading("mobilenet_v1", convention="conv_linear", operators=("linear",), value="total / whole")
    >>> computed(share)
    Fraction(2000, 1110821)

    Raises: ParameterError for a value that cannot be computed exactly; the errors of `load` and of the conventions.
    """
    if not reading.value:
        return _quantity(reading, known or {})
    expression = _expression(reading.value)
    scope = dict(known or {})
    for name, term in reading.terms:
        if name in expression.names:
            scope[name] = Fraction(computed(term, known))
    if "total" in expression.names:
        scope["total"] = Fraction(_quantity(reading, known or {}))
    if "whole" in expression.names:
        scope["whole"] = Fraction(_convention_total(reading, everywhere=True))
    return whole_if_whole(evaluated(expression.text, scope))


def evaluated(text: str, scope: Mapping[str, Any]) -> Fraction:
    """An arithmetic expression over exact numbers.

    >>> evaluated("3/4 * channels", {"channels": 32})
    Fraction(24, 1)

    Raises: ParameterError for a name that is not known, a division by zero, or text that is no expression.
    """
    result = Fraction(_result(_expression(text), scope))
    if max(result.numerator.bit_length(), result.denominator.bit_length()) > MAXIMUM_BITS:
        raise ParameterError(f"{text!r} has more than {MAXIMUM_BITS} bits")
    return result


def holds(text: str, scope: Mapping[str, Any]) -> bool:
    """Whether a comparison of two expressions is true.

    Raises: ParameterError for a name that is not known, for no comparison, and for one that is about no number here.
    """
    expression = _expression(text, condition=True)
    if not any(sign in text for sign in "<>="):
        raise ParameterError(f"{text!r} is no comparison")
    if not expression.names:
        raise ParameterError(f"{text!r} compares nothing of this table")
    return bool(_result(expression, scope))


def _expression(text: str, condition: bool = False) -> Expression:
    try:
        return parse(text, condition, exact=True)
    except ExpressionError as error:
        raise ParameterError(f"{error}; {error.remedy}") from None


def _result(expression: Expression, scope: Mapping[str, Any]) -> Any:
    for name in sorted(expression.names):
        if name not in scope:
            known = ", ".join(sorted(scope)) or "none"
            raise ParameterError(f"{expression.text!r}: {name} is not known here; there are {known}")
    try:
        return expression(scope)
    except ExpressionError as error:
        raise ParameterError(str(error)) from None


def _quantity(reading: Reading, known: Mapping[str, Any]) -> Number:
    if reading.formula:
        return _formula(reading, known)
    if reading.peak:
        return _peak(reading)
    if reading.cell:
        return _printed(**dict(reading.cell))
    if reading.patches:
        return _patches(reading)
    if reading.compression:
        return _compressed(reading)
    return _convention_total(reading)


def _formula(reading: Reading, known: Mapping[str, Any]) -> Number:
    from costmodel.formulas.registry import evaluate

    inputs = {name: _input(value, known) for name, value in reading.inputs}
    result: Number = evaluate(reading.formula, inputs)
    return result


def _input(value: Any, known: Mapping[str, Any]) -> Any:
    """An input of a formula: a number, an expression over the known numbers, or a list of such."""
    if isinstance(value, tuple):
        return [_input(each, known) for each in value]
    return whole_if_whole(evaluated(value, known)) if isinstance(value, str) else value


def _peak(reading: Reading) -> Number:
    from costmodel.memory import peak_memory

    graph = _costs(reading.network, reading.parameters, reading.edits, 1).graph
    bytes: int = peak_memory(graph, **dict(reading.peak)).bytes
    return bytes


def _patches(reading: Reading) -> Number:
    """An attribute of the costs in patches (`costmodel.patches.PatchCosts`)."""
    from costmodel.patches import patch_costs

    graph = _costs(reading.network, reading.parameters, reading.edits, 1).graph
    settings = dict(reading.patches)
    gives = settings.pop("gives")
    number: Number = getattr(patch_costs(graph, **settings), gives)
    return number


def _compressed(reading: Reading) -> Number:
    """What a compressed network stores, or another total of `costmodel.compression.SIZE_COLUMNS`."""
    from costmodel.compression import compress

    settings: dict[str, Any] = {
        name: dict(value) if isinstance(value, tuple) else value for name, value in reading.compression
    }
    gives = settings.pop("gives", "stored_bytes")
    return compress(_costs(reading.network, reading.parameters, reading.edits, 1), **settings).total(gives)


def _printed(table: str, row: int, column: str) -> Number:
    """What a cell of a bundled table prints."""
    from costmodel.published.tables import bundled_table

    source = bundled_table(table)
    number = source.number(source.row(row), source.column(column))
    if number is None:
        raise ParameterError(f"{table} prints no number in row {row}, column {column}")
    return number.value


@lru_cache(maxsize=KEPT * 16)
def _convention_total(reading: Reading, everywhere: bool = False) -> Number:
    if not reading.network or not reading.convention:
        missing = "a convention" if reading.network else "a network"
        raise ParameterError(f"the reading needs {missing}")
    edits = (*reading.edits, *convention_named(reading.convention).edits)
    values, names, operators = _per_layer(reading.network, reading.parameters, edits, reading.batch, reading.convention)
    if not everywhere:
        values = tuple(
            value
            for value, name, operator in zip(values, names, operators, strict=True)
            if (not reading.layers or any(fnmatchcase(name, pattern) for pattern in reading.layers))
            and (not reading.operators or operator in reading.operators)
        )
        if not values:
            wanted = ", ".join((*reading.layers, *reading.operators))
            raise ParameterError(f"{reading.network} has no layer {wanted}")
    return whole_if_whole(sum(values))


@lru_cache(maxsize=KEPT * 16)
def _per_layer(
    network: str, parameters: Settings, edits: tuple[str, ...], batch: int, convention: str
) -> tuple[tuple[Number, ...], tuple[str, ...], tuple[str, ...]]:
    """What each layer contributes, its name, and what it is."""
    costs = _costs(network, parameters, edits, batch)
    values = tuple(convention_named(convention).per_layer(costs))
    return values, tuple(layer.name for layer in costs.graph.layers), tuple(costs.columns["op"])


@lru_cache(maxsize=KEPT)
def _costs(network: str, parameters: Settings, edits: tuple[str, ...], batch: int) -> CostTable:
    return cost_table(apply_passes(load(network, **dict(parameters)), edits), batch=batch)
