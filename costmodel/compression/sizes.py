"""Cost table to the compressed size of every layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from costmodel.arithmetic import ceil, ceil_div
from costmodel.compression.codings import CODINGS, CodedWeights, Coding, coded
from costmodel.compression.settings import for_layers, part_of_zeros, whole_bits
from costmodel.costs import PARAMETER_COLUMNS, CostTable
from costmodel.errors import ParameterError
from costmodel.graph import Layer

ORIGINAL_BITS = 32
"""Of every parameter before compression: the original sizes of papers are those of 32 bits."""
MAXIMUM_SHARED_BITS = 16
"""Of weights that are numbers of entries in a codebook."""
MAXIMUM_INDEX_BITS = 16

SIZE_COLUMNS: dict[str, str] = {
    "layer": "name of the layer",
    "op": "operator",
    "block": "outermost block the layer belongs to",
    "coding": "how its weights are stored; empty where it has none",
    "weights": "its weights, zeros included",
    "kept": "those that are not zero: weights * (1 - sparsity), rounded up",
    "fillers": "zeros that are stored because an index does not reach further: an expected number",
    "weight_bits": "bits of a stored weight",
    "index_bits": "bits of an index; None where the coding has none",
    "weight_bytes": "stored weights with fillers, indices and codebook",
    "index_bytes": "of these, indices",
    "codebook_bytes": "of these, the codebook",
    "other_params": "biases, parameters of normalisation, tables: not compressed",
    "other_bytes": "what they take",
    "original_bytes": "all parameters in 32 bits",
    "stored_bytes": "weight_bytes + other_bytes",
}
"""Columns of the sizes, one row per layer. Bytes of a layer's weights are rounded up, those of its indices down."""
SUMMED = (
    "weights", "kept", "fillers", "weight_bytes", "index_bytes", "codebook_bytes", "other_params", "other_bytes",
    "original_bytes", "stored_bytes",
)  # fmt: skip
"""Those that add up over layers."""


def coded_layers(
    costs: CostTable, weight_bits: Any, sparsity: Any, coding: Coding, index_bits: Any
) -> dict[str, CodedWeights]:
    """The weights of every layer that has some of its own, in a coding.

    Layers that share weights store them once, with the first of them.

    Raises: ParameterError for values that are out of range, patterns that match nothing, or a coding that cannot do
    what is asked of a layer.
    """
    index = _checked_index(coding, index_bits)
    own = zip(costs.columns["layer"], costs.columns["weight_params"], strict=True)
    weights = {name: count for name, count in own if count}
    names = list(weights)
    bits = for_layers("weight_bits", weight_bits, names, ORIGINAL_BITS, whole_bits)
    sparsity = (coding.sparsity or 0) if sparsity is None else sparsity
    zeros = for_layers("sparsity", sparsity, names, Fraction(0), part_of_zeros)
    layers = {layer.name: layer for layer in costs.graph.layers}
    result = {}
    for name, count in weights.items():
        used = coding if coding.sparsity is None else _structured(coding, costs, layers[name], zeros[name])
        if used.has_codebook and bits[name] > MAXIMUM_SHARED_BITS:
            raise ParameterError(
                f"coding = {coding.name!r} has a codebook of 2^{bits[name]} values for {name!r}; give at most "
                f"{MAXIMUM_SHARED_BITS} weight_bits, or a coding without one: dense, relative_index, bitmap"
            )
        kept = ceil(count * (1 - zeros[name])) if used is coding else count
        result[name] = coded(used, count, kept, bits[name], index if used is coding else None)
    return result


def _checked_index(coding: Coding, index_bits: Any) -> int | None:
    if index_bits is None:
        return None
    given = whole_bits("index_bits", index_bits, MAXIMUM_INDEX_BITS)
    if coding.is_fixed and given != coding.index_bits:
        has = f"always has {coding.index_bits}" if coding.index_bits else "has no index"
        choosable = ", ".join(each.name for each in CODINGS.values() if not each.is_fixed)
        raise ParameterError(f"index_bits = {given}: coding = {coding.name!r} {has}; choose it for {choosable}")
    return given


def _structured(coding: Coding, costs: CostTable, layer: Layer, sparsity: Fraction) -> Coding:
    """The coding of a layer: the structured one where it is wanted and where its pattern fits, else dense."""
    assert coding.sparsity is not None
    if sparsity not in (0, coding.sparsity):
        raise ParameterError(
            f"sparsity = {float(sparsity):g} of {layer.name!r}: coding = {coding.name!r} has a sparsity of "
            f"{float(coding.sparsity):g}, or 0 for layers that stay dense; other parts of zeros need another coding"
        )
    return coding if sparsity and fits_four_channels(costs, layer) else CODINGS["dense"]


def fits_four_channels(costs: CostTable, layer: Layer) -> bool:
    """Whether the weights of a layer come in fours along its input channels.

    NVIDIA TensorRT developer guide, Sparsity: convolutions and fully connected layers, every four input channels, whose
    number must be a multiple of 4. A depthwise convolution has one input channel for each of its filters.

    >>> from costmodel import cost_table, load
    >>> costs = cost_table(load("mobilenet_v1"))
    >>> {layer.name for layer in costs.graph.layers[:8] if fits_four_channels(costs, layer)}
    {'separable_1.conv.conv2d'}
    """
    if layer.operator.verb not in ("conv2d", "linear"):
        return False
    channels = costs.shapes[layer.inputs[0]].channels // getattr(layer.operator, "groups", 1)
    return channels % 4 == 0


def size_columns(costs: CostTable, layers: Mapping[str, CodedWeights], bias_bits: int) -> dict[str, list[Any]]:
    """The columns of `SIZE_COLUMNS`, one row per layer of the network."""
    columns: dict[str, list[Any]] = {name: [] for name in SIZE_COLUMNS}
    for row, name in enumerate(costs.columns["layer"]):
        params = sum(costs.columns[column][row] for column in PARAMETER_COLUMNS)
        for column, value in _sizes(layers.get(name), params, bias_bits).items():
            columns[column].append(value)
        for column in ("layer", "op", "block"):
            columns[column].append(costs.columns[column][row])
    return columns


def _sizes(weights: CodedWeights | None, params: int, bias_bits: int) -> dict[str, Any]:
    """What one layer stores."""
    others = params - (weights.weights if weights else 0)
    weight_bytes, other_bytes = ceil_div(weights.bits, 8) if weights else 0, ceil_div(others * bias_bits, 8)
    return {
        "coding": weights.coding.name if weights else "",
        "weights": weights.weights if weights else 0,
        "kept": weights.kept if weights else 0,
        "fillers": weights.fillers if weights else 0,
        "weight_bits": weights.weight_bits if weights else None,
        "index_bits": weights.index_bits if weights else None,
        "weight_bytes": weight_bytes,
        "index_bytes": weights.position_bits // 8 if weights else 0,
        "codebook_bytes": weights.codebook_bits // 8 if weights else 0,
        "other_params": others,
        "other_bytes": other_bytes,
        "original_bytes": params * ORIGINAL_BITS // 8,
        "stored_bytes": weight_bytes + other_bytes,
    }


def grouped(columns: Mapping[str, Sequence[Any]], by: str, names: Sequence[str] = SUMMED) -> dict[str, list[Any]]:
    """The columns that add up, summed over the layers of a block or operator, in order of first appearance."""
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(columns[by]):
        groups.setdefault(name, []).append(row)
    table: dict[str, list[Any]] = {by: list(groups), "layers": [len(rows) for rows in groups.values()]}
    for name in names:
        table[name] = [sum(columns[name][row] for row in rows) for rows in groups.values()]
    return table
