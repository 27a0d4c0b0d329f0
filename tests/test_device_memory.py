"""SRAM and flash of devices."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel.device_memory import DeviceMemory, device_memory, level_of
from costmodel.errors import ParameterError, PredictionError, UnknownNameError
from costmodel.hardware import load_device, load_hardware


def test_capacities_are_those_of_the_hardware_file() -> None:
    wanted = DeviceMemory("stm32f746", 320 * 1024, 1024 * 1024)
    for hardware in ("stm32f746", "stm32f746:idealised:int8", load_hardware("stm32f746"), load_device("stm32f746")):
        assert device_memory(hardware) == wanted
    assert device_memory("max78000_cnn") == DeviceMemory("max78000_cnn", 512 * 1024, 432 * 1024)  # weights in SRAM


def test_a_size_may_be_given_instead() -> None:
    assert device_memory(None, 1000) == DeviceMemory("", 1000, None)
    assert device_memory(None) is None


def test_a_device_without_sram_is_refused_with_those_that_have() -> None:
    with pytest.raises(PredictionError, match=r"rtx_3090 has no SRAM of known size: .* those that have: .*stm32f746"):
        device_memory("rtx_3090")
    with pytest.raises(PredictionError, match=r"ethos_u55_128 has no SRAM of known size"):  # a level, no capacity
        device_memory("ethos_u55_128")
    with pytest.raises(UnknownNameError, match="unknown device 'stm32f747'; did you mean"):
        device_memory("stm32f747")


def test_an_sram_that_holds_weights_alone_is_none_for_activations() -> None:
    assert load_device("edge_tpu_usb").levels["sram"].holds == ("weights",)
    assert level_of(load_device("edge_tpu_usb"), "SRAM") is None
    with pytest.raises(PredictionError) as caught:
        device_memory("edge_tpu_usb")
    text = str(caught.value)
    assert text.startswith(
        "edge_tpu_usb has no SRAM for activations: [memory.sram] of its file holds weights alone; those that have: "
    )
    assert "max78000_cnn" in text.partition("those that have")[2]  # its SRAM is marked as for activations alone
    assert "edge_tpu_usb" not in text.partition("those that have")[2]


@pytest.mark.parametrize("value", [0, -1, True, 2.5, "320"])
def test_a_size_is_a_whole_number(value: Any) -> None:
    with pytest.raises(ParameterError, match=r"sram_bytes = .* must be a whole number, at least 1"):
        device_memory(None, value)


def test_one_of_the_two_is_given() -> None:
    with pytest.raises(ParameterError, match="hardware and sram_bytes both give the size of the SRAM; give one of"):
        device_memory("stm32f746", 1000)


def test_parts_and_multiples_in_words() -> None:
    device = DeviceMemory("board", 1000, 2000)
    assert device.compared(1000) == "100 % of the SRAM of board"
    assert device.compared(1001) == "100.1 % of the SRAM of board"
    assert device.compared(1100) == "1.1 times the SRAM of board"
    assert device.compared(500, "flash") == "25 % of the flash of board"
    assert DeviceMemory("", 1000, None).compared(4600) == "4.6 times the SRAM"
