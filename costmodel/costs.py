"""Graph to cost table: what every layer costs, exactly, each kind of cost in a column of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from costmodel.arithmetic import anywhere, checked_sum, is_array, maximum, refuse_overflow
from costmodel.errors import CostmodelError, ParameterError, nearest
from costmodel.expectations import conditional_layers, expected, is_conditional
from costmodel.graph import Graph, Layer, Shape
from costmodel.operators.base import Counts
from costmodel.operators.labels import operator_label
from costmodel.receptive_field import receptive_fields
from costmodel.records import fields_of, record, replace, values_of
from costmodel.shapes import infer_shapes

if TYPE_CHECKING:
    import pandas


@record
class Column:
    """A column of the cost table: unit, meaning, and whether it grows with the batch."""

    name: str
    unit: str
    meaning: str
    grows_with_batch: bool
    derived: tuple[str, ...] = ()


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column(
            "macs", "MAC", "multiply-accumulates of convolution, linear, matmul and recurrent layers; no bias", True
        ),
        Column("bias_adds", "operation", "additions of a bias", True),
        Column("norm_macs", "MAC", "multiply-accumulates of normalisation, never part of macs", True),
        Column("adds", "operation", "element-wise additions, sums of pooling and statistics", True),
        Column("multiplies", "operation", "element-wise multiplications", True),
        Column("comparisons", "operation", "comparisons of rectifiers, maximum pooling and softmax", True),
        Column("divisions", "operation", "divisions", True),
        Column("exponentials", "operation", "exponentials, tanh, erf, powers and roots, one each", True),
        Column(
            "filter_adds", "operation",
            "additions inside adder and shift filters, in place of multiply-accumulates, never part of adds", True,
        ),
        Column("shifts", "operation", "bit shifts inside shift filters, in place of multiplications", True),
        Column("weight_params", "parameter", "weights of convolution, linear and recurrent layers", False),
        Column("bias_params", "parameter", "their biases", False),
        Column("norm_params", "parameter", "scales and shifts of normalisation", False),
        Column("other_params", "parameter", "position tables, embeddings, class tokens, layer scales, slopes", False),
        Column(
            "params", "parameter", "all trainable parameters: the sum of the four columns above", False,
            ("weight_params", "bias_params", "norm_params", "other_params"),
        ),
        Column("input_elements", "element", "activations read, and rows looked up in a table; 0 for views", True),
        Column("output_elements", "element", "activations written; 0 for views", True),
        Column("weight_elements", "element", "convolution, linear and recurrent weights read", False),
        Column(
            "memory_access_elements", "element",
            "input + output + weight elements: hw(c1 + c2) + k*k*c1*c2/g for a convolution of stride 1", True,
            ("input_elements", "output_elements", "weight_elements"),
        ),
    )
}  # fmt: skip
"""The counts, in the order of the table. All are exact integers and add up over layers."""

PLACES: dict[str, str] = {
    "layer": "name of the layer: its path of blocks, joined by dots",
    "op": "operator; a convolution with as many groups as input channels is depthwise_conv2d",
    "block": "outermost block the layer belongs to",
    "input_shape": "sizes of the first input, without the batch",
    "output_shape": "sizes of the first output, without the batch",
}
REACHES: dict[str, str] = {
    "receptive_field_height": "input pixels one output depends on, along the height; None: the whole input",
    "receptive_field_width": "the same along the width",
    "jump_height": "input pixels between neighbouring outputs, along the height",
    "jump_width": "the same along the width",
}
PARAMETER_COLUMNS = ("weight_params", "bias_params", "norm_params", "other_params")

CONDITIONS: dict[str, str] = {
    "probability": "probability that the layer runs",
    "active": "part of the output positions that a convolution computes",
}
"""Columns that only a table of expectations has."""

By: TypeAlias = Literal["layer", "block", "op"]


@record
class CostTable:
    """Costs per layer. `layers` and `totals` are pandas objects, made on first use.

    `graph`, `batch` and `shapes` are what was costed; `columns` holds one list per column, without pandas.
    """

    graph: Graph
    batch: int
    shapes: Mapping[str, Shape]
    columns: Mapping[str, list[Any]]

    def __repr__(self) -> str:
        return (
            f"<CostTable of {self.graph.name}: {len(self.graph.layers)} layers, batch {self.batch}; .layers, .totals>"
        )

    @property
    def layers(self) -> pandas.DataFrame:
        """One row per layer, columns as in `PLACES`, `COLUMNS` and `REACHES`."""
        import pandas

        return pandas.DataFrame(
            {name: pandas.Series(values, dtype=cell_type(values)) for name, values in self.columns.items()}
        )

    @property
    def is_expected(self) -> bool:
        """Whether layers run conditionally, so that counts are averages over the inputs instead of exact."""
        return "probability" in self.columns

    @property
    def totals(self) -> pandas.Series[Any]:
        """The sum of every count over the layers."""
        import pandas

        return pandas.Series({name: self.total(name) for name in COLUMNS}, dtype=object)

    def total(self, column: str) -> Any:
        """The sum of one count over the layers: an int, or an int64 array for a sweep.

        Raises: ParameterError for a name that is no count.
        """
        if column not in COLUMNS:
            hint = nearest(column, COLUMNS) or f"there are {', '.join(COLUMNS)}"
            raise ParameterError(f"unknown column {column!r}; {hint}")
        return checked_sum(((value, 1) for value in self.columns[column]), f"the total of {column}")

    def grouped(self, by: By) -> dict[str, list[Any]]:
        """Counts summed over the layers of a block or operator, in order of first appearance.

        `layers` counts them; where layers run conditionally, `runs` is how often the block runs on average.

        Raises: ParameterError unless `by` is layer, block or op.
        """
        if by not in get_args(By):
            hint = nearest(str(by), get_args(By)) or f"there are {', '.join(get_args(By))}"
            raise ParameterError(f"by = {by!r} is no grouping; {hint}")
        if by == "layer":
            return dict(self.columns)
        groups = dict.fromkeys(self.columns[by])
        members: dict[str, list[int]] = {name: [] for name in groups}
        for row, name in enumerate(self.columns[by]):
            members[name].append(row)
        table: dict[str, list[Any]] = {by: list(members), "layers": [len(rows) for rows in members.values()]}
        if self.is_expected:
            probabilities = self.columns["probability"]
            table["runs"] = [reduce(maximum, [probabilities[row] for row in rows]) for rows in members.values()]
        for column in COLUMNS:
            values = self.columns[column]
            table[column] = [
                checked_sum(((values[row], 1) for row in rows), f"{column} of {name!r}")
                for name, rows in members.items()
            ]
        return table

    def by(self, by: By) -> pandas.DataFrame:
        """The same as a DataFrame: one row per layer, block or operator."""
        import pandas

        return self.layers if by == "layer" else pandas.DataFrame(self.grouped(by))


def cell_type(values: Iterable[Any]) -> type | None:
    """The type pandas must give a column: object where cells are arrays, else what it finds."""
    return object if any(is_array(value) for value in values) else None


def cost_table(graph: Graph, batch: int = 1) -> CostTable:
    """Count every layer of a network.

    Counts of work and traffic grow with `batch`, parameters and weight traffic do not. Layers that share weights
    count their parameters once, their work each time. Sizes that are arrays give arrays of counts. Where layers run
    conditionally, work and traffic are expectations (`costmodel.expectations`) and `is_expected` says so.

    >>> from costmodel import load
    >>> costs = cost_table(load("mobilenet_v1"))
    >>> costs.total("macs"), costs.total("params")
    (568740352, 4231976)

    Raises: ParameterError for a batch below 1, CountOverflowError when a count of a sweep is beyond 64 bits.
    """
    if not isinstance(graph, Graph):
        raise ParameterError(f"cost_table needs a Graph, got {type(graph).__name__}; load a network first")
    batch = checked_batch(batch)
    shapes = infer_shapes(graph)
    different = {id(shape): shape for shape in shapes.values()}
    swept = any(is_array(size) for shape in different.values() for size in shape.sizes)
    if swept:
        _refuse_wrapped(graph, shapes, batch)
    texts = {identity: str(shape) for identity, shape in different.items()}
    counts = layer_counts(graph, shapes)
    columns: dict[str, list[Any]] = {
        "layer": [layer.name for layer in graph.layers],
        "op": [operator_label(layer.operator, shapes[layer.inputs[0]]) for layer in graph.layers],
        "block": [layer.name.partition(".")[0] for layer in graph.layers],
        "input_shape": [texts[id(shapes[layer.inputs[0]])] for layer in graph.layers],
        "output_shape": [texts[id(shapes[layer.outputs[0]])] for layer in graph.layers],
    }
    rows = {identity: values_of(count) for identity, count in {id(count): count for count in counts}.items()}
    transposed = zip(*[rows[id(count)] for count in counts], strict=True) if counts else [() for _ in fields_of(Counts)]
    by_name = dict(zip(fields_of(Counts), transposed, strict=True))
    for name, column in COLUMNS.items():
        if column.derived:
            summed = zip(*[columns[part] for part in column.derived], strict=True)
            columns[name] = [checked_sum([(part, 1) for part in row], name) if swept else sum(row) for row in summed]
        else:
            factor = batch if column.grows_with_batch else 1
            columns[name] = [value * factor for value in by_name[name]] if factor != 1 else list(by_name[name])
    if conditional_layers(graph):
        columns |= {name: [getattr(layer, name) for layer in graph.layers] for name in CONDITIONS}
    fields = receptive_fields(graph, shapes)
    reached = [fields[layer.outputs[0]] for layer in graph.layers]
    for name, attribute in zip(REACHES, ("height", "width", "jump_height", "jump_width"), strict=True):
        columns[name] = [None if field is None else getattr(field, attribute) for field in reached]
    return CostTable(graph, batch, shapes, columns)


MAXIMUM_BATCH = 2**31 - 1


def checked_batch(batch: Any) -> int:
    """The batch as an int.

    Raises: ParameterError unless it is a whole number from 1 to `MAXIMUM_BATCH`.
    """
    whole = hasattr(batch, "__index__") and not isinstance(batch, bool) and getattr(batch, "ndim", 0) == 0
    if not whole or not 1 <= batch <= MAXIMUM_BATCH:
        shown = "a larger number" if whole and batch > MAXIMUM_BATCH else repr(batch)
        raise ParameterError(f"batch = {shown} must be a whole number, at least 1 and at most {MAXIMUM_BATCH:,}")
    return int(batch)


def layer_counts(graph: Graph, shapes: Mapping[str, Shape]) -> list[Counts]:
    """Counts of each layer; parameters of a weights group stand with the first layer of the group."""
    counts = []
    groups: dict[str, tuple[Layer, tuple[Any, ...]]] = {}
    known: dict[tuple[int, ...], Counts] = {}  # repeated units apply the same operators to the same shapes
    for layer in graph.layers:
        inputs = tuple([shapes[name] for name in layer.inputs])
        applied = (id(layer.operator), *map(id, inputs))
        count = known.get(applied)
        if count is None:
            outputs = tuple([shapes[name] for name in layer.outputs])
            count = known[applied] = layer.operator.count(inputs, outputs)
        if is_conditional(layer):
            count = expected(count, layer)
        if layer.weights is not None:
            own = count.parameters
            first, params = groups.setdefault(layer.weights, (layer, own))
            if any(anywhere(one != other) for one, other in zip(params, own, strict=True)):
                raise CostmodelError(
                    f"layers {first.name!r} and {layer.name!r} share the weights {layer.weights!r} but have "
                    f"{sum(params)} and {sum(own)} parameters; shared layers must have equal channels and kernels"
                )
            if first is not layer:
                count = replace(count, **dict.fromkeys(PARAMETER_COLUMNS, 0))
        counts.append(count)
    return counts


def _refuse_wrapped(graph: Graph, shapes: Mapping[str, Shape], batch: int) -> None:
    """Count once more in floating point, which does not wrap, and refuse what is beyond 64 bits."""
    floats = {
        name: Shape(shape.axes, tuple([1.0 * size for size in shape.sizes]))  # type: ignore[misc]
        for name, shape in shapes.items()
    }
    for layer in graph.layers:
        changes = {
            name: 1.0 * value
            for name, value in zip(fields_of(layer.operator), values_of(layer.operator), strict=True)
            if is_array(value)
        }
        operator = replace(layer.operator, **changes) if changes else layer.operator
        inputs = tuple(floats[name] for name in layer.inputs)
        count = operator.count(inputs, tuple(floats[name] for name in layer.outputs))
        for name, value in zip(fields_of(count), values_of(count), strict=True):
            refuse_overflow(value * batch, f"{name} of {layer.name!r}")
