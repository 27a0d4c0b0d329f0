"""Sizes of feature maps, peak memory of operators and blocks, inference by patches."""

from __future__ import annotations

from typing import Any

from costmodel.arithmetic import ceil_div, maximum, product
from costmodel.errors import ParameterError
from costmodel.formulas.convolution import convolution_output_size
from costmodel.formulas.quantities import Counts, PlainSize, Size, Sizes, added, same_length
from costmodel.formulas.registry import formula

MCUNET_V2 = "MCUNetV2 (arXiv:2110.15352)"


@formula("channels * H * W * bits / 8", "MobileNetV2 (arXiv:1801.04381), Table 3: 16-bit activations", "byte")
def feature_map_bytes(*, channels: Size, height: Size, width: Size, bits: Size = 16) -> int:
    """Bytes of a feature map, rounded up: channels * H * W * bits / 8.

    MobileNetV2 (arXiv:1801.04381), Table 3 assumes 16-bit activations; it prints thousands of bytes under "Kb".

    >>> feature_map_bytes(channels=128, height=56, width=56)                                # 401408 * 2, printed 800
    802816

    Raises: ParameterError for sizes that are not positive whole numbers.
    """
    return ceil_div(product((channels, height, width, bits)), 8)


@formula(
    "max_op [sum |inputs| + sum |outputs| + |op|]",
    "MobileNetV2 (arXiv:1801.04381), section 5.1, Eq. 2",
    "unit of the inputs",
)
def largest_operator_memory(*, input_sizes: Counts, output_sizes: Counts, internal_sizes: Counts = ()) -> Any:
    """Memory that a chain of operators needs: the greatest sum of inputs, outputs and internal storage of one operator.

    M(G) = max_op [sum |A| of its inputs + sum |B| of its outputs + |op|]: MobileNetV2 (arXiv:1801.04381), Eq. 2, for
    networks that are chains, whose tensors no later operator needs. One entry of each list per operator.

    >>> largest_operator_memory(input_sizes=[100, 50], output_sizes=[50, 80], internal_sizes=[0, 30])
    160

    Raises: ParameterError for sizes that are no whole numbers, and for lists of different lengths.
    """
    internal = internal_sizes or [0] * len(input_sizes)
    same_length(input_sizes=input_sizes, output_sizes=output_sizes, internal_sizes=internal)
    return max(sum(sizes) for sizes in zip(input_sizes, output_sizes, internal, strict=True))


@formula(
    "|s^2 k| + |s'^2 k'| + O(max(s^2, s'^2))",
    "MobileNetV2 (arXiv:1801.04381), section 5.1; the O is taken as n/t channels of the larger inner tensor",
    "element",
)
def bottleneck_block_memory(
    *,
    input_side: Size,
    input_channels: Size,
    output_side: Size,
    output_channels: Size,
    inner_channels_at_once: Size = 1,
) -> int:
    """Elements in memory while a bottleneck block runs as one operator: |s^2 k| + |s'^2 k'| + O(max(s^2, s'^2)).

    MobileNetV2 (arXiv:1801.04381), section 5.1: input of k channels of side s, output of k' of side s', and of the
    expanded tensor only `inner_channels_at_once` (the paper's n/t) at a time. What its O leaves open is taken as these
    channels at the larger side, as for a depthwise convolution that overwrites its input.

    >>> bottleneck_block_memory(input_side=4, input_channels=3, output_side=2, output_channels=5)   # 48 + 20 + 16
    84

    Raises: ParameterError for sizes that are not positive whole numbers.
    """
    inputs, outputs = product((input_side, input_side)), product((output_side, output_side))
    inner = product((inner_channels_at_once, maximum(inputs, outputs)))
    return added(product((inputs, input_channels)), product((outputs, output_channels)), inner)


