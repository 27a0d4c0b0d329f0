"""What the bundled profiles say of their error, against the bundled measurements: all of both."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator

import pytest

from costmodel.hardware import calibrated_profiles
from costmodel.validation import Validation, validate

HELD_OUT_MOST = {
    "rtx_3090:torch_eager": 0.085, "rtx_4090:torch_eager": 0.085, "rtx_5090:torch_compile": 0.085,
    "i9_10940x:torch_compile": 0.10, "i7_12700h:torch_compile": 0.07, "epyc_zen4:onnxruntime_nchwc": 0.12,
    "pixel_1:tflite:float32": 0.05, "stm32h747i_disco:x_cube_ai": 0.05, "gtx_1080_ti:deepbench:float32": 0.10,
    "raspberry_pi_4:ncnn:auto": 0.11,
}  # fmt: skip
"""Median errors on rows left out of the fit that these profiles must not exceed."""
FEW = 8
"""Rows below which a median says little."""


@pytest.fixture(scope="module")
def everything() -> Validation:
    return validate()


def errors_of(found: Validation) -> Iterator[tuple[str, float, list[float]]]:
    """Profile, stated error, errors of its rows; of several runs of one network by ncnn the fastest."""
    best: dict[tuple[str, float, str], tuple[float, float]] = {}
    names = ("profile", "held_out_median_ape", "data", "network", "line", "measured_seconds", "full")
    for profile, stated, data, network, line, measured, full in zip(
        *(found.columns[name] for name in names), strict=True
    ):
        if stated is not None:
            key = profile, stated, network if data == "ncnn" else f"{data} {line}"
            best[key] = min(best.get(key, (measured, full)), (measured, full))
    groups: dict[tuple[str, float], list[float]] = defaultdict(list)
    for (profile, stated, _), (measured, full) in best.items():
        groups[profile, stated].append(abs(full / measured - 1))
    for (profile, stated), errors in groups.items():
        yield profile, stated, errors


def test_no_profile_is_farther_off_than_it_says(everything: Validation) -> None:
    """In the median over its own rows, with the play that a median of few rows has."""
    known = list(errors_of(everything))
    assert len(known) > 550
    for profile, stated, errors in known:
        most = 1.25 * stated + 0.01 if len(errors) >= FEW else max(2.5 * stated, 0.2)
        assert statistics.median(errors) <= most, (profile, stated, len(errors), statistics.median(errors))


def test_profiles_that_decisions_rest_on() -> None:
    found = {name: 0 for name in HELD_OUT_MOST}
    for profile in calibrated_profiles():
        for name, most in HELD_OUT_MOST.items():
            calibration = profile.calibration
            if f"{profile.name}:".startswith(f"{name}:") and calibration is not None:
                one_thread = str(calibration.conditions.get("threads", "1")) == "1"
                assert calibration.held_out_median_ape <= most or not one_thread, profile.name
                found[name] += one_thread
    assert min(found.values()) >= 1


def test_every_measured_row_of_a_known_device_is_predicted(everything: Validation) -> None:
    """But for networks whose operators are not known, and runs that failed."""
    reasons = ("no shapes of the network", "no profile of the device", "the run failed")
    assert all(reason.startswith(reasons) for reason in everything.skipped)
    assert len(everything.columns["full"]) > 22_700
    assert min(everything.columns["full"]) > 0
