"""Predicted against measured: a table written here, by hand; the bundled ones, by identity."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from costmodel import cost_table, load, load_hardware, predict
from costmodel.errors import ParameterError, SpecError
from costmodel.measured import bundled_measured
from costmodel.validation import PREDICTORS, figure_rows, validate
from costmodel.validation.figures import grouped_figures
from costmodel.validation.profiles import NO_PROFILE, distance, match
from costmodel.validation.rows import FAILED
from costmodel.validation.subjects import NO_SHAPES

HEAD = (
    "device,runtime,dtype,threads,batch,network,op_kind,gemm_m,gemm_n,gemm_k,in_elements,weight_elements,out_elements,macs,"
    "latency_seconds,note"
)


def written(folder: Path, *rows: str, head: str = HEAD) -> Path:
    file = folder / "mine.csv"
    file.write_text("\n".join([head, *rows]) + "\n")
    return file


def network_row(device: str, network: str, seconds: Any, runtime: str = "", dtype: str = "", batch: int = 1) -> str:
    return f"{device},{runtime},{dtype},,{batch},{network},,,,,,,,,{seconds},"


SHAPES = (
    "network,index,operator,op_kind,fused,repeats,gemm_m,gemm_n,gemm_k,in_elements,weight_elements,out_elements,macs"
)


def test_a_row_of_an_uncalibrated_runtime_is_equation_1(tmp_path: Path) -> None:
    """Two linear layers of 10 -> 20 on ridge_5, 5e10 MAC/s and 1e10 B/s: 230 bytes each, memory bound."""
    shapes = tmp_path / "shapes.csv"
    shapes.write_text(f"{SHAPES}\nmine/two,0,linear,linear,1,2,1,20,10,10,200,20,200\n")
    data = written(tmp_path, network_row("ridge_5", "mine/two", 9.2e-8, "idealised", "int8"))
    found = validate(data, shapes=[shapes])
    assert found.columns["full"] == pytest.approx([2 * 230 / 1e10])
    assert found.columns["eq1_datasheet"] == found.columns["full"]
    assert math.isnan(found.columns["macs"][0])
    assert found.columns["calibrated"] == ["none"]
    figures = {row["predictor"]: row for row in figure_rows(found)}
    assert figures["full"]["median_ape"] == pytest.approx(0.5)
    assert (figures["full"]["n"], figures["full"]["skipped"], figures["macs"]["n"]) == (1, 0, 0)


def test_a_bundled_spec_needs_no_shapes(tmp_path: Path) -> None:
    """The same seconds as the prediction of the network itself."""
    seconds = predict(cost_table(load("mobilenet_v2"), batch=4), "stm32h743:idealised:int8").latency_seconds
    row = network_row("stm32h743", "mobile/mobilenet_v2_1.0_224", seconds, "nothing_known", "int8", 4)
    found = validate(written(tmp_path, row))
    assert found.columns["full"] == pytest.approx([seconds], rel=0.02)


def test_a_kernel_has_its_shape_itself(tmp_path: Path) -> None:
    row = "ridge_500,idealised,int8,,,,matmul,100,200,300,60000,30000,20000,6000000,0.0001,"
    found = validate(written(tmp_path, row), by=["op_kind"])
    assert found.columns["full"] == pytest.approx([max(6e6 / 5e12, 110000 / 1e10)])
    assert found.groups[0].key == {"op_kind": "matmul"}


def test_rows_that_cannot_be_predicted_are_counted_with_their_reason(tmp_path: Path) -> None:
    rows = (
        network_row("ridge_5", "mine/never_heard_of", 1.0),
        network_row("device_from_mars", "mobile/mobilenet_v2_1.0_224", 1.0),
        network_row("ridge_5", "mobile/mobilenet_v2_1.0_224", ""),
        network_row("ridge_5", "mobile/mobilenet_v2_1.0_224", 0.02),
    )
    found = validate(written(tmp_path, *rows), by=["device"])
    assert dict(found.skipped) == {
        "no shapes of the network": 1, "the run failed": 1,
        "no profile of the device (--hardware FILE takes a hardware file)": 1,
    }  # fmt: skip
    groups = {group.key["device"]: group for group in found.groups}
    assert (groups["ridge_5"].accuracy["full"].n, groups["ridge_5"].skipped) == (1, 2)
    assert (groups["device_from_mars"].accuracy["full"].n, groups["device_from_mars"].skipped) == (0, 1)


def test_shapes_that_are_given_come_before_bundled_ones(tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.csv"
    shapes.write_text(f"{SHAPES}\nmobile/mobilenet_v2_1.0_224,0,linear,linear,1,1,1,20,10,10,200,20,200\n")
    data = written(tmp_path, network_row("ridge_5", "mobile/mobilenet_v2_1.0_224", 1e-6))
    assert validate(data, shapes=[shapes]).columns["full"] == pytest.approx([230 / 1e10])
    assert validate(data).columns["full"][0] > 1e-3


def test_rows_of_a_calibrated_runtime_are_the_predictions_of_the_profile() -> None:
    """Every network that has a bundled spec and no table of shapes, on every calibrated device of a table."""
    found = validate("stm32_modelzoo", "tflite_phones")
    rows = [
        (profile, network, seconds)
        for profile, network, seconds, own in zip(
            *(found.columns[name] for name in ("profile", "network", "full", "calibrated")), strict=True
        )
        if own != "none" and network == "mobile/mobilenet_v2_1.0_224"
    ]
    assert rows
    for profile, _, seconds in rows:
        alone = predict(cost_table(load("mobilenet_v2")), load_hardware(profile)).latency_seconds
        assert seconds == pytest.approx(alone, rel=0.02), profile


def test_groups_by_hand() -> None:
    keys = [{"device": "a"}, {"device": "b"}, {"device": "a"}]
    predicted = {"full": [1.0, 2.0, math.nan], "macs": [2.0, math.nan, 1.0]}
    groups = grouped_figures(keys, [1.0, 4.0, 1.0], predicted, [0.1, None, 0.3])
    assert [group.key["device"] for group in groups] == ["a", "b"]
    assert (groups[0].skipped, groups[0].accuracy["full"].median_ape, groups[0].accuracy["macs"].median_ape) == (
        1,
        0,
        1,
    )
    assert (groups[1].skipped, groups[1].accuracy["full"].median_ape, groups[1].accuracy["macs"].n) == (0, 0.5, 0)
    assert (groups[0].held_out_median_ape, groups[1].held_out_median_ape) == (0.1, None)


def test_the_four_predictors_see_the_same_rows() -> None:
    found = validate("tflite_phones")
    for group in found.groups:
        counts = {figures.n for figures in group.accuracy.values()}
        assert counts <= {0, group.accuracy["full"].n}
    assert set(PREDICTORS) == {"macs", "eq1_datasheet", "two_fitted", "full"}


@pytest.mark.parametrize(
    ("calibration", "row", "nearer_than"),
    [
        ({"threads": 1}, {"threads": 1}, {"threads": 2}),
        ({"threads": 4}, {"threads": 2}, {"threads": 1}),
        ({"layout": "nhwc"}, {}, {"layout": "nchw"}),
        ({"layout": "nhwc"}, {"layout": "nhwc"}, {}),
        ({"threads": 1, "powersave": "2"}, {"threads": 1.0, "powersave": "2"}, {"threads": 1.0, "powersave": "0"}),
    ],
)
def test_conditions_are_as_far_apart_as_they_differ(
    calibration: dict[str, Any], row: dict[str, Any], nearer_than: dict[str, Any]
) -> None:
    assert distance(calibration, row) < distance(calibration, nearer_than)


def test_a_device_that_is_not_bundled_has_no_profile() -> None:
    assert match("device_from_mars", "", "", {}).profile is None


def test_every_row_of_a_bundled_device_has_a_profile() -> None:
    """A row of a known device may be skipped for lack of shapes alone, or because its run failed."""
    for name, table in bundled_measured().items():
        if len(table) < 200:
            found = validate(name)
            assert set(found.skipped) <= {NO_SHAPES, NO_PROFILE, FAILED}
            assert not found.warnings


@pytest.mark.parametrize(
    ("by", "text"),
    [(["divice"], "rows cannot be grouped by 'divice'; did you mean 'device'"), ([], "give at least one column")],
)
def test_columns_to_group_by(by: list[str], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        validate("coral_edgetpu", by=by)


def test_a_file_whose_columns_are_not_known_names_them(tmp_path: Path) -> None:
    file = written(tmp_path, "ridge_5,mobile/mobilenet_v2_1.0_224,1.0", head="device,network,latency_second")
    with pytest.raises(SpecError, match="latency_second"):
        validate(file)


def test_numbers_are_equal_however_they_are_written() -> None:
    assert distance({"clock_hz": 60_000_000}, {"clock_hz": "6e+07"}) == 0
    assert distance({"runtime_version": "1.0.175"}, {"runtime_version": "1.0"}) == 1


def test_of_calibrations_that_are_equally_near_the_one_for_more_conditions_is_taken() -> None:
    row = {"threads": 2, "quantisation": "per_tensor"}
    found = match("stm32mp157f_dk2", "tflite", "int8", row).profile
    assert found is not None
    assert found.calibration is not None
    assert dict(found.calibration.conditions) == row