@formula(
    "max over layers of |input| + |output|, of depthwise layers max(|input|, |output|)",
    f"{MCUNET_V2}, section 2 and Table 1; the depthwise layers overwrite their input",
    "unit of the inputs",
)
def peak_activation_memory(*, input_sizes: Counts, output_sizes: Counts, in_place: Counts = ()) -> Any:
    """Peak memory of the activations of a chain of layers: the greatest |input| + |output| of one layer.

    MCUNetV2 (arXiv:2110.15352), Table 1. `in_place` has 1 for each layer whose output overwrites its input, such as a
    depthwise convolution: it needs the larger of the two only. Its MobileNetV2 in int8 has the peak between 16 and 96
    channels of 112x112 pixels, 1372 KiB.

    >>> peak_activation_memory(input_sizes=[200704, 1204224], output_sizes=[1204224, 301056], in_place=[0, 1])
    1404928

    Raises: ParameterError for sizes that are no whole numbers, and for lists of different lengths.
    """
    overwritten = in_place or [0] * len(input_sizes)
    same_length(input_sizes=input_sizes, output_sizes=output_sizes, in_place=overwritten)
    layers = zip(input_sizes, output_sizes, overwritten, strict=True)
    return max(max(read, written) if over else read + written for read, written, over in layers)


@formula("(n - 1) S + K, from the last layer back to the first", f"{MCUNET_V2}, section 3.1", "pixel")
def patch_input_size(*, output_size: Size, kernels: Sizes, strides: Sizes) -> int:
    """Side of the input patch that n output positions need: n -> (n - 1) S + K, from the last layer back to the first.

    MCUNetV2 (arXiv:2110.15352), section 3.1: the receptive field of a patch, which makes neighbouring patches overlap.
    `kernels` and `strides` in the order of the layers.

    >>> patch_input_size(output_size=7, kernels=[3, 3], strides=[1, 2])                      # 7 -> 15 -> 17
    17

    Raises: ParameterError for sizes that are not positive whole numbers, and for lists of different lengths.
    """
    same_length(kernels=kernels, strides=strides)
    size = output_size
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        size = product((size - 1, stride)) + kernel
    return size


@formula(
    "sum over patches of min(end, N) - max(start, 0), start -> start S - P, end -> (end - 1) S - P + K",
    f"{MCUNET_V2}, section 3.1: patches clipped at the border of the image",
    "pixel",
)
def patched_input_size(
    *, input_size: PlainSize, patches: PlainSize, kernels: Sizes, strides: Sizes, paddings: Counts
) -> int:
    """Positions of one axis that all patches together read, those that overlap as often as they are read.

    MCUNetV2 (arXiv:2110.15352), section 3.1. The output of the layers is cut into `patches` equal parts along the axis;
    each reads its receptive field, clipped at the border, in every tensor back to the one of `input_size` positions.
    Square patches compute the square of this many positions of a tensor, in place of input_size^2.

    >>> patched_input_size(input_size=8, patches=2, kernels=[3], strides=[1], paddings=[1])   # 0..4 and 3..7
    10

    Raises: ParameterError for sizes that are not positive whole numbers, for lists of different lengths, and for
    patches that do not divide the output.
    """
    from costmodel.patches import Window, span_inside, span_read, tiles

    same_length(kernels=kernels, strides=strides, paddings=paddings)
    layers = list(zip(kernels, strides, paddings, strict=True))
    sizes = [input_size]
    for kernel, stride, padding in layers:
        sizes.append(convolution_output_size(input_size=sizes[-1], kernel=kernel, stride=stride, padding=padding))
    if sizes[-1] % patches:
        raise ParameterError(f"patches = {patches} do not divide the {sizes[-1]} positions of the output")
    positions = 0
    for tile in tiles(sizes[-1], patches):
        for (kernel, stride, padding), size in zip(reversed(layers), reversed(sizes[:-1]), strict=True):
            tile = span_inside(span_read(tile, Window(stride, 1, -padding, kernel - 1 - padding)), size)
        start, end = tile
        positions += end - start
    return positions


@formula(
    "ceil(data / payload)",
    "the payload of 116 bytes fits all packets printed in a table of a CIFAR-10 network "
    "on a microcontroller, in the lecture 'Designing Light-Weight Networks', ITCS 5152, UNC Charlotte",
    "packet",
)
def network_packets(*, data_bytes: Size, payload_bytes: Size = 116) -> int:
    """Packets that carry a layer's output to another device: ceil(data / payload).

    The table of a CIFAR-10 network on a microcontroller in the lecture "Designing Light-Weight Networks for Mobile
    Applications" (ITCS 5152, UNC Charlotte) prints 283 packets for 32,768 bytes. It does not print the payload: 116
    bytes is the one whole number that fits all its cells.

    >>> network_packets(data_bytes=32768), network_packets(data_bytes=2048)
    (283, 18)

    Raises: ParameterError for sizes that are not positive whole numbers.
    """
    return ceil_div(data_bytes, payload_bytes)
