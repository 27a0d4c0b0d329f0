"""Facts that eager execution in mixed precision asks for: which tensors are float32, and which parameters take part.

Producers and readers of a tensor are told by equal numbers of elements, in tables and in graphs alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.workloads.facts_compiled_gpu import weights_alone
from costmodel.workloads.rows import Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOAT32_NORMS = frozenset({"layer_norm", "group_norm"})
"""Norms that mixed precision runs in float32 (PyTorch, Automatic Mixed Precision package: operators to float32)."""
MAP_WRITERS = frozenset({"depthwise_conv", "grouped_conv", "pointwise_conv"})
"""Convolutions inside a network, whose result is a map; the one that cuts an image into patches makes tokens."""
WITH_OPERAND = frozenset({"add", "subtract", "multiply", "addcmul", "scale"})
"""Arithmetic whose second operand may be a parameter."""
SMALL = 0.2
"""A parameter has fewer elements than this part of the tensor that it is applied to."""


def parameter_operand(workload: Workload) -> NDArray[Any]:
    """1 for arithmetic with a parameter: a layer scale, a learned offset. Its small operand has weights, or as many
    elements as no operator writes; the operand of a layer scale of a graph is its channels.

    >>> import numpy
    >>> from costmodel.workloads.tables import workload_of_table
    >>> columns = {"in_elements": numpy.array([216.0, 208.0]), "out_elements": numpy.array([200.0, 200.0])}
    >>> table = workload_of_table("one", ["elementwise"] * 2, ["mul", "clamp"], columns, numpy.ones(2))
    >>> parameter_operand(table).tolist()
    [1.0, 0.0]
    """
    import numpy

    sizes = workload.sizes
    read, written = sizes["input_elements"].tolist(), sizes["output_elements"].tolist()
    weights, channels, made = sizes["weight_elements"].tolist(), sizes["in_channels"].tolist(), set(written)
    found = numpy.zeros(len(read))
    for at, (kind, operator) in enumerate(zip(workload.kinds, workload.operators, strict=True)):
        if kind == "elementwise":
            small = channels[at] if operator == "scale" else read[at] - written[at]
            alone = 0 < small < SMALL * written[at] and small not in made
            found[at] = weights[at] > 0 or (operator in WITH_OPERAND and alone)
    return found


def float32_result(workload: Workload) -> NDArray[Any]:
    """1 for arithmetic and copies that write float32 in mixed precision: what a layer or group norm reads, the residual
    stream, and what is made with a float32 parameter."""
    import numpy

    sizes = workload.sizes
    read, written = sizes["input_elements"].tolist(), sizes["output_elements"].tolist()
    wide = {read[at] for at, operator in enumerate(workload.operators) if operator in FLOAT32_NORMS}
    wide |= {written[at] for at in numpy.flatnonzero(parameter_operand(workload))}
    return numpy.array(
        [
            float(kind in ("elementwise", "copy") and elements in wide)
            for kind, elements in zip(workload.kinds, written, strict=True)
        ]
    )


def normalises_map(workload: Workload) -> NDArray[Any]:
    """1 for a layer norm of what a convolution wrote: its channels are not the innermost axis of an image."""
    import numpy

    read, written = (workload.sizes[name].tolist() for name in ("input_elements", "output_elements"))
    maps = {written[at] for at, kind in enumerate(workload.kinds) if kind in MAP_WRITERS}
    return numpy.array(
        [
            float(operator == "layer_norm" and elements in maps)
            for operator, elements in zip(workload.operators, read, strict=True)
        ]
    )


def standardised_group_norm(workload: Workload) -> NDArray[Any]:
    """1 for a group norm in a network whose convolutions have standardised weights (arXiv:1903.10520): these weights
    are made anew in channels-first order, and the maps follow them."""
    import numpy

    alone = weights_alone(workload)
    standardised = any(alone[at] > 0 and operator == "batch_norm" for at, operator in enumerate(workload.operators))
    return numpy.array([float(standardised and operator == "group_norm") for operator in workload.operators])
