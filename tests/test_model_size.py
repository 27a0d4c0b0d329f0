"""Model and flash size: hand calculations, weights of a vendor's tool, tensors of published files."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from costmodel import cost_table, load
from costmodel.errors import ParameterError, UnknownNameError
from costmodel.graph import Graph, Layer, image
from costmodel.model_size import STORAGES, flash_size, model_bytes
from costmodel.operators.activation import PRelu
from costmodel.operators.base import Operator
from costmodel.operators.convolution import Conv2d
from costmodel.operators.layout import Flatten
from costmodel.operators.linear import Linear
from costmodel.operators.normalization import BatchNorm


def chain(*operators: Operator) -> Graph:
    names = [f"layer_{at}" for at in range(len(operators))]
    layers = tuple(
        Layer(name, operator, (before,), (name,))
        for name, operator, before in zip(names, operators, ["input", *names], strict=False)
    )
    return Graph("chain", {"input": image(3, 4, 4)}, layers, (names[-1],), {})


CHAIN = chain(BatchNorm(), Conv2d(6, kernel=3), BatchNorm(), PRelu(), Flatten(), Linear(5))
"""A norm that stays (2*3), a convolution (162 weights, 6 biases once folded), 6 slopes, a linear layer (480 + 5)."""


def test_flash_by_hand() -> None:
    flash = flash_size(CHAIN)
    assert (flash.weight_bytes, flash.bias_bytes, flash.other_bytes) == (162 + 480, 4 * (6 + 6 + 5), 6)
    assert flash.bytes == 642 + 68 + 6
    assert repr(flash).startswith("<FlashSize of chain: 716 bytes (int8, plain); ")


@pytest.mark.parametrize(
    ("dtype", "weights", "biases"),
    [("float32", 4, 4), ("float16", 2, 2), ("int16", 2, 8), ("int8", 1, 4), ("bfloat16", 2, 2)],
)
def test_biases_of_integer_formats_are_as_wide_as_the_accumulator(dtype: str, weights: int, biases: int) -> None:
    flash = flash_size(CHAIN, dtype)
    assert (flash.weight_bytes, flash.bias_bytes, flash.other_bytes) == (642 * weights, 17 * biases, 6 * weights)


def test_scales_are_those_of_channels_and_of_linear_layers() -> None:
    """The convolution has 6 scales for its weights and 6 for its biases, the linear layer one of each."""
    assert flash_size(CHAIN, storage="tflite").scale_bytes == 12 * (6 + 6 + 1 + 1)
    assert flash_size(CHAIN, "float32", storage="tflite").scale_bytes == 0


def test_layers_that_share_weights_store_them_once() -> None:
    first, second = (Layer(name, Conv2d(3, bias=True), ("input",), (name,), weights="head") for name in ("a", "b"))
    flash = flash_size(Graph("two", {"input": image(3, 4, 4)}, (first, second), ("a", "b"), {}), storage="tflite")
    assert (flash.weight_bytes, flash.bias_bytes, flash.scale_bytes) == (9, 12, 12 * (3 + 3))


def test_model_bytes_are_all_parameters() -> None:
    assert model_bytes(load("mobilenet_v2"), "int8") == 3_504_872
    assert model_bytes(cost_table(CHAIN)) == 4 * (6 + 162 + 12 + 6 + 480 + 5)


@pytest.mark.parametrize(
    ("network", "parameters", "weights_kib"),
    [
        ("mobilenet_v1", {"width": 0.25, "resolution": 96, "classes": 5}, 214.69),
        ("mobilenet_v1", {"width": 0.5, "classes": 5}, 812.61),
        ("mobilenet_v1", {"width": 0.5}, 1314.0),
        ("mobilenet_v2", {"width": 0.35, "classes": 5}, 406.86),
        ("mobilenet_v2", {"width": 0.35}, 1654.5),
        ("mobilenet_v2", {}, 3458.97),
    ],
)
def test_weights_of_x_cube_ai(network: str, parameters: dict[str, Any], weights_kib: float) -> None:
    """STM32 model zoo (repo STMicroelectronics/stm32ai-modelzoo@6f10965e), X-CUBE-AI 10.0.0 on the STM32H747: KiB."""
    assert round(flash_size(load(network, **parameters)).bytes / 1024, 2) == pytest.approx(weights_kib, abs=0.006)


@pytest.mark.parametrize(
    ("network", "int8", "int32", "scales"),
    [
        ("mlperf_tiny_ad_autoencoder", 264_192, 6688, 240),
        ("mlperf_tiny_kws_dscnn", 22_016, 2352, 13_848),
        ("mlperf_tiny_resnet8", 77_360, 1384, 8088),
        ("mlperf_tiny_streaming_wakeword", 46_040, 3372, 20_184),
        ("mlperf_tiny_vww_mbv1", 208_112, 10_952, 65_688),
    ],
)
def test_tensors_of_the_mlperf_tiny_files(network: str, int8: int, int32: int, scales: int) -> None:
    """Read from the int8 .tflite files of repo mlcommons/tiny@1afd2c98; without the two numbers of their reshapes."""
    flash = flash_size(load(network), storage="tflite")
    assert (flash.weight_bytes, flash.bias_bytes, flash.scale_bytes) == (int8, int32, scales)


def test_arrays_give_what_single_networks_give() -> None:
    widths = numpy.array([0.25, 0.5, 1.0])
    many = flash_size(load("mobilenet_v1", width=widths), storage="tflite")
    singles = [flash_size(load("mobilenet_v1", width=width), storage="tflite").bytes for width in widths.tolist()]
    assert many.bytes.tolist() == singles


def test_mistakes_are_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown storage 'tflit'; did you mean 'tflite'"):
        flash_size(CHAIN, storage="tflit")
    with pytest.raises(UnknownNameError, match=f"unknown storage 'onnx'; there are {', '.join(STORAGES)}"):
        flash_size(CHAIN, storage="onnx")
    with pytest.raises(UnknownNameError, match="unknown number format 'int7'"):
        flash_size(CHAIN, "int7")
    with pytest.raises(ParameterError, match="flash_size needs a Graph, got str; load a network first"):
        flash_size("mobilenet_v2")  # type: ignore[arg-type]
