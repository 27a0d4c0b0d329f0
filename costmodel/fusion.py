"""Which operators a runtime runs together with the one before them, as data: runtimes differ."""

from __future__ import annotations

from costmodel.errors import UnknownNameError, nearest
from costmodel.graph import Graph
from costmodel.records import record


@record
class Fusion:
    """Operators in `folded` disappear into a producer in `into` (or into what already disappeared there).

    A folded layer moves no bytes and takes no time; it must be the only reader of the tensor it changes.
    """

    name: str
    meaning: str
    folded: frozenset[str]
    into: frozenset[str]
    source: str


ACTIVATIONS = frozenset({"activation", "prelu"})
WEIGHTED = frozenset({"conv2d", "depthwise_conv2d", "conv_transpose2d", "adder_conv2d", "shift_conv2d", "linear"})

FUSIONS = {
    fusion.name: fusion
    for fusion in (
        Fusion(
            "folded",
            "inference layers: batch norm, per-channel scale, activation, dropout and bias inside the convolution, "
            "linear layer or add before them; layer and group norm stay, their statistics need the whole output",
            ACTIVATIONS | {"batch_norm", "scale", "dropout"},
            WEIGHTED | {"add"},
            "MobileNetV4, arXiv:2404.10518, Eq. 1 on inference operators",
        ),
        Fusion("none", "every operator reads and writes its tensors (eager frameworks)", frozenset(), frozenset(), ""),
    )
}


def fusion_named(name: str) -> Fusion:
    """The fold rule of that name.

    Raises: UnknownNameError with the names that exist.
    """
    if not isinstance(name, str) or name not in FUSIONS:
        hint = nearest(name, FUSIONS) or f"there are {', '.join(FUSIONS)}"
        raise UnknownNameError(f"unknown fusion {name!r}; {hint}")
    return FUSIONS[name]


def folded_layers(graph: Graph, fusion: Fusion) -> dict[str, str]:
    """Layers that a fold rule makes disappear, each with the layer it disappears into.

    >>> from costmodel import load
    >>> folded_layers(load("mobilenet_v2"), FUSIONS["folded"])["conv_1.activation"]
    'conv_1.conv2d'
    """
    readers = graph.readers()
    host_of: dict[str, str] = {}
    folded: dict[str, str] = {}
    for layer in graph.layers:
        verb = layer.operator.verb
        if verb in fusion.into:
            host_of[layer.outputs[0]] = layer.name
        elif verb in fusion.folded and layer.inputs[0] in host_of and readers[layer.inputs[0]] == 1:
            folded[layer.name] = host_of[layer.outputs[0]] = host_of[layer.inputs[0]]
    return folded
