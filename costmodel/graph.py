"""The layer graph: shapes, layers and networks as frozen plain data. No parsing, no counting, no files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel.arithmetic import product
from costmodel.records import record

if TYPE_CHECKING:
    from costmodel.operators.base import Operator

Size: TypeAlias = int
"""An int; in a sweep, an int64 array with one int per variant. Rules use plain arithmetic, so either works."""


@record
class Shape:
    """The sizes of a tensor without the batch, with the names of its axes.

    >>> print(image(3, 224, 224), image(3, 224, 224).elements)
    3x224x224 150528
    """

    axes: tuple[str, ...]
    sizes: tuple[Size, ...]

    @property
    def elements(self) -> int:
        """Number of elements, batch 1."""
        return product(self.sizes)

    @property
    def channels(self) -> Size:
        """Channels of an image, features of a vector or token."""
        return self.sizes[0] if self.is_image else self.sizes[-1]

    @property
    def is_image(self) -> bool:
        """Whether the axes are channels, height and width."""
        return self.axes == IMAGE

    @property
    def leading(self) -> tuple[Size, ...]:
        """The sizes before the last axis."""
        return self.sizes[:-1]

    def with_last(self, size: Size) -> Shape:
        """The same shape with another size of the last axis."""
        return Shape(self.axes, (*self.sizes[:-1], size))

    def __str__(self) -> str:
        return "x".join(map(_shown, self.sizes))


def _shown(size: Any) -> str:
    """A size; in a sweep its range."""
    if not hasattr(size, "dtype") or not size.ndim:
        return str(size)
    least, most = size.min(), size.max()
    return str(least) if least == most else f"{least}..{most}"


IMAGE = ("c", "h", "w")
TOKENS = ("tokens", "c")
VECTOR = ("c",)
MAXIMUM_AXES = 5


def image(channels: Size, height: Size, width: Size) -> Shape:
    """Shape of an image or feature map."""
    return Shape(IMAGE, (channels, height, width))


def tokens(count: Size, features: Size) -> Shape:
    """Shape of a sequence of tokens."""
    return Shape(TOKENS, (count, features))


def vector(features: Size) -> Shape:
    """Shape of one feature vector."""
    return Shape(VECTOR, (features,))


@record
class Layer:
    """One operator applied to named tensors.

    `name` is the path of blocks joined by dots (`inverted_residual_3.conv_1.conv2d`), unique in its graph.
    A layer with one output calls that tensor by its own name, one with several `name.0`, `name.1`, ...
    Layers that share `weights` use the same parameters: counted once, their multiply-accumulates each time.
    `origin` is the place in the file the layer came from, as (file, key path); None for graphs built in Python.
    Layers of one `merge` group were trained apart and become one convolution under the pass `reparameterize`.
    Conditional execution: a layer runs with `probability`, and a convolution computes the `active` fraction of its
    output positions when it runs; its costs are then expectations.
    """

    name: str
    operator: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: str | None = None
    origin: tuple[str, tuple[str | int, ...]] | None = None
    merge: str | None = None
    probability: float = 1
    active: float = 1

    @property
    def path(self) -> tuple[str, ...]:
        """Stage, block, ..., layer."""
        return tuple(self.name.split("."))


@record
class Graph:
    """A network: named inputs with their shapes, layers in execution order, the names of the outputs.

    File order is execution order: every input of a layer is a graph input or an output of an earlier layer.
    """

    name: str
    inputs: Mapping[str, Shape]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[str, Any]
    source: str = ""

    def readers(self) -> dict[str, int]:
        """How often each tensor is read; being an output of the graph counts as once."""
        readers = dict.fromkeys(self.outputs, 1)
        for layer in self.layers:
            for name in layer.inputs:
                readers[name] = readers.get(name, 0) + 1
        return readers

    def __hash__(self) -> int:
        return hash((self.name, self.layers, self.outputs))

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.layers)} layers; .inputs, .layers, .outputs, .parameters>"
