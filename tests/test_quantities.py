"""Amounts with units."""

from __future__ import annotations

from fractions import Fraction

import pytest

from costmodel.errors import ParameterError
from costmodel.quantities import BYTES, JOULES, SECONDS, amount


@pytest.mark.parametrize(
    ("text", "units", "value"),
    [
        ("320KiB", BYTES, 327_680),
        ("1 MB", BYTES, 1_000_000),
        ("1.5MiB", BYTES, 1_572_864),
        ("64kB", BYTES, 64_000),
        ("100 B", BYTES, 100),
        ("2GiB", BYTES, 2**31),
        ("50ms", SECONDS, Fraction(1, 20)),
        (" 0.25 s ", SECONDS, Fraction(1, 4)),
        ("3us", SECONDS, Fraction(3, 10**6)),
        ("3µs", SECONDS, Fraction(3, 10**6)),
        ("2.5mJ", JOULES, Fraction(1, 400)),
        ("1e-3J", JOULES, Fraction(1, 1000)),
    ],
)
def test_amounts(text: str, units: dict[str, Fraction], value: object) -> None:
    assert amount(text, units, "--budget") == value


@pytest.mark.parametrize("text", ["", "100", "KiB", "12 parsecs", "-5kB", "1,5MB", "nan", "9" * 30, "5Kib", "1e999"])
def test_what_is_no_amount_is_named_with_the_units(text: str) -> None:
    with pytest.raises(ParameterError, match=r"^--sram '.*' must be a number and a unit, as 320KiB; units: B, kB, MB,"):
        amount(text, BYTES, "--sram")


def test_nothing_is_no_budget() -> None:
    with pytest.raises(ParameterError, match="--energy '0mJ' must be above 0"):
        amount("0mJ", JOULES, "--energy")
    with pytest.raises(ParameterError, match="as 50ms; units: s, ms, us, µs"):
        amount("5 h", SECONDS, "--latency")
