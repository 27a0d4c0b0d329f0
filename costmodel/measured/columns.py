"""The columns of a measured table and of a shapes table: name, kind, unit, meaning; and the kinds of operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.records import record

TEXT, COUNT, NUMBER = "text", "count", "number"
LARGEST_COUNT = 2**53
"""Whole numbers up to here are exact in a float64."""


@record
class Column:
    """A column: `kind` is text, count (a whole number of at least `least`) or number (finite, above zero).

    `required`: the column must be there. `filled`: none of its cells may be blank. A blank cell means not stated or
    not applicable; it is read as "" or NaN.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    required: bool = False
    filled: bool = False
    least: int = 0


SHAPE_COLUMNS = (
    Column("in_channels", COUNT, "channels of the input", least=1),
    Column("in_height", COUNT, "height of the input", "elements", least=1),
    Column("in_width", COUNT, "width of the input", "elements", least=1),
    Column("out_channels", COUNT, "channels of the output", least=1),
    Column("out_height", COUNT, "height of the output", "elements", least=1),
    Column("out_width", COUNT, "width of the output", "elements", least=1),
    Column("kernel_height", COUNT, "height of the kernel", "elements", least=1),
    Column("kernel_width", COUNT, "width of the kernel", "elements", least=1),
    Column("stride_height", COUNT, "vertical stride", "elements", least=1),
    Column("stride_width", COUNT, "horizontal stride", "elements", least=1),
    Column("pad_height", COUNT, "rows of padding above and below", "elements"),
    Column("pad_width", COUNT, "columns of padding left and right", "elements"),
    Column("groups", COUNT, "groups of a convolution; independent products of a matmul or attention", least=1),
    Column("gemm_m", COUNT, "rows of the left matrix of a product m x k times k x n", least=1),
    Column("gemm_n", COUNT, "columns of the right matrix", least=1),
    Column("gemm_k", COUNT, "columns of the left matrix, rows of the right one", least=1),
    Column("in_elements", COUNT, "elements of all inputs that are activations", "elements"),
    Column("weight_elements", COUNT, "elements of weights and biases", "elements"),
    Column("out_elements", COUNT, "elements of the output", "elements"),
    Column("macs", COUNT, "multiply-accumulates", "MAC"),
)
"""The shape of one operator, in measured tables and in shapes tables."""

MEASURED_COLUMNS = (
    Column("device", TEXT, "the device: a chip, board, phone or card", required=True, filled=True),
    Column("runtime", TEXT, "the software that ran the network"),
    Column("runtime_version", TEXT, "its version"),
    Column("dtype", TEXT, "the number format"),
    Column("layout", TEXT, "nchw or nhwc; of a GEMM nn, nt or tn: t for an operand stored transposed"),
    Column("threads", COUNT, "threads used", least=1),
    Column("batch", COUNT, "images at once", least=1),
    Column("network", TEXT, "the network: its name in a shapes table, or a bundled network or spec file"),
    Column("width", NUMBER, "width multiplier"),
    Column("resolution", COUNT, "side of the square input", "pixels", least=1),
    Column("operator", TEXT, "the operator in the runtime's own word, where the row is one operator"),
    Column("op_kind", TEXT, "the kind of the operator, one of KINDS"),
    *SHAPE_COLUMNS,
    Column("latency_seconds", NUMBER, "time of the whole batch; blank where none was printed", "s", required=True),
    Column("repeats", COUNT, "runs behind the value", least=1),
    Column("energy_joules", NUMBER, "energy of one inference", "J"),
    Column("source", TEXT, "who measured or printed it"),
    Column("source_file", TEXT, "the file or table of the source"),
    Column("commit", TEXT, "the version of the source"),
    Column("note", TEXT, "key=value; key=value"),
)
"""A row is one measurement: of a whole network, or of one operator whose shape stands in the row."""

_SIZES = ("in_elements", "weight_elements", "out_elements", "macs")
SHAPES_COLUMNS = (
    Column("network", TEXT, "the network", required=True, filled=True),
    Column("index", COUNT, "number of the row within its network, in order of execution"),
    Column("operator", TEXT, "the operator in the word of the framework or runtime"),
    Column("op_kind", TEXT, "the kind of the operator, one of KINDS", required=True, filled=True),
    Column(
        "fused",
        COUNT,
        "1: the operators that a runtime executes, 0: those of the framework",
        required=True,
        filled=True,
    ),
    Column("repeats", COUNT, "how often this operator occurs; 1 where blank", least=1),
    *(
        Column(each.name, each.kind, each.meaning, each.unit, each.name in _SIZES, each.name in _SIZES, each.least)
        for each in SHAPE_COLUMNS
    ),
)
"""A row is one operator of a network, at batch 1."""

KINDS: Mapping[str, str] = {
    "conv": "convolution with groups = 1 and a kernel larger than 1x1",
    "pointwise_conv": "1x1 convolution, groups = 1",
    "depthwise_conv": "convolution with as many groups as input channels",
    "grouped_conv": "convolution with any other number of groups above 1",
    "linear": "activation times weight",
    "matmul": "activation times activation, attention; a GEMM measured alone",
    "norm": "batch, layer, group and local response normalisation",
    "softmax": "softmax",
    "activation": "non-linearity of one input",
    "elementwise": "other arithmetic on elements: add, multiply, clamp, power, ...",
    "pool": "pooling, means and other reductions",
    "copy": "moves data: concat, slice, pad, transpose, reorder, gather, resize, a reshape that copies, ...",
    "other": "anything else: prior boxes, detection output, cumulative sums",
}
"""Kinds of operators, by structure alone: what the terms of a latency tell operators apart by."""

_ELEMENTS = ("in_elements", "out_elements")
_PRODUCT = ("gemm_m", "gemm_n", "gemm_k", *_ELEMENTS, "macs")
_CONVOLUTION = (
    "in_channels", "in_height", "in_width", "out_channels", "out_height", "out_width", "kernel_height", "kernel_width",
    "stride_height", "stride_width", *_ELEMENTS, "weight_elements", "macs",
)  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "conv": _CONVOLUTION,
    "pointwise_conv": _CONVOLUTION,
    "depthwise_conv": (*_CONVOLUTION, "groups"),
    "grouped_conv": (*_CONVOLUTION, "groups"),
    "linear": (*_PRODUCT, "weight_elements"),
    "matmul": _PRODUCT,
}
"""The columns without which an operator has no time; every other kind needs `_ELEMENTS`."""


def blank_columns(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of a measured row of one operator that its kind needs and that are blank.

    >>> blank_columns({"op_kind": "softmax", "in_elements": 1000.0, "out_elements": float("nan")})
    ('out_elements',)
    """
    values = {name: row.get(name) for name in NEEDED.get(row["op_kind"], _ELEMENTS)}
    return tuple([name for name, value in values.items() if value is None or value == "" or value != value])
