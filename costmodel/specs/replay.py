"""Expanding a block once and repeating its layers: equal arguments on equal shapes make equal layers.

Deep networks are made of repeated units, so most of a walk is replayed.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from costmodel.graph import Layer
from costmodel.positions import KeyPath
from costmodel.records import record
from costmodel.specs.flow import Flow
from costmodel.specs.steps import Block

Origin = tuple[str, KeyPath] | None


@record
class Recording:
    """The layers that one expansion of a block made: its prefix, the tensors that entered, what left, whence."""

    prefix: str
    entering: tuple[str, ...]
    layers: tuple[Layer, ...]
    leaving: Flow
    origin: Origin
    steps: int

    def replay(self, prefix: str, flow: Flow, origin: Origin) -> tuple[list[Layer], Flow]:
        """The same layers under another prefix, reading other tensors."""
        cut = len(self.prefix)
        outside = dict(zip(self.entering, (name for name, _ in flow), strict=True))

        def renamed(name: str) -> str:
            return outside[name] if name in outside else prefix + name[cut:]

        layers = [
            Layer(
                prefix + layer.name[cut:],
                layer.operator,
                tuple([renamed(name) for name in layer.inputs]),
                tuple([prefix + name[cut:] for name in layer.outputs]),
                layer.weights,
                origin if layer.origin == self.origin else layer.origin,
                None if layer.merge is None else prefix + layer.merge[cut:],
                layer.probability,
                layer.active,
            )
            for layer in self.layers
        ]
        return layers, tuple([(renamed(name), shape) for name, shape in self.leaving])


def with_types(value: Any) -> tuple[Any, ...]:
    """A value and its type, of lists those of the elements: 1, 1.0 and true are equal, but do not mean the same."""
    return tuple([with_types(item) for item in value]) if isinstance(value, tuple) else (type(value), value)


def key_of(block: Block, arguments: dict[str, Any], flow: Flow) -> Hashable | None:
    """What decides the layers of a block, or None where it cannot be compared: arrays, a tensor that enters twice."""
    shapes = tuple([(shape.axes, shape.sizes) for _, shape in flow])
    if len({name for name, _ in flow}) < len(flow):
        return None
    key = (id(block), tuple([(name, with_types(value)) for name, value in arguments.items()]), shapes)
    try:
        hash(key)
    except TypeError:
        return None
    return key
