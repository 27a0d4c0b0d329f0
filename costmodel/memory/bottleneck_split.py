"""Inverted residual blocks run as one operator, their inner tensors a part at a time: what memory that takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel.arithmetic import ceil_div
from costmodel.dtypes import Dtype, dtype_of
from costmodel.errors import ParameterError, PassError
from costmodel.graph import Graph, Shape, image
from costmodel.memory.bottlenecks import Bottleneck, bottlenecks_of
from costmodel.memory.definitions import definition_named
from costmodel.memory.peak import PeakMemory, peak_memory
from costmodel.memory.storage import kept_in, stored_bytes
from costmodel.records import record
from costmodel.shapes import infer_shapes

if TYPE_CHECKING:
    import pandas

Map: TypeAlias = "tuple[int, int]"
"""Height and width of an inner tensor."""


@record
class SplitBlock:
    """A block as one operator: `whole_bytes` are held throughout, its input, its output and what else is alive; the
    inner tensors of each step add up, or share their place, the largest of a group counting."""

    block: Bottleneck
    whole_bytes: tuple[int, ...]
    steps: tuple[tuple[tuple[Map, ...], ...], ...]
    bits: int
    counts_largest: bool

    def peak_bytes(self, splits: int) -> int:
        """The memory with so many parts of the inner tensors, of which one is held at a time."""
        channels = ceil_div(self.block.inner_channels, splits)
        held: list[list[int]] = [
            [max(stored_bytes(image(channels, *sides), self.bits) for sides in group) for group in step]
            for step in self.steps
        ]
        if self.counts_largest:
            return max(*self.whole_bytes, *(bytes for step in held for bytes in step))
        return sum(self.whole_bytes) + max(map(sum, held))


@record
class BottleneckSplit:
    """Peak memory of a network whose inverted residual blocks run as one operator each.

    `outside_bytes` is the peak of the other layers, the first of which is `outside_layer`; `layer_by_layer_bytes` that
    of the network as it is.
    """

    network: str
    dtype: str
    definition: str
    layer_by_layer_bytes: int
    outside_bytes: int
    outside_layer: str
    blocks: tuple[SplitBlock, ...]

    def __repr__(self) -> str:
        return (
            f"<BottleneckSplit of {self.network}: {len(self.blocks)} blocks, {self.floor_bytes:,} bytes with "
            f"{self.least_splits} parts ({self.definition}, {self.dtype}); .peak_bytes(splits), .frame>"
        )

    def peak_bytes(self, splits: int) -> int:
        """The peak when inner tensors are computed in so many parts; never less than one channel at a time.

        Raises: ParameterError unless `splits` is a whole number, at least 1.
        """
        if isinstance(splits, bool) or not isinstance(splits, int) or splits < 1:
            raise ParameterError(f"splits = {splits!r} must be a whole number, at least 1")
        return max(self.outside_bytes, *(block.peak_bytes(splits) for block in self.blocks))

    def layer(self, splits: int) -> str:
        """The block or layer that reaches the peak."""
        peak = self.peak_bytes(splits)
        reached = [block.block.name for block in self.blocks if block.peak_bytes(splits) == peak]
        return self.outside_layer if self.outside_bytes == peak else reached[0]

    @property
    def most_splits(self) -> int:
        """Parts that leave a single channel of every block."""
        return max(block.block.inner_channels for block in self.blocks)

    @property
    def floor_bytes(self) -> int:
        """The peak with one channel at a time, the least there is."""
        return self.peak_bytes(self.most_splits)

    @property
    def least_splits(self) -> int:
        """The least number of parts that reaches the floor: more parts never need more."""
        floor = self.floor_bytes
        return 1 + bisect_left(
            range(1, self.most_splits + 1), True, key=lambda splits: self.peak_bytes(splits) == floor
        )

    def columns(self) -> dict[str, list[Any]]:
        """A row for each number of parts, up to the least that reaches the floor."""
        rows = range(1, self.least_splits + 1)
        return {
            "splits": list(rows),
            "peak_bytes": [self.peak_bytes(splits) for splits in rows],
            "layer": [self.layer(splits) for splits in rows],
        }

    @property
    def frame(self) -> pandas.DataFrame:
        """The same as a DataFrame."""
        import pandas

        return pandas.DataFrame(self.columns())


def split_bottlenecks(graph: Graph, dtype: str | Dtype = "int8", definition: str = "fused") -> BottleneckSplit:
    """Memory when every inverted residual block is one operator that computes its inner tensors in parts.

    |s^2 k| + |s'^2 k'| + O(max(s^2, s'^2)): MobileNetV2 (arXiv:1801.04381), Sec. 5.1. The block is a sum over t parts
    of n/t inner channels, as the operators between the two 1x1 convolutions work channel by channel: only the input,
    the output that is summed up, and one part are held. The MACs are the same for any t. The O is what `definition`
    holds of the inner tensors of one part; with depthwise convolutions in place that is
    `costmodel.formulas.bottleneck_block_memory`. With t = 1 a block may need more than layer by layer, as its output
    is there from the start. MobileNetV2's second block, a quarter of its 96 channels at a time:

    >>> from costmodel import load
    >>> split = split_bottlenecks(load("mobilenet_v2"), definition="inplace")
    >>> split.blocks[0].peak_bytes(splits=4) == 112 * 112 * 16 + 56 * 56 * 24 + 112 * 112 * 96 // 4
    True
    >>> split.layer_by_layer_bytes, split.least_splits, split.floor_bytes == 112 * 112 * (32 + 16)
    (1404928, 4, True)

    Raises: PassError for a network without such blocks, ParameterError where sizes are arrays, UnknownNameError for a
    definition or number format that does not exist.
    """
    form = dtype_of(dtype)
    definition_named(definition)
    blocks = bottlenecks_of(graph)
    if not blocks:
        raise PassError(
            f"{graph.name} has no inverted residual blocks: a 1x1 convolution that widens, a depthwise convolution and "
            "a 1x1 convolution that narrows, with only norms and activations between them"
        )
    shapes = infer_shapes(graph)
    peak = peak_memory(graph, form, definition, shapes)
    inside = {step for block in blocks for step in range(block.first, block.last + 1)}
    outside = [(held, name) for step, (name, held) in enumerate(peak.held_bytes.items()) if step not in inside]
    most = max([held for held, _ in outside], default=0)
    layer = next((name for held, name in outside if held == most), "")
    split = tuple(_split_block(graph, shapes, peak, block, form.activation_bits) for block in blocks)
    return BottleneckSplit(graph.name, form.name, definition, peak.bytes, most, layer, split)


def _split_block(
    graph: Graph, shapes: Mapping[str, Shape], peak: PeakMemory, block: Bottleneck, bits: int
) -> SplitBlock:
    kept = kept_in(graph)
    made = {kept[name] for layer in graph.layers[block.first : block.last + 1] for name in layer.outputs}
    inner = {kept[name] for layer in graph.layers[block.first : block.narrowing] for name in layer.outputs}
    (output,) = graph.layers[block.last].outputs
    whole = [peak.buffers[name].bytes for name in peak.counted[block.first] if name not in made]
    steps = [
        _groups(peak, step, inner.intersection(peak.counted[step]), shapes)
        for step in range(block.first, block.narrowing + 1)
    ]
    return SplitBlock(
        block,
        (*whole, stored_bytes(shapes[output], bits)),
        tuple(dict.fromkeys(steps)),
        bits,
        definition_named(peak.definition).counted == "tensor",
    )


def _groups(
    peak: PeakMemory, step: int, names: Iterable[str], shapes: Mapping[str, Shape]
) -> tuple[tuple[Map, ...], ...]:
    """The inner tensors of a step: those that lie in one place are a group."""
    there = sorted(names)
    under = {name: peak.buffers[name].overwrites for name in there if peak.buffers[name].start == step}
    groups = [[name, *([under[name]] if under.get(name) in there else [])] for name in there]
    beneath = {over for name, over in under.items() if over in there}
    return tuple(
        tuple(shapes[name].sizes[1:] for name in group)  # type: ignore[misc]
        for group in groups
        if group[0] not in beneath
    )
