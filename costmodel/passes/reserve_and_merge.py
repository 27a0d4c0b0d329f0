"""Reserving and merging: a residual network becomes a plain one with the same output."""

from __future__ import annotations

from math import inf
from typing import Any, NoReturn

from costmodel.arithmetic import anywhere
from costmodel.errors import PassError
from costmodel.graph import Graph, Layer
from costmodel.operators.activation import Activation, Dropout, PRelu
from costmodel.operators.base import Operator, pair
from costmodel.operators.combining import Add
from costmodel.operators.convolution import Conv2d, DepthwiseConv2d
from costmodel.operators.layout import Subsample
from costmodel.operators.normalization import BatchNorm
from costmodel.operators.resizing import PadChannels
from costmodel.passes.merge_pointwise import all_equal, is_pointwise
from costmodel.passes.windows import keeps_first_pixel
from costmodel.records import replace
from costmodel.shapes import infer_shapes

BODY = (Conv2d, DepthwiseConv2d, BatchNorm, Activation, PRelu, Dropout)
RECTIFIERS = ("relu", "relu6", "leaky_relu")
BOUNDED = ("relu6", "sigmoid", "hard_sigmoid")
"""Activations whose values lie between 0 and 6."""


def reserve_and_merge(graph: Graph) -> Graph:
    """The network without its residual connections (RMNet, arXiv:2111.00687, Fig. 3): one path, the same output.

    Reserving: the first convolution of a block gets a Dirac filter for every input channel, which so passes through;
    convolutions in the middle get as many, in groups of their own where they have groups, and norms grow with them. A
    rectifier that would cut reserved values becomes a PReLU, of slope 1 in these channels (in place of ReLU6 too, whose
    ceiling goes, as in the authors' code). Merging: the last convolution adds the reserved channels to its output, by
    Dirac filters or the weights of a 1x1 projection in the middle of its kernel; norms of a projection fold into it.
    `fold_norm` afterwards gives the deployed form without norms.

    >>> from costmodel import load
    >>> graph = reserve_and_merge(load("resnet18"))
    >>> [layer.operator.out_channels for layer in graph.layers if layer.operator.verb == "conv2d"][:9]
    [64, 128, 64, 128, 64, 192, 128, 256, 128]

    Raises: PassError naming the layer that stands in the way, or when there is no residual connection.
    """
    additions = [layer for layer in graph.layers if isinstance(layer.operator, Add) and layer.merge is None]
    if not additions:
        raise PassError(f"reserve_and_merge: {graph.name} has no residual connection")
    conversion = _Conversion(graph)
    for addition in additions:
        conversion.merge(addition)
    return conversion.converted()


