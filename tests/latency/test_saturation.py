"""The saturation of all results of a product: how sharply it sets in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.latency.times import saturation

SIZES = st.floats(1.0, 1e9)
EXPONENTS = st.floats(1.0, 16.0)


@given(SIZES, st.floats(0.0, 1e9), EXPONENTS)
def test_it_lies_between_the_corner_and_the_sum(size: float, half: float, exponent: float) -> None:
    found = saturation(size, half, exponent)
    assert max(1.0, half / size) * (1 - 1e-9) <= found <= (1 + half / size) * (1 + 1e-9)


@given(SIZES, SIZES, st.floats(1.0, 1e9), EXPONENTS)
def test_more_results_never_take_less_time(size: float, more: float, half: float, exponent: float) -> None:
    small, large = sorted((size, size + more))
    assert small * saturation(small, half, exponent) <= large * saturation(large, half, exponent) * (1 + 1e-9)


def test_columns_give_what_numbers_give() -> None:
    sizes, exponents = np.array([8.0, 96.0]), np.array([1.0, 8.0])
    found = saturation(sizes, 32.0, exponents)
    assert found == pytest.approx([saturation(8.0, 32.0, 1.0), saturation(96.0, 32.0, 8.0)])
    assert found[0] == 5.0
