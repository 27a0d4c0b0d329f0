"""Run the layers in the order in which the activations need the least memory."""

from __future__ import annotations

from costmodel.arithmetic import is_array, structural
from costmodel.dtypes import Dtype, dtype_of
from costmodel.errors import ParameterError
from costmodel.graph import Graph, Shape
from costmodel.records import record, replace
from costmodel.shapes import infer_shapes

LIMIT = 200_000
"""Sets of layers that one search looks at."""


@record
class ExecutionOrder:
    """A network in the best order found, its peak, that of its file, and what no order can be below, in bytes.

    `down_sets` is the number of sets of layers that an execution can have behind it, None where the network is too
    entangled to count them; `states` how many sets the search looked at, in all its passes.
    """

    graph: Graph
    definition: str
    dtype: str
    bytes: int
    file_order_bytes: int
    lower_bound_bytes: int
    down_sets: int | None
    states: int

    @property
    def is_exact(self) -> bool:
        """Whether no order needs less."""
        return self.bytes == self.lower_bound_bytes

    def __repr__(self) -> str:
        least = "the least of all orders" if self.is_exact else f"no order below {self.lower_bound_bytes:,}"
        return (
            f"<ExecutionOrder of {self.graph.name}: {self.bytes:,} bytes, {self.file_order_bytes:,} in file order, "
            f"{least} ({self.definition}, {self.dtype})>"
        )


def least_memory_order(
    graph: Graph, dtype: str | Dtype = "int8", definition: str = "fused", limit: int = LIMIT
) -> ExecutionOrder:
    """The order of the layers with the least peak activation memory; file order where none is better.

    Minimises M(G) = max over layers of the memory held while they run, as `costmodel.peak_memory` counts it, over all
    orders in which every layer runs after those whose outputs it reads. What is held depends only on which layers have
    run, so that the search is over such sets (down-sets), as in Liberis and Lane (arXiv:1910.05110) and in Serenity
    (arXiv:2003.02369); here depth first within a budget just below the best order found so far. It is exact wherever
    there are at most `limit` down-sets, and mostly far beyond; a search that stops at `limit` leaves the best order
    found, with a bound that holds for every order. An input that nothing reads is held while the first layer runs and
    is not part of the bound.

    Two convolutions read an image of 4x8x8 = 256 bytes. The first of the file leaves 512 bytes to be kept while the
    second writes 1,024 and reduces them to 64; the other way round only the 64 are kept:

    >>> from costmodel.graph import Layer, image
    >>> from costmodel.operators.combining import Concat
    >>> from costmodel.operators.convolution import Conv2d
    >>> layers = (
    ...     Layer("narrow", Conv2d(8), ("image",), ("narrow",)),
    ...     Layer("wide", Conv2d(16), ("image",), ("wide",)),
    ...     Layer("reduced", Conv2d(1), ("wide",), ("reduced",)),
    ...     Layer("joined", Concat("channels"), ("narrow", "reduced"), ("joined",)),
    ... )
    >>> order = least_memory_order(Graph("two_branches", {"image": image(4, 8, 8)}, layers, ("joined",), {}))
    >>> [layer.name for layer in order.graph.layers]
    ['wide', 'reduced', 'narrow', 'joined']
    >>> order.file_order_bytes == 256 + 512 + 1024, order.bytes == 256 + 1024 + 64, order.down_sets
    (True, True, 7)

    Raises: UnknownNameError for a definition or number format that does not exist, ParameterError for a graph without
    layers or a limit that is no positive whole number, StructureError for a sweep.
    """
    # Imported where it runs: every run of the command line imports the passes.
    from costmodel.memory import definition_named, peak_memory
    from costmodel.memory.ordering import best_last_readers, best_order, count_down_sets, plan_of

    if not isinstance(graph, Graph):
        raise ParameterError(f"least_memory_order needs a Graph, got {type(graph).__name__}; load a network first")
    if type(limit) is not int or limit < 1:
        raise ParameterError(f"limit is {limit!r}; it must be a positive whole number")
    form, counting, shapes = dtype_of(dtype), definition_named(definition), _plain_shapes(graph)
    file_order = peak_memory(graph, form, definition, shapes).bytes
    if counting.counted == "live":
        found = best_order(plan_of(graph, counting, form.activation_bits, shapes), limit)
    else:
        found = best_last_readers(graph, counting, form.activation_bits, shapes)
    best = replace(graph, layers=tuple(graph.layers[step] for step in found.layers))
    bytes = peak_memory(best, form, definition, shapes).bytes
    if bytes >= file_order:
        best, bytes = graph, file_order
    bound, down_sets = min(bytes, found.lower_bound_bytes), count_down_sets(graph)
    return ExecutionOrder(best, definition, form.name, bytes, file_order, bound, down_sets, found.states)


def _plain_shapes(graph: Graph) -> dict[str, Shape]:
    """The shapes of the tensors. Of a sweep they are all alike, or there would be an order for each point."""
    shapes = infer_shapes(graph)
    for name, shape in shapes.items():
        if any(map(is_array, shape.sizes)):
            sizes = tuple(
                structural(size, f"the best order of execution, by the size of {name!r},") for size in shape.sizes
            )
            shapes[name] = Shape(shape.axes, sizes)
    return shapes


def execution_order(graph: Graph) -> Graph:
    """The graph with its layers in the order of least peak memory, under `fused`.

    All activations have the same number of bits, which changes every order alike: the order is that for any format.

    Raises: StructureError for a sweep.
    """
    return least_memory_order(graph).graph
