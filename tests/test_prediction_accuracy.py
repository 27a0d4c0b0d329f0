"""Figures of predictions against measurements."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.accuracy import accuracy_of, grade_of, kendall_tau
from costmodel.errors import ParameterError


def test_figures_by_hand() -> None:
    """Off by 0, 10, 25 and 50 %."""
    found = accuracy_of([1.0, 1.1, 0.75, 2.0], [1.0, 1.0, 1.0, 4.0])
    assert found.n == 4
    assert found.mape == pytest.approx(0.85 / 4)
    assert found.median_ape == pytest.approx(0.175)
    assert (found.within_10, found.within_20) == (0.5, 0.5)


def test_rows_without_a_prediction_are_left_out() -> None:
    assert accuracy_of([float("nan"), 2.0], [1.0, 2.0]).n == 1
    empty = accuracy_of([float("nan")], [1.0])
    assert (empty.n, empty.median_ape, empty.kendall_tau) == (0, None, None)


@pytest.mark.parametrize(("median", "grade"), [(0.0, "A"), (0.1, "A"), (0.1001, "B"), (0.2, "B"), (0.21, "C")])
def test_grades(median: float, grade: str) -> None:
    assert grade_of(median) == grade


@pytest.mark.parametrize(
    ("figures", "grade"),
    [
        ((0.05, 8, 0.8, 1.6), "A"), ((0.05, 7, 0.8, 1.2), "B"), ((0.05, 4, 0.8, 1.2), "B"), ((0.05, 3, 0.8, 1.2), "C"),
        ((0.05, 1, 0.8, 1.2), "C"), ((0.05, 8, 0.8, 1.61), "B"), ((0.05, 8, 0.8, 2.4), "B"),
        ((0.05, 8, 0.8, 2.41), "C"),
        ((0.15, 4, 0.8, 1.8), "B"), ((0.15, 3, 0.8, 1.8), "C"), ((0.21, 900, 0.9, 1.1), "C"),
    ],
)  # fmt: skip
def test_a_grade_needs_rows_and_a_narrow_band(figures: tuple[float, int, float, float], grade: str) -> None:
    assert grade_of(*figures) == grade


def test_what_is_no_number_is_of_the_lowest_grade() -> None:
    assert grade_of(float("nan")) == "C"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=30))
def test_tau_counts_pairs(pairs: list[tuple[int, int]]) -> None:
    """The definition of tau-b, pair by pair."""
    first, second = [x for x, _ in pairs], [y for _, y in pairs]
    agree = both_x = both_y = 0
    for (x, y), (v, w) in itertools.combinations(pairs, 2):
        agree += ((x - v) * (y - w) > 0) - ((x - v) * (y - w) < 0)
        both_x += x != v
        both_y += y != w
    found = kendall_tau(first, second)
    if both_x and both_y:
        assert found == pytest.approx(agree / (both_x * both_y) ** 0.5)
    else:
        assert found is None


@pytest.mark.parametrize(
    ("predicted", "measured", "text"),
    [
        ([1.0], [1.0, 2.0], r"\(1,\) predictions do not fit to \(2,\) measurements"),
        ([1.0], [0.0], "a measured value must be above 0"),
    ],
)
def test_what_does_not_fit_is_refused(predicted: list[float], measured: list[float], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        accuracy_of(predicted, measured)
