"""Estimates by a table: E = operations x energy of each + bytes x energy per byte, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import cost_table, load
from costmodel.energies import ENERGY_COLUMNS, EnergyEstimate, LayerWork, NetworkWork, energy, work_of
from costmodel.energies.overview import as_object, as_text, merged, readable_columns
from costmodel.energies.spread import left_out_tables, ratios
from costmodel.energies.tables import FOLDER, load_table
from costmodel.errors import ParameterError, PredictionError, UnknownNameError
from costmodel.files import folder
from costmodel.fusion import FUSIONS, folded_layers
from costmodel.hardware import ridge_profile
from costmodel.records import replace

COSTS = cost_table(load("mobilenet_v2"))
PIXELS = 112 * 112


def row_of(found: EnergyEstimate, layer: str) -> dict[str, Any]:
    at = found.columns["layer"].index(layer)
    return {name: values[at] for name, values in found.columns.items()}


def test_a_pointwise_and_a_depthwise_convolution_by_hand() -> None:
    """MobileNetV2's second bottleneck in int8 on a chip with 1.45 MB of SRAM: 0.2 + 0.1 pJ a multiply-accumulate.

    Alive during the 1x1 are 16 + 96 maps of 112x112, 1,404,928 bytes: SRAM, 100 pJ for 8 bytes (1 MiB). Its weights are
    in DRAM, 1300 pJ for 8. Alive during the depthwise convolution are 96 + 24 maps' worth more: DRAM.
    """
    found = energy(COSTS, sram_bytes=1_450_000)
    pointwise = row_of(found, "inverted_residual_2.conv_1.conv2d")
    assert pointwise["compute_joules"] == pytest.approx(PIXELS * 16 * 96 * 0.3e-12)
    assert pointwise["memory_joules"] == pytest.approx(PIXELS * (16 + 96) * 12.5e-12 + 16 * 96 * 162.5e-12)
    assert pointwise["joules"] == pointwise["compute_joules"] + pointwise["memory_joules"]
    assert (pointwise["activation_level"], pointwise["weight_level"]) == ("sram", "dram")
    depthwise = row_of(found, "inverted_residual_2.depthwise.depthwise_conv2d")
    assert depthwise["compute_joules"] == pytest.approx(56 * 56 * 96 * 9 * 0.3e-12)
    moved = PIXELS * 96 + 56 * 56 * 96 + 9 * 96
    assert depthwise["memory_joules"] == pytest.approx(moved * 162.5e-12)
    assert depthwise["activation_level"] == "dram"
    norm = row_of(found, "inverted_residual_2.conv_1.batch_norm")
    assert norm["joules"] == norm["compute_joules"] == pytest.approx(PIXELS * 96 * 0.1e-12)
    relu6 = row_of(found, "inverted_residual_2.conv_1.activation")
    assert relu6["joules"] == pytest.approx(PIXELS * 96 * 2 * 0.1e-12)


def test_reads_and_writes_are_priced_apart() -> None:
    found = energy(COSTS, table="zigzag_tpu_like", sram_bytes=10_000_000)
    pointwise = row_of(found, "inverted_residual_2.conv_1.conv2d")
    read, written = PIXELS * 16 + 16 * 96, PIXELS * 96
    assert pointwise["memory_joules"] == pytest.approx((read * 416.16e-12 + written * 378.4e-12) / 256)
    assert pointwise["compute_joules"] == pytest.approx(PIXELS * 16 * 96 * 0.04e-12)


def test_totals_are_sums_over_the_layers() -> None:
    found = energy(COSTS, "pixel_6", dtype="float32")
    assert found.joules == pytest.approx(sum(found.columns["joules"]))
    assert found.memory_joules is not None
    assert found.joules == pytest.approx(found.compute_joules + found.memory_joules)
    assert found.work.dtype == "float32"
    assert set(found.columns) == set(ENERGY_COLUMNS)
    frame = found.layers
    assert list(frame.columns) == list(found.columns)
    assert frame.joules.sum() == pytest.approx(found.joules)
    for by in ("block", "op"):
        grouped = found.grouped(by)
        assert sum(grouped["joules"]) == pytest.approx(found.joules)
        assert sum(grouped["layers"]) == len(found.work.layers)
    assert found.grouped("layer") == found.columns


def test_a_relative_table_gives_multiples_and_no_joules() -> None:
    found = energy(COSTS, table="eyeriss_relative", dtype="int16", sram_bytes=10_000_000)
    assert (found.model, found.unit) == ("relative", "mac_energy")
    pointwise = row_of(found, "inverted_residual_2.conv_1.conv2d")
    assert pointwise["compute_mac_energies"] == PIXELS * 16 * 96
    moved = 2 * (PIXELS * (16 + 96) + 16 * 96)
    assert pointwise["memory_mac_energies"] == pytest.approx(moved / 2 * 6)
    assert found.total == pytest.approx(found.compute + (found.memory or 0))
    for name in ("joules", "compute_joules", "memory_joules"):
        with pytest.raises(
            PredictionError, match=r"eyeriss_relative gives no joules, only multiples of the energy of one "
        ):
            getattr(found, name)
    assert found.estimated == ("memory.sram", "operation.mac.int16")
    text = as_text(found, "op", {})
    assert "other tables" not in text
    assert "model           relative" in text


def test_what_a_table_has_no_energy_for_is_listed_and_not_counted() -> None:
    found = energy(cost_table(load("mobilenet_v3")))
    assert found.uncounted == {"divisions": found.work.total("divisions")}
    zigzag = energy(COSTS, table="zigzag_tpu_like")
    assert set(zigzag.uncounted) == {"adds", "comparisons", "divisions"}
    assert zigzag.uncounted["comparisons"] == COSTS.total("comparisons")
    assert zigzag.compute_joules == pytest.approx(COSTS.total("macs") * 0.04e-12)
    transformer = energy(cost_table(load("vit_base_patch16_224")))
    assert set(transformer.uncounted) == {"divisions", "exponentials"}


def test_a_table_without_memories_gives_compute_alone() -> None:
    found = energy(COSTS, table="aladdin_40nm", dtype="float32")
    assert found.memory_joules is None
    assert set(found.columns["memory_joules"]) == {None}
    assert found.joules == found.compute_joules
    assert found.uncounted["bytes"] == sum(layer.bytes for layer in found.work.layers)
    assert found.served_as == {}
    text = as_text(found, "block", {})
    assert "memory not in this table" in text
    assert found.grouped("op")["memory_joules"][0] is None


def test_estimated_entries_are_named_where_they_are_used() -> None:
    assert energy(COSTS, table="han_45nm", dtype="float32").estimated == ()
    assert energy(COSTS).estimated == ("memory.dram",)
    assert energy(COSTS, sram_bytes=20_000).estimated == ("memory.dram", "memory.sram_32kib")
    assert energy(COSTS, "pixel_6").estimated == ("memory.dram", "memory.sram_1mib")


def test_adder_filters_subtract_in_the_format_of_the_operands_and_add_in_the_accumulators() -> None:
    costs = cost_table(load("adder_resnet20_cifar"))
    found = energy(costs)
    at = next(row for row, op in enumerate(costs.columns["op"]) if op == "adder_conv2d")
    products = costs.columns["filter_adds"][at] // 2
    assert found.columns["compute_joules"][at] == pytest.approx(products * (0.03e-12 + 0.1e-12))
    assert found.columns["macs"][at] == 0


def test_shift_filters_shift_and_add() -> None:
    costs = cost_table(load("shift_resnet20_cifar"))
    found = energy(costs)
    at = next(row for row, op in enumerate(costs.columns["op"]) if op == "shift_conv2d")
    assert found.columns["compute_joules"][at] == pytest.approx(costs.columns["shifts"][at] * (0.024e-12 + 0.1e-12))


def test_a_table_that_cannot_price_the_work_says_what_can() -> None:
    with pytest.raises(PredictionError) as caught:
        energy(COSTS, table="aladdin_40nm")
    assert str(caught.value) == (
        "aladdin_40nm has no mac.int8, nor multiply.int8 and add.int32, for the macs of conv2d ('conv_1.conv2d'); "
        "it has them in float32; tables that have them: horowitz_45nm, jouppi_7nm, zigzag_edge_tpu_like, "
        "zigzag_eyeriss_like, zigzag_tpu_like"
    )
    with pytest.raises(PredictionError) as caught:
        energy(cost_table(load("shift_resnet20_cifar")), dtype="float32")
    assert str(caught.value) == (
        "horowitz_45nm has no shift.float32 for the shifts of shift_conv2d ('shift_filter_1.shift_conv2d'); "
        "it has them in int8"
    )
    with pytest.raises(PredictionError, match=r"zigzag_tpu_like has no add.int8 and add.int32 for the filter_adds of "
                       r"adder_conv2d \(.*\); tables that have them: horowitz_45nm"):  # fmt: skip
        energy(cost_table(load("adder_resnet20_cifar")), table="zigzag_tpu_like")
    with pytest.raises(PredictionError, match=r"no mac\.float8, nor multiply.float8 and add.float32, for the macs"):
        energy(COSTS, dtype="float8")


def test_the_spread_between_tables() -> None:
    """A multiply-accumulate of int8 costs 0.04 to 0.5 pJ, of float32 1.69 to 51.979 pJ."""
    found = energy(COSTS, "pixel_6", dtype="float32")
    spread = found.spread()
    assert spread["table"] == ["aladdin_40nm", "han_45nm", "horowitz_45nm", "jouppi_7nm"]
    assert spread["memory_joules"][0] is None
    at = spread["table"].index("horowitz_45nm")
    assert (spread["compute_joules"][at], spread["memory_joules"][at], spread["joules"][at]) == (
        found.compute_joules, found.memory_joules, found.joules,
    )  # fmt: skip
    known = ratios(spread, "horowitz_45nm")
    assert known["compute_joules"] is not None
    assert known["compute_joules"] == pytest.approx((51.979 / 1.69, 4), rel=0.01)
    moved = [value for value in spread["memory_joules"] if value]
    assert known["memory_joules"] == pytest.approx((max(moved) / min(moved), 3))
    assert spread["joules"][0] is None  # compute alone is no total
    totals = spread["joules"][1:]
    assert known["joules"] == pytest.approx((max(totals) / min(totals), 3))
    of_bytes = energy(COSTS).spread()
    assert of_bytes["table"] == [
        "horowitz_45nm", "jouppi_7nm", "zigzag_edge_tpu_like", "zigzag_eyeriss_like", "zigzag_tpu_like",
    ]  # fmt: skip
    assert of_bytes["uncounted"][-1] == "adds, comparisons, divisions"
    assert ratios(of_bytes, "horowitz_45nm")["compute_joules"] == pytest.approx((3.007, 2), abs=1e-3)
    zigzag = ratios(of_bytes, "zigzag_tpu_like")["compute_joules"]
    assert zigzag == pytest.approx((0.5 / 0.04, 3))  # of the tables that leave out additions too


def test_a_memory_named_in_one_table_is_no_other_tables() -> None:
    """dram_high is the high end of DDR in one, of HBM2 in the other, and not in the rest."""
    found = energy(COSTS, activation_level="dram_high", weight_level="dram_high")
    spread = found.spread()
    assert [value is None for value in spread["memory_joules"]] == [False, True, True, True, True]
    assert [value is None for value in spread["joules"]] == [False, True, True, True, True]
    assert ratios(spread, "horowitz_45nm")["memory_joules"] is None
    assert "compute 3.01x of 2  (--spread)" in as_text(found, "op", {})
    small = energy(cost_table(load("lenet5")), activation_level="sram_8kib", weight_level="dram").spread()
    assert [value is None for value in small["memory_joules"]] == [False, False, True, False, True]


def test_the_spread_says_why_tables_are_left_out() -> None:
    """Five tables multiply int8; for adder filters four of them lack an addition of int8."""
    found = energy(cost_table(load("adder_resnet20_cifar")))
    macs, filter_adds = "for the macs of conv2d", "for the filter_adds of adder_conv2d"
    zigzag = ("zigzag_edge_tpu_like", "zigzag_eyeriss_like", "zigzag_tpu_like")
    assert left_out_tables(found) == {
        "aladdin_40nm": f"no multiply.int8 {macs}", "eyeriss_relative": "no joules",
        "han_45nm": f"no multiply.int8 {macs}", "jouppi_7nm": f"no add.int8 {filter_adds}",
        **dict.fromkeys(zigzag, f"no add.int8 and add.int32 {filter_adds}"),
    }  # fmt: skip
    assert as_object(found)["spread_without"] == left_out_tables(found)
    reasons = (
        f"no multiply.int8 {macs} in aladdin_40nm, han_45nm; no joules in eyeriss_relative; no add.int8 {filter_adds} "
        f"in jouppi_7nm; no add.int8 and add.int32 {filter_adds} in {', '.join(zigzag)}"
    )
    text = " ".join(as_text(found, "op", {}, with_spread=True).split())
    assert f"other tables none to compare with: {reasons}" in text
    assert text.endswith(f"left out {reasons}")
    shift = left_out_tables(energy(cost_table(load("shift_resnet20_cifar"))))
    assert shift["jouppi_7nm"] == "no shift.int8 for the shifts of shift_conv2d"
    alone = energy(COSTS, table="aladdin_40nm", dtype="float32")
    assert set(left_out_tables(alone)) == {"eyeriss_relative", *zigzag}


def test_a_table_of_ones_own_does_not_replace_the_bundled_one(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = (Path(folder(FOLDER)) / "horowitz_45nm.toml").read_text()
    own.write_text(text.replace("energy = 0.2e-12", "energy = 2e-12"))
    found = energy(COSTS, table=own)
    spread = found.spread()
    assert spread["table"][0] == "horowitz_45nm"
    assert spread["table"][-1] == "horowitz_45nm (own)"
    assert spread["compute_joules"][-1] == found.compute_joules > 2 * spread["compute_joules"][0]
    own.write_text(text)
    assert energy(COSTS, table=own).spread()["table"].count("horowitz_45nm") == 1


def test_a_relative_table_has_no_spread_of_joules() -> None:
    with pytest.raises(PredictionError, match="eyeriss_relative is in energies of one multiply-accumulate: the spread"):
        energy(COSTS, table="eyeriss_relative", dtype="int16").spread()


def test_an_energy_by_a_table_is_not_that_of_the_device() -> None:
    """8.4 microjoules; measured on this board, by seven runtimes: 7.5 to 24.3 mJ."""
    found = energy(cost_table(load("mlperf_tiny_vww_mbv1")), "nucleo_l4r5zi")
    assert found.joules == pytest.approx(8.434e-6, rel=1e-3)
    assert found.meaning == (
        "arithmetic and traffic by the table (45 nm, 0.9 V), not the energy of nucleo_l4r5zi: a processor's "
        "instructions take many times more"
    )
    assert found.runtimes_with_power[0] == "nucleo_l4r5zi:tflm:int8"
    text = " ".join(as_text(found, "op", {}).split())
    assert "this device --hardware nucleo_l4r5zi:tflm --model power_time; also microtvm_cmsis_nn," in text
    shown = as_object(found)
    assert (shown["meaning"], shown["runtimes_with_power"]) == (found.meaning, list(found.runtimes_with_power))
    assert "not the energy of a device" in energy(COSTS).meaning
    assert energy(COSTS).runtimes_with_power == ()


def test_products_are_added_up_in_the_accumulator_of_the_device() -> None:
    """float16: 1.1 + 0.4 pJ on a GTX 1080 Ti, 1.1 + 0.9 pJ where the sums are of 32 bits."""
    per_mac = {}
    for device in ("gtx_1080_ti", "t4"):
        found = energy(COSTS, device, dtype="float16")
        row = row_of(found, "inverted_residual_2.conv_1.conv2d")
        per_mac[device] = row["compute_joules"] / row["macs"] * 1e12
        assert as_object(found)["accumulator"] == found.work.layers[0].accumulator
    assert per_mac == {"gtx_1080_ti": pytest.approx(1.5), "t4": pytest.approx(2.0)}
    assert "number format   float16, sums in float16," in as_text(
        energy(COSTS, "gtx_1080_ti", dtype="float16"), "op", {}
    )
    wide = energy(COSTS, "pixel_1", dtype="int8")
    assert {layer.accumulator for layer in wide.work.layers} == {"int16"}
    assert wide.compute_joules < energy(COSTS, dtype="int8").compute_joules


def test_words_that_are_none_are_refused() -> None:
    dtypes: tuple[Any, ...] = ("", [], {})
    for dtype in dtypes:
        with pytest.raises(UnknownNameError, match="unknown number format"):
            energy(COSTS, dtype=dtype)
        with pytest.raises(UnknownNameError, match="unknown number format"):
            energy(COSTS, "pixel_6", dtype=dtype)
    with pytest.raises(UnknownNameError, match="unknown fusion ''"):
        energy(COSTS, fusion="")
    levels: tuple[Any, ...] = ([], {}, 5)
    for level in levels:
        with pytest.raises(UnknownNameError, match=r"unknown memory level .*; there are dram, sram_8kib"):
            energy(COSTS, activation_level=level)


def test_the_spread_is_of_the_same_bytes_and_has_the_users_table_too() -> None:
    table = load_table("horowitz_45nm")
    own = replace(table, name="own")
    found = energy(COSTS, table=own, sram_bytes=300_000)
    spread = found.spread()
    assert spread["table"][-1] == "own"
    assert spread["joules"][-1] == spread["joules"][spread["table"].index("horowitz_45nm")] == found.joules


def test_what_a_compression_changes() -> None:
    """A work with half of its multiplications skipped and its weights in four bits, by replacing its records."""
    work = work_of(COSTS)
    thin = replace(
        work,
        layers=tuple(replace(layer, macs=layer.macs / 2, weight_bytes=layer.weight_bytes / 2) for layer in work.layers),
        stored_weight_bytes=work.stored_weight_bytes / 2,
    )
    plain, less = energy(work), energy(thin)
    macs, weights = work.total("macs"), work.total("weight_bytes")
    assert plain.compute_joules - less.compute_joules == pytest.approx(macs / 2 * 0.3e-12)
    assert plain.memory_joules is not None
    assert less.memory_joules is not None
    assert plain.memory_joules - less.memory_joules == pytest.approx(weights / 2 * 162.5e-12)
    fits = 1_505_280 + 3_469_760 // 2
    assert energy(thin, sram_bytes=fits).serving.weights == "sram"  # type: ignore[union-attr]
    assert energy(work, sram_bytes=fits).serving.weights == "dram"  # type: ignore[union-attr]


@given(batch=st.integers(1, 64))
def test_energy_grows_with_the_batch_and_the_weights_are_read_once(batch: int) -> None:
    costs = cost_table(load("mlperf_tiny_vww_mbv1"), batch)
    found, one = energy(costs), energy(cost_table(load("mlperf_tiny_vww_mbv1")))
    weights = one.work.total("weight_bytes") * 162.5e-12
    assert found.compute_joules == pytest.approx(batch * one.compute_joules)
    assert one.memory_joules is not None
    assert found.memory_joules == pytest.approx(batch * (one.memory_joules - weights) + weights)


def test_a_network_without_work() -> None:
    work = NetworkWork("nothing", "int8", 1, "folded", (), 0)
    found = energy(work)
    assert (found.joules, found.memory_joules) == (0, 0)
    idle = NetworkWork("idle", "int8", 1, "folded", (LayerWork("a", "flatten", "a", "int8", "int32"),), 0)
    assert energy(idle).joules == 0


@pytest.mark.parametrize(
    ("costs", "text"),
    [
        ("mobilenet_v2", "energy needs a CostTable, got str; call cost_table(load('mobilenet_v2')) first"),
        (load("lenet5"), "energy needs a CostTable, got Graph; call cost_table(graph) first"),
    ],
)
def test_what_has_no_costs(costs: object, text: str) -> None:
    for model in (None, "power_time"):
        with pytest.raises(ParameterError) as caught:
            energy(costs, "nucleo_l4r5zi:tflm", model=model)  # type: ignore[arg-type]
        assert str(caught.value) == text


def test_arguments_of_another_model_are_refused() -> None:
    with pytest.raises(
        ParameterError,
        match=r'latency_seconds \(--latency\) belongs to model = "power_time" \(--model power_time\), not',
    ):
        energy(COSTS, latency_seconds=1.0)
    with pytest.raises(ParameterError, match=r"model = 'power' is no model of energy; did you mean 'power_time'\?"):
        energy(COSTS, model="power")  # type: ignore[arg-type]
    with pytest.raises(
        ParameterError, match=r'the relative model needs a relative table: table = "eyeriss_relative" \(--table'
    ):
        energy(COSTS, model="relative")
    with pytest.raises(
        ParameterError, match=r"model = 'relative' needs another table \(--table\): han_45nm is for per_operation"
    ):
        energy(COSTS, table="han_45nm", model="relative")
    with pytest.raises(
        ParameterError, match=r"the work is of int8 with fusion folded; dtype and fusion belong to work_of"
    ):
        energy(work_of(COSTS), dtype="float32")
    with pytest.raises(ParameterError, match=r"work_of needs a CostTable, got Graph"):
        work_of(load("lenet5"))  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown device 'pixel_7'"):
        energy(COSTS, "pixel_7")
    with pytest.raises(ParameterError, match=r"by = 'layers' is no grouping; did you mean 'layer'\?"):
        energy(COSTS).grouped("layers")
    assert energy(COSTS, ridge_profile(5)).joules == energy(COSTS).joules
    assert energy(COSTS, model="per_operation").joules == energy(COSTS).joules


def test_the_object_and_the_text_say_how_it_was_counted() -> None:
    found = energy(COSTS, "pixel_6")
    shown = as_object(found, "op")
    assert shown["totals"]["joules"] == found.joules
    assert (shown["table"]["name"], shown["served_as"]) == ("horowitz_45nm", {"l3": "sram_1mib", "dram": "dram"})
    assert shown["spread"][0]["table"] == "horowitz_45nm"
    assert sum(layer["joules"] for layer in shown["layers"]) == pytest.approx(found.joules)
    text = as_text(found, "op", {})
    for line in (
        "table           horowitz_45nm  (Horowitz, 45 nm; 45 nm, 0.9 V)",
        "number format   int8, sums in int32, batch 1, fusion folded",
        "energies of     l3: sram_1mib (of 1,048,576 bytes, smaller than it), dram: dram (the low end of 1300",
        "not counted     divisions 1,280: the table has no energy for them; registers, wires, bytes of biases",
        "estimated       memory.dram, memory.sram_1mib",
        "other tables    greatest over least of the tables that leave out the same: compute 3.01x of 2, memory",
    ):
        assert line in text
    assert repr(found) == (
        "<EnergyEstimate of mobilenet_v2 by horowitz_45nm, arithmetic and traffic, not a device's energy: "
        ".joules, .layers, .spread()>"
    )


def test_rows_of_folded_layers_are_added_to_their_host() -> None:
    found = energy(COSTS)
    folded = folded_layers(COSTS.graph, FUSIONS["folded"])
    rows = readable_columns(found, "layer", folded)
    assert len(rows["layer"]) == len(COSTS.graph.layers) - len(folded)
    assert "conv_1.batch_norm" not in rows["layer"]
    assert sum(rows["MACs"]) == COSTS.total("macs")
    merged_rows = merged(found.columns, folded)
    for column in ("compute_joules", "memory_joules", "joules"):
        assert sum(merged_rows[column]) == pytest.approx(sum(found.columns[column]))
