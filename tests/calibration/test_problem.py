"""Predicted seconds and their derivatives, against the engine itself and against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from calibration_made import calibration, exact, family, observed
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.calibration.parameters import COMMON, PRIORS, SET, Choice, is_free
from costmodel.calibration.problem import Problem
from costmodel.hardware import Calibration
from costmodel.latency.constants import CONSTANTS
from costmodel.latency.model import rates_of, row_times
from costmodel.latency.predictions import conditions_of, network_seconds_of_rows
from costmodel.latency.prepared import prepared

EVERY: dict[str, Any] = {
    "compute": 0.4, "bandwidth": 0.6, "activation_share": 0.8, "weight_share": 1.5, "score_share": 0.7,
    "weights_apart": 0.4, "batch_share": 0.6, "element_seconds": 1e-10, "half_m": 30.0, "half_n": 9.0, "half_k": 20.0,
    "half_mn": 2e4, "half_mn_exponent": 2.0, "half_width": 5.0, "half_products": 3.0, "half_channels": 11.0,
    "half_positions": 40.0, "width_m": 8, "width_n": 16, "width_k": 4, "padded": 0.5, "tile": 4, "tile_padded": 0.4,
    "overlap": 2.5, "activation_spill": 0.9, "weight_spill": 1.2, "overhead_seconds": 2e-6, "launch_seconds": 2e-4,
}  # fmt: skip
RULES: list[dict[str, Any]] = [
    {"name": "fast", "kinds": ["conv"], "where": {"kernel": [3, 3], "stride": [1, 1]}, "set": {"compute": 1.4}},
    {"name": "depthwise", "kinds": ["depthwise_conv"], "set": {"compute": 0.2}, "times": {"bandwidth": 0.7}},
    {"name": "large", "where": {"input_elements": [1e5, 1e12]}, "times": {"bandwidth": 0.8, "half_m": 1.3}},
    {"name": "small", "where": {"input_elements": [0, 1e4]}, "times": {"overhead_seconds": "batch"}},
    {"name": "all", "set": EVERY},
]
OWN = calibration(
    factors={"compute": 0.9, "bandwidth@large": 1.2, "overhead_seconds": 1.5, "launch_seconds@small": 0.6},
    numbers={
        "inference_seconds": 2e-3, "time_factor": 1.1, "network_factor": 0.95, "activation_capacity_bytes": 3e5,
        "weight_capacity_bytes": 4e6,
    },
    levels=((1e5, 9e10), (2e6, 4e10)),
)  # fmt: skip


def problem_of(written: list[dict[str, Any]], own: Calibration, batch: float = 2.0, **choice: Any) -> Problem:
    made = family(written)
    return Problem(made, [observed(made, own, batch=batch)], Choice(**choice))


def test_every_fitted_constant_is_in_the_family_of_these_tests() -> None:
    assert EVERY.keys() == CONSTANTS.keys()
    assert PRIORS.keys() == {name for name in CONSTANTS if "width_" not in name and name != "tile"}


@pytest.mark.parametrize("levels", [OWN.levels, ()])
def test_seconds_are_those_of_the_engine(levels: Any) -> None:
    from costmodel.records import replace

    own = replace(OWN, levels=levels)
    problem = problem_of(RULES, own)
    part, made = problem.parts[0], problem.family
    batch = np.full(len(part.own.workload.kinds), 2.0)
    ready = prepared(part.own.workload, made, conditions_of(part.profile), batch)
    times = row_times(ready.columns, ready.base, rates_of(part.profile), batch, made)
    engine = network_seconds_of_rows(part.own.workload, times, part.profile, part.own.starts)
    assert np.exp(problem.log_seconds(problem.values)) == pytest.approx(engine, rel=1e-12)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_slopes_are_those_of_central_differences(seed: int) -> None:
    problem = problem_of(RULES, OWN)
    draw = np.random.default_rng(seed)
    x = problem.values + 0.3 * draw.standard_normal(len(problem.values))
    exact_slopes = problem.log_slopes(x)
    for at in draw.choice(len(x), 6, replace=False).tolist():
        shift = np.zeros(len(x))
        shift[at] = 1e-6
        difference = (problem.log_seconds(x + shift) - problem.log_seconds(x - shift)) / 2e-6
        kind = problem.parameters[at]
        assert exact_slopes[:, at] == pytest.approx(difference, rel=1e-3, abs=1e-5), str(kind)


def test_every_parameter_has_a_slope_but_common_values() -> None:
    problem = problem_of(RULES, OWN)
    slopes = problem.log_slopes(problem.values)
    still = [each for at, each in enumerate(problem.parameters) if not slopes[:, at].any()]
    assert [(each.kind, each.name) for each in still] == [(COMMON, "compute")]


def test_choices_are_not_fitted() -> None:
    assert is_free("compute", 1.0)
    assert is_free("overlap", 2.0)
    for name, value in (("overlap", 1.0), ("padded", 1.0), ("weight_share", 0.0), ("overlap", np.inf)):
        assert not is_free(name, value)
    assert not is_free("width_n", 8.0)
    assert not is_free("bandwidth", 1.0, times=True)
    assert is_free("bandwidth", 1.1, times=True)


def test_only_some_numbers_may_be_free() -> None:
    problem = problem_of(RULES, OWN, rules=False, only=frozenset({"compute", "time_factor"}))
    assert [each.name for each in problem.parameters] == ["compute", "time_factor"]
    assert [each.start for each in problem.parameters] == [0.9, 1.1]


def test_constants_of_a_term_that_is_off_are_neutral_and_not_fitted() -> None:
    problem = problem_of(RULES, OWN, terms=frozenset({"efficiency"}))
    assert {each.constant for each in problem.parameters} <= {"compute", "bandwidth", "time_factor", "network_factor"}


def test_efficiencies_beyond_the_possible_are_excesses() -> None:
    problem = problem_of(RULES, OWN)
    over, slopes = problem.excesses(problem.values)
    assert not len(over)
    x = problem.values.copy()
    at = next(i for i, each in enumerate(problem.parameters) if each.kind == SET and each.owner == "depthwise")
    x[at] = np.log(2.0)
    over, slopes = problem.excesses(x)
    assert over == pytest.approx([np.log(2.0 * 0.9 / 1.2)])  # the device's factor included
    assert slopes[0][at] == 1
    fast = next(i for i, each in enumerate(problem.parameters) if each.kind == SET and each.owner == "fast")
    x[fast] = np.log(2.0)  # 3x3 convolutions of stride 1 may need fewer multiplications than MACs
    assert len(problem.excesses(x)[0]) == 1


def test_equal_rows_are_computed_once() -> None:
    problem = problem_of(RULES, OWN)
    design = problem.designs[0]
    assert len(design.batch) < len(design.row)
    first, _ = exact(problem.family, [problem.parts[0], problem.parts[0]])
    assert first.seconds.tolist() == pytest.approx(np.exp(problem.log_seconds(problem.values)).tolist())
