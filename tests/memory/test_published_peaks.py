"""Peaks that others computed or measured: an analyser of .tflite files, papers, a runtime's tables."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel import load, peak_memory
from costmodel.passes.append_softmax import append_softmax
from costmodel.passes.explicit_padding import explicit_padding


@pytest.mark.parametrize(
    ("network", "dtype", "bytes"),
    [
        ("mlperf_tiny_vww_mbv1", "int8", 55_296),
        ("mlperf_tiny_vww_mbv1", "float32", 221_184),
        ("mlperf_tiny_resnet8", "int8", 49_152),
        ("mlperf_tiny_kws_dscnn", "int8", 16_000),
        ("mlperf_tiny_ad_autoencoder", "int8", 768),
        ("mlperf_tiny_streaming_wakeword", "int8", 6656),
    ],
)
def test_mlperf_tiny(network: str, dtype: str, bytes: int) -> None:
    """What tflite-tools (arXiv:1910.05110) says of the reference files, whose norms and activations are folded."""
    assert peak_memory(load(network), dtype).bytes == bytes


def test_operators_that_are_not_folded_raise_the_peak_of_one_network() -> None:
    """The spec has norm and activation as operators of their own: by `live` each writes a new tensor."""
    live = {
        name: peak_memory(load(f"mlperf_tiny_{name}"), definition="live").bytes
        for name in ("vww_mbv1", "resnet8", "kws_dscnn", "ad_autoencoder")
    }
    assert live == {"vww_mbv1": 73_728, "resnet8": 49_152, "kws_dscnn": 16_000, "ad_autoencoder": 768}


@pytest.mark.parametrize(
    ("definition", "bytes", "layer"),
    [
        ("single", 112 * 112 * 96, "inverted_residual_2.conv_1.conv2d"),
        ("io", 1_505_280, "inverted_residual_2.depthwise.depthwise_conv2d"),
        ("io_inplace", 1_404_928, "inverted_residual_2.conv_1.conv2d"),
        ("live", 2_408_448, "inverted_residual_2.conv_1.batch_norm"),
        ("fused", 1_505_280, "inverted_residual_2.depthwise.depthwise_conv2d"),
        ("inplace", 1372 * 1024, "inverted_residual_2.conv_1.conv2d"),
    ],
)
def test_mobilenet_v2(definition: str, bytes: int, layer: str) -> None:
    """1372 kB: MCUNetV2 (arXiv:2110.15352), Table 1."""
    peak = peak_memory(load("mobilenet_v2"), definition=definition)
    assert (peak.bytes, peak.layer) == (bytes, layer)


def test_padding_as_operators_raises_the_peak_by_63_percent() -> None:
    """A file converted from PyTorch pads in front of each strided convolution: 112x112x96 beside 114x114x96."""
    assert peak_memory(explicit_padding(load("mobilenet_v2"))).bytes == 2_451_840


@pytest.mark.parametrize(
    ("network", "parameters", "bytes", "measured_kb"),
    [
        ("mcunet_mbv2_w0.35", {}, 290_304, 308),
        ("mobilenet_v2", {"width": 0.3, "resolution": 64}, 57_344, 61),
    ],
)
def test_tinyengine_needs_six_percent_more(
    network: str, parameters: dict[str, Any], bytes: int, measured_kb: int
) -> None:
    """SRAM in the README of repo mit-han-lab/tinyengine@47bb283c, in kB: the peak, and buffers of the runtime."""
    peak = peak_memory(load(network, **parameters), definition="inplace").bytes
    assert peak == bytes
    assert 0.93 < peak / (1000 * measured_kb) < 0.95


def test_a_softmax_is_not_in_place() -> None:
    """1,000 outputs read and 1,000 written, where the peak of the last step counts 1,280 + 1,000."""
    held = peak_memory(append_softmax(load("mobilenet_v2"))).held_bytes
    assert (held["linear"], held["softmax"]) == (2280, 2000)
