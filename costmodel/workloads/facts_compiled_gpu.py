"""Facts that graphs compiled for GPUs ask for: which operators a compiler runs in one kernel, and in which layout.

Kernels are found by equal numbers of elements: of a batch norm, its activation and a residual sum that write equally
many, one is a kernel and the others ride along. The rows of a table and of a graph give the same facts.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from costmodel.workloads.rows import Workload

HOSTS = frozenset({"batch_norm", "group_norm"})
"""Kernels over elements that take what follows them in."""
REDUCTIONS = frozenset({"layer_norm", "softmax"})
RELU = frozenset({"relu", "relu6"})
"""Activations half of whose results are zero."""
SIMPLE = RELU | {"leaky_relu", "hard_swish", "prelu"}
"""Activations without an exponential."""
SILU, GELU, BATCH_NORM, MULTIPLY = (frozenset({word}) for word in ("swish", "gelu", "batch_norm", "multiply"))
CONVOLUTIONS = frozenset({"conv", "pointwise_conv", "depthwise_conv", "grouped_conv"})
WRITERS = CONVOLUTIONS | {"linear", "matmul", "pool", "copy", "other"}
"""Kinds of rows that are kernels of a library, or of their own."""
ACTIVATION, ELEMENTWISE, LINEAR, NORM, SOFTMAX = (
    frozenset({kind}) for kind in ("activation", "elementwise", "linear", "norm", "softmax")
)
GROUPED_GAIN, SMALL_GAIN, NARROWING_GAIN, OTHER_GAIN = 1.358, 0.783, 0.725, 0.823
"""Work of a convolution in channels-last order against channels-first (PyTorch, torch/_inductor/graph.py,
decide_layout_opt, for inference)."""
SMALL_CHANNELS = 64
POSITION_FEATURES = 3
"""Inputs of a network that turns relative positions into biases: coordinates."""


class _Rows:
    """The rows of a workload in columns, sums over those that write equally many elements, and what is told of them."""

    def __init__(self, workload: Workload) -> None:
        import numpy

        self.workload, self.sizes, self.repeats = workload, workload.sizes, workload.repeats
        self.read, self.written = workload.sizes["input_elements"], workload.sizes["output_elements"]
        self.kinds, self.kind = _coded(workload.kinds)
        self.words, self.word = _coded(workload.operators)
        values, group = numpy.unique(self.written, return_inverse=True)
        self.group, self.groups = group.reshape(-1), len(values)
        self.is_activation, self.is_elementwise = self.of_kind(ACTIVATION), self.of_kind(ELEMENTWISE)
        self.is_convolution = self.of_kind(CONVOLUTIONS)

    def of_kind(self, kinds: frozenset[str]) -> Any:
        """Rows of some kinds."""
        return _among(self.kinds, kinds)[self.kind]

    def of_operator(self, operators: frozenset[str]) -> Any:
        """Rows of some operators."""
        return _among(self.words, operators)[self.word]

    def total(self, rows: Any) -> Any:
        """How often these rows occur, by group of equal written elements."""
        import numpy

        return numpy.bincount(self.group, self.repeats * rows, self.groups)

    def totals_by_word(self, rows: Any) -> Any:
        """How often each operator occurs among these rows: a line per operator, a column per group."""
        import numpy

        cells = self.word * self.groups + self.group
        flat = numpy.bincount(cells, self.repeats * rows, len(self.words) * self.groups)
        return flat.reshape(len(self.words), self.groups)

    def is_any_of(self, sizes: Any, rows: Any) -> Any:
        """Where a size is what one of these rows writes."""
        import numpy

        written = set(self.written[rows].tolist())
        return numpy.array([size in written for size in sizes.tolist()], bool)

    @cached_property
    def gates(self) -> Any:
        """Products with a small computed vector."""
        small = self.read - self.written
        product = self.of_operator(MULTIPLY) & self.is_elementwise & (small < self.written)
        if not product.any():
            return product
        return product & self.is_any_of(small, self.is_activation | self.of_kind(SOFTMAX))

    @cached_property
    def alone(self) -> Any:
        """Rows that do not depend on the input."""
        return _position_networks(self) | _standardisation(self)

    @cached_property
    def most_frequent_activation(self) -> Any:
        """The code of the operator, by row; -1 without one."""
        import numpy

        if not self.words:  # a network of views
            return self.group
        counts = self.totals_by_word(self.is_activation)
        return numpy.where(counts.max(axis=0) > 0, counts.argmax(axis=0), -1)[self.group]

    @cached_property
    def folded(self) -> tuple[Any, Any]:
        """The part of each row that other kernels take in, and the part of a sum that is written all the same."""
        return _folded(self)


def _coded(names: tuple[str, ...]) -> tuple[dict[str, int], Any]:
    """A number for each name, and the column of these."""
    import numpy

    codes: dict[str, int] = {}
    return codes, numpy.array([codes.setdefault(name, len(codes)) for name in names], int)


def _among(codes: dict[str, int], names: frozenset[str]) -> Any:
    import numpy

    return numpy.array([name in names for name in codes], bool)


_last: list[_Rows] = []


def _rows(workload: Workload) -> _Rows:
    """The rows of a workload; those of the last one are kept, since several facts are asked of it in turn."""
    if not _last or _last[0].workload is not workload:
        _last[:] = [_Rows(workload)]
    return _last[0]


def channels_last(workload: Workload) -> Any:
    """1 where the compiler keeps convolutions in channels-last order: where that saves work over all of the network.

    sum(gain * MACs) <= sum(MACs) over its convolutions, with the gains of PyTorch's decide_layout_opt.
    """
    import numpy

    rows = _rows(workload)
    out_channels, groups = rows.sizes["out_channels"], rows.sizes["groups"]
    width = rows.sizes["in_channels"] / numpy.maximum(groups, 1)
    grouped = (groups > 1) & (width > 1)
    small = (out_channels <= SMALL_CHANNELS) & (width <= SMALL_CHANNELS)
    narrowing = (2 * out_channels <= width) & (rows.sizes["kernel_height"] > 1)
    gain = numpy.select([grouped, small, narrowing], [GROUPED_GAIN, SMALL_GAIN, NARROWING_GAIN], OTHER_GAIN)
    macs = rows.sizes["macs"] * rows.repeats * rows.is_convolution
    return numpy.full(len(macs), float((gain * macs).sum() <= macs.sum()))


def follows_relu(workload: Workload) -> Any:
    """1 where a row reads what a ReLU wrote: half of its inputs are zero."""
    rows = _rows(workload)
    return rows.is_any_of(rows.read, rows.of_operator(RELU)) * 1.0


def following_simple(workload: Workload) -> Any:
    """1 where the activation of as many elements, if any, is one without an exponential."""
    return _following(workload, SIMPLE)


def following_silu(workload: Workload) -> Any:
    """1 where the activation of as many elements is SiLU."""
    return _following(workload, SILU)


def following_gelu(workload: Workload) -> Any:
    """1 where the activation of as many elements is GELU."""
    return _following(workload, GELU)


def _following(workload: Workload, wanted: frozenset[str]) -> Any:
    rows = _rows(workload)
    most = rows.most_frequent_activation
    return (_among(rows.words, wanted)[most] & (most >= 0)) * 1.0


def weights_alone(workload: Workload) -> Any:
    """1 for rows that do not depend on the input, so that a batch needs them once: networks that turn relative
    positions into biases, and weight standardisation."""
    return _rows(workload).alone * 1.0


def _position_networks(rows: _Rows) -> Any:
    """A linear layer of at most three inputs, and what follows it at its number of rows."""
    import numpy

    linear = rows.of_kind(LINEAR)
    first = linear & (rows.sizes["k"] <= POSITION_FEATURES)
    if not first.any():
        return first
    follows = first | rows.is_any_of(rows.read, first)
    layers = linear & numpy.isin(rows.sizes["m"], rows.sizes["m"][first]) & follows
    return layers | (rows.is_activation & rows.is_any_of(rows.written, first))


def _standardisation(rows: _Rows) -> Any:
    """A batch norm, and arithmetic around it, of as many elements as a convolution's weight has and none writes. A row
    that states its channels works on a map."""
    import numpy

    candidates = (rows.is_elementwise | rows.of_kind(NORM)) & (rows.sizes["in_channels"] == 0)
    weights = rows.sizes["weight_elements"][rows.is_convolution]
    of_weights: Any = candidates & numpy.isin(rows.written, weights)
    if of_weights.any():
        of_weights &= ~rows.is_any_of(rows.written, rows.is_convolution)
    return of_weights if (of_weights & rows.of_operator(BATCH_NORM)).any() else numpy.zeros(len(of_weights), bool)


def is_gate(workload: Workload) -> Any:
    """1 for a product with a small computed vector, as in squeeze-and-excitation: it waits for all of the vector."""
    return _rows(workload).gates * 1.0


def kernel_share(workload: Workload) -> Any:
    """How much of a row is a kernel of its own: 0 where others of as many elements take it in."""
    return 1 - _rows(workload).folded[0]


def moved_share(workload: Workload) -> Any:
    """How much of what a row reads and writes moves: a row that rides along still reads its second operand, and a sum
    that rides along with a layer norm is also written, because the next sum needs it."""
    import numpy

    rows = _rows(workload)
    folded, kept = rows.folded
    second = (numpy.maximum(rows.read - rows.written, 0) + kept * rows.written) * rows.is_elementwise
    return 1 - folded + folded * second / numpy.maximum(rows.read + rows.written, 1)


def _folded(rows: _Rows) -> tuple[Any, Any]:
    """Among rows that write equally many elements, activations ride along with batch and group norms, gates and sums
    of two operands; sums with norms, gates, layer norms and softmaxes; arithmetic on one operand with any of these.
    What is left are chains: at most one kernel per tensor of this size that a library or another kernel writes.
    """
    import numpy

    here = ~rows.alone
    host, reduction = rows.of_operator(HOSTS) & here, rows.of_operator(REDUCTIONS) & here
    activation, arithmetic = rows.is_activation & here, rows.is_elementwise & ~rows.gates & here
    one = arithmetic & (rows.read < 2 * rows.written)
    two = arithmetic & ~one
    hosts, reductions = rows.total(host | (rows.gates & here)), rows.total(reduction)
    sums, activations = rows.total(two), rows.total(activation)
    taken = [
        guests * numpy.minimum(1, room / numpy.maximum(count, 1e-9))[rows.group]
        for guests, count, room in (
            (activation, activations, hosts + sums), (two, sums, hosts + reductions),
            (one, rows.total(one), hosts + sums + activations + reductions),
        )
    ]  # fmt: skip
    folded = taken[0] + taken[1] + taken[2]
    kept = two * (numpy.minimum(1, reductions / numpy.maximum(sums, 1e-9)) * (hosts == 0))[rows.group]
    guests = activation | arithmetic
    writers = rows.of_kind(WRITERS) & here
    written = numpy.maximum(rows.total(writers) + reductions, 1.0)
    lonely = rows.total(writers | host | reduction) == 0
    if (lonely[rows.group] & guests).any():
        written = numpy.where(lonely, numpy.maximum(rows.totals_by_word(guests).max(axis=0), 1.0), written)
    left = rows.total(guests * (1 - folded))
    chain = numpy.minimum(1, written / numpy.maximum(left, 1e-9))[rows.group]
    return numpy.where(guests, 1 - (1 - folded) * chain, folded), kept
