"""The effect on devices: none where nothing is known, and what hand counts say where something is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import cost_table, load, predict
from costmodel.compression import CODINGS, DEVICE_COLUMNS, DeviceEffect, Use, compress
from costmodel.costs import CostTable
from costmodel.errors import ParameterError, PredictionError, SpecError, UnknownNameError
from costmodel.files import folder
from costmodel.hardware import devices, load_device, load_hardware, ridge_profile
from costmodel.hardware_listing import device_details

WITH_FEATURES = {
    "a100_sxm_80gb": "structured_2_4", "h100_sxm": "structured_2_4", "h200_sxm": "structured_2_4",
    "rtx_3090": "structured_2_4", "rtx_4090": "structured_2_4", "rtx_5090": "structured_2_4",
    "jetson_orin_nano_gpu": "structured_2_4", "max78000_cnn": "weight_bits", "ethos_u55_128": "weight_decoder",
    "ethos_u65_512": "weight_decoder",
}  # fmt: skip
WITHOUT_FEATURES = [name for name in devices() if name not in WITH_FEATURES]
LENET = cost_table(load("lenet_caffe"))
"""conv1 500, conv2 25,000, ip1 400,000, ip2 5,000 weights; 580 biases."""


@pytest.fixture(scope="module")
def resnet50() -> CostTable:
    return cost_table(load("resnet50"))


def effect(costs: CostTable, hardware: str, *given: Any, **settings: Any) -> DeviceEffect:
    device = compress(costs, *given, hardware=hardware, **settings).device
    assert device is not None
    return device


def use(device: DeviceEffect, what: str) -> Use:
    return next(each for each in device.uses if each.what == what)


def own_device(tmp_path: Path, tables: str) -> str:
    file = tmp_path / "board.toml"
    file.write_text((Path(folder("hardware")) / "stm32f746.toml").read_text() + tables)
    return str(file)


def test_which_devices_use_what_and_where_it_is_written() -> None:
    found = {name: load_device(name).compression for name in devices()}
    assert {name: features[0].name for name, features in found.items() if features} == WITH_FEATURES
    for features in found.values():
        for feature in features:
            assert len(feature.source) > 20
            assert feature.estimated == ("no document found" in feature.source)


@pytest.mark.parametrize("hardware", WITHOUT_FEATURES)
def test_a_device_that_says_nothing_uses_nothing(hardware: str) -> None:
    dtype = load_hardware(hardware).dtype
    for coding in ("dense", "codebook", "deep_compression", "bitmap", "structured_2_4"):
        sparsity = None if coding == "structured_2_4" else 0.7
        device = effect(LENET, hardware, 4, sparsity, coding, activation_bits=4)
        plain = predict(LENET, hardware)
        assert device.columns["bytes"] == plain.columns["bytes"] == device.columns["dense_bytes"]
        assert device.columns["latency_seconds"] == plain.columns["latency_seconds"]
        assert device.columns["executed_macs"] == LENET.columns["macs"]
        assert device.stored_weight_bytes == LENET.total("weight_params") * dtype.weight_bits // 8
        assert [each.what for each in device.uses if each.is_used] == ["storage"]
        assert {each.what for each in device.uses} >= {"weight bits", "activation bits"}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(WITHOUT_FEATURES), st.integers(1, 8), st.integers(0, 99),
    st.sampled_from([name for name in CODINGS if name != "structured_2_4"]),
)  # fmt: skip
def test_nothing_changes_there_whatever_is_asked(hardware: str, bits: int, percent: int, coding: str) -> None:
    compression = compress(LENET, bits, percent / 100, coding, hardware=hardware)
    assert compression.device is not None
    assert compression.device.bytes == predict(LENET, hardware).bytes
    assert compression.device.latency_seconds == predict(LENET, hardware).latency_seconds


def test_every_reason_on_such_a_device() -> None:
    device = effect(LENET, "stm32f746", 4, 0.5, "relative_index", activation_bits=4)
    assert [(each.what, each.is_used, each.reason) for each in device.uses] == [
        ("storage", True, "the stored size is that of the coding, whatever the device does with the weights"),
        ("weight bits", False, "stm32f746 reads weights in the 8 bits of int8; others are unpacked first"),
        ("zeros in traffic", False, "the hardware file of stm32f746 names nothing that skips zeros; zeros are put back "
         "before weights are read"),
        ("zeros in multiply-accumulates", False, "the hardware file of stm32f746 names nothing that skips zeros; every "
         "weight is multiplied"),
        ("activation bits", False, "stm32f746 keeps activations in the 8 bits of int8"),
    ]  # fmt: skip
    assert [each.what for each in effect(LENET, "stm32f746", 8).uses] == ["storage"]  # nothing else was asked


def test_an_idealised_device_uses_nothing() -> None:
    compression = compress(LENET, 4, hardware=ridge_profile(5))
    assert compression.device is not None
    assert compression.device.bytes == compression.device.dense_bytes


def test_narrow_weights_that_are_read_as_they_are() -> None:
    device = effect(LENET, "max78000_cnn", {"*": 8, "ip1": 3, "ip2": 1})
    rows = {name: row for row, name in enumerate(device.columns["layer"])}
    read = {name: device.columns["weight_bytes"][rows[name]] for name in ("conv1", "conv2", "ip1", "ip2")}
    assert read == {"conv1": 500, "conv2": 25_000, "ip1": 400_000 * 4 // 8, "ip2": 5_000 // 8}
    assert device.dense_bytes - device.bytes == 200_000 + 5_000 - 625
    assert device.stored_weight_bytes == sum(read.values())
    weight_bits = use(device, "weight bits")
    assert weight_bits.is_used
    assert weight_bits.reason == "max78000_cnn reads weights of 1, 2, 4, 8 bits; 3 are read as 4"
    assert "ai8x-synthesis" in weight_bits.source
    bandwidth = load_hardware("max78000_cnn").bytes_per_second
    ip1 = rows["ip1"]  # bound by memory: 800 + 500 activations beside the weights
    assert device.columns["latency_seconds"][ip1] == (200_000 + 800 + 500) / bandwidth
    assert device.columns["dense_latency_seconds"][ip1] == (400_000 + 800 + 500) / bandwidth


def test_weights_between_the_widths_are_unpacked() -> None:
    device = effect(LENET, "max78000_cnn", 6)
    assert device.bytes == device.dense_bytes
    assert use(device, "weight bits").reason == (
        "max78000_cnn reads weights in the 8 bits of int8; others are unpacked first"
    )


@pytest.mark.parametrize("coding", ["codebook", "deep_compression"])
def test_numbers_of_shared_values_are_no_narrow_weights(coding: str) -> None:
    """The MAX78000 multiplies weights of 4 bits; those of a codebook are no weights until they are looked up."""
    device = effect(LENET, "max78000_cnn", 4, coding=coding)
    assert device.columns["weight_bytes"] == device.columns["dense_weight_bytes"]
    assert device.stored_weight_bytes == 430_500
    weight_bits = use(device, "weight bits")
    assert not weight_bits.is_used
    assert weight_bits.reason == (
        f"bits of {coding} are numbers of shared values, and the hardware file of max78000_cnn names nothing that "
        "looks them up; weights are unpacked to the 8 of int8"
    )
    assert use(effect(LENET, "ethos_u55_128", 4, coding=coding), "weight bits").is_used


def test_two_of_four_on_sparse_tensor_cores(resnet50: CostTable) -> None:
    device = effect(resnet50, "a100_sxm_80gb", 16, coding="structured_2_4")
    rows = {name: row for row, name in enumerate(device.columns["layer"])}
    fc, conv1 = rows["linear"], 0  # the first layer is the stem
    assert device.columns["weight_bytes"][fc] == 2048 * 1000 // 2 * (16 + 2) // 8
    assert device.columns["executed_macs"][fc] == 2048 * 1000 / 2
    assert device.columns["executed_macs"][conv1] == device.columns["macs"][conv1]  # three input channels
    assert device.columns["weight_bytes"][conv1] == 7 * 7 * 3 * 64 * 2
    sizes = zip(*(device.columns[c] for c in ("executed_macs", "bytes", "latency_seconds")), strict=True)
    profile = load_hardware("a100_sxm_80gb")
    for macs, moved, seconds in sizes:
        assert seconds == max(macs / profile.macs_per_second, moved / profile.bytes_per_second)
    assert use(device, "zeros in multiply-accumulates").reason == (
        "a100_sxm_80gb multiplies weights of this pattern at 2 times its rate"
    )
    assert device.latency_seconds < device.dense_latency_seconds


@pytest.mark.parametrize(
    ("hardware", "coding", "reason"),
    [
        ("a100_sxm_80gb:idealised:float32", "structured_2_4",
         "a100_sxm_80gb skips zeros in float16, bfloat16, int8, not in float32; every weight is multiplied"),
        ("a100_sxm_80gb", "bitmap",
         "a100_sxm_80gb skips zeros in the pattern of coding structured_2_4 alone; every weight is multiplied"),
        ("v100", "structured_2_4",
         "the hardware file of v100 names nothing that skips zeros; every weight is multiplied"),
    ],
)  # fmt: skip
def test_zeros_that_a_gpu_cannot_skip(resnet50: CostTable, hardware: str, coding: str, reason: str) -> None:
    device = effect(resnet50, hardware, 16, 0.5, coding)
    assert device.latency_seconds == device.dense_latency_seconds
    assert use(device, "zeros in multiply-accumulates").reason == reason
    assert not use(device, "zeros in traffic").is_used


def test_a_decoder_reads_what_is_stored_and_multiplies_everything() -> None:
    compression = compress(LENET, 4, 0.9, "deep_compression", hardware="ethos_u65_512")
    device = compression.device
    assert device is not None
    assert device.columns["weight_bytes"] == compression.columns["weight_bytes"]
    assert device.columns["executed_macs"] == LENET.columns["macs"]
    assert device.stored_weight_bytes == compression.total("weight_bytes")
    traffic = use(device, "zeros in traffic")
    assert traffic.is_used
    assert traffic.is_estimated
    assert traffic.reason.endswith("that of deep_compression stands for it")
    assert not use(device, "zeros in multiply-accumulates").is_used


def test_a_decoder_never_reads_more_than_the_plain_weights() -> None:
    device = effect(LENET, "ethos_u55_128", 8, 0.1, "relative_index")  # 0.9 * 12 bits > 8 bits
    assert device.bytes == device.dense_bytes


def test_a_device_of_ones_own(tmp_path: Path) -> None:
    tables = """
