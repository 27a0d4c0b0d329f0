"""Small random networks of all operators that can run in patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from costmodel.errors import ShapeError
from costmodel.graph import Graph, Layer, image
from costmodel.operators.activation import Activation, Dropout, PRelu, Softmax
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Concat, Gather, Multiply, Slice, Split
from costmodel.operators.convolution import Conv2d, ConvTranspose2d, DepthwiseConv2d
from costmodel.operators.layout import ChannelShuffle, ChannelsToSpace, Crop, Shift, SpaceToChannels, Subsample
from costmodel.operators.normalization import BatchNorm, L2Norm, LayerNorm, LocalResponseNorm, Scale
from costmodel.operators.pooling import AdaptiveAvgPool2d, AvgPool2d, Maxout, MaxPool2d
from costmodel.operators.resizing import Learned, Pad, PadChannels, Resize
from costmodel.shapes import infer_shapes


def network(side: int | tuple[int, int], *steps: tuple[str, Operator] | tuple[str, Operator, tuple[str, ...]]) -> Graph:
    """Layers one after the other, on an image of two channels; a third entry names the inputs."""
    height, width = side if isinstance(side, tuple) else (side, side)
    layers: list[Layer] = []
    for name, operator, *inputs in steps:
        read = inputs[0] if inputs else (layers[-1].outputs[0] if layers else "input",)
        parts = len(operator.parts) if isinstance(operator, Split) else 0
        outputs = tuple(f"{name}.{part}" for part in range(parts)) if parts > 1 else (name,)
        layers.append(Layer(name, operator, read, outputs))
    return Graph("tiny", {"input": image(2, height, width)}, tuple(layers), layers[-1].outputs, {})


SIMPLE: dict[str, Operator] = {
    "relu": Activation("relu"), "prelu": PRelu(), "softmax": Softmax(), "dropout": Dropout(), "norm": BatchNorm(),
    "layer_norm": LayerNorm(), "l2_norm": L2Norm(), "lrn": LocalResponseNorm(), "scale": Scale(),
    "learned": Learned(5), "shift": Shift(), "shuffle": ChannelShuffle(2), "gather": Gather(4),
    "pad_channels": PadChannels(4), "maxout": Maxout(2), "slice": Slice(2, start=0), "subsample": Subsample(2),
    "subsample_from_one": Subsample(3, start=1), "crop": Crop((5, 4), (1, 2)), "pad": Pad(((1, 0), (0, 2))),
    "space_to_channels": SpaceToChannels(2), "channels_to_space": ChannelsToSpace(2), "nearest": Resize((11, 7)),
    "bilinear": Resize((9, 13), "bilinear"), "adaptive": AdaptiveAvgPool2d((3, 4)), "conv": Conv2d(4),
    "depthwise": DepthwiseConv2d(1), "grouped": Conv2d(2, kernel=3, groups=2),
    "pad_after": Pad(((0, 2), (0, 1))), "crop_first": Crop((5, 4)), "crop_rows": Crop((3, 7), (2, 0)),
    "transposed_same": ConvTranspose2d(2, kernel=5, stride=2),
    "transposed": ConvTranspose2d(2, kernel=3, stride=2), "spread": ConvTranspose2d(2, kernel=1, stride=2, padding=0),
    "transposed_padded": ConvTranspose2d(2, kernel=4, stride=3, padding=((1, 1), (0, 2))),
}  # fmt: skip


def windows(draw: Callable[..., Any]) -> Operator:
    """A convolution or pooling with any kernel, stride, padding and dilation."""
    kernel = draw(st.sampled_from([1, 2, 3, 5, (1, 3)]))
    stride, dilation = draw(st.sampled_from([1, 2, 3, (2, 1)])), draw(st.sampled_from([1, 1, 2]))
    padding = draw(st.sampled_from(["same", "valid", (1, 0), ((0, 1), (1, 1))]))
    made: list[Operator] = [
        Conv2d(draw(st.integers(1, 4)), kernel, stride, padding, dilation),
        DepthwiseConv2d(kernel, stride, padding, dilation, multiplier=draw(st.sampled_from([1, 1, 2]))),
        MaxPool2d(kernel, stride, padding, dilation, draw(st.sampled_from(["floor", "ceil"]))),
        AvgPool2d(kernel, None, "valid"),
    ]
    chosen: Operator = draw(st.sampled_from(made))
    return chosen


@st.composite
def networks(draw: Callable[..., Any]) -> Graph:
    """One to six steps, among them blocks with a shortcut, branches, a gate and a split; one is a convolution."""
    steps: list[Any] = []

    def add(operator: Operator, *inputs: str) -> str:
        name = f"{operator.verb}_{len(steps)}"
        steps.append((name, operator, inputs))
        parts = len(operator.parts) if isinstance(operator, Split) else 1
        return f"{name}.0" if parts > 1 else name

    last = "input"
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["simple", "simple", "window", "window", "shortcut", "branches", "gate", "split"]))
        if kind == "simple":
            last = add(SIMPLE[draw(st.sampled_from(sorted(SIMPLE)))], last)
        elif kind == "window":
            last = add(windows(draw), last)
        elif kind == "shortcut":
            inside = add(DepthwiseConv2d(draw(st.sampled_from([1, 3, 5]))), last)
            inside = add(draw(st.sampled_from([BatchNorm(), Activation("relu"), Shift(), Dropout()])), inside)
            last = add(Add(), *draw(st.permutations([last, inside])))
        elif kind == "branches":
            first, second = add(Conv2d(2, kernel=3), last), add(MaxPool2d(3, stride=1), last)
            last = add(Concat(), first, second)
        elif kind == "gate":
            last = add(Multiply(), last, add(Activation("sigmoid"), add(AdaptiveAvgPool2d(1), last)))
        else:
            wide = add(Conv2d(4), last)
            part = add(Split((1, 3)), wide)
            last = add(Concat(), part, part.removesuffix(".0") + ".1") if draw(st.booleans()) else part
    if not any(operator.kind == "convolution" for _, operator, _ in steps):
        last = add(Conv2d(2, kernel=draw(st.sampled_from([1, 3]))), last)
    net = network((draw(st.integers(7, 14)), draw(st.integers(7, 14))), *steps)
    try:
        infer_shapes(net)
    except ShapeError:
        reject()
    return net if net.layers[-1].outputs == (last,) else Graph("tiny", net.inputs, net.layers, (last,), {})
