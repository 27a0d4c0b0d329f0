"""What a device's own numbers may be, so that no constant leaves its bounds where a rule holds."""

from __future__ import annotations

import pytest
from calibration_made import calibration, exact, family, observed

from costmodel.calibration.fitting import fit
from costmodel.calibration.limits import impossible, limits_of
from costmodel.calibration.parameters import Choice
from costmodel.calibration.problem import Problem
from costmodel.hardware import Calibration, HardwareProfile, ridge_profile
from costmodel.records import replace

FAMILY = family([
    {"name": "products", "kinds": ["linear", "matmul"], "set": {"compute": 0.6}},
    {"name": "rest", "set": {"compute": 0.5, "bandwidth": 0.4, "overhead_seconds": 1e-6}},
])  # fmt: skip


def profile(own: Calibration) -> HardwareProfile:
    return replace(ridge_profile(4.5, "float32"), runtime="made", calibration=own)


def test_a_factor_ends_where_the_first_rule_reaches_its_bound() -> None:
    own = calibration(factors={"compute": 1.0, "bandwidth": 1.0, "overhead_seconds": 1.0})
    found = limits_of(FAMILY, profile(own), own.factors)
    assert found["compute"] == pytest.approx((1e-5 / 0.5, 1.2 / 0.6))
    assert found["bandwidth"] == pytest.approx((1e-5 / 0.4, 1.2 / 0.4))
    assert found["overhead_seconds"] == pytest.approx((0, 1e6))


def test_a_time_factor_ends_where_efficiencies_would_leave_their_bounds() -> None:
    own = calibration(numbers={"time_factor": 1.0})
    assert limits_of(FAMILY, profile(own), ["time_factor"])["time_factor"] == pytest.approx((0.6 / 1.2, 100))


def test_a_fit_stays_within_limits() -> None:
    chosen = family([{"name": "rest", "set": {"compute": 0.5}}, {"name": "unused", "kinds": ["other"],
                                                                 "set": {"compute": 1.2}}])  # fmt: skip
    unused = family([{"name": "unused", "kinds": ["other"], "set": {"compute": 1.2}},
                     {"name": "rest", "set": {"compute": 0.5}}])  # fmt: skip
    parts = exact(chosen, [observed(chosen, calibration(factors={"compute": 1.8}), ridge=0.2)])
    own = calibration(factors={"compute": 0.9})
    parts = [replace(part, profile=replace(part.profile, calibration=own)) for part in parts]
    limits = limits_of(unused, parts[0].profile, ["compute"])
    assert limits["compute"] == pytest.approx((1e-5 / 0.5, 1.0))
    made = fit(Problem(unused, parts, Choice(rules=False, limits=limits)))
    (value,) = made.values.values()
    assert 0.97 < value <= 1.0


def test_what_is_impossible_is_said() -> None:
    assert list(impossible(FAMILY, profile(calibration(factors={"compute": 1.0})))) == []
    assert list(impossible(FAMILY, profile(calibration(factors={"bandwidth": 4.0})))) == [
        "bandwidth comes to 1.6 where the rule 'rest' of made holds, outside 1e-05 to 1.2"
    ]
