"""What a row is in its network: facts that its own sizes do not tell. They are numbers: 1 where true, or a part.

A table of shapes has no edges; which operator follows which is told by equal numbers of elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from costmodel.records import record
from costmodel.workloads import facts_compiled_gpu as compiled_gpu
from costmodel.workloads import facts_eager as eager
from costmodel.workloads.facts_compiled_cpu import normalises_weight
from costmodel.workloads.rows import SIZES, Row, Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = tuple(SIZES).index("weight_elements")


@record
class Fact:
    """A fact: its meaning, and the function that tells it for every row of a workload; `in_graphs`: whether it can
    hold for a network that is given as a graph."""

    meaning: str
    of: Callable[[Workload], NDArray[Any]]
    in_graphs: bool = True


def network_weight_elements(workload: Workload) -> NDArray[Any]:
    """Weights of all operators of the network."""
    import numpy

    weights = workload.sizes["weight_elements"]
    return numpy.full(len(weights), float((weights * workload.repeats).sum()))


def weight_elements_of_rows(rows: Iterable[Row]) -> Any:
    """The same of rows whose sizes may be arrays over variants."""
    return sum(row.sizes[WEIGHTS] * row.repeats * 1.0 for row in rows)


FACTS: Mapping[str, Fact] = {
    "network_weight_elements": Fact("weights of the whole network", network_weight_elements),
    "normalises_weight": Fact("a batch norm of a convolution's weight", normalises_weight, in_graphs=False),
    "channels_last": Fact(
        "a compiler keeps the network's convolutions in channels-last order", compiled_gpu.channels_last
    ),
    "follows_relu": Fact("reads what a ReLU wrote", compiled_gpu.follows_relu),
    "following_simple": Fact("an activation without an exponential follows", compiled_gpu.following_simple),
    "following_silu": Fact("SiLU follows", compiled_gpu.following_silu),
    "following_gelu": Fact("GELU follows", compiled_gpu.following_gelu),
    "weights_alone": Fact("depends on weights, not on the input", compiled_gpu.weights_alone),
    "is_gate": Fact("a product with a small computed vector", compiled_gpu.is_gate),
    "kernel_share": Fact("part of the row that is a kernel of its own in a compiled graph", compiled_gpu.kernel_share),
    "moved_share": Fact("part of its activations that a compiled graph moves", compiled_gpu.moved_share),
    "parameter_operand": Fact("arithmetic with a parameter", eager.parameter_operand),
    "float32_result": Fact("written in float32 under mixed precision", eager.float32_result),
    "normalises_map": Fact("a layer norm of a convolution's result", eager.normalises_map),
    "standardised_group_norm": Fact("a group norm among standardised weights", eager.standardised_group_norm),
}

SUMS: Mapping[str, Callable[[Iterable[Row]], Any]] = {"network_weight_elements": weight_elements_of_rows}
"""Facts that are sums over the network, from rows as they stand before they are columns."""
