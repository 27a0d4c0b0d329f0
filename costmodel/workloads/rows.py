"""A workload: the operators that a device executes, one row each, with the sizes that its time depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.errors import UnknownNameError
from costmodel.measured.columns import KINDS as KINDS
from costmodel.records import record

SIZES: dict[str, str] = {
    "macs": "multiply-accumulates of one sample",
    "input_elements": "activations read",
    "weight_elements": "weights read",
    "output_elements": "activations written",
    "in_channels": "channels of the input; 0 where an operator has none",
    "in_height": "height of the input",
    "in_width": "width of the input",
    "out_channels": "channels of the output",
    "out_height": "height of the output",
    "out_width": "width of the output",
    "kernel_height": "height of the window; 0 without one",
    "kernel_width": "its width",
    "stride_height": "step of the window along the height; 0 without one",
    "stride_width": "along the width",
    "groups": "groups of a convolution; 0 without",
    "m": "rows of the matrix product: output positions of a convolution, tokens of a linear layer",
    "n": "its columns: output channels of one group, output features",
    "k": "its inner size: window times input channels of one group, input features",
    "products": "independent matrix products: groups of a convolution, heads and windows of an attention",
}
"""The columns of a workload, all for one sample. `m`, `n`, `k`, `products` are 0 where no matrices are multiplied."""


@record
class Row:
    """One row before it stands in columns: `sizes` in the order of `SIZES`. `layer` names the layer that it belongs to
    where that is not its own: a copy that a runtime puts before it."""

    kind: str
    operator: str
    repeats: Any
    sizes: tuple[Any, ...]
    layer: str = ""


@record
class Workload:
    """Operators in order of execution. A column of `sizes` is an array with a number per row; `repeats` says how
    often a row occurs, `labels` what it is called (a layer of a graph, a row of a table)."""

    name: str
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    operators: tuple[str, ...]
    repeats: Any
    sizes: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Workload of {self.name}: {len(self.kinds)} operators; .kinds, .operators, .repeats, .sizes>"

    def column(self, name: str) -> Any:
        """One column of the sizes.

        Raises: UnknownNameError with the names that exist.
        """
        if name not in self.sizes:
            raise UnknownNameError(f"a workload has no column {name!r}; it has {', '.join(SIZES)}")
        return self.sizes[name]
