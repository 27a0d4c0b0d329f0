"""Table of operator shapes to workload: the rows that a runtime executes, without the graph between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.workloads.rows import Workload
from costmodel.workloads.words import own_word

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME = (
    "macs", "weight_elements", "in_channels", "in_height", "in_width", "out_channels", "out_height", "out_width",
    "kernel_height", "kernel_width", "stride_height", "stride_width", "groups",
)  # fmt: skip
"""Columns that a workload takes over."""
TRANSPOSED = frozenset({"conv_transpose2d"})


def workload_of_table(
    name: str, kinds: Sequence[str], words: Sequence[str], columns: Mapping[str, NDArray[Any]], repeats: NDArray[Any]
) -> Workload:
    """The workload of rows of shapes. `columns` are the shape columns of a measured or shapes table, NaN where one
    does not apply; `macs` and elements are those of one sample.

    >>> import numpy
    >>> row = {"out_channels": 8, "out_height": 5, "out_width": 5, "in_channels": 3, "kernel_height": 3,
    ...        "kernel_width": 3, "groups": 1, "macs": 5400}
    >>> columns = {name: numpy.array([float(value)]) for name, value in row.items()}
    >>> table = workload_of_table("one", ["conv"], ["convolution"], columns, numpy.ones(1))
    >>> [int(table.column(name)[0]) for name in ("m", "n", "k", "products")]
    [25, 8, 27, 1]
    """
    import numpy

    count = len(kinds)

    def column(key: str, blank: float = 0.0) -> NDArray[Any]:
        values = columns.get(key)
        return numpy.full(count, blank) if values is None else numpy.where(numpy.isnan(values), blank, values)

    operators = tuple([own_word(word, kind) for word, kind in zip(words, kinds, strict=True)])
    is_convolution = numpy.array([kind.endswith("conv") for kind in kinds], bool)
    is_transposed = numpy.array([operator in TRANSPOSED for operator in operators], bool)
    groups = numpy.maximum(column("groups", 1.0), 1.0)
    positions = numpy.where(
        is_transposed, column("in_height", 1.0) * column("in_width", 1.0),
        column("out_height", 1.0) * column("out_width", 1.0),
    )  # fmt: skip
    window = column("kernel_height", 1.0) * column("kernel_width", 1.0) * column("in_channels", 1.0) / groups
    multiplies = numpy.array([kind in ("linear", "matmul") for kind in kinds], bool)
    is_product = is_convolution | multiplies
    sizes = {key: column(key) for key in SAME} | {
        "input_elements": column("in_elements"),
        "output_elements": column("out_elements"),
        "m": numpy.where(is_convolution, positions, column("gemm_m")),
        "n": numpy.where(is_convolution, column("out_channels", 1.0) / groups, column("gemm_n")),
        "k": numpy.where(is_convolution, window, column("gemm_k")),
        "products": numpy.where(is_product, groups, 0.0),
    }
    for key in ("m", "n", "k"):
        sizes[key] = numpy.where(is_product, sizes[key], 0.0)
    return Workload(name, tuple(operators), tuple(kinds), operators, numpy.asarray(repeats, float), sizes)


def folded_table(workload: Workload, folded: frozenset[str]) -> Workload:
    """The workload without the operators that a fold rule names: a table has no edges that say what else they join.

    Of a table that lists what a runtime executed nothing is folded; this is for tables of framework operators.
    """
    import numpy

    is_activation = [kind == "activation" for kind in workload.kinds]
    gone = [
        word in folded or ("activation" in folded and active)
        for word, active in zip(workload.operators, is_activation, strict=True)
    ]
    return rows_taken(workload, numpy.array([not each for each in gone], bool))


def rows_taken(workload: Workload, rows: Any) -> Workload:
    """Some rows of a workload: an array of truths or a slice."""
    import numpy

    kept = numpy.arange(len(workload.kinds))[rows].tolist()
    names = [tuple([column[at] for at in kept]) for column in (workload.labels, workload.kinds, workload.operators)]
    sizes = {name: values[rows] for name, values in workload.sizes.items()}
    return Workload(workload.name, names[0], names[1], names[2], workload.repeats[rows], sizes)


def joined(workloads: Sequence[Workload], facts: Sequence[str] = ()) -> tuple[Workload, NDArray[Any]]:
    """Several workloads one after the other, and where each begins; `facts` are told of each before they are joined."""
    import numpy

    from costmodel.workloads.facts import FACTS

    own: dict[int, dict[str, Any]] = {}
    for each in workloads:
        if id(each) not in own:
            own[id(each)] = dict(each.sizes) | {name: FACTS[name].of(each) for name in facts}
    sizes = {
        name: numpy.concatenate([own[id(each)][name] for each in workloads])
        for name in (next(iter(own.values())) if own else ())
    }
    lengths = [len(each.kinds) for each in workloads]
    starts = numpy.concatenate([[0], numpy.cumsum(lengths)[:-1]]).astype(int)
    labels = tuple([text for each in workloads for text in each.labels])
    kinds = tuple([text for each in workloads for text in each.kinds])
    operators = tuple([text for each in workloads for text in each.operators])
    repeats = numpy.concatenate([each.repeats for each in workloads])
    return Workload("joined", labels, kinds, operators, repeats, sizes), starts
