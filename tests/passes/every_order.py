"""Small random networks, and what they hold in every order of their layers, told step by step from the definitions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

from costmodel.graph import Graph, Layer, Shape, image
from costmodel.operators.activation import Activation, Dropout, PRelu, Softmax
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Concat, Slice, Split
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.layout import ChannelShuffle
from costmodel.operators.normalization import BatchNorm
from costmodel.operators.pooling import MaxPool2d
from costmodel.records import replace
from costmodel.shapes import infer_shapes

IN_PLACE = {
    "single": (), "live": (),
    "io": ("batch_norm", "activation", "prelu"), "fused": ("batch_norm", "activation", "prelu"),
    "io_inplace": ("batch_norm", "activation", "prelu", "depthwise_conv2d"),
    "inplace": ("batch_norm", "activation", "prelu", "depthwise_conv2d"),
}  # fmt: skip
"""What may write over its input where nothing reads that later."""


def random_network(random: Random, layers: int) -> Graph:
    """Layers of all kinds that read anything made before them, with one or two inputs and some outputs."""
    shapes = {f"input_{at}": image(random.randint(1, 6), 4, 4) for at in range(random.choice((1, 1, 2)))}
    inputs = dict(shapes)
    made: list[Layer] = []
    while len(made) < layers:
        # Networks mostly go on from what they have just made; and what nothing has read yet should be read.
        unread = [name for name in shapes if not any(name in layer.inputs for layer in made)]
        name = random.choice(random.choice((unread or list(shapes), list(shapes)[-3:], list(shapes))))
        operator, read = random_operator(random, name, shapes)
        outputs = operator.output_shapes(tuple(shapes[other] for other in read))
        called = f"layer_{len(made)}"
        names = (called,) if len(outputs) == 1 else tuple(f"{called}.{part}" for part in range(len(outputs)))
        made.append(Layer(called, operator, read, names))
        shapes.update(zip(names, outputs, strict=True))
    used = {name for layer in made for name in layer.inputs}
    outputs_of_graph = [name for layer in made for name in layer.outputs if name not in used or random.random() < 0.05]
    if random.random() < 0.1:
        outputs_of_graph = outputs_of_graph[-1:]  # then some layers are run for nothing
    return Graph("random", inputs, tuple(made), tuple(outputs_of_graph), {})


def random_operator(random: Random, name: str, shapes: dict[str, Shape]) -> tuple[Operator, tuple[str, ...]]:
    """An operator that can read a tensor, and all that it reads."""
    shape = shapes[name]
    equal = [other for other in shapes if shapes[other] == shape]
    alike = [other for other in shapes if shapes[other].sizes[1:] == shape.sizes[1:]]
    one: list[Operator] = [
        Conv2d(random.randint(1, 8)), Conv2d(random.randint(1, 8)), Activation("relu"), BatchNorm(), PRelu(), Softmax(),
        Dropout(), DepthwiseConv2d(3), DepthwiseConv2d(3, stride=2), DepthwiseConv2d(3, multiplier=2),
        Conv2d(shape.channels, kernel=3, groups=shape.channels), MaxPool2d(3, stride=1, padding=1),
    ]  # fmt: skip
    if shape.channels > 1:
        first = random.randint(1, shape.channels - 1)
        one += [Split((first, shape.channels - first)), Slice(first, random.randint(0, shape.channels - first))]
        one += [ChannelShuffle(shape.channels)]
    choice = random.random()
    if choice < 0.2:
        return Add(), (*random.choices(equal, k=random.randint(1, 2)), name)
    if choice < 0.35:
        return Concat("channels"), (name, *random.choices(alike, k=random.randint(1, 3)))
    return random.choice(one), (name,)


def every_order(graph: Graph, limit: int = 100_000) -> Iterator[tuple[int, ...]]:
    """All orders in which each layer runs after those that make what it reads."""
    count = 0

    def extended(order: tuple[int, ...], known: frozenset[str]) -> Iterator[tuple[int, ...]]:
        nonlocal count
        if len(order) == len(graph.layers):
            count += 1
            assert count <= limit
            yield order
        for step, layer in enumerate(graph.layers):
            if step not in order and known.issuperset(layer.inputs):
                yield from extended((*order, step), known.union(layer.outputs))

    return extended((), frozenset(graph.inputs))


def in_order(graph: Graph, order: tuple[int, ...]) -> Graph:
    return replace(graph, layers=tuple(graph.layers[step] for step in order))


def peak_by_hand(graph: Graph, definition: str) -> int:
    """The peak in int8, told forward: what is made, what it looks at, and whether anything to come still reads it."""
    shapes = infer_shapes(graph)
    bases = {name: name for name in graph.inputs}
    alive, peak = set(graph.inputs), 0
    for at, layer in enumerate(graph.layers):
        is_view = isinstance(layer.operator, Split | Slice | Dropout)
        for name in layer.outputs:
            bases[name] = bases[layer.inputs[0]] if is_view else name
        alive |= {bases[name] for name in layer.outputs}
        to_come = graph.layers[at + 1 :]
        wanted = {name for later in to_come for name in (*later.inputs, *later.outputs)} | set(graph.outputs)
        still = {name for name in bases if name in wanted}  # tensors; through them their bases
        # A view that a later layer makes looks at its base through a tensor it reads, which `still` holds already.
        needed = {bases[name] for name in still}
        held = sum(shapes[name].elements for name in alive)
        entering, leaving = bases[layer.inputs[0]], bases[layer.outputs[0]]
        operator = layer.operator
        verb = operator.verb
        if isinstance(operator, Conv2d) and operator.groups == shapes[layer.inputs[0]].channels > 1:
            verb = "depthwise_conv2d"
        shared = 0
        if verb in IN_PLACE[definition] and entering != leaving and entering not in needed:
            shared = min(shapes[entering].elements, shapes[leaving].elements)
        touched = {bases[name] for name in (*layer.inputs, *layer.outputs)}
        if definition == "single":
            held = max(shapes[name].elements for name in touched)
        elif definition.startswith("io"):
            held = sum(shapes[name].elements for name in touched) - shared
        else:
            held -= shared
        peak = max(peak, held)
        alive &= needed
    return peak


def down_sets_by_hand(graph: Graph) -> int:
    """The sets of layers that hold all that their layers need, by trying every set."""
    maker = {name: step for step, layer in enumerate(graph.layers) for name in layer.outputs}
    needs = [{maker[name] for name in layer.inputs if name in maker} for layer in graph.layers]
    steps = range(len(needs))
    sets = (set(chosen) for size in range(len(needs) + 1) for chosen in combinations(steps, size))
    return sum(all(needs[step] <= chosen for step in chosen) for chosen in sets)
