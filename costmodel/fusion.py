"""Which operators a runtime runs together with the one before them, as data: runtimes differ."""

from __future__ import annotations

from costmodel.errors import UnknownNameError, nearest
from costmodel.graph import Graph
from costmodel.records import record


@record
class Fusion:
    """Operators in `folded` disappear into a producer in `into` (or into what already disappeared there). They are
    named by verb; an activation may be named by its function alone.

    A folded layer moves no bytes and takes no time; it must be the only reader of the tensor it changes. An operator
    in both begins a kernel of its own where it cannot join the one before it. `directly_after`: operators that join
    only where the layer before them is one of these. `attention`: the two products of an attention and the softmax
    between them are one kernel, and other layers are the kernels of PyTorch (`costmodel.workloads.unfused`).
    `copies`: views that the runtime executes as copies, with the word for the copy. `block`: channels that its
    convolutions hold together (`costmodel.workloads.blocked`), 0 for the plain layout.
    """

    name: str
    meaning: str
    folded: frozenset[str]
    into: frozenset[str]
    source: str
    attention: bool = False
    directly_after: tuple[tuple[str, frozenset[str]], ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    block: int = 0


ACTIVATIONS = frozenset({"activation", "prelu"})
WEIGHTED = frozenset({"conv2d", "depthwise_conv2d", "conv_transpose2d", "adder_conv2d", "shift_conv2d", "linear"})
COMPUTING = WEIGHTED | {
    "batch_norm", "layer_norm", "group_norm", "local_response_norm", "l2_norm", "scale", "add", "subtract", "multiply",
    "divide", "matmul", "concat", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "global_avg_pool", "resize",
}  # fmt: skip
"""Operators that end in a loop over their output."""
CONVOLUTIONS = frozenset({"conv2d", "depthwise_conv2d", "batch_norm"})
SIMPLE_ACTIVATIONS = frozenset({"relu", "relu6", "leaky_relu", "sigmoid", "hard_sigmoid", "tanh"})
"""Activations that ONNX Runtime folds into convolutions and matrix products."""
COPIED = (("split", "slice"), ("slice", "slice"))
MERGED = (("merge_heads", "clone"),)
ONNX_RUNTIME = "ONNX Runtime documentation, Graph Optimizations: Conv BatchNorm, Conv Mul, Conv Activation fusion"

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
        Fusion(
            "attention",
            "every operator reads and writes its tensors, but an attention is one kernel: softmax(q k^T) v; a sum of n "
            "tensors is n - 1 sums; merged heads are a copy",
            frozenset(),
            frozenset(),
            "PyTorch: torch.nn.functional.scaled_dot_product_attention",
            attention=True,
            copies=MERGED,
        ),
        Fusion(
            "inference_relu",
            "batch norm, per-channel scale, ReLU, ReLU6, dropout and bias inside the layer before them; other "
            "activations are kernels of their own",
            frozenset({"batch_norm", "scale", "dropout", "relu", "relu6"}),
            WEIGHTED | {"add"},
            "TensorFlow Lite: fused activation functions NONE, RELU, RELU_N1_TO_1, RELU6 of its schema",
        ),
        Fusion(
            "inference_norm",
            "batch norm, per-channel scale, dropout and bias inside the layer before them; every activation is a "
            "kernel of its own",
            frozenset({"batch_norm", "scale", "dropout"}),
            WEIGHTED | {"add"},
            "ShuffleNet V2, arXiv:1807.11164, Table 4: ReLU takes time of its own",
        ),
        Fusion(
            "convolution_activation",
            "batch norm, per-channel scale, dropout, bias, ReLU, ReLU6 and leaky ReLU inside the convolution or linear "
            "layer before them, but not inside an add; other activations are kernels of their own",
            frozenset({"batch_norm", "scale", "dropout", "relu", "relu6", "leaky_relu"}),
            WEIGHTED,
            "ncnn: layers of its benchmark networks, Tencent/ncnn@a4d2ea1d4422 benchmark/*.param",
            copies=COPIED,
        ),
        Fusion(
            "compiled_cpu",
            "activations without an exponential inside whatever computes their input; other arithmetic on elements "
            "keeps a row, with the little that is left of it in a compiled loop; an attention is one kernel",
            frozenset({"relu", "relu6", "leaky_relu", "hard_swish", "hard_sigmoid"}),
            COMPUTING,
            "PyTorch 2.0 documentation, dynamo/get-started: the compiler fuses pointwise operators into one loop",
            attention=True,
            copies=MERGED,
        ),
        Fusion(
            "inference_activation",
            "batch norm, dropout, bias, ReLU, leaky ReLU, sigmoid and tanh inside the convolution or linear layer "
            "before them, per-channel scale inside a convolution; GELU, SiLU and hard swish are kernels of their own",
            SIMPLE_ACTIVATIONS | {"batch_norm", "scale", "dropout"},
            WEIGHTED,
            ONNX_RUNTIME,
            directly_after=(("scale", CONVOLUTIONS),),
            copies=COPIED,
        ),
        Fusion(
            "inference_blocked",
            "the same, and hard swish, and a residual add inside the last convolution before it; activations also "
            "inside a batch norm that stands alone; convolutions on blocks of 16 channels, with reorders",
            SIMPLE_ACTIVATIONS | {"batch_norm", "scale", "dropout", "hard_swish", "add"},
            WEIGHTED | {"batch_norm"},
            f"{ONNX_RUNTIME}, NCHWc optimizer",
            directly_after=(("scale", CONVOLUTIONS), ("add", CONVOLUTIONS | {"scale", "add"})),
            copies=COPIED,
            block=16,
        ),
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
    if not fusion.folded:
        return {}
    readers = graph.readers()
    before = dict(fusion.directly_after)
    order = {layer.name: at for at, layer in enumerate(graph.layers)}
    host_of: dict[str, str] = {}
    verb_of: dict[str, str] = {}
    folded: dict[str, str] = {}
    for layer in graph.layers:
        operator, inputs = layer.operator, layer.inputs
        verb = operator.verb
        hosts = []
        if verb in fusion.folded or getattr(operator, "function", None) in fusion.folded:
            if verb in before:
                inputs = tuple([name for name in inputs if verb_of.get(name) in before[verb]])
            hosts = [host_of[name] for name in inputs if name in host_of and readers[name] == 1]
        if hosts:  # the last kernel whose result nothing else reads
            folded[layer.name] = host_of[layer.outputs[0]] = max(hosts, key=order.__getitem__)
        elif verb in fusion.into:
            host_of[layer.outputs[0]] = layer.name
        if before:
            verb_of.update(dict.fromkeys(layer.outputs, verb))
    return folded
