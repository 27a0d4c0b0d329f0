"""The width multiplier, for any network."""

from __future__ import annotations

from costmodel.arithmetic import is_array
from costmodel.errors import ParameterError, PassError, ShapeError
from costmodel.graph import Graph, Layer
from costmodel.passes.resized import UnscalableError
from costmodel.passes.width_rules import rule_of
from costmodel.passes.width_steps import Axes, Flow, Step, channel_axis
from costmodel.passes.widths import Axis, Widths
from costmodel.records import replace
from costmodel.shapes import infer_shapes

GREATEST_MULTIPLIER = 1000


def scale_width(graph: Graph, multiplier: float, divisor: int = 8) -> Graph:
    """The network with `multiplier` times the channels in every layer (width multiplier, arXiv:1704.04861, Sec. 3.3).

    A convolution, linear or recurrent layer with c output channels gets make_divisible(multiplier*c, d) of them: the
    nearest multiple of d, at least one, not below 0.9*multiplier*c. d is the least common multiple of `divisor` and of
    what must go on dividing c: groups, heads, the equal parts of a split. Channels that must be equal (both sides of
    an add, both halves of a split, layers that share weights) are rounded once for all; where two tensors side by
    side equal a third, that is their sum.

    What stays: the channels of inputs and outputs of the network and what is tied to them (the classifier, what is
    added to it); the number of groups, heads and parts, except groups that are one for each channel; the multiplier of
    depthwise convolutions; single channels that are broadcast; pixels, tokens and windows.

    >>> from costmodel import load
    >>> half = scale_width(load("alexnet"), 0.5)
    >>> [getattr(layer.operator, "out_channels", None) for layer in half.layers if layer.operator.verb == "conv2d"]
    [32, 96, 192, 128, 128]

    Raises: ParameterError for a multiplier not above 0 or a divisor below 1; PassError naming a layer that cannot be
    scaled, or for the graph of a sweep.
    """
    number = isinstance(multiplier, int | float) and not isinstance(multiplier, bool)
    if not number or not 0 < multiplier <= GREATEST_MULTIPLIER:
        raise ParameterError(f"multiplier = {multiplier!r} must be a number above 0, at most {GREATEST_MULTIPLIER}")
    if isinstance(divisor, bool) or not isinstance(divisor, int) or divisor < 1:
        raise ParameterError(f"divisor = {divisor!r} must be a whole number, at least 1")
    return _Scaling(graph, divisor).scaled(multiplier)


class _Scaling:
    """The channels of every tensor of a graph, as widths that are known once a multiplier is."""

    def __init__(self, graph: Graph, divisor: int) -> None:
        self.graph, self.divisor = graph, divisor
        self.shapes = infer_shapes(graph)
        if any(is_array(size) for shape in self.shapes.values() for size in shape.sizes):
            raise PassError(f"scale_width: {graph.name} is a sweep of array sizes; scale its variants one by one")
        self.widths = Widths()
        self.axes: dict[str, Axes] = {name: shape.sizes for name, shape in graph.inputs.items()}
        self.shared: dict[str, tuple[Axis, Axis]] = {}
        self.flows = [self._flow(layer) for layer in graph.layers]
        for name in graph.outputs:
            for axis in self.axes[name]:
                self.widths.fix(axis)

    def scaled(self, multiplier: float) -> Graph:
        """The graph with this width multiplier."""
        try:
            self.widths.solve(multiplier)
        except UnscalableError as error:
            by_name = {layer.name: layer for layer in self.graph.layers}
            raise _refusal(by_name[error.layer], error) from None
        layers = tuple(map(self._changed, self.graph.layers, self.flows))
        scaled = replace(self.graph, layers=layers)
        try:
            found = infer_shapes(scaled)
        except ShapeError as error:
            raise PassError(f"scale_width: {error}") from None
        for layer in layers:
            for name in layer.outputs:
                wanted = tuple(map(self.widths.new, self.axes[name]))
                if found[name].sizes != wanted:
                    problem = f"would make {found[name]} where {'x'.join(map(str, wanted))} is needed"
                    raise _refusal(layer, UnscalableError(problem))
        return scaled

    def _flow(self, layer: Layer) -> Flow:
        """How the channels pass through one layer."""
        self.widths.layer = layer.name
        inputs, outputs = (tuple(self.shapes[name] for name in names) for names in (layer.inputs, layer.outputs))
        axes = tuple(self.axes[name] for name in layer.inputs)
        try:
            flow = rule_of(layer.operator)(Step(layer.operator, axes, inputs, outputs, self.widths, self.divisor))
        except UnscalableError as error:
            raise _refusal(layer, error) from None
        self.axes |= zip(layer.outputs, flow.outputs, strict=True)
        if layer.weights is not None:
            ends = axes[0][channel_axis(inputs[0])], flow.outputs[0][channel_axis(outputs[0])]
            for one, other in zip(self.shared.setdefault(layer.weights, ends), ends, strict=True):
                self.widths.tie(one, other)
        return flow

    def _changed(self, layer: Layer, flow: Flow) -> Layer:
        """The layer with its new channel counts."""
        try:
            fields = {name: compute() for name, compute in flow.fields.items()}
        except UnscalableError as error:
            raise _refusal(layer, error) from None
        return replace(layer, operator=replace(layer.operator, **fields)) if fields else layer


def _refusal(layer: Layer, error: UnscalableError) -> PassError:
    return PassError(f"scale_width: {layer.name!r} ({layer.operator.verb}) {error.problem}")
