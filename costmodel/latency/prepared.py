"""A workload with the constants of a runtime beside it: what every device with that runtime shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from costmodel.arithmetic import maximum
from costmodel.latency.families import Family
from costmodel.latency.rules import Matched
from costmodel.records import record
from costmodel.workloads import Workload
from costmodel.workloads.facts import FACTS

DERIVED: Mapping[str, tuple[str, Callable[[Mapping[str, Any], Any], Any]]] = {
    "window": ("elements of the kernel", lambda c, batch: c["kernel_height"] * c["kernel_width"]),
    "stride": ("the larger stride", lambda c, batch: maximum(c["stride_height"], c["stride_width"])),
    "kernel": ("the larger side of the kernel", lambda c, batch: maximum(c["kernel_height"], c["kernel_width"])),
    "kernel_per_stride": ("larger side of the kernel by stride: 1 cuts patches", lambda c, batch: _per_stride(c)),
    "group_channels": ("input channels of one group", lambda c, batch: c["in_channels"] / maximum(c["groups"], 1.0)),
    "native_group": ("1: groups of 4, 8, 16, 32, ... channels", lambda c, batch: _is_native(c) * 1.0),
    "mask_ratio": (
        "elements that an attention reads, by those of its queries, keys and values; more with a mask",
        lambda c, batch: c["input_elements"] / maximum(c["products"] * c["k"] * (c["m"] + 2 * c["n"]), 1.0),
    ),
    "input_ratio": ("elements read per element written", lambda c, batch: c["input_elements"] / _one(c)),
    "pairwise_share": (
        "elements that sums of two operands move, by those of one sum of them all",
        lambda c, batch: _pairwise_share(maximum(c["input_elements"] / _one(c), 2.0)),
    ),
    "transposed_weight": ("1: the weight of a measured product is stored transposed", lambda c, batch: 0.0 * c["m"]),
    "transposed_input": ("1: its other operand is", lambda c, batch: 0.0 * c["m"]),
    "batch": ("samples at once", lambda c, batch: batch + 0.0 * c["macs"]),
    "batch_m": ("rows of the product, batch included", lambda c, batch: c["m"] * batch),
    "batch_elements": (
        "elements of the larger side, batch included",
        lambda c, batch: maximum(c["input_elements"], c["output_elements"]) * batch,
    ),
}
"""Sizes that a rule may ask for beside `SIZES` and `FACTS`: meaning and formula. A workload that has one of them itself
keeps it: measured products say which operand is transposed, layers of networks do not."""


def _one(columns: Mapping[str, Any]) -> Any:
    return maximum(columns["output_elements"], 1.0)


def _pairwise_share(operands: Any) -> Any:
    """Of n operands, n - 1 sums read two tensors and write one; a single sum reads n and writes one."""
    return 3 * (operands - 1) / (operands + 1)


def _is_native(columns: Mapping[str, Any]) -> Any:
    channels = columns["in_channels"] / maximum(columns["groups"], 1.0)
    return (channels == 4) | (channels == 8) | (channels % 16 == 0)


def _per_stride(columns: Mapping[str, Any]) -> Any:
    kernel = maximum(columns["kernel_height"], columns["kernel_width"])
    return kernel / maximum(maximum(columns["stride_height"], columns["stride_width"]), 1.0)


@record
class Prepared:
    """Sizes of the rows and their constants under the rules of a family, for one batch."""

    workload: Workload
    family: Family
    batch: Any
    columns: Mapping[str, Any]
    base: Matched


def prepared(workload: Workload, family: Family, conditions: Mapping[str, Any], batch: Any = 1) -> Prepared:
    """The constants of every row of a workload. `batch` is one number, or one per row of single kernels."""
    facts = {name: FACTS[name].of(workload) for name in family.facts if name not in workload.sizes}
    columns = columns_of({**workload.sizes, **facts}, family, batch)
    base = family.arrays.matched(workload.kinds, workload.operators, columns, conditions)
    return Prepared(workload, family, batch, columns, base)


def columns_of(sizes: Mapping[str, Any], family: Family, batch: Any) -> dict[str, Any]:
    """Sizes and facts, and what the rules of a family derive from them."""
    columns = dict(sizes)
    for name in sorted(family.asked - columns.keys()):
        columns[name] = DERIVED[name][1](columns, batch)
    return columns
