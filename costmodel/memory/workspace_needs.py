"""Bytes that runtimes need beside the tensors of a layer, operator by operator, as their own code works them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from costmodel.arithmetic import anywhere, ceil_div, maximum, product
from costmodel.dtypes import Dtype
from costmodel.errors import ConventionError
from costmodel.graph import Layer, Shape
from costmodel.operators.base import pair
from costmodel.operators.rules import axis_paddings, extent, same_paddings

BytesOf: TypeAlias = Callable[[Layer, Mapping[str, Shape], Dtype], Any]
"""Bytes of a layer, given the shapes of all tensors and the number format; arrays of sizes give arrays."""
Needs: TypeAlias = Mapping[str, BytesOf]
"""By operator."""

INT16_BYTES, INT32_BYTES = 2, 4
MVE_LANE_BYTES, MVE_COLUMNS = 16, 4
MVE_DEPTHWISE_CHANNELS = 124
"""CMSIS-NN's CH_IN_BLOCK_MVE: channels of a depthwise convolution that are unrolled together."""
FEW_TRANSPOSED_CHANNELS = 16
"""CMSIS-NN's REVERSE_TCOL_EFFICIENT_THRESHOLD: with more a transposed convolution runs as a plain one."""


class Axis(NamedTuple):
    """Sizes of a sliding window along height or width; `before` is the padding above or to the left."""

    size: Any
    out_size: Any
    kernel: Any
    stride: Any
    dilation: Any
    before: Any


class Window(NamedTuple):
    """What a convolution slides over what; `groups` are those of the weights."""

    height: Axis
    width: Axis
    in_channels: Any
    out_channels: Any
    groups: Any

    @property
    def positions(self) -> Any:
        """Elements of a channel under the kernel."""
        return self.height.kernel * self.width.kernel

    @property
    def is_plain(self) -> Any:
        """Whether it reads one pixel without padding."""
        plain = [(axis.kernel == 1) & (axis.before == 0) & (axis.dilation == 1) for axis in (self.height, self.width)]
        return plain[0] & plain[1]


def window_of(layer: Layer, shapes: Mapping[str, Shape]) -> Window:
    """The window of a convolution; a depthwise one has as many groups as input channels."""
    operator: Any = layer.operator
    in_channels, *sizes = shapes[layer.inputs[0]].sizes
    out_channels, *out_sizes = shapes[layer.outputs[0]].sizes
    kernels, strides, dilations = pair(operator.kernel), pair(operator.stride), pair(operator.dilation)
    axes = []
    for at, paddings in enumerate(axis_paddings(operator.padding)):
        span = extent(kernels[at], dilations[at])
        before, _ = same_paddings(sizes[at], span, strides[at]) if paddings is None else paddings
        axes.append(Axis(sizes[at], out_sizes[at], kernels[at], strides[at], dilations[at], before))
    return Window(axes[0], axes[1], in_channels, out_channels, getattr(operator, "groups", in_channels))


def refuse_where(condition: Any, layer: Layer, runtime: str) -> None:
    """Raise where a runtime has the operator but not with these groups, dilation or multiplier.

    Raises: ConventionError with the layer.
    """
    if anywhere(condition):
        raise ConventionError(
            f"{runtime} has no {layer.operator.verb} with the groups, dilation or multiplier of {layer.name}; "
            "choose workspace 'none' or 'im2col'"
        )


