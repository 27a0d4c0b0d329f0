"""ncnn: every measured configuration has a profile, and a network has one time, from its spec and from its table."""

from __future__ import annotations

import pytest

from costmodel import cost_table, load
from costmodel.fusion import FUSIONS
from costmodel.hardware import load_hardware
from costmodel.latency import network_seconds, workload_times
from costmodel.measured import bundled_measured, note_values
from costmodel.validation import validate
from costmodel.validation.profiles import CONDITIONS, match
from costmodel.validation.subjects import Subjects
from costmodel.workloads import workload_of

FUSION = FUSIONS["convolution_activation"]


def test_every_measured_configuration_is_calibrated() -> None:
    frame = bundled_measured()["ncnn"].frame
    rows = frame[["device", "runtime", "dtype", "threads", "note"]].to_dict("records")
    asked = set()
    for row in rows:
        conditions = {"threads": row["threads"]}
        conditions |= {name: value for name, value in note_values(row["note"]).items() if name in CONDITIONS}
        asked.add((row["device"], row["runtime"], row["dtype"], tuple(conditions.items())))
    assert len(asked) == 478
    for device, runtime, dtype, found in asked:
        assert match(device, runtime, dtype, dict(found)).calibrated == "own", (device, runtime, dtype, found)


def test_the_first_calibration_is_that_of_one_big_core() -> None:
    profile = load_hardware("rk3588:ncnn")
    assert profile.name == "rk3588:ncnn:auto"
    assert profile.calibration is not None
    assert dict(profile.calibration.conditions) == {"threads": 1, "powersave": 2}


def test_a_device_may_have_a_dot_in_its_name() -> None:
    assert load_hardware("raspberry_pi_5_2.9ghz:ncnn").name == "raspberry_pi_5_2.9ghz:ncnn:auto"


@pytest.mark.parametrize("hardware", ["raspberry_pi_4:ncnn", "rk3588:ncnn:auto:threads=4,powersave=2"])
@pytest.mark.parametrize(
    ("network", "spec"),
    [("ncnn/resnet50", "resnet50_v1"), ("ncnn/shufflenet_v2", "shufflenet_v2_x1_0"), ("ncnn/alexnet", "alexnet_caffe"),
     ("ncnn/efficientnet_b0", "efficientnet_b0")],
)  # fmt: skip
def test_a_spec_takes_the_time_of_the_executed_layers(network: str, spec: str, hardware: str) -> None:
    """Squeeze and excitation is linear in one of them and a 1x1 convolution in the other."""
    profile = load_hardware(hardware)
    executed, own = Subjects().network(network, FUSION), workload_of(cost_table(load(spec)), FUSION)
    assert executed is not None
    seconds = [network_seconds(each, workload_times(each, profile), profile) for each in (executed, own)]
    assert seconds[1] == pytest.approx(seconds[0], rel=0.003)


def test_every_group_of_a_convolution_is_an_operator() -> None:
    profile = load_hardware("kunpeng_920_7260:ncnn:auto:threads=64")
    grouped = Subjects().network("ncnn/regnety_400m", FUSION)
    assert grouped is not None
    times = workload_times(grouped, profile)
    per_group = {
        round(float(seconds / groups), 12)
        for seconds, groups, kind in zip(times.overhead_seconds, grouped.column("products"), grouped.kinds, strict=True)
        if kind == "grouped_conv"
    }
    assert per_group == {round(float(min(times.overhead_seconds)), 12)}


def test_all_terms_are_nearer_than_two_fitted_numbers() -> None:
    names = ["raspberry_pi_4", "raspberry_pi_5", "apple_m1"]
    figures = validate("ncnn", by=["device", "dtype"], devices=names).figures
    for device in names:
        own = figures[(figures.device == device) & (figures.dtype == "auto")].set_index("predictor")["median_ape"]
        assert own["full"] < 0.1
        assert own["full"] < own["two_fitted"] < own["macs"]
