"""Facts that compiled graphs on CPUs ask for: what a batch norm normalises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.workloads.rows import Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray


def normalises_weight(workload: Workload) -> NDArray[Any]:
    """1 for a batch norm of a convolution's weight: weight standardisation (arXiv:1903.10520), as tables list it.

    Its input has as many elements as the weight of a convolution of the network, and either it has no weights of its
    own or one per output channel of that convolution.

    >>> import numpy
    >>> from costmodel.workloads.tables import workload_of_table
    >>> columns = {"weight_elements": [216, 8, 8], "out_channels": [8, 8, 8], "in_elements": [75, 216, 200]}
    >>> arrays = {name: numpy.array(values, float) for name, values in columns.items()}
    >>> words = ["convolution", "native_batch_norm", "native_batch_norm"]
    >>> normalises_weight(workload_of_table("one", ["conv", "norm", "norm"], words, arrays, numpy.ones(3))).tolist()
    [0.0, 1.0, 0.0]
    """
    import numpy

    weights, channels, inputs = (
        workload.sizes[name].tolist() for name in ("weight_elements", "out_channels", "input_elements")
    )
    convolutions = [at for at, kind in enumerate(workload.kinds) if kind.endswith("conv")]
    kernels = {weights[at] for at in convolutions}
    per_channel = {(weights[at], channels[at]) for at in convolutions}
    found = numpy.zeros(len(weights))
    for at, operator in enumerate(workload.operators):
        if operator == "batch_norm":
            bare = weights[at] == 0 and inputs[at] in kernels
            found[at] = bare or (inputs[at], weights[at]) in per_channel
    return found