def unrolled_windows(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """kernel_height*kernel_width * in_channels/groups * out_height*out_width elements."""
    window = window_of(layer, shapes)
    height, width = window.height, window.width
    sizes = (window.positions, window.in_channels // window.groups, height.out_size, width.out_size)
    reads_input = window.is_plain & (height.stride == 1) & (width.stride == 1)
    return ceil_div(product((*sizes, dtype.activation_bits)), 8) * (1 - reads_input)


def unrolled_results(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """kernel_height*kernel_width * out_channels/groups * in_height*in_width elements, before they are summed up."""
    window = window_of(layer, shapes)
    sizes = (window.positions, window.out_channels // window.groups, window.height.size, window.width.size)
    return ceil_div(product((*sizes, dtype.activation_bits)), 8)


IM2COL: Needs = dict.fromkeys(("conv2d", "depthwise_conv2d", "adder_conv2d", "shift_conv2d"), unrolled_windows) | {
    "conv_transpose2d": unrolled_results
}


def two_columns(window: Window) -> Any:
    """arm_convolve_s8 with DSP: two windows of all input channels in 16 bits, rounded up to four elements each."""
    return 2 * INT16_BYTES * ceil_div(window.positions * window.in_channels, 4) * 4


def four_columns(window: Window) -> Any:
    """arm_convolve_s8 with MVE: four windows of all input channels in 8 bits, rounded up to whole vectors each."""
    lanes = ceil_div(window.positions * window.in_channels, MVE_LANE_BYTES)
    return MVE_COLUMNS * lanes * MVE_LANE_BYTES


def is_pointwise(window: Window) -> Any:
    """Whether CMSIS-NN runs it as a matrix product, which needs nothing."""
    return window.is_plain & (window.groups == 1)


def dsp_convolution(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_convolve_wrapper_s8_get_buffer_size_dsp."""
    window = window_of(layer, shapes)
    return two_columns(window) * (1 - is_pointwise(window))


def dsp_depthwise(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp: one window of all channels in 16 bits; nothing for 3x3 with
    a padding of at most 1, for dilation, and for several filters a channel."""
    window = window_of(layer, shapes)
    height, width = window.height, window.width
    small = (height.kernel == 3) & (width.kernel == 3) & (height.before <= 1) & (width.before <= 1)
    return INT16_BYTES * window.in_channels * window.positions * _one_filter(window) * (1 - small)


def _one_filter(window: Window) -> Any:
    dense = (window.height.dilation == 1) & (window.width.dilation == 1)
    return (window.in_channels == window.out_channels) & dense


def dsp_transposed(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_transpose_conv_s8_get_buffer_size and arm_transpose_conv_s8_get_reverse_conv_buffer_size."""
    return _transposed(layer, shapes, two_columns)


def mve_transposed(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_transpose_conv_s8_get_buffer_size_mve and arm_transpose_conv_s8_get_reverse_conv_buffer_size."""
    return _transposed(layer, shapes, four_columns)


def _transposed(layer: Layer, shapes: Mapping[str, Shape], columns: Callable[[Window], Any]) -> Any:
    """Columns and the reversed filter of a plain convolution, or rows of 32-bit sums."""
    window = window_of(layer, shapes)
    height, width = window.height, window.width
    refuse_where((window.groups != 1) | (height.dilation != 1) | (width.dilation != 1), layer, "CMSIS-NN")
    plain = (height.stride <= 2) & (width.stride <= 2) & (window.in_channels > FEW_TRANSPOSED_CHANNELS)
    filters = window.positions * window.in_channels * window.out_channels
    span = (width.size - 1) * width.stride + maximum(width.kernel, height.stride)
    sums = INT32_BYTES * span * window.out_channels * maximum(height.kernel, height.stride)
    return plain * (columns(window) + filters) + (1 - plain) * sums


def channel_sums(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_avgpool_s8_get_buffer_size_dsp: a 32-bit sum per channel."""
    return INT32_BYTES * shapes[layer.inputs[0]].channels


CMSIS_NN_DSP: Needs = {
    "conv2d": dsp_convolution,
    "depthwise_conv2d": dsp_depthwise,
    "conv_transpose2d": dsp_transposed,
    **dict.fromkeys(("avg_pool2d", "adaptive_avg_pool2d", "global_avg_pool"), channel_sums),
}


def mve_convolution(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_convolve_wrapper_s8_get_buffer_size_mve."""
    return _mve_convolution(window_of(layer, shapes))


def _mve_convolution(window: Window) -> Any:
    height, width = window.height, window.width
    in_a_row = (height.size == 1) & (height.kernel == 1) & (width.dilation == 1) & (window.groups == 1)
    in_a_row &= width.stride * window.in_channels % 4 == 0
    bytes = in_a_row * _mve_row(window) + (1 - in_a_row) * four_columns(window)
    return bytes * (1 - is_pointwise(window))


def _mve_row(window: Window) -> Any:
    """arm_convolve_1_x_n_s8_get_buffer_size_mve: the windows that reach over the ends of a row."""
    size, out_size, kernel, stride, _, before = window.width
    total = (out_size - 1) * stride + kernel - size
    uneven = total % 2 * (1 - 2 * (total < 0))  # the remainder of C, which has the sign of the number
    right = (before + uneven != 0) * maximum(1, (before + uneven + stride - 1) // stride)
    left = (before != 0) * maximum(1, (before + stride - 1) // stride)
    inside = maximum(out_size - right - left, 0)
    after = (uneven != 0) * right + (uneven == 0) * before
    ends = window.in_channels * maximum(kernel + before, kernel - 1 + after)
    fits = right + inside + left == out_size
    return fits * ends + (1 - fits) * four_columns(window)


def mve_depthwise(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_depthwise_conv_wrapper_s8_get_buffer_size with MVE: four windows of 124 channels; nothing for dilation and
    for several filters a channel, except for one channel: that runs as a convolution with a copy of the filters."""
    window = window_of(layer, shapes)
    one_to_many = (window.in_channels == 1) & (window.out_channels > 1)
    blocks = MVE_COLUMNS * MVE_DEPTHWISE_CHANNELS * window.positions * _one_filter(window)
    as_convolution = _mve_convolution(window._replace(groups=1)) + window.positions * window.out_channels
    return one_to_many * as_convolution + (1 - one_to_many) * blocks


def mve_linear(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """arm_fully_connected_s8_get_buffer_size_mve: a 32-bit sum per output of a vector; several tokens whose channels
    are a multiple of 4 run as a 1x1 convolution with a scale per channel."""
    entering, leaving = shapes[layer.inputs[0]], shapes[layer.outputs[0]]
    as_convolution = (len(entering.sizes) > 1) & (not entering.is_image) & (entering.channels % 4 == 0)
    return INT32_BYTES * leaving.channels * (1 - as_convolution)


CMSIS_NN_MVE: Needs = {
    "conv2d": mve_convolution,
    "depthwise_conv2d": mve_depthwise,
    "conv_transpose2d": mve_transposed,
    "linear": mve_linear,
}


def padded_channels(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """get_sbuf_size of depthwiseConv2d.py: a padded input channel in 16 bits, by which the output runs in place."""
    window = window_of(layer, shapes)
    refuse_where(1 - _one_filter(window), layer, "TinyEngine")
    padding = window.height.kernel // 2
    return INT16_BYTES * (window.height.size + 2 * padding) * (window.width.size + 2 * padding)


def wide_columns(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """get_sbuf_size of conv2d.py: two windows of all input channels in 16 bits."""
    window = window_of(layer, shapes)
    dilated = (window.height.dilation != 1) | (window.width.dilation != 1)
    refuse_where((window.groups != 1) | dilated, layer, "TinyEngine")
    return 2 * INT16_BYTES * window.positions * window.in_channels


def wide_rows(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """The same of a linear layer, which is a 1x1 convolution there."""
    return 2 * INT16_BYTES * shapes[layer.inputs[0]].channels


def wide_filters(layer: Layer, shapes: Mapping[str, Shape], dtype: Dtype) -> Any:
    """get_kbuf_size of conv2d.py: the filters in 16 bits, unless the kernel is one pixel high."""
    window = window_of(layer, shapes)
    filters = window.positions * window.in_channels // window.groups * window.out_channels
    return INT16_BYTES * filters * (window.height.kernel != 1)


TINYENGINE_COLUMNS: Needs = {"conv2d": wide_columns, "depthwise_conv2d": padded_channels, "linear": wide_rows}
TINYENGINE_FILTERS: Needs = {"conv2d": wide_filters}
