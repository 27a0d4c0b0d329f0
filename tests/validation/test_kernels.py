"""Measured single operators as rows of a workload, and the profiles that such rows find."""

from __future__ import annotations

import pandas as pd
import pytest

from costmodel.costs import cost_table
from costmodel.fusion import FUSIONS
from costmodel.hardware import load_device, load_hardware
from costmodel.latency import workload_times
from costmodel.measured import bundled_measured
from costmodel.records import replace
from costmodel.specs.catalogue import load
from costmodel.validation import validate
from costmodel.validation.profiles import datasheet, match
from costmodel.validation.subjects import kernels
from costmodel.workloads import workload_of


def measured(**conditions: object) -> pd.DataFrame:
    """Rows of DeepBench with these values."""
    frame = bundled_measured()["deepbench_kernels"].frame
    for name, value in conditions.items():
        frame = frame[frame[name] == value]
    return frame


def sizes(frame: pd.DataFrame) -> dict[str, float]:
    return {name: float(values[0]) for name, values in kernels(frame.iloc[:1]).sizes.items()}


def test_samples_are_rows_of_a_product_whose_first_operand_is_the_weight() -> None:
    found = sizes(measured(gemm_m=1760, gemm_n=16, layout="nn"))
    assert [found[name] for name in ("m", "n", "k", "products")] == [16, 1760, 1760, 1]
    assert found["macs"] == 16 * 1760 * 1760
    assert (found["weight_elements"], found["input_elements"]) == (1760 * 1760, 16 * 1760)


@pytest.mark.parametrize(("layout", "weight", "other"), [("nn", 0, 0), ("nt", 0, 1), ("tn", 1, 0)])
def test_the_layout_says_which_operand_is_transposed(layout: str, weight: int, other: int) -> None:
    found = sizes(measured(layout=layout))
    assert (found["transposed_weight"], found["transposed_input"]) == (weight, other)


def test_operands_stay_where_the_second_one_is_the_weight() -> None:
    row = measured(gemm_m=1760, gemm_n=16, layout="tn").iloc[:1].assign(weight_elements=16.0 * 1760)
    found = sizes(row)
    assert (found["m"], found["n"]) == (1760, 16)
    assert (found["transposed_weight"], found["transposed_input"]) == (0, 1)


def test_sizes_of_a_convolution_are_those_of_one_sample() -> None:
    row = measured(op_kind="conv", batch=16).iloc[:1]
    found, whole = sizes(row), row.iloc[0]
    assert found["macs"] * 16 == whole["macs"]
    assert found["input_elements"] * 16 == whole["in_elements"]
    assert found["weight_elements"] == whole["weight_elements"]
    assert found["m"] == whole["out_height"] * whole["out_width"]


def test_rows_without_a_runtime_find_the_calibration_for_them() -> None:
    found = match("gtx_1080_ti", "", "", {}).profile
    assert found is not None
    assert (found.runtime, found.dtype.name) == ("not_stated", "float32")
    phone = match("snapdragon_810", "", "", {"threads": 1}).profile
    assert phone is not None
    assert phone.runtime == "not_stated"
    other = match("gtx_1080_ti", "deepbench", "int8", {}).profile
    assert other is not None
    assert other.name == "gtx_1080_ti:deepbench:int8"


def test_a_format_may_have_a_peak_of_its_own() -> None:
    profile = load_hardware("p100:deepbench:float16_storage")
    assert profile.macs_per_second == profile.device.peaks["float16_storage"].macs_per_second == 9.35e12
    assert load_hardware("gtx_1080_ti:idealised:float16_storage").macs_per_second == 5.6699e12


def test_fitted_numbers_are_no_datasheet() -> None:
    assert datasheet(load_device("iphone_6"), "int8") is None
    assert datasheet(load_device("titan_xp"), "float32") is not None


def test_every_row_of_the_two_sources_is_predicted() -> None:
    result = validate("deepbench_kernels", "shufflenetv2_guidelines", by=["data"])
    assert not result.skipped
    figures = {(group.key["data"], name): made for group in result.groups for name, made in group.accuracy.items()}
    for data, count, most in (("deepbench_kernels", 2521, 0.05), ("shufflenetv2_guidelines", 102, 0.06)):
        full, two = figures[data, "full"], figures[data, "two_fitted"]
        assert full.n == count
        assert full.median_ape is not None
        assert two.median_ape is not None
        assert full.median_ape < most < two.median_ape


@pytest.mark.parametrize("name", ["titan_xp:deepbench", "p100:deepbench:float16_storage", "gtx_1080_ti:not_stated"])
def test_more_peak_or_bandwidth_never_costs_time(name: str) -> None:
    profile = load_hardware(name)
    workload = workload_of(cost_table(load("mobilenet_v2")), FUSIONS["inference_norm"])
    before = workload_times(workload, profile, 4).latency_seconds
    for number in ("macs_per_second", "bytes_per_second"):
        faster = replace(profile, **{number: getattr(profile, number) * 1.7})
        assert (workload_times(workload, faster, 4).latency_seconds <= before * (1 + 1e-12)).all()


def test_activations_stay_where_only_norms_are_folded() -> None:
    words = workload_of(cost_table(load("mobilenet_v2")), FUSIONS["inference_norm"]).operators
    assert "relu6" in words
    assert "batch_norm" not in words
