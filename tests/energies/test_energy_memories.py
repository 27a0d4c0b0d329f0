"""Which memory serves what: the smallest that holds it, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import cost_table, load
from costmodel.energies import energy, work_of
from costmodel.energies.hierarchy import hierarchy_of
from costmodel.energies.overview import as_object, as_text
from costmodel.errors import ParameterError, PredictionError, SpecError, UnknownNameError
from costmodel.files import folder
from costmodel.hardware import devices, load_device

COSTS = cost_table(load("mobilenet_v2"))
WORK = work_of(COSTS)
LARGEST = max(layer.held_bytes for layer in WORK.layers)
STORED = WORK.stored_weight_bytes


def levels_at(sram_bytes: int) -> tuple[set[str], str]:
    found = energy(COSTS, sram_bytes=sram_bytes)
    levels = set(found.columns["activation_level"]) - {""}
    weights = set(found.columns["weight_level"]) - {""}
    assert len(weights) == 1
    return levels, weights.pop()


def test_the_peak_of_the_network_is_what_decides() -> None:
    assert LARGEST == 1_505_280
    assert STORED == 3_469_760


def test_everything_on_the_chip_or_not_by_a_byte() -> None:
    assert levels_at(LARGEST) == ({"sram"}, "dram")
    assert levels_at(LARGEST - 1) == ({"sram", "dram"}, "dram")
    assert levels_at(LARGEST + STORED) == ({"sram"}, "sram")
    assert levels_at(LARGEST + STORED - 1) == ({"sram"}, "dram")
    assert levels_at(1) == ({"dram"}, "dram")


def test_a_layer_is_served_by_what_holds_all_that_is_alive_while_it_runs() -> None:
    found = energy(COSTS, sram_bytes=300_000)
    for layer, level in zip(WORK.layers, found.columns["activation_level"], strict=True):
        if layer.input_bytes or layer.output_bytes:
            assert level == ("sram" if layer.held_bytes <= 300_000 else "dram")
        else:
            assert level == ""


@given(small=st.integers(1, 10_000_000), more=st.integers(0, 10_000_000))
def test_a_larger_memory_never_costs_more(small: int, more: int) -> None:
    """With one energy for SRAM of any size; larger SRAM has a higher energy a byte in other tables."""
    by = {"table": "han_45nm", "dtype": "float32"}
    least, greatest = (energy(COSTS, sram_bytes=size, **by).memory_joules for size in (small + more, small))  # type: ignore[arg-type]
    assert least is not None
    assert greatest is not None
    assert least <= greatest * (1 + 1e-12)


def test_weights_need_room_beside_the_peak_where_the_activations_may_lie() -> None:
    costs = cost_table(load("mlperf_tiny_ad_autoencoder"))
    stored = work_of(costs).stored_weight_bytes
    assert stored == 2 * 640 * 128 + 6 * 128 * 128 + 2 * 128 * 8
    beside, alone = (energy(costs, sram_bytes=stored, activation_level=level) for level in (None, "dram"))
    assert (beside.serving.weights, alone.serving.weights) == ("dram", "sram")  # type: ignore[union-attr]
    named = energy(costs, sram_bytes=stored, activation_level="sram")
    assert named.serving.weights == "dram"  # type: ignore[union-attr]


def test_the_memories_of_a_device_with_caches() -> None:
    hierarchy = hierarchy_of(load_device("pixel_6"))
    assert [(level.name, level.capacity_bytes) for level in hierarchy.levels] == [("l3", 4194304), ("dram", None)]
    found = energy(COSTS, "pixel_6")
    assert found.served_as == {"l3": "sram_1mib", "dram": "dram"}
    assert hierarchy.meaning == "pixel_6: l3 4,194,304 bytes; the rest from DRAM"


def test_smaller_memories_come_first() -> None:
    names = [level.name for level in hierarchy_of(load_device("epyc_zen4")).levels]
    assert names == ["l2", "l3", "dram"]
    names = [level.name for level in hierarchy_of(load_device("stm32h743")).levels]
    assert names == ["dtcm", "sram", "flash"]
    accelerator = hierarchy_of(load_device("max78000_cnn"))
    assert [(level.name, level.holds) for level in accelerator.levels][:2] == [
        ("weight_sram", ("weights",)), ("sram", ("activations",)),
    ]  # fmt: skip
    assert len(accelerator.levels) == 2  # nothing outside the chip


def test_a_microcontroller_keeps_its_weights_in_flash_which_no_table_prices() -> None:
    costs = cost_table(load("mlperf_tiny_vww_mbv1"))
    found = energy(costs, "stm32f746")
    assert set(found.columns["weight_level"]) == {"flash", ""}
    assert found.uncounted["weight_bytes from flash"] == work_of(costs).total("weight_bytes")
    assert found.hierarchy is not None
    assert found.hierarchy.meaning == "stm32f746: sram 327,680 bytes; weights in flash"
    counted = energy(costs, "stm32f746", weight_level="sram")
    assert "weight_bytes from flash" not in counted.uncounted
    assert counted.memory_joules is not None
    assert found.memory_joules is not None
    weights = work_of(costs).total("weight_bytes") * 12.5e-12
    assert counted.memory_joules - found.memory_joules == pytest.approx(weights)


def test_activations_that_fit_nowhere_are_an_error_that_names_the_layer() -> None:
    with pytest.raises(PredictionError) as caught:
        energy(COSTS, "stm32f746")
    assert str(caught.value) == (
        "551,936 bytes of activations are alive during 'conv_1.conv2d', and sram holds 327,680; "
        'name a memory outside with activation_level = "dram" (--activation-level dram)'
    )
    assert 551_936 == 3 * 224 * 224 + 32 * 112 * 112
    outside = energy(COSTS, "stm32f746", activation_level="dram")
    assert set(outside.columns["activation_level"]) == {"dram", ""}


def test_a_device_that_names_no_memory_of_known_size() -> None:
    found = energy(COSTS, "h100_sxm")
    assert found.hierarchy is not None
    assert found.hierarchy.meaning == ("h100_sxm names no memory on the chip with a capacity: the rest from DRAM")
    assert set(found.columns["activation_level"]) == {"dram", ""}
    with pytest.raises(PredictionError, match="ethos_u55_128 names no memory on the chip with a capacity: weights in "
                       "flash: nothing holds the activations; name a memory outside"):  # fmt: skip
        energy(COSTS, "ethos_u55_128")
    assert energy(COSTS, "ethos_u55_128", sram_bytes=2_000_000).joules > 0


@pytest.mark.parametrize("name", devices())
def test_every_device_has_a_hierarchy_that_serves_a_small_network(name: str) -> None:
    costs = cost_table(load("mlperf_tiny_ad_autoencoder"))
    on_host = {"activation_level": "dram"}
    outside = {"edge_tpu_usb": on_host, "edge_tpu_dev_board": on_host, "ethos_u55_128": {"sram_bytes": 10_000}}
    assert energy(costs, name, dtype="int8", **outside.get(name, {})).joules > 0  # type: ignore[arg-type]


def test_no_memory_is_invented_outside_the_chip() -> None:
    """MobileNetV2 has 3.5 MB of weights; the MAX78000 holds 442,368 bytes of them and has no DRAM."""
    small = cost_table(load("mobilenet_v2", width=0.35, resolution=96))
    with pytest.raises(PredictionError) as caught:
        energy(small, "max78000_cnn")
    assert str(caught.value) == (
        f"{work_of(small).stored_weight_bytes:,} bytes of weights must be read, and weight_sram holds 442,368; name a "
        'memory outside with weight_level = "dram" (--weight-level dram)'
    )
    assert energy(small, "max78000_cnn", weight_level="dram").served_as["dram"] == "dram"
    with pytest.raises(PredictionError) as caught:
        energy(small, "edge_tpu_usb")
    assert str(caught.value) == (
        "edge_tpu_usb: sram 8,388,608 bytes; its file names no memory outside the chip: nothing holds the activations; "
        'name a memory outside with activation_level = "dram" (--activation-level dram), or give sram_bytes (--sram)'
    )
    assert energy(small, "edge_tpu_usb", activation_level="dram").serving.weights == "sram"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ('["weigths"]', "holds[0] = 'weigths' is not known; did you mean 'weights'?"),
        ("[]", "holds needs 1 entry, it has 0; add what is missing"),
        ('"weights"', "holds must be a list; write holds = [...]"),
    ],
)
def test_what_a_memory_holds_is_checked(tmp_path: Path, held: str, expected: str) -> None:
    text = (Path(folder("hardware")) / "edge_tpu_usb.toml").read_text()
    file = tmp_path / "board.toml"
    file.write_text(text.replace('["weights"]', held))
    with pytest.raises(SpecError, match=r"board\.toml:\d+:\d+: " + re.escape(expected)):
        load_device(str(file))


def test_a_level_that_is_named_must_hold_what_it_serves() -> None:
    with pytest.raises(PredictionError) as caught:
        energy(COSTS, sram_bytes=1, activation_level="sram")
    assert (
        str(caught.value) == "1,505,280 bytes of activations do not fit into sram, which holds 1; name a larger memory"
    )
    with pytest.raises(
        PredictionError, match="3,469,760 bytes of weights do not fit into sram_1mib, which holds 1,048,"
    ):
        energy(COSTS, weight_level="sram_1mib")
    both = {"activation_level": "sram", "weight_level": "sram"}
    assert energy(COSTS, sram_bytes=LARGEST + STORED, **both).served_as == {"sram": "sram_1mib"}  # type: ignore[arg-type]
    with pytest.raises(PredictionError, match="3,469,760 bytes of weights beside 1,505,280 of activations do not fit"):
        energy(COSTS, sram_bytes=LARGEST + STORED - 1, **both)  # type: ignore[arg-type]
    with pytest.raises(
        PredictionError, match="1,505,280,000 bytes of activations do not fit into sram, which holds 2,"
    ):
        energy(cost_table(load("mobilenet_v2"), batch=1000), sram_bytes=2_000_000, activation_level="sram")
    with pytest.raises(ParameterError) as refused:
        energy(COSTS, "max78000_cnn", activation_level="weight_sram")
    assert str(refused.value) == (
        "weight_sram is for weights, not for activations; for these there are sram, sram_8kib, sram_32kib, sram_1mib, "
        "dram, dram_high"
    )


def test_one_level_has_one_energy() -> None:
    """Activations and weights of LeNet-5 in one SRAM of 100,000 bytes."""
    costs = cost_table(load("lenet5"))
    found = energy(costs, sram_bytes=100_000)
    assert found.served_as == {"sram": "sram_1mib"}
    moved = sum(layer.bytes for layer in found.work.layers)
    assert found.memory_joules == pytest.approx(moved * 12.5e-12)
    assert "weights stay there from one inference to the next" in as_text(found, "op", {})


def test_without_folding_more_is_alive() -> None:
    """ReLU6 on its own has its input and its output alive: 2 x 96 maps of 112x112 in MobileNetV2."""
    unfolded = work_of(COSTS, fusion="none")
    assert (WORK.held_definition, unfolded.held_definition) == ("fused", "live")
    assert max(layer.held_bytes for layer in unfolded.layers) == 2 * 96 * 112 * 112 > LARGEST
    found = energy(unfolded, sram_bytes=LARGEST)
    assert set(found.columns["activation_level"]) == {"sram", "dram"}
    assert "(what is alive: definition live)" in as_text(found, "op", {})


def test_a_table_without_memories_needs_no_room() -> None:
    found = energy(COSTS, "stm32f746", "aladdin_40nm", "float32")
    assert (found.memory_joules, found.serving.weights) == (None, "")  # type: ignore[union-attr]
    assert found.joules == energy(COSTS, table="aladdin_40nm", dtype="float32").joules
    assert "activations from none" in as_text(found, "op", {})
    assert [value is None for value in found.spread()["memory_joules"]] == [True] * 4


def test_a_memory_can_be_named() -> None:
    plain, high = energy(COSTS), energy(COSTS, activation_level="dram_high", weight_level="dram_high")
    assert plain.memory_joules is not None
    assert high.memory_joules == pytest.approx(2 * plain.memory_joules)
    one = energy(cost_table(load("lenet5")), activation_level="sram_8kib", weight_level="dram")
    assert one.served_as == {"sram_8kib": "sram_8kib", "dram": "dram"}
    with pytest.raises(UnknownNameError, match="unknown memory level 'l2'; there are dram, sram_8kib"):
        energy(COSTS, activation_level="l2")
    with pytest.raises(UnknownNameError, match=r"unknown memory level 'sram_9kib'; did you mean 'sram_8kib'\?"):
        energy(COSTS, activation_level="sram_9kib")
    with pytest.raises(UnknownNameError, match="unknown memory level 'tape'; there are dram, sram_8kib"):
        energy(COSTS, weight_level="tape")


def test_a_memory_that_the_device_does_not_have_is_a_what_if() -> None:
    costs = cost_table(load("mlperf_tiny_vww_mbv1"))
    plain = energy(costs, "stm32f746")
    assert plain.memories == "stm32f746: sram 327,680 bytes; weights in flash"
    found = energy(costs, "stm32f746", activation_level="dram")
    assert found.memories == f"{plain.memories}; its file names no dram: what if it had that of the table"
    assert as_object(found)["memory"] == found.memories
    assert found.memories in " ".join(as_text(found, "op", {}).split())
    both = energy(costs, "stm32f746", activation_level="dram", weight_level="dram_high")
    assert both.memories.endswith("its file names no dram and dram_high: what if it had that of the table")
    assert energy(costs, "stm32f746", activation_level="sram").memories == plain.memories
    assert energy(costs, "pixel_6", activation_level="dram").memories == energy(costs, "pixel_6").memories
    without = energy(cost_table(load("lenet5")), activation_level="sram_1mib")
    assert without.memories == "no memory on the chip is given: the rest from DRAM; sram_1mib of the table"
    assert energy(COSTS, activation_level="dram").memories == "no memory on the chip is given: everything from DRAM"


def test_the_levels_that_exist_are_those_that_are_listed() -> None:
    """No table has an l3; pixel_6 has one, and it stands in the hint."""
    with pytest.raises(UnknownNameError, match="unknown memory level 'l3'; there are dram, sram_8kib, sram_32kib"):
        energy(COSTS, activation_level="l3")
    with pytest.raises(UnknownNameError, match="unknown memory level 'nosuch'; there are l3, dram, sram_8kib"):
        energy(COSTS, "pixel_6", activation_level="nosuch")
    assert set(energy(COSTS, "pixel_6", activation_level="l3").columns["activation_level"]) == {"l3", ""}


@pytest.mark.parametrize("size", [0, -1, 1.5, "64", True, 2**51])
def test_a_size_that_is_none(size: object) -> None:
    with pytest.raises(ParameterError, match=r"sram_bytes = .* must be a whole number above 0"):
        energy(COSTS, sram_bytes=size)  # type: ignore[arg-type]
