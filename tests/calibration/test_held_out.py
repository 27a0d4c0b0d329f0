"""Folds and predictions of rows that were not fitted."""

from __future__ import annotations

import numpy as np
import pytest
from calibration_made import calibration, exact, family, observed
from hypothesis import given
from hypothesis import strategies as st

from costmodel.calibration.fitting import fit, observed_settings
from costmodel.calibration.held_out import borrowed, figures, folds_of, held_out_seconds
from costmodel.calibration.observations import Observations, stem
from costmodel.calibration.problem import Problem
from costmodel.errors import ParameterError
from costmodel.records import replace

RULES = [{"name": "all", "set": {"compute": 0.5, "bandwidth": 0.4}}]


@given(keys=st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=60), folds=st.integers(2, 7))
def test_equal_keys_are_in_one_fold_and_folds_have_equally_many(keys: list[str], folds: int) -> None:
    if len(set(keys)) < 2:
        return
    found = folds_of(keys, folds)
    places = {key: set(found[[at for at, each in enumerate(keys) if each == key]].tolist()) for key in keys}
    assert all(len(each) == 1 for each in places.values())
    counts = np.bincount([next(iter(each)) for each in places.values()])
    assert counts.max() - counts.min() <= 1
    assert len(counts) == min(folds, len(set(keys)))


def test_the_seed_draws_other_folds() -> None:
    keys = [f"network {at}" for at in range(20)]
    assert folds_of(keys, 5, 0).tolist() == folds_of(keys, 5, 0).tolist()
    assert folds_of(keys, 5, 0).tolist() != folds_of(keys, 5, 1).tolist()


def test_folds_that_cannot_be() -> None:
    with pytest.raises(ParameterError, match=r"^nothing can be held out: all 3 rows are of one kind, 'a'$"):
        folds_of(["a"] * 3, 5)
    with pytest.raises(ParameterError, match=r"^folds = 1 must be 2 or more$"):
        folds_of(["a", "b"], 1)


def test_a_stem_is_a_network_without_size_and_classes() -> None:
    assert stem("timm/swin_tiny@224") == stem("timm/swin_tiny@192") == "timm/swin_tiny"
    assert stem("stm32ai/mobilenet_v1_0.5_128_classes_101") == "stm32ai/mobilenet_v1_0.5_128"


def test_a_prediction_has_not_seen_what_it_is_held_against() -> None:
    chosen = family(RULES)
    (part,) = exact(chosen, [observed(chosen)], noise=0.05)
    problem = Problem(chosen, [part])
    first = held_out_seconds(problem, folds=3)
    fold = folds_of(problem.keys("network"), 3)
    seconds = part.seconds.copy()
    seconds[fold == 1] *= 1.3
    second = held_out_seconds(Problem(chosen, [replace(part, seconds=seconds)]), folds=3)
    assert second[fold == 1] == pytest.approx(first[fold == 1], rel=0.01)
    assert second[fold == 0] != pytest.approx(first[fold == 0], rel=0.01)


def test_a_device_may_be_left_out() -> None:
    chosen = family(RULES)
    parts = exact(chosen, [observed(chosen, ridge=ridge) for ridge in (4.5, 4.0)], noise=0.02)
    problem = Problem(chosen, parts)
    said: list[str] = []
    seconds = held_out_seconds(problem, "device", progress=said.append)
    assert said == ["fold 1 of 2: 18 rows left out", "fold 2 of 2: 18 rows left out"]
    assert figures(seconds, np.exp(problem.log_measured), "device", 2).grade == "A"


def test_a_device_without_timings_has_the_numbers_of_the_one_most_alike() -> None:
    """Three calibrations of two versions: the one of version 2 that is left out is like the other of version 2."""
    chosen = family(RULES)
    settings = [("2", 0.5), ("1", 0.9), ("2", 0.55)]
    parts = [
        observed(chosen, calibration(conditions={"version": version}, factors={"compute": factor}), ridge)
        for (version, factor), ridge in zip(settings, (4.5, 4.0, 3.5), strict=True)
    ]
    problem = Problem(chosen, exact(chosen, parts))
    rows = np.repeat([False, True, True], len(parts[0]))
    made = fit(problem, rows)
    found = borrowed(made, rows)
    values = dict(zip([(each.kind, each.owner, each.name) for each in problem.parameters], found, strict=True))
    own = [values["factor", part.setting, "compute"] for part in parts]
    assert own[0] == own[2] != own[1]
    assert (found[problem_places(problem, parts[1:])] == made.logarithms[problem_places(problem, parts[1:])]).all()
    assert observed_settings(problem, rows) == {part.setting for part in parts[1:]}


def problem_places(problem: Problem, parts: list[Observations]) -> list[int]:
    settings = {part.setting for part in parts}
    return [at for at, each in enumerate(problem.parameters) if each.owner in settings]


def test_figures_of_held_out_rows() -> None:
    found = figures(np.full(11, 2.0), np.linspace(1.0, 3.0, 11), "network", 5)
    assert (found.low, found.high) == pytest.approx((0.6, 1.4))
    assert found.accuracy.median_ape == pytest.approx(0.3 / 1.1, rel=0.3)


def test_the_grade_needs_rows_and_a_narrow_band() -> None:
    measured = np.linspace(1.0, 2.0, 9)
    assert figures(measured * 1.05, measured, "row", 5).grade == "A"
    assert figures(measured[:5] * 1.05, measured[:5], "row", 5).grade == "B"
    off = np.where(np.arange(9) < 3, 30.0, 1.0)
    assert figures(measured * off, measured, "row", 5).grade == "C"
