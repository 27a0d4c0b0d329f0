"""What if the weights had fewer bits, or zeros: the public function, and its result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel.arithmetic import is_array
from costmodel.compression.codings import CodedWeights, Coding, coding_named
from costmodel.compression.device import DeviceEffect, effect_on
from costmodel.compression.settings import whole_bits
from costmodel.compression.sizes import SUMMED, coded_layers, grouped, size_columns
from costmodel.costs import By, CostTable
from costmodel.errors import ParameterError, nearest
from costmodel.fusion import fusion_named
from costmodel.hardware import HardwareProfile
from costmodel.model_size import model_bytes
from costmodel.records import record
from costmodel.roofline import Overlap, profile_for

if TYPE_CHECKING:
    import pandas

Part: TypeAlias = float | Fraction | str
"""A sparsity: a number, or a fraction as text."""


@record
class Compression:
    """A compressed network: what its layers store, and what a device makes of it.

    `columns` are those of `costmodel.compression.SIZE_COLUMNS`, one row per layer, `weights` the coded weights of the
    layers that have some. `device` is None where no hardware was given.
    """

    costs: CostTable
    coding: Coding
    bias_bits: int
    weights: Mapping[str, CodedWeights]
    columns: Mapping[str, list[Any]]
    device: DeviceEffect | None = None

    def __repr__(self) -> str:
        return (
            f"<Compression of {self.costs.graph.name}, {self.coding.name}: {self.compressed_bytes:,} of "
            f"{self.original_bytes:,} bytes; .ratio, .layers, .device>"
        )

    @property
    def original_bytes(self) -> int:
        """All parameters in 32 bits."""
        size: int = model_bytes(self.costs, "float32")
        return size

    @property
    def compressed_bytes(self) -> int:
        """What all layers store."""
        return self.total("stored_bytes")

    @property
    def ratio(self) -> float:
        """How many times smaller the network becomes."""
        return self.original_bytes / self.compressed_bytes if self.compressed_bytes else 1.0

    @property
    def is_expected(self) -> bool:
        """Whether the size holds an expected number of filler zeros, so that it is not exact."""
        return self.total("fillers") > 0

    @property
    def layers(self) -> pandas.DataFrame:
        """One row per layer."""
        import pandas

        return pandas.DataFrame(dict(self.columns))

    def total(self, column: str) -> int:
        """The sum of one of the columns that add up.

        Raises: ParameterError for any other name.
        """
        if column not in SUMMED:
            hint = nearest(column, SUMMED) or f"there are {', '.join(SUMMED)}"
            raise ParameterError(f"{column!r} is no column that adds up; {hint}")
        return sum(self.columns[column])

    def grouped(self, by: By) -> dict[str, list[Any]]:
        """The columns, or sums over the layers of a block or operator, in order of first appearance.

        Raises: ParameterError unless `by` is layer, block or op.
        """
        if by not in ("layer", "block", "op"):
            raise ParameterError(f"by = {by!r} is no grouping; there are layer, block, op")
        return dict(self.columns) if by == "layer" else grouped(self.columns, by)


def compress(
    costs: CostTable,
    weight_bits: int | Mapping[str, int] = 8,
    sparsity: Part | Mapping[str, Part] | None = None,
    coding: str = "dense",
    *,
    index_bits: int | None = None,
    bias_bits: int = 32,
    activation_bits: int | None = None,
    hardware: str | os.PathLike[str] | HardwareProfile | None = None,
    dtype: str | None = None,
    fusion: str | None = None,
    overlap: Overlap | None = None,
) -> Compression:
    """What a network stores with fewer bits and with zeros among its weights, and what a device makes of it.

    `weight_bits` (1 to 32) and `sparsity` hold for all layers, or are mappings of patterns of names of layers, steps or
    blocks, of which the last that matches holds; layers that none matches keep 32 bits and have no zeros. `sparsity` is
    the part of the weights that are zero: kept weights are weights * (1 - sparsity), rounded up for each layer. The
    column that SqueezeNet (arXiv:1602.07360), Table 1, heads "sparsity" prints the part that is kept instead.

    `coding` names a row of `costmodel.compression.CODINGS`. `index_bits` are those of its index, where it has one that
    can be chosen; a relative index has 4 by default, as the released file of SqueezeNet (the paper has 8 for
    convolutions and 5 for fully connected layers). Biases, parameters of normalisation and tables are not compressed,
    they take `bias_bits` each.

    With `hardware`, the effect on bytes moved, latency and energy where the device's file says that it can use it, and
    none where it says nothing: there the weights are unpacked to the number format. `activation_bits`, `dtype`,
    `fusion` and `overlap` belong to it.

    >>> from costmodel import cost_table, load
    >>> costs = cost_table(load("lenet_caffe"))
    >>> small = compress(costs, 8, {"ip1": 0.9}, "relative_index", index_bits=5)
    >>> small.columns["kept"][small.columns["layer"].index("ip1")]                     # 800 * 500 * (1 - 0.9)
    40000
    >>> on_device = compress(costs, 4, hardware="max78000_cnn").device                 # reads 430,500 weights of 4 bits
    >>> on_device.dense_bytes - on_device.bytes
    215250

    Raises: ParameterError for values out of range and patterns that match no layer; UnknownNameError for a coding or
    device; PredictionError for a number format that the device has not.
    """
    if not isinstance(costs, CostTable):
        raise ParameterError(f"compress needs a CostTable, got {type(costs).__name__}; call cost_table(graph) first")
    if any(is_array(size) for shape in costs.shapes.values() for size in shape.sizes):
        raise ParameterError("compress takes one network, not a sweep; cost its values one by one")
    rules, other_bits = coding_named(coding), whole_bits("bias_bits", bias_bits)
    weights = coded_layers(costs, weight_bits, sparsity, rules, index_bits)
    columns = size_columns(costs, weights, other_bits)
    if hardware is None:
        _refuse_without_hardware(activation_bits=activation_bits, dtype=dtype, fusion=fusion, overlap=overlap)
        return Compression(costs, rules, other_bits, weights, columns)
    rule = None if fusion is None else fusion_named(fusion).name
    combined: Overlap = "max" if overlap is None else overlap
    effect = effect_on(costs, weights, profile_for(hardware, dtype), activation_bits, rule, combined)
    return Compression(costs, rules, other_bits, weights, columns, effect)


def _refuse_without_hardware(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise ParameterError(f"{name} belongs to the effect on a device; give hardware")
