"""What a network occupies where it is stored: the papers' model size, and the flash of a device."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import ceil_div, is_array
from costmodel.costs import CostTable, cost_table
from costmodel.dtypes import Dtype, dtype_of
from costmodel.errors import ParameterError, UnknownNameError, nearest
from costmodel.graph import Graph
from costmodel.passes.fold_norm import fold_norm
from costmodel.records import record


@record
class Storage:
    """What a runtime stores of a network beside its weights, in integer formats.

    `scale_bytes` for each scale of a tensor, once for the weights and once for the bias of a layer: convolutions have
    one scale per output channel, other layers one for all. With `zero_biases` a convolution without a bias has one of
    zeros.
    """

    name: str
    meaning: str
    scale_bytes: int
    zero_biases: bool
    source: str


STORAGES = {
    storage.name: storage
    for storage in (
        Storage(
            "plain",
            "weights and biases; scales are part of the code",
            0,
            False,
            "STM32 model zoo, weights of the X-CUBE-AI 10.0.0 rows",
        ),
        Storage(
            "tflite",
            "weights, biases (zeros where a convolution has none), and a scale (float32) with its zero point (int64) "
            "for every channel; not the graph",
            12,
            True,
            "quantisation tables of the MLPerf Tiny reference files, repo mlcommons/tiny@1afd2c98",
        ),
    )
}
PER_CHANNEL = frozenset({"conv2d", "depthwise_conv2d", "conv_transpose2d"})
"""Operators whose weights have a scale of their own for every output channel."""


@record
class FlashSize:
    """Bytes that a network occupies in flash, and what for. Norms folded away are in weights and biases."""

    network: str
    dtype: str
    storage: str
    weight_bytes: Any
    bias_bytes: Any
    scale_bytes: Any
    other_bytes: Any

    @property
    def bytes(self) -> Any:
        """All of them."""
        return self.weight_bytes + self.bias_bytes + self.scale_bytes + self.other_bytes

    def __repr__(self) -> str:
        if is_array(self.bytes):
            return f"<FlashSize of {len(self.bytes):,} variants of {self.network} ({self.dtype}, {self.storage})>"
        return (
            f"<FlashSize of {self.network}: {self.bytes:,} bytes ({self.dtype}, {self.storage}); "
            ".weight_bytes, .bias_bytes, .scale_bytes, .other_bytes>"
        )


def model_bytes(costs: CostTable | Graph, dtype: str | Dtype = "float32") -> Any:
    """The papers' model size: all parameters, those of normalisation included, in the width of a weight.

    SqueezeNet (arXiv:1602.07360), Table 2: "the number of bytes required to store all of the parameters".

    >>> from costmodel import load
    >>> model_bytes(load("squeezenet_paper"))                      # 1,248,424 * 4
    4993696

    Raises: UnknownNameError for a number format that does not exist.
    """
    counted = cost_table(costs) if isinstance(costs, Graph) else costs
    return ceil_div(counted.total("params") * dtype_of(dtype).weight_bits, 8)


def flash_size(graph: Graph, dtype: str | Dtype = "int8", storage: str = "plain") -> FlashSize:
    """What a network occupies in the flash of a device that keeps its weights there.

    flash = weights after folding norm, in the width of a weight, + biases + scales. Biases of integer formats, and the
    scale and shift of a norm that cannot be folded, have the width of the accumulator (int32 for int8), those of others
    the width of a weight. Scales are those of `STORAGES[storage]`, in integer formats. `other_bytes` are tables, class
    tokens and slopes, in the width of a weight. The runtime itself comes on top.

    >>> from costmodel import load
    >>> flash = flash_size(load("mlperf_tiny_ad_autoencoder"))
    >>> flash.weight_bytes, flash.bias_bytes == 4 * (8 * 128 + 8 + 640)
    (264192, True)

    Raises: UnknownNameError for a storage or number format that does not exist, ParameterError for what is no graph.
    """
    if not isinstance(graph, Graph):
        raise ParameterError(f"flash_size needs a Graph, got {type(graph).__name__}; load a network first")
    form, rules = dtype_of(dtype), storage_named(storage)
    costs = cost_table(fold_norm(graph))
    bias_bits = form.accumulator_bits if form.is_integer else form.weight_bits
    weight_bits = costs.total("weight_params") * form.weight_bits
    scales, zeros = _channels(costs, rules) if form.is_integer else (0, 0)
    return FlashSize(
        graph.name,
        form.name,
        rules.name,
        weight_bytes=ceil_div(weight_bits, 8),
        bias_bytes=ceil_div((costs.total("bias_params") + costs.total("norm_params") + zeros) * bias_bits, 8),
        scale_bytes=scales * rules.scale_bytes,
        other_bytes=ceil_div(costs.total("other_params") * form.weight_bits, 8),
    )


def storage_named(name: str) -> Storage:
    """The storage of that name.

    >>> storage_named("tflite").scale_bytes
    12

    Raises: UnknownNameError with the names that exist.
    """
    if not isinstance(name, str) or name not in STORAGES:
        hint = nearest(name, STORAGES) or f"there are {', '.join(STORAGES)}"
        raise UnknownNameError(f"unknown storage {name!r}; {hint}")
    return STORAGES[name]


def _channels(costs: CostTable, rules: Storage) -> tuple[Any, Any]:
    """Scales of the weights and biases of all layers, and biases of zeros; layers that share weights have them once."""
    scales: Any = 0
    zeros: Any = 0
    weights, biases = costs.columns["weight_params"], costs.columns["bias_params"]
    for layer, weight_params, bias_params in zip(costs.graph.layers, weights, biases, strict=True):
        is_convolution = layer.operator.verb in PER_CHANNEL
        channels = costs.shapes[layer.outputs[0]].channels if is_convolution else 1
        has_weights, has_bias = weight_params > 0, bias_params > 0
        if is_convolution and rules.zero_biases:
            zeros = zeros + channels * (has_weights & (bias_params == 0))
            has_bias = has_weights
        scales = scales + channels * has_weights + channels * has_bias
    return scales, zeros
