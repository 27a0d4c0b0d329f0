"""Where a network can be cut into a stage that runs in patches and the layers after it."""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.arithmetic import is_array
from costmodel.errors import ParameterError, PassError, UnknownNameError, nearest
from costmodel.fusion import FUSIONS
from costmodel.graph import Graph
from costmodel.patches.windows import windows_read
from costmodel.records import record, replace
from costmodel.shapes import infer_shapes


@record
class Cuts:
    """Where stages may end: the numbers of layers after which one image is alive. `stopped_by` says which layer ends
    the part of the network that can run in patches, and why; empty where all of it can."""

    layers: tuple[int, ...]
    stopped_by: str


def cuts_of(graph: Graph) -> Cuts:
    """All cuts that leave one tensor, except those between a layer and the norm or activation that folds into it.

    >>> from costmodel import load
    >>> net = load("mobilenet_v2_1.0_224")
    >>> cuts = cuts_of(net)
    >>> [cut_name(net, layer) for layer in cuts.layers][:4]
    ['conv_1', 'inverted_residual_1.depthwise', 'inverted_residual_1', 'inverted_residual_2.conv_1']
    >>> cuts.stopped_by
    'global_avg_pool: global_avg_pool cannot run in patches, one output depends on all pixels'
    """
    check_graph(graph)
    shapes = infer_shapes(graph)
    readers = graph.readers()
    folded = {
        name for layer in graph.layers if layer.operator.verb in FUSIONS["folded"].folded for name in layer.inputs
    }
    found: list[int] = []
    for at, alive in _alive_after(graph):
        layer = graph.layers[at]
        try:
            windows_read(layer, [shapes[name] for name in layer.inputs], shapes[layer.outputs[0]])
            if not any(readers.get(name) for name in layer.outputs):
                raise PassError(f"{layer.name}: nothing in the stage needs it")
        except PassError as error:
            return Cuts(tuple(found), str(error))
        if alive == set(layer.outputs) and len(alive) == 1 and not (alive & folded and readers[layer.outputs[0]] == 1):
            found.append(at)
    return Cuts(tuple(found), "")


def check_graph(graph: Graph) -> None:
    """Raise for what is no network, or stands for many variants.

    Raises: ParameterError, also where a size is an array.
    """
    if not isinstance(graph, Graph):
        raise ParameterError(f"patches are those of a Graph, got {type(graph).__name__}; load a network first")
    if any(is_array(size) for shape in infer_shapes(graph).values() for size in shape.sizes):
        raise ParameterError(f"patches are those of one network, and {graph.name} has arrays of sizes: load one alone")


def _alive_after(graph: Graph) -> Iterator[tuple[int, set[str]]]:
    """The tensors that later layers or the outcome need, after each layer."""
    last = {name: at for at, layer in enumerate(graph.layers) for name in layer.inputs}
    last |= dict.fromkeys(graph.outputs, len(graph.layers))
    alive = {name for name in graph.inputs if name in last}
    for at, layer in enumerate(graph.layers):
        alive = {name for name in (*alive, *layer.outputs) if last.get(name, -1) > at}
        yield at, alive


def cut_name(graph: Graph, layer: int) -> str:
    """The outermost block that the layer ends, or its own name."""
    path = graph.layers[layer].path
    for length in range(1, len(path)):
        if layer + 1 == len(graph.layers) or graph.layers[layer + 1].path[:length] != path[:length]:
            return ".".join(path[:length])
    return ".".join(path)


def cut_layer(graph: Graph, cut: str) -> int:
    """The number of the layer after which the network is cut: the one of that name, or the last of that block.

    Raises: UnknownNameError for a cut that does not exist, PassError where it leaves more than one tensor.
    """
    check_graph(graph)
    ends = [at for at, layer in enumerate(graph.layers) if layer.name == cut or layer.name.startswith(f"{cut}.")]
    if not ends:
        hint = nearest(cut, [name for layer in graph.layers for name in (layer.name, layer.path[0])])
        raise UnknownNameError(f"{graph.name} has no layer or block {cut!r}" + (f"; {hint}" if hint else ""))
    crossing = next(alive for at, alive in _alive_after(graph) if at == ends[-1])
    (*_, layer) = graph.layers[: ends[-1] + 1]
    if len(crossing) != 1 or crossing != set(layer.outputs):
        crossed = tuple(name for name in infer_shapes(graph) if name in crossing)
        raise PassError(f"{graph.name}: a cut after {layer.name!r} leaves more than its output: {crossed}")
    return ends[-1]


def cut_after(graph: Graph, cut: str) -> tuple[Graph, Graph]:
    """The layers up to a layer, or to the last layer of a block, and those after it, as two networks.

    >>> from costmodel import load
    >>> stage, rest = cut_after(load("mobilenet_v2"), "inverted_residual_4")
    >>> [str(shape) for shape in rest.inputs.values()], rest.outputs
    (['32x28x28'], ('linear',))

    Raises: UnknownNameError for a cut that does not exist, PassError where more than one tensor crosses it.
    """
    return parts_of(graph, cut_layer(graph, cut))


def parts_of(graph: Graph, layer: int) -> tuple[Graph, Graph]:
    """The layers up to that number, and those after it, as two networks."""
    before, after = graph.layers[: layer + 1], graph.layers[layer + 1 :]
    shapes = infer_shapes(graph)
    read = {name for each in before for name in each.inputs}
    entering = {name: shape for name, shape in graph.inputs.items() if name in read}
    crossed = before[-1].outputs
    leaving = {name: shapes[name] for name in crossed}
    return replace(graph, inputs=entering, layers=before, outputs=crossed), replace(graph, inputs=leaving, layers=after)
