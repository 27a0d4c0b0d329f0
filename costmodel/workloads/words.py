"""What other programs call the operators that a table of shapes lists."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, ...]] = {
    "conv2d": ("convolution", "conv", "fusedconv", "convolutiondepthwise"),
    "conv_transpose2d": ("deconvolution", "deconvolutiondepthwise"),
    "linear": ("gemm", "fusedgemm", "innerproduct", "addmm"),
    "matmul": ("bmm", "fusedmatmul"),
    "attention": ("scaled_dot_product_attention",),
    "softmax": ("_softmax",),
    "relu6": ("hardtanh",),
    "hard_swish": ("hardswish",),
    "hard_sigmoid": ("hardsigmoid",),
    "swish": ("silu", "quickgelu"),
    "batch_norm": ("native_batch_norm", "batchnorm", "batchnormalization"),
    "layer_norm": ("native_layer_norm", "layernormalization", "skiplayernormalization"),
    "group_norm": ("native_group_norm",),
    "local_response_norm": ("lrn",),
    "add": ("eltwise",),
    "subtract": ("sub", "rsub"),
    "multiply": ("mul",),
    "divide": ("div",),
    "concat": ("cat", "stack"),
    "pad": ("constant_pad_nd", "reflection_pad2d"),
    "transpose": ("permute",),
    "reorder_input": ("reorderinput",),
    "reorder_output": ("reorderoutput",),
    "reshape": ("flatten", "squeeze"),
    "slice": ("split", "unsafe_split", "crop"),
    "gather": ("index",),
    "cast": ("_to_copy",),
    "channel_shuffle": ("shufflechannel",),
    "resize": ("upsample_bicubic2d", "upsample_bilinear2d", "upsample_nearest2d", "_upsample_bicubic2d_aa", "interp"),
    "global_avg_pool": ("mean", "globalaveragepool", "reducemean", "reduction"),
    "adaptive_avg_pool2d": ("_adaptive_avg_pool2d",),
    "avg_pool2d": ("averagepool",),
    "max_pool2d": ("max_pool2d_with_indices", "maxpool"),
}  # fmt: skip
"""Our word, then the words of PyTorch, ONNX and ncnn, in lower case; in-place forms end in an underscore there."""

_KNOWN = {word: own for own, words in WORDS.items() for word in words}


def own_word(word: str, kind: str) -> str:
    """Our word for an operator of a table, by its kind where one word means several; unknown words stay.

    >>> own_word("relu_", "activation"), own_word("ConvolutionDepthWise", "depthwise_conv"), own_word("erf", "other")
    ('relu', 'depthwise_conv2d', 'erf')
    """
    lower = word.lower()
    plain = lower if lower in _KNOWN else lower.rstrip("_")
    own = _KNOWN.get(plain, plain)
    return "depthwise_conv2d" if own == "conv2d" and kind == "depthwise_conv" else own
