"""Cost table to the work that energy pays for: operations and bytes of every layer as an inference runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.costs import CostTable
from costmodel.dtypes import DTYPES, Dtype, dtype_of
from costmodel.energies.tables import FORMATS
from costmodel.errors import ParameterError, UnknownNameError, nearest
from costmodel.fusion import folded_layers, fusion_named
from costmodel.graph import Graph
from costmodel.memory import peak_memory
from costmodel.records import fields_of, record

Count = Any
"""An int, or a float where it is an expectation or a what-if."""


@record
class LayerWork:
    """What one layer does, for the whole batch.

    `arithmetic` is the number format of its operands, `accumulator` that of its sums. Bytes are 0 for folded layers and
    views. `held_bytes` are the activations alive while it runs; they decide which memory serves them.
    """

    layer: str
    op: str
    block: str
    arithmetic: str
    accumulator: str
    macs: Count = 0
    norm_macs: Count = 0
    adds: Count = 0
    multiplies: Count = 0
    comparisons: Count = 0
    divisions: Count = 0
    exponentials: Count = 0
    filter_adds: Count = 0
    shifts: Count = 0
    input_bytes: Count = 0
    output_bytes: Count = 0
    weight_bytes: Count = 0
    held_bytes: Count = 0

    @property
    def bytes(self) -> Count:
        """All bytes that the layer moves."""
        return self.input_bytes + self.output_bytes + self.weight_bytes


@record
class NetworkWork:
    """What a network does, layer by layer. `stored_weight_bytes` are all its weights, shared ones once.

    `held_definition` is the definition of peak memory that `held_bytes` are by (`costmodel.memory.definitions`).
    """

    network: str
    dtype: str
    batch: int
    fusion: str
    layers: tuple[LayerWork, ...]
    stored_weight_bytes: Count
    held_definition: str = "fused"

    def __repr__(self) -> str:
        return f"<NetworkWork of {self.network}: {len(self.layers)} layers, {self.dtype}, batch {self.batch}>"

    def total(self, field: str) -> Count:
        """The sum of one count over the layers."""
        return sum([getattr(layer, field) for layer in self.layers])


PERFORMED = (
    "macs", "norm_macs", "multiplies", "comparisons", "divisions", "exponentials", "filter_adds", "shifts",
)  # fmt: skip
"""Columns of the cost table that are taken as they are. `adds` has the bias with it."""
MOVED = {"input_bytes": "input_elements", "output_bytes": "output_elements", "weight_bytes": "weight_elements"}
ABSORBING = frozenset({"conv2d", "depthwise_conv2d", "conv_transpose2d", "linear"})
"""Operators whose weights take up a norm or a per-channel scale behind them. Adder and shift filters cannot."""
ABSORBED = frozenset({"batch_norm", "scale"})
HELD = {"folded": "fused", "none": "live"}
"""The definition of peak memory of each fold rule: a tensor that is written on its way must lie somewhere."""


def work_of(
    costs: CostTable, dtype: str | Dtype = "int8", fusion: str = "folded", arithmetic: str | None = None,
    accumulator: str | None = None,
) -> NetworkWork:  # fmt: skip
    """The work of a network in a number format.

    Layers that the fold rule makes disappear move no bytes. A norm or scale that is folded into a convolution or
    linear layer costs one addition per output, the bias it turns into, or none where there is a bias already; behind
    adder and shift filters it is computed. Activations are computed wherever they are. `arithmetic` is the number
    format of the operands where `dtype` is none of the named ones (4-bit weights that are multiplied as int8),
    `accumulator` that of the sums, by default 32 bits (64 for int16). Weights are those of convolutions, linear layers
    and attention; the bytes of biases and of parameters of normalisation are not counted.

    >>> from costmodel import cost_table, load
    >>> work = work_of(cost_table(load("mobilenet_v1")), "int8")
    >>> work.total("macs"), work.layers[0].weight_bytes == 3 * 3 * 3 * 32
    (568740352, True)

    Raises: ParameterError for a sweep; UnknownNameError for the number format or the fold rule.
    """
    if not isinstance(costs, CostTable):
        raise ParameterError(f"work_of needs a CostTable, got {type(costs).__name__}; call cost_table(graph) first")
    if any(is_array(each) for each in costs.columns["output_elements"] + costs.columns["macs"]):
        raise ParameterError("energy is that of one network, not of a sweep; cost its values one by one")
    form, rule = dtype_of(dtype), fusion_named(fusion)
    operands = form.name if arithmetic is None else _format("arithmetic", arithmetic)
    sums = accumulator_of(operands, form) if accumulator is None else _format("accumulator", accumulator)
    columns, folded = costs.columns, folded_layers(costs.graph, rule)
    count = len(columns["layer"])
    performed = {name: list(columns[name]) for name in PERFORMED}
    performed["adds"] = [sum(pair) for pair in zip(columns["adds"], columns["bias_adds"], strict=True)]
    rows = {name: row for row, name in enumerate(columns["layer"])}
    for name, biases in _absorbed_biases(costs.graph, folded, columns).items():
        for values in performed.values():
            values[rows[name]] = 0
        performed["adds"][rows[name]] = biases
    bits = (form.activation_bits, form.activation_bits, form.weight_bits)
    moved = {}
    for (name, column), width in zip(MOVED.items(), bits, strict=True):
        moved[name] = [_bytes(elements, width) for elements in columns[column]]
        for layer in folded:
            moved[name][rows[layer]] = 0
    held = peak_memory(costs.graph, form, HELD[rule.name], costs.shapes).held_bytes if count else {}
    filled = {
        "layer": columns["layer"], "op": columns["op"], "block": columns["block"], "arithmetic": [operands] * count,
        "accumulator": [sums] * count, **performed, **moved,
        "held_bytes": [held[name] * costs.batch for name in columns["layer"]],
    }  # fmt: skip
    layers = [LayerWork(*row) for row in zip(*[filled[name] for name in fields_of(LayerWork)], strict=True)]
    stored = _bytes(costs.total("weight_params"), form.weight_bits)
    return NetworkWork(costs.graph.name, form.name, costs.batch, rule.name, tuple(layers), stored, HELD[rule.name])


def _format(name: str, value: object) -> str:
    """A number format of tables of energies. Raises: UnknownNameError for anything else."""
    known = (*FORMATS, *(each for each in DTYPES if each not in FORMATS))
    if not isinstance(value, str) or value not in known:
        hint = (nearest(value, known) if isinstance(value, str) else "") or f"there are {', '.join(known)}"
        raise UnknownNameError(f"{name} = {value!r} is no number format; {hint}")
    return value


def accumulator_of(arithmetic: str, dtype: Dtype) -> str:
    """The number format of the sums: integers for integers, with the width of the accumulator.

    >>> from costmodel.dtypes import DTYPES
    >>> accumulator_of("int8", DTYPES["int8"]), accumulator_of("bfloat16", DTYPES["bfloat16"])
    ('int32', 'float32')
    """
    return f"{'int' if arithmetic.startswith('int') else 'float'}{dtype.accumulator_bits}"


def _bytes(elements: Any, bits: int) -> Any:
    """Bytes of so many elements; a part of a byte counts only in an expectation."""
    if bits % 8 == 0:
        return elements * (bits // 8)
    return elements * bits / 8 if isinstance(elements, float) else -(-elements * bits // 8)


def _absorbed_biases(graph: Graph, folded: Mapping[str, str], columns: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Norms and scales that disappear into weights, each with the additions of a bias that they leave behind."""
    has_bias: dict[str, bool] = {}  # tensors that are linear in the weights of the layer that made them
    left: dict[str, Any] = {}
    for row, layer in enumerate(graph.layers):
        verb = layer.operator.verb
        if verb in ABSORBING:
            has_bias[layer.outputs[0]] = columns["bias_adds"][row] != 0
        elif verb in ABSORBED and layer.name in folded and layer.inputs[0] in has_bias:
            shifts = columns["norm_macs"][row] != 0
            biased = has_bias[layer.inputs[0]]
            left[layer.name] = columns["output_elements"][row] if shifts and not biased else 0
            has_bias[layer.outputs[0]] = biased or shifts
    return left