[compression.zero_skipping]
source = "a data sheet of ones own"
[compression.activation_bits]
bits      = [4, 8]
source    = "a data sheet of ones own"
estimated = true
"""
    board = own_device(tmp_path, tables)
    device = effect(LENET, board, 8, {"ip1": 0.75}, activation_bits=3)
    rows = {name: row for row, name in enumerate(device.columns["layer"])}
    assert device.columns["executed_macs"][rows["ip1"]] == 400_000 * 0.25
    assert device.columns["executed_macs"][rows["conv2"]] == device.columns["macs"][rows["conv2"]]
    assert device.columns["bytes"][rows["ip1"]] == 400_000 + (800 + 500) // 2
    assert device.activation_bits == 4
    assert use(device, "zeros in multiply-accumulates").reason == "stm32f746 skips weights that are zero"
    narrow = use(device, "activation bits")
    assert (narrow.is_used, narrow.is_estimated) == (True, True)
    assert narrow.reason == "stm32f746 keeps activations of 4 bits; 3 are kept as 4"
    assert not use(device, "zeros in traffic").is_used
    dense, compressed = device.energies()
    assert compressed.total < dense.total


MISTAKES = [
    ("[compression.zero_skiping]\nsource = \"x\"", "unknown key 'zero_skiping'; did you mean 'zero_skipping'?"),
    ("[compression.zero_skipping]\n", "[compression.zero_skipping] has no 'source'; add source = ..."),
    ("[compression.weight_bits]\nbits = [4]\nsource = \"x\"\nwidth = 3",
     "unknown key 'width'; it has: source, estimated, note, bits"),
    ("[compression.weight_bits]\nbits = [0]\nsource = \"x\"", "bits[0] = 0 must be at least 1"),
    ("[compression.weight_bits]\nbits = []\nsource = \"x\"", "bits needs 1 entry, it has 0; add what is missing"),
    ("[compression.structured_2_4]\npeak_factor = 1.0\ndtypes = [\"int8\"]\nsource = \"x\"",
     "peak_factor = 1 must be above 1"),
    ("[compression.structured_2_4]\npeak_factor = 2.0\ndtypes = [\"float16\"]\nsource = \"x\"",
     "there is no [peak.float16]; peaks: int8, float32"),
    ("[compression.structured_2_4]\npeak_factor = 2.0\ndtypes = [[]]\nsource = \"x\"",
     "dtypes[0] must be a text; write it in quotes"),
    ("[compression]\nweight_bits = 4", "compression.weight_bits must be a table; write [compression.weight_bits]"),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "text"), MISTAKES)
def test_mistakes_in_the_tables_are_answered(tmp_path: Path, tables: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_hardware(own_device(tmp_path, "\n" + tables + "\n"))
    assert text in str(caught.value)


def test_the_features_show_in_the_details_of_a_device() -> None:
    found: dict[tuple[str, str], tuple[Any, str]] = {}
    for name in ("a100_sxm_80gb", "max78000_cnn", "ethos_u55_128"):
        rows = [row for row in device_details(name)["numbers"] if row["what"].startswith("compression.")]
        found |= {(name, row["what"]): (row["value"], row["unit"]) for row in rows}
    assert found == {
        ("a100_sxm_80gb", "compression.structured_2_4"): (2.0, "x rate, float16 bfloat16 int8"),
        ("max78000_cnn", "compression.weight_bits"): ("1 2 4 8", "bit"),
        ("ethos_u55_128", "compression.weight_decoder"): ("yes", ""),
    }


def test_what_is_refused(resnet50: CostTable) -> None:
    with pytest.raises(
        ParameterError, match=r"weight_bits = 16 of 'conv1' are more than the 8 of int8, in which stm32f7"
    ):
        compress(LENET, 16, hardware="stm32f746")
    with pytest.raises(ParameterError, match="activation_bits = 16 are more than the 8 of int8; give at most 8, or a"):
        compress(LENET, 8, hardware="stm32f746", activation_bits=16)
    with pytest.raises(ParameterError, match="activation_bits = 0 must be a whole number of bits"):
        compress(LENET, 8, hardware="stm32f746", activation_bits=0)
    with pytest.raises(UnknownNameError, match="unknown device 'stm32'"):
        compress(LENET, hardware="stm32")
    with pytest.raises(PredictionError, match="overlap = 'both' is not max or sum"):
        compress(LENET, hardware="stm32f746", overlap="both")  # type: ignore[arg-type]


def test_options_of_the_prediction_reach_it(resnet50: CostTable) -> None:
    device = effect(resnet50, "v100", 8, dtype="int8", fusion="none", overlap="sum")
    plain = predict(resnet50, "v100", "int8", "none", "sum")
    assert device.columns["latency_seconds"] == plain.columns["latency_seconds"]
    assert device.dense.fusion == "none"


def test_shared_weights_are_read_by_every_layer() -> None:
    costs = cost_table(load("retinanet_head"))
    device = effect(costs, "max78000_cnn", 4)
    assert sum(device.columns["weight_bytes"]) == costs.total("weight_elements") // 2
    assert device.stored_weight_bytes == costs.total("weight_params") // 2


def test_layers_that_run_conditionally_read_in_proportion() -> None:
    costs = cost_table(load("i3d_encoder"))  # layers run with a probability of 91/120
    assert costs.total("weight_elements") < costs.total("weight_params")
    device = effect(costs, "max78000_cnn", 4)
    assert sum(device.columns["weight_bytes"]) == pytest.approx(costs.total("weight_elements") / 2)
    assert device.stored_weight_bytes == costs.total("weight_params") // 2
    assert effect(costs, "stm32f746", 4).columns["bytes"] == predict(costs, "stm32f746").columns["bytes"]


def test_energy_follows_what_the_device_does(resnet50: CostTable) -> None:
    nothing = effect(LENET, "stm32f746", 4, 0.5, "relative_index").energies()
    assert nothing[0].total == nothing[1].total
    narrow = effect(LENET, "max78000_cnn", 4).energies()
    assert narrow[1].compute == narrow[0].compute
    assert narrow[0].memory is not None
    assert narrow[1].memory is not None
    assert narrow[1].memory < narrow[0].memory
    sparse = effect(resnet50, "a100_sxm_80gb", 16, coding="structured_2_4").energies("horowitz_45nm")
    assert sparse[1].work.total("macs") < 0.6 * sparse[0].work.total("macs")
    assert sparse[1].compute < sparse[0].compute


def test_energies_take_the_settings_of_energy_and_the_accumulator_of_the_device() -> None:
    device = effect(LENET, "gtx_1080_ti", 8, dtype="float16")
    dense, compressed = device.energies()
    assert dense.work.layers[0].accumulator == compressed.work.layers[0].accumulator == "float16"
    inside = device.energies(sram_bytes=10_000_000)[0]
    assert inside.serving is not None
    assert inside.serving.weights == "sram"
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        device.energies(foo=1)  # type: ignore[call-arg]
    for setting in ({"overlap": "foo"}, {"fusion": ""}, {"dtype": ""}):
        with pytest.raises(ParameterError, match="belongs to the effect on a device; give hardware"):
            compress(LENET, **setting)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown fusion ''"):
        compress(LENET, hardware="stm32f746", fusion="")
    with pytest.raises(UnknownNameError, match="unknown number format ''"):
        compress(LENET, hardware="stm32f746", dtype="")


def test_columns_are_described_and_the_effect_says_what_it_is() -> None:
    device = effect(LENET, "max78000_cnn", 4)
    assert list(device.columns) == list(DEVICE_COLUMNS)
    assert device.layers["bytes"].sum() == device.bytes
    assert repr(device).startswith("<DeviceEffect on max78000_cnn:idealised:int8: .uses, .bytes")
