"""The two simpler predictors, fitted."""

from __future__ import annotations

import numpy as np
import pytest
from calibration_made import family, observed

from costmodel.calibration.baselines import MACS, TWO_BYTES, TWO_MACS, baseline_seconds, fitted_baselines, plain_of
from costmodel.records import replace

PART = observed(family([{"name": "all", "set": {"compute": 0.5}}]))


def test_two_rates_are_found_again() -> None:
    work = plain_of(PART)
    found = fitted_baselines(work, work.eq1(3e10, 2e9))
    assert found[TWO_MACS] == pytest.approx(3e10, rel=1e-3)
    assert found[TWO_BYTES] == pytest.approx(2e9, rel=1e-3)
    assert baseline_seconds(work, found)["two_fitted"] == pytest.approx(work.eq1(3e10, 2e9), rel=1e-3)


def test_one_rate_is_the_middle_of_all() -> None:
    work = plain_of(PART)
    seconds = work.macs / 5e9
    seconds[0] *= 100  # one wrong measurement
    found = fitted_baselines(work, seconds)
    assert found[MACS] == pytest.approx(5e9, rel=0.02)
    assert baseline_seconds(work, found)["macs"] == pytest.approx(work.macs / found[MACS])


def test_the_work_is_that_of_the_folded_network_times_the_batch() -> None:
    one, four = plain_of(PART), plain_of(replace(PART, batch=np.full(len(PART), 4.0)))
    assert four.macs == pytest.approx(4 * one.macs)
    assert int(one.macs[PART.names.index("mobilenet_v1@224")]) == 568740352


def test_rows_without_macs_have_no_rate_of_macs() -> None:
    work = replace(plain_of(PART), macs=np.zeros(len(PART)), row_macs=np.zeros(len(plain_of(PART).row_macs)))
    found = fitted_baselines(work, work.eq1(1.0, 2e9))
    assert set(found) == {TWO_BYTES}
    assert found[TWO_BYTES] == pytest.approx(2e9, rel=1e-3)
    assert np.isnan(baseline_seconds(work, found)["macs"]).all()
    assert np.isnan(baseline_seconds(work, found)["two_fitted"]).all()


def test_rates_that_no_row_tells_are_left_out() -> None:
    work = plain_of(PART)
    bound = replace(work, row_bytes=np.zeros(len(work.row_bytes)))
    assert set(fitted_baselines(bound, work.macs / 5e9)) == {MACS}
    nothing = replace(bound, macs=np.zeros(len(PART)), row_macs=np.zeros(len(work.row_macs)))
    assert fitted_baselines(nothing, work.macs / 5e9) == {}
