"""The formulas of the terms: by hand, and that none of them rewards less hardware."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.latency.times import overlapped, padding, saturation, spilled, tiered_seconds

times = st.floats(1e-9, 1e3)
exponents = st.floats(1, 60)


@given(times, times, exponents)
def test_an_overlap_lies_between_the_maximum_and_the_sum(compute: float, memory: float, exponent: float) -> None:
    found = overlapped(compute, memory, exponent)
    assert max(compute, memory) * (1 - 1e-12) <= found <= (compute + memory) * (1 + 1e-12)
    assert found <= overlapped(compute, memory, 1.0) * (1 + 1e-12)


@given(times, times)
def test_the_limit_of_the_overlap_is_the_roofline(compute: float, memory: float) -> None:
    assert overlapped(compute, memory, math.inf) == max(compute, memory)
    assert overlapped(compute, memory, 1.0) == pytest.approx(compute + memory)


@given(times, times, times, exponents)
def test_more_time_of_a_part_is_never_less_time_in_all(compute: float, memory: float, more: float, p: float) -> None:
    assert overlapped(compute + more, memory, p) >= overlapped(compute, memory, p) * (1 - 1e-12)


def test_overlap_of_arrays_is_that_of_their_entries() -> None:
    compute, memory = np.array([0.0, 3.0, 1.0]), np.array([0.0, 4.0, 0.0])
    assert overlapped(compute, memory, 2.0).tolist() == [0.0, 5.0, 1.0]


@given(st.integers(1, 500), st.integers(1, 64), st.floats(0, 1))
def test_padding_fills_up_to_the_width(size: int, width: int, paid: float) -> None:
    whole = math.ceil(size / width) * width / size
    assert padding(size, width) == pytest.approx(whole)
    assert 1 <= padding(size, width, paid) <= whole * (1 + 1e-12)


@pytest.mark.parametrize(("size", "half", "times_as_long"), [(8, 8, 2.0), (8, 0, 1.0), (4, 8, 3.0)])
def test_saturation_by_hand(size: float, half: float, times_as_long: float) -> None:
    assert saturation(size, half) == times_as_long


@pytest.mark.parametrize("shape", ["smooth", "square", "excess", "all"])
@given(size=st.floats(1, 1e9), capacity=st.floats(1, 1e9), more=st.floats(0, 1e9))
def test_more_capacity_never_spills_more(shape: str, size: float, capacity: float, more: float) -> None:
    part = spilled(size, capacity, shape)
    assert 0 <= spilled(size, capacity + more, shape) <= part <= 1


@pytest.mark.parametrize(
    ("shape", "size", "part"),
    [
        ("smooth", 30.0, 0.75), ("square", 10.0, 0.5), ("square", 30.0, 0.9), ("excess", 40.0, 0.75),
        ("excess", 5.0, 0.0), ("all", 10.0, 0.0), ("all", 10.1, 1.0),
    ],
)  # fmt: skip
def test_what_does_not_fit_into_ten_bytes(shape: str, size: float, part: float) -> None:
    assert spilled(size, 10.0, shape) == pytest.approx(part)


def test_tiers_by_hand() -> None:
    """4 bytes at 4 B/s, the next 6 at 2 B/s, the rest at 1 B/s."""
    levels = [(4.0, 4.0), (10.0, 2.0)]
    assert [tiered_seconds(moved, levels, 1.0) for moved in (2.0, 4.0, 8.0, 10.0, 15.0)] == [0.5, 1.0, 3.0, 4.0, 9.0]


@given(st.floats(0, 1e6), st.floats(1, 1e5), st.floats(1, 10))
def test_a_larger_near_memory_never_costs_time(moved: float, capacity: float, faster: float) -> None:
    alone = tiered_seconds(moved, [], 1.0)
    near = tiered_seconds(moved, [(capacity, faster)], 1.0)
    nearer = tiered_seconds(moved, [(2 * capacity, faster)], 1.0)
    assert nearer <= near * (1 + 1e-12) <= alone * (1 + 1e-9) + 1e-9
