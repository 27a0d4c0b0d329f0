"""What calibrations say was measured, against the bundled rows."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from costmodel.calibration.observations import Observations
from costmodel.calibration.ranges import batches_of, kinds_of, macs_of, range_words
from costmodel.calibration.refitting import bundled_observations
from costmodel.hardware import calibrated_profiles
from costmodel.latency.families import families, family_named


@cache
def parts_of(name: str) -> list[Observations]:
    return bundled_observations(family_named(name))


@pytest.mark.parametrize("name", ["tflite", "deepbench_volta", "torch_compile_cpu"])
def test_ranges_and_kinds_are_those_of_the_rows(name: str) -> None:
    parts = parts_of(name)
    assert family_named(name).kinds == set(kinds_of(parts))
    for setting in {part.setting for part in parts}:
        own = [part for part in parts if part.setting == setting]
        calibration = own[0].profile.calibration
        assert calibration is not None
        assert calibration.batch == batches_of(own)
        macs = macs_of(own)
        assert calibration.macs == (None if macs is None else pytest.approx(macs, rel=5e-3))


def test_every_calibration_says_what_was_measured() -> None:
    """Those whose rows have no known operators cannot."""
    silent = [
        profile.name for profile in calibrated_profiles() if profile.calibration and not profile.calibration.batch
    ]
    assert len(silent) <= 20, silent
    assert all(family_named(name).kinds for name in families())


def test_a_few_odd_rows_are_no_evidence() -> None:
    part = parts_of("torch_compile_cpu")[0]
    assert len(part) > 500
    totals = part.folded.total(part.folded.workload.sizes["macs"])
    macs = macs_of([part])
    assert macs is not None
    assert totals.min() < macs[0] < np.median(totals) < macs[1] < totals.max()
    assert np.mean((totals >= macs[0]) & (totals <= macs[1])) == pytest.approx(0.95, abs=0.01)
    assert range_words([part])["batch"] == "[1, 1]"
