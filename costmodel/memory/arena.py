"""The arena: an address for every buffer, by the best of the known greedy orders and a hill climb."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costmodel.arithmetic import is_array
from costmodel.dtypes import Dtype, dtype_of
from costmodel.errors import ParameterError
from costmodel.graph import Graph, Shape
from costmodel.memory.arena_places import places_of
from costmodel.memory.arena_search import ITERATIONS, best_plan
from costmodel.memory.definitions import DEFINITIONS, MemoryDefinition, definition_named
from costmodel.memory.storage import Buffer, buffers_of
from costmodel.memory.workspace import workspace_buffers
from costmodel.records import record
from costmodel.shapes import infer_shapes

if TYPE_CHECKING:
    import pandas


@record
class Arena:
    """Addresses of all buffers, from 0, each a multiple of `alignment`, as are the sizes that are set aside.

    `bytes` is the highest end address. No arena can be smaller than `lower_bound_bytes`, the most that the buffers
    hold in one step. For comparison: `greedy_by_size_bytes`, the largest buffer first and equal ones as the steps come,
    as TensorFlow Lite Micro did until 2020, and `tflite_micro_bytes`, of equal ones the last first, as it does since.
    `strategy` says what gave these addresses.
    """

    network: str
    definition: str
    dtype: str
    workspace: str
    alignment: int
    bytes: int
    lower_bound_bytes: int
    greedy_by_size_bytes: int
    tflite_micro_bytes: int
    strategy: str
    offsets: Mapping[str, int]
    buffers: Mapping[str, Buffer]

    def __repr__(self) -> str:
        excess = float(100 * self.excess)
        above = f"{excess:.2g} % above the lower bound" if excess else "the lower bound"
        return (
            f"<Arena {self.bytes:,} bytes, {above}, by {self.strategy} ({self.definition}, {self.dtype}, alignment "
            f"{self.alignment}); .offsets, .table>"
        )

    @property
    def excess(self) -> Fraction:
        """How far it ends above the lower bound, as a part of that."""
        return Fraction(self.bytes - self.lower_bound_bytes, self.lower_bound_bytes)

    def columns(self) -> dict[str, list[Any]]:
        """A row per buffer: its address, its bytes, the first and last step that need it, and what it writes over."""
        buffers = self.buffers.values()
        return {
            "buffer": [buffer.name for buffer in buffers],
            "offset_bytes": [self.offsets[buffer.name] for buffer in buffers],
            "bytes": [buffer.bytes for buffer in buffers],
            "start": [buffer.start for buffer in buffers],
            "stop": [buffer.stop for buffer in buffers],
            "overwrites": [buffer.overwrites for buffer in buffers],
            "is_workspace": [buffer.is_workspace for buffer in buffers],
        }

    @property
    def table(self) -> pandas.DataFrame:
        """The same as a DataFrame."""
        import pandas

        return pandas.DataFrame(self.columns())


def plan_arena(
    graph: Graph,
    dtype: str | Dtype = "int8",
    definition: str = "fused",
    alignment: int = 16,
    workspace: str = "none",
    shapes: Mapping[str, Shape] | None = None,
    buffers: Mapping[str, Buffer] | None = None,
    iterations: int = ITERATIONS,
    seed: int = 1,
) -> Arena:
    """Give every buffer of a network an address, so that none that are needed in one step overlap.

    `definition` (`live`, `fused` or `inplace`, see `costmodel.memory.DEFINITIONS`) says which buffers there are and
    which write over another: those begin at one address. Sizes are rounded up to `alignment` bytes; 16 is that of
    TensorFlow Lite Micro. First come its greedy orders by size (the largest first, each at the lowest free address),
    then the other orders of `costmodel.memory.GREEDY_ORDERS`, each with the lowest and the smallest gap, then at most
    `iterations` steps of a hill climb from the best of them: the result is never worse than greedy by size. It ends
    where the lower bound is reached. The same `seed` gives the same addresses. `workspace` and `shapes` are as in
    `peak_memory`; `buffers` are taken in place of those of the network.

    The person detection network of MLPerf Tiny, whose largest layer reads 18,432 and writes 36,864 bytes:

    >>> from costmodel import load
    >>> arena = plan_arena(load("mlperf_tiny_vww_mbv1"))
    >>> arena.bytes == arena.lower_bound_bytes == 18_432 + 36_864
    True
    >>> arena.greedy_by_size_bytes, arena.tflite_micro_bytes
    (64512, 73728)

    Raises: UnknownNameError for a definition, workspace or number format that does not exist, ParameterError for a
    definition that does not count live tensors, for arrays of sizes, for buffers that overwrite what they cannot, and
    for numbers out of range, ConventionError for an operator that the workspace says nothing about.
    """
    if not isinstance(graph, Graph):
        raise ParameterError(f"plan_arena needs a Graph, got {type(graph).__name__}; load a network first")
    for name, number, least in (("alignment", alignment, 1), ("iterations", iterations, 0)):
        if not isinstance(number, int) or isinstance(number, bool) or number < least:
            raise ParameterError(f"{name} is a whole number of at least {least}, got {number!r}")
    form, counting = dtype_of(dtype), _live(definition)
    shapes = infer_shapes(graph) if shapes is None else shapes
    if buffers is None:
        buffers = buffers_of(graph, form.activation_bits, counting, shapes)
    held = dict(buffers) | workspace_buffers(graph, shapes, form, workspace)
    _check(held)
    places = places_of(held, alignment)
    plan = best_plan(places, iterations, seed)
    offsets = {name: at for place, at in zip(places, plan.addresses, strict=True) for name in place.names}
    return Arena(
        graph.name, definition, form.name, workspace, alignment, plan.bytes, plan.lower_bound_bytes,
        plan.greedy_by_size_bytes, plan.tflite_micro_bytes, plan.strategy, {name: offsets[name] for name in held}, held,
    )  # fmt: skip


def _live(name: str) -> MemoryDefinition:
    """The definition of that name.

    Raises: ParameterError for one that does not count what is alive.
    """
    definition = definition_named(name)
    if definition.counted != "live":
        live = [each.name for each in DEFINITIONS.values() if each.counted == "live"]
        raise ParameterError(
            f"an arena holds all tensors that are alive, and {name!r} counts {definition.meaning}; "
            f"choose {', '.join(live[:-1])} or {live[-1]}"
        )
    return definition


def _check(buffers: Mapping[str, Buffer]) -> None:
    """Raise for buffers that no arena can be planned for."""
    if not buffers:
        raise ParameterError("an arena is planned for at least one buffer")
    whole: dict[str, Buffer] = {}  # those so far that nothing has overwritten
    for name, buffer in buffers.items():
        if is_array(buffer.bytes):
            raise ParameterError(
                "an arena is planned for one network at a time, and the sizes of this one are arrays; "
                "load the values one by one"
            )
        if buffer.overwrites:
            below = whole.pop(buffer.overwrites, None)
            if below is None or below.stop != buffer.start:
                raise ParameterError(
                    f"{name!r} cannot overwrite {buffer.overwrites!r}: that must be a buffer listed before it which "
                    f"nothing else overwrites, needed for the last time in step {buffer.start}"
                )
        whole[name] = buffer
