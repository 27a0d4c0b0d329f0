"""How far an output looks into the input image, and how many input pixels neighbouring outputs are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.arithmetic import is_array, maximum, minimum
from costmodel.graph import Graph, Shape
from costmodel.operators.base import POINTWISE, Operator, Reach
from costmodel.records import record, values_of


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
    reaches: dict[tuple[int, ...], Reach] = {}  # repeated units apply the same operators to the same shapes
    for layer in graph.layers:
        if type(layer.operator).reach is Operator.reach and len(layer.inputs) == len(layer.outputs) == 1:
            fields[layer.outputs[0]] = fields[layer.inputs[0]]
            continue
        entering = [fields[name] for name in layer.inputs]
        inputs = [shapes[name] for name in layer.inputs]
        applied = (id(layer.operator), *map(id, inputs))
        if applied not in reaches:
            reaches[applied] = layer.operator.reach(tuple(inputs))
        reach = reaches[applied]
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
    different = {id(field): field for field in fields.values()}  # most tensors share theirs with the one before
    shown = {identity: _in_floats(field) for identity, field in different.items()}
    return {name: shown[id(field)] for name, field in fields.items()}


def _larger(one: ReceptiveField, other: ReceptiveField) -> ReceptiveField:
    if one is other:
        return one
    if _in_ints(one) and _in_ints(other):
        return ReceptiveField(
            max(one.height, other.height), max(one.width, other.width),
            min(one.jump_height, other.jump_height), min(one.jump_width, other.jump_width),
        )  # fmt: skip
    return ReceptiveField(
        maximum(*_alike(one.height, other.height)), maximum(*_alike(one.width, other.width)),
        minimum(*_alike(one.jump_height, other.jump_height)), minimum(*_alike(one.jump_width, other.jump_width)),
    )  # fmt: skip


def _advance(field: ReceptiveField, reach: tuple[Any, Any, Any, Any]) -> ReceptiveField:
    kernel_height, kernel_width, stride_height, stride_width = reach
    if _in_ints(field) and all(type(each) is int for each in reach):
        return ReceptiveField(
            field.height + (kernel_height - 1) * field.jump_height,
            field.width + (kernel_width - 1) * field.jump_width,
            field.jump_height * stride_height,
            field.jump_width * stride_width,
        )
    height, jump_height = _along(field.height, field.jump_height, kernel_height, stride_height)
    width, jump_width = _along(field.width, field.jump_width, kernel_width, stride_width)
    return ReceptiveField(height, width, jump_height, jump_width)


def _along(size: Any, jump: Any, kernel: Any, stride: Any) -> tuple[Any, Any]:
    """Size and jump along one axis, after a window of that kernel and stride: fractions and arrays too."""
    return sum(_alike(size, _times(kernel - 1, jump))), _times(jump, stride)


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Two numbers, of which a fraction beside an array is a float: numpy would make an array of objects of the two."""
    return (_plain(one) if is_array(other) else one), (_plain(other) if is_array(one) else other)


def _times(one: Any, other: Any) -> Any:
    """The product: of an array and a fraction an array of numbers."""
    if is_array(one) == is_array(other):
        return one * other
    array, number = (one, other) if is_array(one) else (other, one)
    scaled = array * number.numerator
    return scaled if number.denominator == 1 else scaled / number.denominator


def _in_ints(field: ReceptiveField) -> bool:
    return type(field.height) is type(field.width) is type(field.jump_height) is type(field.jump_width) is int


def _in_floats(field: ReceptiveField | None) -> ReceptiveField | None:
    """The field with floats for the fractions it was computed in, and ints where they are whole."""
    if field is None or _in_ints(field):
        return field
    return ReceptiveField(*map(_plain, values_of(field)))


def _plain(value: Any) -> Any:
    """An int where a fraction is whole, else a float; ints and arrays as they are."""
    if type(value) is int or hasattr(value, "dtype"):
        return value
    return value.numerator if value.denominator == 1 else float(value)
