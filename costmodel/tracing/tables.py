"""Many conventions applied to one network: costed once, a row for all layers that count alike."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from typing import Any, TypeAlias

from costmodel.conventions import EVERY_OTHER, MEASURES, PER_SAMPLE, Convention
from costmodel.costs import COLUMNS, CostTable, layer_counts
from costmodel.graph import Graph, Layer, Shape
from costmodel.operators.base import Counts
from costmodel.operators.labels import operator_label
from costmodel.passes import apply_passes
from costmodel.records import fields_of, record, replace, values_of
from costmodel.shapes import infer_shapes

Number: TypeAlias = int | Fraction


class Rules:
    """What conventions look at, worked out once for all networks: patterns of layer names, and the batch."""

    def __init__(self, known: Iterable[Convention]) -> None:
        known = tuple(known)
        weights = (weight for convention in known for weight in convention.weights)
        named = {(each.layers, each.without): each for each in weights if each.layers != ("*",) or each.without}
        self.matches = cache(lambda name: tuple(weight.takes(name) for weight in named.values()))
        """A function of a layer's name: which patterns of names take it."""
        self.powers = {each.name: powers_of_batch(each) for each in known}


class Tables:
    """The cost tables of a network, one for every list of edits, with one row for layers that count alike.

    `refused` are names of conventions that do not count the network, with the reason, for the search to fill.
    """

    def __init__(self, graph: Graph, rules: Rules) -> None:
        self.graph, self._rules = graph, rules
        self.refused: dict[str, str] = {}
        self._edited: dict[tuple[str, ...], LayerByLayer] = {}
        self._tables: dict[tuple[tuple[str, ...], bool, int], CostTable] = {}
        self._totals: dict[tuple[str, int], Number] = {}

    def total(self, convention: Convention, batch: int) -> Number:
        """What the network costs in that way of counting.

        Raises: PassError when the edits of the convention do not apply, and what refuses the network.
        """
        powers = self._rules.powers[convention.name]
        if powers == {1}:
            return self._total(convention, 1) * batch
        if powers <= {0, 1}:
            one, two = self._total(convention, 1), self._total(convention, 2)
            return one + (two - one) * (batch - 1)
        return self._total(convention, batch)

    def _total(self, convention: Convention, batch: int) -> Number:
        key = convention.name, batch
        if key not in self._totals:
            total = convention.total(self._table(convention, batch))
            self._totals[key] = total if isinstance(total, int) else Fraction(total)
        return self._totals[key]

    def by_operator(self, convention: Convention, batch: int) -> dict[str, Number]:
        """What each operator of the network counts in a convention."""
        table = self._table(convention, batch)
        sums: dict[str, Number] = {}
        for name, value in zip(table.columns["op"], convention.per_layer(table), strict=True):
            sums[name] = sums.get(name, 0) + value
        return sums

    def _table(self, convention: Convention, batch: int) -> CostTable:
        edits = convention.edits
        if edits not in self._edited:
            self._edited[edits] = layers = layer_by_layer(apply_passes(self.graph, edits))
            self._tables[edits, False, 1] = summed_by_kind(layers, self._rules)
        measures = _measures(convention, self._tables[edits, False, 1])
        if measures and (edits, True, 1) not in self._tables:
            self._tables[edits, True, 1] = in_full(self._edited[edits])
        key = edits, measures, batch
        if key not in self._tables:
            self._tables[key] = at_batch_of(self._tables[edits, measures, 1], batch)
        return self._tables[key]


def powers_of_batch(convention: Convention) -> set[int]:
    """With which powers of the batch a convention's total may grow, whatever the network; of measures nothing is known.

    >>> from costmodel.conventions import convention_named
    >>> powers_of_batch(convention_named("conv_linear")), powers_of_batch(convention_named("weights"))
    ({1}, {0})
    """
    powers: set[int] = set()
    for column, factor in (item for weight in convention.weights for item in weight.columns.items()):
        own = {0, 1} if column in MEASURES else {int(COLUMNS[column].grows_with_batch)}
        powers |= {power + (factor == PER_SAMPLE) for power in own}
    return powers


def _measures(convention: Convention, table: CostTable) -> bool:
    """Whether the convention looks at the shapes of a layer of the table, which differ among layers of a kind."""
    measured = [weight.operators for weight in convention.weights if weight.columns.keys() & MEASURES.keys()]
    if not measured:
        return False
    operators = {EVERY_OTHER, *table.columns["op"]}
    operators |= {name for layer in table.graph.layers for name in (layer.operator.verb, layer.operator.kind)}
    return any(operators & set(names) for names in measured)


@record
class LayerByLayer:
    """The counts of each layer of a network; layers that repeat share one object."""

    graph: Graph
    shapes: dict[str, Shape]
    labels: list[str]
    counts: list[Counts]


def layer_by_layer(graph: Graph) -> LayerByLayer:
    """Shapes, labels and counts of a network's layers, which is the part of a cost table that conventions look at."""
    shapes = infer_shapes(graph)
    labels = [operator_label(layer.operator, shapes[layer.inputs[0]]) for layer in graph.layers]
    return LayerByLayer(graph, shapes, labels, layer_counts(graph, shapes))


def in_full(layers: LayerByLayer) -> CostTable:
    """One row for each layer."""
    columns: dict[str, list[Any]] = {"op": layers.labels}
    columns |= {name: [getattr(count, name) for count in layers.counts] for name in fields_of(Counts)}
    return _with_derived(CostTable(layers.graph, 1, layers.shapes, columns))


def summed_by_kind(layers: LayerByLayer, rules: Rules) -> CostTable:
    """The counts of a network with one row for all layers of a kind, which bears the name of the first.

    A convention looks at the operator of a layer, at its activation, and at which of its patterns the name matches:
    what it counts for layers that agree in these is what it counts for their sum.
    """
    firsts: dict[tuple[Any, ...], Layer] = {}
    times: dict[tuple[Any, ...], dict[int, int]] = {}
    counts = layers.counts
    for layer, label, count in zip(layers.graph.layers, layers.labels, counts, strict=True):
        kind = (label, layer.operator.verb, rules.matches(layer.name))
        firsts.setdefault(kind, layer)
        of_kind = times.setdefault(kind, {})
        of_kind[id(count)] = of_kind.get(id(count), 0) + 1
    values = {identity: values_of(count) for identity, count in {id(count): count for count in counts}.items()}
    sums = {}
    for kind, of_kind in times.items():
        rows = [[value * repeats for value in values[which]] for which, repeats in of_kind.items()]
        sums[kind] = [sum(column) for column in zip(*rows, strict=True)]
    columns: dict[str, list[Any]] = {"op": [label for label, *_ in firsts]}
    columns |= {name: [row[at] for row in sums.values()] for at, name in enumerate(fields_of(Counts))}
    short = replace(layers.graph, layers=tuple(firsts.values()))
    return _with_derived(CostTable(short, 1, layers.shapes, columns))


def at_batch_of(costs: CostTable, batch: int) -> CostTable:
    """The table of one image at another batch."""
    if batch == 1:
        return costs
    growing = [name for name, column in COLUMNS.items() if column.grows_with_batch]
    grown = {name: [value * batch for value in costs.columns[name]] for name in growing}
    return _with_derived(replace(costs, batch=batch, columns={**costs.columns, **grown}))


def _with_derived(costs: CostTable) -> CostTable:
    columns = dict(costs.columns)
    for name, column in COLUMNS.items():
        if column.derived:
            columns[name] = [sum(parts) for parts in zip(*[columns[part] for part in column.derived], strict=True)]
    return replace(costs, columns=columns)
