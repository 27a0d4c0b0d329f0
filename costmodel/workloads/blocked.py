"""The layout in which convolutions hold channels in blocks: padded channels, and reorders between it and the plain one.

Convolutions of ONNX Runtime's CPU kernels read and write blocks of 16 channels where they read a multiple of 4 (in
groups: a multiple of 16 in each), and write blocks where they read fewer than 16; other operators keep the layout of
what they read or need the plain one. Where one follows the other, a reorder moves the tensor once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from costmodel.arithmetic import anywhere
from costmodel.graph import Graph, Layer, Shape
from costmodel.records import replace
from costmodel.workloads.kernels import Kernel
from costmodel.workloads.rows import SIZES, Row

MULTIPLE = 4
"""Convolutions that read a multiple of so many channels run in blocks, others in the plain layout."""
KEEPING = frozenset({"activation", "prelu", "add", "max_pool2d", "avg_pool2d", "batch_norm", "scale"})
"""Operators that run in either layout."""
KEEPING_WHOLE = frozenset({"concat", "global_avg_pool"})
"""Operators that run in blocks where no channels are padded."""
PASSING = frozenset({"dropout"})
NORMS = frozenset({"batch_norm", "scale"})
AT = {name: place for place, name in enumerate(SIZES)}


def blocked_rows(graph: Graph, kernels: Iterable[Kernel], rows: Mapping[str, Row], shapes: Mapping[str, Shape],
                 block: int) -> dict[str, Row]:  # fmt: skip
    """The rows with channels padded to `block` where their layout asks for it, and the reorders between them.

    A reorder stands before the layer that reads the tensor, and with it. Truths are 0 and 1: in a sweep they are
    arrays over the variants. Sizes are never changed in place: equal rows share them.

    >>> from costmodel import cost_table, load
    >>> from costmodel.fusion import FUSIONS
    >>> from costmodel.workloads import workload_of
    >>> workload = workload_of(cost_table(load("mobilenet_v2")), FUSIONS["inference_blocked"])
    >>> workload.operators.count("reorder_output"), workload.column("out_channels").tolist()[:4]
    (1, [32.0, 32.0, 16.0, 96.0])
    """
    layers = {layer.name: layer for layer in graph.layers}
    layout = _Layout(shapes, block)
    for kernel in kernels:
        layer = layers[kernel.layers[0]]
        outputs = [name for each in kernel.layers for name in layers[each].outputs]
        layout.run(layer, kernel.read, outputs, rows.get(layer.name))
    return layout.rows


class _Layout:
    """The layout of every tensor while the kernels run one after the other."""

    def __init__(self, shapes: Mapping[str, Shape], block: int) -> None:
        self.rows: dict[str, Row] = {}
        self._shapes, self._block = shapes, block
        self._blocked: dict[str, Any] = {}
        self._copied: dict[tuple[str, str], Any] = {}

    def run(self, layer: Layer, read: tuple[str, ...], outputs: list[str], row: Row | None) -> None:
        """One kernel: reorders of what it reads, its own row, the layout of what it writes."""
        verb, inputs = layer.operator.verb, layer.inputs
        is_blocked: Any = 0
        if row is None:
            is_blocked = self._of(inputs[0]) if inputs and verb in PASSING else 0
            wanted = [self._of(name) if verb in PASSING else 0 for name in inputs]
        elif row.operator in ("conv2d", "depthwise_conv2d"):
            is_blocked = self._holds(row)
            narrow = (row.kind != "depthwise_conv") & (_size(row, "in_channels") < self._block)
            wanted = [is_blocked * (1 - narrow * 1), *[is_blocked] * len(read)]
            row = self._convolution(row, is_blocked, wanted[0], read, outputs)
        elif verb in KEEPING or verb in KEEPING_WHOLE:
            is_blocked = 1
            for name in inputs:
                is_blocked = is_blocked * self._of(name) * (1 if verb in KEEPING else self._is_whole(name))
            wanted = [is_blocked] * (len(inputs) + len(read))
            row = self._kept(row, is_blocked, (*inputs, *read), outputs[-1])
            if verb in NORMS and anywhere(is_blocked != 0):
                self.rows[f"{layer.name}.blocked"] = _depthwise(row, is_blocked, layer.name)
                row = replace(row, repeats=row.repeats * (1 - is_blocked)) if anywhere(is_blocked == 0) else None
        else:
            wanted = [0] * (len(inputs) + len(read))
        for name, want in zip((*inputs, *read), wanted, strict=True):
            self._reorder(name, want, layer.name)
        if row is not None:
            self.rows[layer.name] = row
        self._blocked.update(dict.fromkeys(outputs, is_blocked))

    def _of(self, name: str) -> Any:
        """Whether a tensor is in blocks: those that no kernel made are not."""
        return self._blocked.get(name, 0)

    def _is_whole(self, name: str) -> Any:
        """Whether the channels of a tensor fill their blocks."""
        shape = self._shapes[name]
        return (shape.channels % self._block == 0) * shape.is_image

    def _holds(self, row: Row) -> Any:
        """Whether a convolution runs in blocks."""
        entering, leaving, groups = (_size(row, name) for name in ("in_channels", "out_channels", "groups"))
        if row.kind == "depthwise_conv":
            return (entering % MULTIPLE == 0) * 1
        dense = (entering % MULTIPLE == 0) | (entering < self._block)
        grouped = (entering % (groups * self._block) == 0) & (leaving % (groups * self._block) == 0)
        return dense * (groups == 1) + grouped * (groups > 1)

    def _padded(self, channels: Any, where: Any) -> Any:
        """Channels, filled up to whole blocks where the truth says so."""
        return channels + where * (-(-channels // self._block) * self._block - channels)

    def _convolution(self, row: Row, is_blocked: Any, reads_blocks: Any, read: tuple[str, ...],
                     outputs: list[str]) -> Row:  # fmt: skip
        sizes = dict(zip(SIZES, row.sizes, strict=True))
        entering, leaving, groups = (sizes[name] for name in ("in_channels", "out_channels", "groups"))
        more_in = self._padded(entering, reads_blocks) - entering
        more_out = self._padded(leaving, is_blocked) - leaving
        window = sizes["kernel_height"] * sizes["kernel_width"]
        weights = sizes["n"] * sizes["k"] * sizes["products"]
        if row.kind == "depthwise_conv":
            sizes["groups"] = sizes["products"] = groups + more_in
        else:
            sizes["n"], sizes["k"] = sizes["n"] + more_out, sizes["k"] + more_in * window
        more_weights = sizes["n"] * sizes["k"] * sizes["products"] - weights
        written = more_out * sizes["out_height"] * sizes["out_width"]
        sizes["in_channels"], sizes["out_channels"] = entering + more_in, leaving + more_out
        sizes["macs"] = sizes["macs"] + sizes["m"] * more_weights
        sizes["weight_elements"] = sizes["weight_elements"] + more_weights
        more_read = more_in * sizes["in_height"] * sizes["in_width"] + written * len(read)
        sizes["input_elements"] = sizes["input_elements"] + more_read
        sizes["output_elements"] = sizes["output_elements"] + written
        return replace(row, sizes=tuple(sizes.values()))

    def _kept(self, row: Row, is_blocked: Any, read: tuple[str, ...], written: str) -> Row:
        """An operator in the layout of what it reads."""
        sizes = dict(zip(SIZES, row.sizes, strict=True))
        sizes["input_elements"] = sizes["input_elements"] + sum(self._more(name, is_blocked) for name in read)
        sizes["output_elements"] = sizes["output_elements"] + self._more(written, is_blocked)
        return replace(row, sizes=tuple(sizes.values()))

    def _more(self, name: str, is_blocked: Any) -> Any:
        """Elements that a tensor has more in blocks."""
        shape = self._shapes[name]
        if not shape.is_image:
            return 0
        return (self._padded(shape.channels, is_blocked) - shape.channels) * shape.sizes[1] * shape.sizes[2]

    def _reorder(self, name: str, want: Any, layer: str) -> None:
        """A copy of a tensor in the other layout where it is in the wrong one, once for all that read it."""
        shape, held = self._shapes[name], self._of(name)
        if not shape.is_image:
            return
        channels, height, width = shape.sizes
        more = self._more(name, 1)
        # a plain map of 1x1 in whole blocks is the same in both layouts
        same = (height * width == 1) & (channels % self._block == 0)
        for word, needed, sizes in (
            ("reorder_input", want * (1 - held) * (1 - same * 1), (shape.elements, shape.elements + more)),
            ("reorder_output", (1 - want) * held, (shape.elements + more, shape.elements)),
        ):
            copied = self._copied.get((name, word), 0)
            needed = needed * (1 - copied)
            if anywhere(needed != 0):
                self._copied[name, word] = copied + needed
                row = dict.fromkeys(SIZES, 0) | {"input_elements": sizes[0], "output_elements": sizes[1]}
                self.rows[f"{layer}.{word}.{name}"] = Row("copy", word, needed, tuple(row.values()), layer)


def _depthwise(row: Row, is_blocked: Any, layer: str) -> Row:
    """A norm without a convolution before it, where it is in blocks: a depthwise convolution of 1x1."""
    sizes = dict(zip(SIZES, row.sizes, strict=True))
    positions = sizes["out_height"] * sizes["out_width"]
    channels = sizes["output_elements"] // positions
    one = dict.fromkeys(("kernel_height", "kernel_width", "stride_height", "stride_width", "n", "k"), 1)
    many = dict.fromkeys(("in_channels", "out_channels", "groups", "products"), channels)
    made = sizes | one | many | {"macs": sizes["output_elements"], "m": positions}
    repeats = row.repeats * is_blocked
    return Row("depthwise_conv", "depthwise_conv2d", repeats, tuple([made[name] for name in SIZES]), layer)


def _size(row: Row, name: str) -> Any:
    return row.sizes[AT[name]]