class _Conversion:
    """A graph on the way to one path; `maker` knows which layer makes a tensor, also what was a sum."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes = infer_shapes(graph)
        self.readers = graph.readers()
        self.layers = {layer.name: layer for layer in graph.layers}
        self.maker = {output: layer.name for layer in graph.layers for output in layer.outputs}
        self.stands_for: dict[str, str] = {}

    def converted(self) -> Graph:
        """The graph whose layers read what takes the place of the sums."""
        layers = [
            replace(layer, inputs=tuple(self.stands_for.get(name, name) for name in layer.inputs))
            for layer in self.layers.values()
        ]
        outputs = tuple(self.stands_for.get(name, name) for name in self.graph.outputs)
        return replace(self.graph, layers=tuple(layers), outputs=outputs)

    def merge(self, addition: Layer) -> None:
        """One path in place of the body and the shortcut that meet in this addition."""
        body, shortcut, entering = self._sides(addition)
        first, last = _checked(addition, body, shortcut)
        reserved = self.shapes[entering].channels
        channels: Any = None
        for layer in body[: body.index(last)]:
            operator: Any = layer.operator
            if isinstance(operator, Activation):
                self._let_through(layer, entering)
            elif isinstance(operator, Conv2d):
                if layer is not first:
                    operator = replace(operator, groups=_more_groups(layer, operator, channels, reserved))
                channels = operator.out_channels
                self._become(layer, replace(operator, out_channels=channels + reserved))
        shifts = [isinstance(layer.operator, BatchNorm) or getattr(layer.operator, "bias", False) for layer in shortcut]
        if any(shifts) and body[-1] is last:
            self._become(last, replace(last.operator, bias=True))
        for layer in (*shortcut, addition):
            del self.layers[layer.name]
        self.stands_for[addition.name] = self.maker[addition.name] = body[-1].name
        self.readers[entering] -= 1

    def _sides(self, addition: Layer) -> tuple[list[Layer], list[Layer], str]:
        """Body and shortcut of a residual block, and the tensor that enters both."""
        if len(addition.inputs) != 2:
            _refuse(addition, f"adds {len(addition.inputs)} tensors; a residual connection has two")
        (first, source), (second, other) = map(self._path, addition.inputs)
        if source != other:
            _refuse(addition, f"joins paths from {source!r} and from {other!r}; both must start at the input of the "
                              "block, without branches")  # fmt: skip
        sides = sorted((first, second), key=lambda side: all(map(_fits_shortcut, side)))
        if all(map(_fits_shortcut, sides[0])):
            _refuse(addition, "adds two linear sides; the pass reparameterize makes one convolution of them")
        for layer in sides[1]:
            if not _fits_shortcut(layer):
                _refuse(layer, "cannot be in a shortcut; 1x1 convolutions, batch norms, subsample, pad_channels can")
        return sides[0], sides[1], source

    def _path(self, tensor: str) -> tuple[list[Layer], str]:
        """The layers that nothing but a tensor needs, in order, and the tensor in front of them."""
        path: list[Layer] = []
        while self.readers[tensor] == 1 and tensor in self.maker:
            layer = self.layers[self.maker[tensor]]
            if len(layer.inputs) != 1 or len(layer.outputs) != 1:
                break
            path.insert(0, layer)
            (tensor,) = layer.inputs
        return path, tensor

    def _let_through(self, layer: Layer, entering: str) -> None:
        """Make an activation leave the reserved channels as they are."""
        function = layer.operator.function  # type: ignore[attr-defined]
        lowest, highest = self._range(entering)
        if (function == "relu" and lowest >= 0) or (function == "relu6" and highest <= 6):
            return
        if function not in RECTIFIERS:
            _refuse(layer, "changes the values it should let through; rectifiers can leave them as they are")
        self._become(layer, PRelu())

    def _range(self, tensor: str) -> tuple[float, float]:
        """The least and the greatest value of a tensor, as far as activations tell."""
        layer = self.layers.get(self.maker.get(tensor, ""))
        match layer.operator if layer is not None else None:
            case Activation(function=function) if function in BOUNDED:
                return 0, 6
            case Activation(function="relu"):
                return 0, inf
        if layer is not None and layer.operator.kind in ("pool", "dropout"):
            return self._range(layer.inputs[0])
        return -inf, inf

    def _become(self, layer: Layer, operator: Operator) -> None:
        self.layers[layer.name] = replace(layer, operator=operator)


def _fits_shortcut(layer: Layer) -> bool:
    """Whether an operator can become part of a convolution of reserved channels."""
    match layer.operator:
        case Conv2d():
            return type(layer.operator) is Conv2d and is_pointwise(layer.operator)
        case Subsample(start=start):
            return all_equal([start], 0)
    return isinstance(layer.operator, (BatchNorm, PadChannels))


def _checked(addition: Layer, body: list[Layer], shortcut: list[Layer]) -> tuple[Layer, Layer]:
    """The first and the last convolution of a body that can be converted."""
    for layer in (*body, *shortcut):
        if layer.weights is not None or layer.merge is not None or (layer.probability, layer.active) != (1, 1):
            _refuse(layer, "shares its weights, runs conditionally or is marked with merge = true")
    for layer in body:
        if type(layer.operator) not in BODY or anywhere(getattr(layer.operator, "multiplier", 1) != 1):
            _refuse(layer, "cannot let the input of its block through; convolutions, batch norms, rectifiers can")
    convolutions = [layer for layer in body if layer.operator.kind == "convolution"]
    if convolutions[:1] != body[:1]:
        _refuse(body[0], "comes before the first convolution of its block")
    for layer in body[body.index(convolutions[-1]) + 1 :]:
        if not isinstance(layer.operator, BatchNorm):
            _refuse(layer, "comes after the last convolution of its block")
    for layer in (convolutions[0], convolutions[-1]):
        if not isinstance(layer.operator, Conv2d) or anywhere(layer.operator.groups != 1):
            _refuse(layer, "has groups; the first and last convolution of a block must see every channel")
    for layer in convolutions:
        if not keeps_first_pixel(layer.operator):
            _refuse(layer, "has no tap of its kernel on the pixel that the shortcut sees")
    strides = [_stride(side) for side in (body, shortcut)]
    if any(anywhere(one != other) for one, other in zip(*strides, strict=True)):
        _refuse(addition, "joins a body and a shortcut of different strides")
    return convolutions[0], convolutions[-1]


def _stride(side: list[Layer]) -> tuple[Any, Any]:
    """The stride of a path, along height and width."""
    height, width = 1, 1
    for layer in side:
        step = getattr(layer.operator, "stride", getattr(layer.operator, "factor", 1))
        height, width = height * pair(step)[0], width * pair(step)[1]
    return height, width


def _more_groups(layer: Layer, operator: Conv2d, channels: Any, reserved: Any) -> Any:
    """Groups of a convolution in the middle, with new ones for the reserved channels."""
    if not anywhere(operator.groups != 1):
        return 1
    width = channels // operator.groups
    if anywhere((operator.out_channels != channels) | (reserved % width != 0)):
        _refuse(layer, "has groups that cannot hold the reserved channels; it needs as many outputs as inputs, and "
                       "groups whose width divides the channels that enter the block")  # fmt: skip
    return operator.groups + reserved // width


def _refuse(layer: Layer, why: str) -> NoReturn:
    raise PassError(f"reserve_and_merge: {layer.name!r} ({layer.operator.verb}) {why}")
