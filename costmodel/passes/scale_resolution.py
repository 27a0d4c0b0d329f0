"""The same layers on an input of another size."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from costmodel.arithmetic import is_array
from costmodel.errors import ParameterError, PassError, ShapeError
from costmodel.graph import Graph, Layer, Shape, image
from costmodel.operators.base import Operator, pair
from costmodel.operators.combining import Gather, Slice, axis_index
from costmodel.operators.layout import Crop, Image, Reshape, WindowMerge
from costmodel.operators.linear import Linear
from costmodel.operators.pooling import AvgPool2d
from costmodel.operators.resizing import Learned, MaxUnpool2d, PadChannels, Resize
from costmodel.passes.resized import UnscalableError, regrouped, scaled_table
from costmodel.records import replace
from costmodel.shapes import infer_shapes

GREATEST_SIZE = 2**31 - 1


def scale_resolution(graph: Graph, height: int, width: int | None = None) -> Graph:
    """The network on images of another height and width (resolution multiplier, arXiv:1704.04861, Sec. 3.4).

    Layers stay as they are: kernels, strides, paddings in pixels. A linear layer on a flattened image gets as many
    inputs as there are now. Sizes that a layer states are those of other tensors or multiples of its input, and so
    follow:

    - `resize`, `crop`, `max_unpool2d`, `image`, `window_merge` and `reshape` to the size of an earlier tensor go to
      its new size; a `resize` by a whole factor, or one that stays exact, keeps the factor. Where this leaves none or
      two answers, the layer is refused.
    - a `learned` table has as many parameters as before for each element of the axes it belongs to.

    Refused as well are layers that mix tokens (a `linear` layer or `slice` along them) and an `avg_pool2d` over the
    whole image, when the number of tokens or the size changes.

    >>> from costmodel import load
    >>> scale_resolution(load("resnet50"), 288).layers == load("resnet50", resolution=288).layers
    True

    Raises: ParameterError unless height and width are whole numbers, at least 1; PassError naming a layer that cannot
    be scaled, or for a network without one size of image.
    """
    sizes = tuple(
        _checked(name, size) for name, size in (("height", height), ("width", height if width is None else width))
    )
    before = infer_shapes(graph)
    if any(is_array(size) for shape in before.values() for size in shape.sizes):
        raise PassError(f"scale_resolution: {graph.name} is a sweep of array sizes; scale its variants one by one")
    images = {name: shape for name, shape in graph.inputs.items() if shape.is_image}
    if len({shape.sizes[1:] for shape in images.values()}) != 1:
        named = ", ".join(f"{name} {shape}" for name, shape in graph.inputs.items())
        raise PassError(f"scale_resolution: {graph.name} needs images of one size, its inputs are {named}")
    inputs = {**graph.inputs, **{name: image(shape.channels, *sizes) for name, shape in images.items()}}
    if inputs == graph.inputs:
        return graph
    layers = tuple(map(_Sizes(before, dict(inputs)).resized, graph.layers))
    return replace(graph, inputs=inputs, layers=layers)


def _to(operator: Any, size: tuple[int, ...]) -> Operator:
    """The operator with another size; one number for both sides stays one where it still holds."""
    return operator if pair(operator.size) == size else replace(operator, size=size)  # type: ignore[no-any-return]


def _checked(name: str, size: Any) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= GREATEST_SIZE:
        raise ParameterError(f"{name} = {size!r} must be a whole number, from 1 to {GREATEST_SIZE:,}")
    return size


class _Sizes:
    """The shapes of all tensors before, of those made so far after, and what became of each size of an image."""

    def __init__(self, before: dict[str, Shape], after: dict[str, Shape]) -> None:
        self.before, self.after = before, after
        self.images: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
        for name in after:
            self._remember(name)

    def resized(self, layer: Layer) -> Layer:
        """The layer with the sizes that it states as they are now."""
        try:
            operator = self._operator(layer)
            outputs = operator.output_shapes(tuple(self.after[name] for name in layer.inputs))
        except UnscalableError as error:
            raise PassError(f"scale_resolution: {layer.name!r} ({layer.operator.verb}) {error.problem}") from None
        except ShapeError as error:
            raise PassError(f"scale_resolution: layer {layer.name!r}: {error}") from None
        self.after |= zip(layer.outputs, outputs, strict=True)
        for name in layer.outputs:
            self._remember(name)
        return replace(layer, operator=operator) if operator != layer.operator else layer

    def _remember(self, name: str) -> None:
        old, new = self.before[name], self.after[name]
        if old.is_image:
            self.images.setdefault(old.sizes[1:], set()).add(new.sizes[1:])

    def _operator(self, layer: Layer) -> Operator:
        operator: Any = layer.operator
        name = layer.inputs[0]
        before, after = self.before[name], self.after[name]
        made = self.before[layer.outputs[0]]
        match operator:
            case Resize():
                return _to(operator, self._factor(before, after, made))
            case Crop() | MaxUnpool2d():
                return _to(operator, self._size(made.sizes[1:], self.images.get(made.sizes[1:], set())))
            case Image() | WindowMerge():
                height, _ = self._of_tokens(made.sizes[1:], after.elements // after.channels)
                return replace(operator, height=height)
            case Reshape():
                return replace(operator, sizes=self._regrouped(before, after, made))
            case Learned():
                return replace(operator, parameters=scaled_table(operator.parameters, before, after))
            case Slice() | Gather() | PadChannels() | Linear():
                axis = axis_index(before, getattr(operator, "axis", "channels"), operator.verb)
                if before.sizes[axis] != after.sizes[axis] and len(before.sizes) > 1:
                    raise UnscalableError(f"works along {before.axes[axis]}, which go from {before} to {after}")
            case AvgPool2d():
                if before != after and pair(operator.kernel) == before.sizes[1:] != (1, 1):
                    raise UnscalableError(f"covers the whole {before}; write global_avg_pool to cover {after}")
        return operator  # type: ignore[no-any-return]

    def _size(self, made: tuple[int, ...], found: set[tuple[int, ...]]) -> tuple[int, ...]:
        if len(found) != 1:
            answers = " or ".join("x".join(map(str, size)) for size in sorted(found))
            raise UnscalableError(f"goes to {'x'.join(map(str, made))}: {answers or 'no size'} would fit now")
        return next(iter(found))

    def _factor(self, before: Shape, after: Shape, made: Shape) -> tuple[int, ...]:
        """The size of a resize: that of earlier images of its size, and in agreement a whole or exact factor."""
        found = self.images.get(made.sizes[1:], set())
        factors = [Fraction(new, old) for new, old in zip(made.sizes[1:], before.sizes[1:], strict=True)]
        sizes = tuple(factor * size for factor, size in zip(factors, after.sizes[1:], strict=True))
        whole = all(factor.denominator == 1 for factor in factors) or not found
        if whole and before.sizes[1:] != (1, 1) and all(size.denominator == 1 for size in sizes):
            found = found | {tuple(map(int, sizes))}
        return self._size(made.sizes[1:], found)

    def _of_tokens(self, made: tuple[int, ...], tokens: int) -> tuple[int, ...]:
        """The size of an image that is laid out of so many tokens; one row stays one row."""
        found = {(1, tokens)} if made[0] == 1 else self.images.get(made, set())
        if not found and tokens == prod(made):
            return made
        return self._size(made, {size for size in found if prod(size) == tokens})

    def _regrouped(self, before: Shape, after: Shape, made: Shape) -> tuple[int, ...]:
        """The sizes of a reshape: axes joined, or one taken apart into the height and width of an earlier image."""
        sizes: list[int] = []
        for old, new in regrouped(before.sizes, made.sizes):
            elements = prod(after.sizes[at] for at in old)
            wanted = tuple(made.sizes[at] for at in new)
            if len(new) == 1:
                sizes.append(elements)
            elif all(before.sizes[at] == after.sizes[at] for at in old):
                sizes += wanted
            else:
                sizes += self._of_tokens(wanted, elements)
        return tuple(sizes)
