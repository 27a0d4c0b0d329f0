"""Facts that compiled graphs on CPUs ask for: what a batch norm normalises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.workloads.rows import Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray


def normalises_weight(workload: Workload) -> NDArray[Any]:
    """1 for a batch norm of a convolution's weight: weight standardisation (arXiv:1903.10520), as tables list it.

    It stands before that convolution, its input has as many elements as the weight, and it has no weights of its own
    or one per output channel. A row that states its channels normalises a map; rows that come from a graph do.

    >>> import numpy
    >>> from costmodel.workloads.tables import workload_of_table
    >>> columns = {"weight_elements": [8, 216, 32], "out_channels": [0, 8, 0], "in_elements": [216, 75, 200]}
    >>> arrays = {name: numpy.array(values, float) for name, values in columns.items()}
    >>> words = ["native_batch_norm", "convolution", "native_batch_norm"]
    >>> normalises_weight(workload_of_table("one", ["norm", "conv", "norm"], words, arrays, numpy.ones(3))).tolist()
    [1.0, 0.0, 0.0]
    """
    import numpy

    weights, inputs, in_channels, out_channels = (
        workload.sizes[name] for name in ("weight_elements", "input_elements", "in_channels", "out_channels")
    )
    is_norm = numpy.array([operator == "batch_norm" for operator in workload.operators], bool) & (in_channels == 0)
    is_convolution = numpy.array([kind.endswith("conv") for kind in workload.kinds], bool)
    own = (weights[:-1] == 0) | (weights[:-1] == out_channels[1:])
    found = numpy.zeros(len(weights))
    found[:-1] = is_norm[:-1] & is_convolution[1:] & (inputs[:-1] == weights[1:]) & own
    return found
