"""How far an output looks into the input image, and how many input pixels neighbouring outputs are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array, maximum, minimum
from costmodel.graph import Graph, Shape
from costmodel.operators.base import POINTWISE
from costmodel.records import record


@record
class ReceptiveField:
    """Size of the patch of input pixels one output depends on, and the step between neighbouring outputs.

    The theoretical size, borders ignored: it may exceed the image. A jump below 1 means several outputs per pixel.
    """

    height: Any
    width: Any
    jump_height: Any
    jump_width: Any


def receptive_fields(graph: Graph, shapes: Mapping[str, Shape]) -> dict[str, ReceptiveField | None]:
    """Receptive field of every tensor; None where an output may depend on the whole input.

    r_out = r_in + (k - 1)*j_in, j_out = j_in*s, with k the dilated kernel and s the stride (Araujo et al., Computing
    Receptive Fields of Convolutional Neural Networks, Distill 2019). Several inputs: the largest r; the smallest j,
    since of tensors that fit together only a broadcast 1x1 gate has another one.

    >>> from costmodel import load
    >>> from costmodel.shapes import infer_shapes
    >>> net = load("vgg16")
    >>> receptive_fields(net, infer_shapes(net))["stage_5.max_pool2d"].height
    212
    """
    fields: dict[str, ReceptiveField | None] = {
        name: ReceptiveField(1, 1, 1, 1) if shape.is_image else None for name, shape in graph.inputs.items()
    }
    for layer in graph.layers:
        entering = [fields[name] for name in layer.inputs]
        reach = layer.operator.reach(tuple([shapes[name] for name in layer.inputs]))
        known = [field for field in entering if field is not None]
        leaving: ReceptiveField | None = None
        if reach is not None and len(known) == len(entering):
            leaving = known[0]
            for other in known[1:]:
                leaving = _larger(leaving, other)
            if reach is not POINTWISE:
                leaving = _advance(leaving, reach)
        for name in layer.outputs:
            fields[name] = leaving
    return fields


def _larger(one: ReceptiveField, other: ReceptiveField) -> ReceptiveField:
    if one is other:
        return one
    return ReceptiveField(
        maximum(one.height, other.height), maximum(one.width, other.width),
        minimum(one.jump_height, other.jump_height), minimum(one.jump_width, other.jump_width),
    )  # fmt: skip


def _advance(field: ReceptiveField, reach: tuple[Any, Any, Any, Any]) -> ReceptiveField:
    kernel_height, kernel_width, stride_height, stride_width = reach
    return ReceptiveField(
        _plain(field.height + (kernel_height - 1) * field.jump_height),
        _plain(field.width + (kernel_width - 1) * field.jump_width),
        _plain(_times(field.jump_height, stride_height)),
        _plain(_times(field.jump_width, stride_width)),
    )


def _times(jump: Any, stride: Any) -> Any:
    """The product; numpy alone would make an array of objects out of an array times a fraction."""
    if is_array(jump) and not is_array(stride):
        scaled = jump * stride.numerator
        return scaled if stride.denominator == 1 else scaled / stride.denominator
    return jump * stride


def _plain(value: Any) -> Any:
    """An int where a number is whole, else a float; arrays as they are."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, int) or hasattr(value, "dtype"):
        return value
    return value.numerator if value.denominator == 1 else float(value)
