"""Derivatives of formulas on columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.arithmetic import maximum
from costmodel.calibration.tape import Traced, slopes
from costmodel.latency.times import overlapped, padding, saturation, spilled, tiered_seconds

FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "sum and product": lambda x, y: 3 * x * y - x / y + 2 / x - (-y),
    "maximum": lambda x, y: maximum(x, y) + maximum(0.5, y),
    "power": lambda x, y: x**y + (1 + x) ** 2,
    "overlapped": lambda x, y: overlapped(x, y, 2.5),
    "overlapped, exponent": lambda x, y: overlapped(x, 2.0 + 0 * x, 1 + y),
    "overlapped, infinite": lambda x, y: overlapped(x, y, np.full(3, np.inf)),
    "saturation": lambda x, y: saturation(np.array([4.0, 9.0, 30.0]), x) * saturation(7.0, y, 1 + x),
    "padding": lambda x, y: x * padding(np.array([5.0, 16.0, 17.0]), 8.0, y),
    "smooth spill": lambda x, y: spilled(x, y, "smooth") + spilled(x, y, "square") + spilled(x, y, "excess"),
    "tiers": lambda x, y: tiered_seconds(5 * x, [(2.0, 4.0), (7.0, 2.0)], 1.0) / y,
}
NUMBERS = st.lists(st.floats(0.2, 4.0), min_size=3, max_size=3)


@pytest.mark.parametrize("name", FORMULAS)
@given(first=NUMBERS, second=NUMBERS)
def test_slopes_are_those_of_central_differences(name: str, first: list[float], second: list[float]) -> None:
    formula, x, y = FORMULAS[name], np.array(first), np.array(second)
    near: list[Any] = [
        (x, y),
        (0.5, y),
        (5 * x, 2.0),
        (5 * x, 7.0),
        (x, 2.0),
        (y, 1.0),
    ]  # kinks of maximum, tiers and excess
    if any(np.abs(np.asarray(a - b)).min() < 1e-3 for a, b in near):
        return
    tape: list[Traced] = []
    columns = Traced(tape, x), Traced(tape, y)
    result = formula(*columns)
    found = slopes(result, tape)
    assert result.value == pytest.approx(formula(x, y))
    step = 1e-6
    for at, shift in ((0, (step, 0.0)), (1, (0.0, step))):
        difference = (formula(x + shift[0], y + shift[1]) - formula(x - shift[0], y - shift[1])) / (2 * step)
        assert np.asarray(found.get(at, np.zeros(3))) == pytest.approx(difference, rel=1e-4, abs=1e-5)


def test_a_column_that_nothing_is_computed_from_has_no_slope() -> None:
    tape: list[Traced] = []
    x, unused = Traced(tape, np.ones(2)), Traced(tape, np.ones(2))
    assert unused.at not in slopes(2 * x, tape)
    assert slopes(np.ones(2), tape) == {}


def test_functions_without_a_derivative_are_refused() -> None:
    column = Traced([], np.ones(2))
    with pytest.raises(TypeError, match="there is no derivative of arctan"):
        np.arctan(column)
    with pytest.raises(TypeError, match="there is no derivative of concatenate"):
        np.concatenate([column, column])
