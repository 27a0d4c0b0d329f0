"""What a fit finds, keeps within bounds, and refuses."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from calibration_made import calibration, exact, family, observed

from costmodel.calibration.fitting import fit
from costmodel.calibration.problem import Problem
from costmodel.errors import PredictionError
from costmodel.records import replace

RULES: list[dict[str, Any]] = [
    {"name": "depthwise", "kinds": ["depthwise_conv"], "set": {"compute": 0.01}},
    {"name": "all", "set": {"compute": 0.5, "bandwidth": 0.4, "overhead_seconds": 2e-5}},
]
DEPTHWISE, ALL = ("set", "depthwise", "compute"), ("set", "all", "compute")


def made(rules: Any = RULES, noise: float = 0.0, **own: Any) -> Problem:
    chosen = family(rules)
    return Problem(chosen, exact(chosen, [observed(chosen, calibration(**own))], noise))


def test_a_fit_from_neutral_values_finds_the_constants_again() -> None:
    found = fit(made(noise=0.01))
    assert found.values[DEPTHWISE] == pytest.approx(0.01, rel=0.05)
    assert found.values[ALL] == pytest.approx(0.5, rel=0.05)
    assert found.values["set", "all", "overhead_seconds"] == pytest.approx(2e-5, rel=0.1)
    assert found.refusals == ()
    assert found.scale == 0.02
    assert repr(found) == "<Fit of 5 numbers to 18 observations>"


def test_a_fit_says_the_same_twice_and_from_both_starts() -> None:
    problem = made(noise=0.03)
    first, second = fit(problem), fit(problem)
    assert first.logarithms.tolist() == second.logarithms.tolist()
    from_file = fit(problem, start="file")
    assert from_file.logarithms == pytest.approx(first.logarithms, abs=0.03)


def test_one_wrong_measurement_does_not_move_the_others() -> None:
    problem = made(noise=0.01)
    seconds = problem.parts[0].seconds.copy()
    seconds[4] *= 10
    found = fit(Problem(problem.family, [replace(problem.parts[0], seconds=seconds)]))
    errors = np.abs(np.delete(found.predicted_seconds / seconds - 1, 4))
    assert np.median(errors) < 0.03


def test_rows_that_are_not_chosen_are_not_seen() -> None:
    problem = made(noise=0.01)
    rows = np.arange(len(problem)) > 2
    first = fit(problem, rows)
    seconds = problem.parts[0].seconds.copy()
    seconds[~rows] *= 3
    changed = Problem(problem.family, [replace(problem.parts[0], seconds=seconds)])
    assert fit(changed, rows).logarithms == pytest.approx(first.logarithms, abs=0.03)


def test_efficiencies_stay_possible() -> None:
    problem = made([{"name": "all", "set": {"compute": 0.9, "bandwidth": 0.9}}], factors={"compute": 1.0})
    fast = [replace(part, seconds=part.seconds / 8) for part in problem.parts]
    found = fit(Problem(problem.family, fast), refuse=False)
    assert not (found.problem.excesses(found.logarithms)[0] > 0.05).any()
    assert found.values["set", "all", "bandwidth"] <= 1.2


def test_a_factor_of_a_single_device_says_nothing_beside_the_family() -> None:
    found = fit(made(factors={"compute": 1.0}, noise=0.01))
    assert found.values["factor", "ridge_4.5:made:float32", "compute"] == pytest.approx(1, abs=0.03)


def test_what_no_row_depends_on_is_refused() -> None:
    rules = [{"name": "gelu", "operators": ["gelu"], "set": {"compute": 0.3}}, *RULES]
    found = fit(made(rules, noise=0.01))
    assert [str(each) for each in found.refusals] == [
        "compute of gelu: no measured row depends on it; it stays at the common value of that constant"
    ]


def test_what_always_occurs_together_is_refused_once() -> None:
    rules = [
        {"name": "first", "kinds": ["pointwise_conv"], "times": {"compute": 0.8}},
        {"name": "second", "kinds": ["pointwise_conv"], "times": {"compute": 1.1}},
        {"name": "all", "set": {"compute": 0.2, "bandwidth": 0.4, "overlap": 1.0}},
    ]
    found = fit(made(rules, noise=0.01))
    (refusal,) = found.refusals
    assert str(refusal) == (
        "times compute of first cannot be told from times compute of second (18 rows always have both); it stays at 1"
    )
    assert found.values["times", "first", "compute"] == pytest.approx(1, abs=0.01)


def test_a_small_share_of_the_time_tells_nothing() -> None:
    rules = [{"name": "pool", "kinds": ["pool"], "set": {"overhead_seconds": 1e-9}}, *RULES]
    reasons = [str(each) for each in fit(made(rules, noise=0.02)).refusals]
    assert all("overhead_seconds of pool" in reason for reason in reasons)


def test_without_parameters_there_is_nothing_to_fit() -> None:
    problem = made([{"name": "all", "set": {"overlap": 1.0}}])
    assert fit(problem).values == {}


def test_without_scipy_fitting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.optimize", "scipy.sparse"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PredictionError) as error:
        fit(made())
    assert str(error.value) == (
        "fitting needs SciPy, which is not installed; install it with: pip install 'nn-costmodel[calibrate]'"
    )
