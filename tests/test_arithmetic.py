"""Arithmetic on sizes: ints by hand, arrays against the loop of ints."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.arithmetic import (
    anywhere,
    ceil,
    ceil_div,
    first_where,
    floor,
    is_array,
    is_whole,
    make_divisible,
    maximum,
    minimum,
    product,
    ratio,
    refuse_overflow,
    round_to,
    to_whole,
)  # fmt: skip
from costmodel.errors import CostmodelError, CountOverflowError


@pytest.mark.parametrize(
    ("value", "divisor", "expected"),
    [
        (32 * 0.25, 8, 8),
        (16 * 0.35, 8, 8),  # 5.6: at least one divisor
        (3, 8, 8),
        (12, 8, 16),  # halves go up
        (11.9, 8, 16),  # 8 would be below 0.9 * 11.9 = 10.71
        (24 * 0.75, 8, 24),  # 18: 16 would be below 16.2
        (17.7, 8, 16),  # 15.93 is not above 16
        (17.8, 8, 24),  # 16.02 is
        (32 * 0.28, 8, 16),  # 8.96: 8 would be below 8.064
        (8.8, 8, 8),  # 7.92 is not above 8
        (32 * 1.4, 8, 48),  # 44.8
        (96 * 0.35, 8, 32),  # 33.6: 32 is above 30.24
        (320 * 0.75, 8, 240),
        (1280 * 1.4, 8, 1792),
        (5, 4, 8),  # 4 would be below 4.5
        (4.4, 4, 4),  # 3.96 is not above 4
        (60, 1, 60),
        (0.2, 1, 1),
    ],
)
def test_make_divisible(value: float, divisor: int, expected: int) -> None:
    assert make_divisible(value, divisor) == expected
    assert make_divisible(numpy.array([value, value]), divisor).tolist() == [expected, expected]


def test_make_divisible_is_by_eight_unless_told() -> None:
    assert make_divisible(20) == 24


@given(st.floats(0.01, 5000), st.integers(1, 64))
@settings(deadline=None)
def test_make_divisible_is_near_divisible_and_not_below_nine_tenths(value: float, divisor: int) -> None:
    result = make_divisible(value, divisor)
    assert result % divisor == 0
    assert result >= max(divisor, 0.9 * value)
    assert result < value + 1.5 * divisor


@pytest.mark.parametrize(
    ("value", "multiple", "expected"),
    [
        (60, 8, 64), (59.9, 8, 56), (68, 8, 72), (4, 8, 8), (3.9, 8, 0), (2.5, 1, 3), (3.5, 1, 4), (2.4, 1, 2),
        (-2.5, 1, -2), (7, 7, 7), (100, 32, 96),
    ],
)  # fmt: skip
def test_round_to_halves_up(value: float, multiple: int, expected: int) -> None:
    assert round_to(value, multiple) == expected
    assert round_to(numpy.array([value, value]), multiple).tolist() == [expected, expected]


def test_round_to_whole_numbers_unless_told() -> None:
    assert round_to(2.5) == 3


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(7, 2, 4), (8, 2, 4), (1, 5, 1), (0, 5, 0), (-1, 2, 0), (-3, 2, -1), (10**30 + 1, 10, 10**29 + 1)],
)
def test_ceil_div(numerator: int, denominator: int, expected: int) -> None:
    assert ceil_div(numerator, denominator) == expected


ints = st.integers(-(10**6), 10**6)
several = st.lists(ints, min_size=1, max_size=5)


@given(several, st.integers(1, 1000))
@settings(deadline=None)
def test_arrays_and_ints_agree(values: list[int], other: int) -> None:
    array: Any = numpy.array(values)
    rounded_up: Any = ceil_div(array, other)
    assert rounded_up.tolist() == [ceil_div(value, other) for value in values]
    assert minimum(array, other).tolist() == [minimum(value, other) for value in values]
    assert maximum(other, array).tolist() == [maximum(other, value) for value in values]
    assert round_to(array, other).tolist() == [round_to(value, other) for value in values]
    assert floor(array / other).tolist() == [floor(value / other) for value in values]
    assert ceil(array / other).tolist() == [ceil(value / other) for value in values]
    assert make_divisible(array, other).tolist() == [make_divisible(value, other) for value in values]
    assert ratio(array, other).tolist() == [float(ratio(value, other)) for value in values]
    results: list[Any] = [ceil_div(array, other), minimum(array, other), round_to(array, other)]
    for result in (*results, make_divisible(array, other)):
        assert result.dtype == numpy.int64


def test_ints_stay_ints() -> None:
    for result in (
        ceil_div(7, 2),
        minimum(7, 2),
        maximum(7, 2),
        round_to(7, 2),
        floor(7.5),
        ceil(7.5),
        product((7, 2)),
    ):
        assert type(result) is int
    assert type(make_divisible(7.5)) is int
    assert ratio(1, 2) == Fraction(1, 2)


def test_product() -> None:
    assert product(()) == 1
    assert product((3, 224, 224)) == 150_528
    assert product((2**40, 2**40)) == 2**80
    array: Any = numpy.array([2, 5])
    result: Any = product((3, array, 7))
    assert result.tolist() == [42, 105]


@pytest.mark.parametrize("sizes", [(2**40, [1, 2**30]), ([1, 2**32], [1, 2**31]), ([1, 2], 2**63), ([-1, 2**62], 2)])
def test_product_of_arrays_beyond_64_bits_is_refused(sizes: tuple[Any, ...]) -> None:
    arrays: list[Any] = [numpy.array(size) if isinstance(size, list) else size for size in sizes]
    with pytest.raises(CountOverflowError) as error:
        product(arrays)
    assert str(error.value).startswith("a number of elements reaches ")
    assert str(error.value).endswith(
        ", beyond the 64-bit integers of an array sweep (9.2e18); "
        "cost these values one by one: single networks are counted in unbounded integers"
    )
    assert isinstance(error.value, CostmodelError)
    assert isinstance(error.value, OverflowError)


def test_the_largest_product_that_fits() -> None:
    array: Any = numpy.array([1, 2**31])
    result: Any = product((2**31, array))
    assert result.tolist() == [2**31, 2**62]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 2.0**63, numpy.array([1.0, 2.0**64])])
def test_refuse_overflow(value: Any) -> None:
    with pytest.raises(CountOverflowError, match=r"^macs reaches "):
        refuse_overflow(value, "macs")


def test_refuse_overflow_lets_pass_what_fits() -> None:
    fitting: list[Any] = [2.0**62, numpy.array([0.0, 2.0**62])]
    for value in fitting:
        refuse_overflow(value, "macs")
    assert product((numpy.array([1, 2**31]), 2**31)).tolist() == [2**31, 2**62]  # type: ignore[arg-type, attr-defined]


def test_is_array() -> None:
    assert is_array(numpy.array([1, 2]))
    assert not any(is_array(value) for value in (1, 1.5, "a", (1, 2), numpy.int64(3), numpy.array(3)))


def test_anywhere() -> None:
    assert anywhere(numpy.array([False, True]))
    assert not anywhere(numpy.array([False, False]))
    assert (anywhere(True), anywhere(0)) == (True, False)


def test_first_where() -> None:
    values = numpy.array([8, 10, 6])
    assert first_where(values % 4 != 0, values) == 10
    assert type(first_where(values % 4 != 0, values)) is int
    assert first_where(numpy.array([False, True]), 7) == 7
    assert first_where(True, 7) == 7


@pytest.mark.parametrize(
    ("value", "whole"),
    [(3, True), (3.0, True), (3.5, False), (Fraction(6, 2), True), (Fraction(1, 2), False), (float("inf"), False),
     (float("nan"), False), (numpy.array([1, 2]), True), (numpy.array([1.0, 2.0]), True),
     (numpy.array([1.0, 2.5]), False)],
)  # fmt: skip
def test_is_whole(value: Any, whole: bool) -> None:
    assert is_whole(value) is whole


def test_to_whole() -> None:
    assert (to_whole(3.0), type(to_whole(3.0))) == (3, int)
    for values in ([1.0, 2.0], numpy.array([1, 2], dtype=numpy.uint8), numpy.array([1, 2])):
        whole = to_whole(numpy.array(values))
        assert whole.tolist() == [1, 2]
        assert whole.dtype == numpy.int64


def test_ints_leave_numpy_alone() -> None:
    program = (
        "import sys; from costmodel import arithmetic as a; "
        "a.make_divisible(20); a.round_to(20, 8); a.minimum(1, 2); a.product((2, 3)); a.ratio(1, 2); a.is_whole(2.0); "
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
