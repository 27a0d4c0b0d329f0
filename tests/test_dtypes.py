"""Number formats."""

from __future__ import annotations

import pytest

from costmodel.dtypes import DTYPES, dtype_named
from costmodel.errors import CostmodelError, UnknownNameError


@pytest.mark.parametrize(
    ("name", "weight_bits", "activation_bits", "accumulator_bits"),
    [
        ("float32", 32, 32, 32),
        ("tfloat32", 32, 32, 32),  # computes with 19 bits, stored in 32
        ("float16", 16, 16, 32),
        ("bfloat16", 16, 16, 32),
        ("float8", 8, 8, 32),
        ("int16", 16, 16, 64),
        ("int8", 8, 8, 32),
    ],
)
def test_widths(name: str, weight_bits: int, activation_bits: int, accumulator_bits: int) -> None:
    dtype = dtype_named(name)
    assert dtype.name == name
    widths = (dtype.weight_bits, dtype.activation_bits, dtype.accumulator_bits)
    assert widths == (weight_bits, activation_bits, accumulator_bits)


def test_the_table_is_keyed_by_name() -> None:
    assert all(name == dtype.name for name, dtype in DTYPES.items())
    assert len(DTYPES) == 13


@pytest.mark.parametrize(
    ("name", "weight_bits", "activation_bits", "peak"),
    [
        ("amp", 32, 16, "float16"),  # weights stay in float32, products run in float16
        ("amp_bfloat16", 32, 16, "bfloat16"),
        ("auto", 32, 32, "float32"),  # the runtime chooses: the widest it may
        ("uint8", 8, 8, "int8"),
        ("float16_storage", 16, 16, "float32"),  # 16 bits in memory, float32 arithmetic
        ("float16_accumulate_float32", 16, 16, "float16"),
        ("float32", 32, 32, "float32"),
    ],
)
def test_formats_that_run_at_the_peak_of_another(name: str, weight_bits: int, activation_bits: int, peak: str) -> None:
    dtype = dtype_named(name)
    assert (dtype.weight_bits, dtype.activation_bits, dtype.peak) == (weight_bits, activation_bits, peak)


def test_integers_are_told_by_their_name() -> None:
    assert [name for name, dtype in DTYPES.items() if dtype.is_integer] == ["int16", "int8", "uint8"]


def test_accumulators_are_at_least_as_wide_as_what_they_add() -> None:
    assert all(dtype.accumulator_bits >= max(dtype.weight_bits, dtype.activation_bits) for dtype in DTYPES.values())


def test_a_misspelt_name() -> None:
    with pytest.raises(UnknownNameError) as error:
        dtype_named("flaot32")
    assert str(error.value) == "unknown number format 'flaot32'; did you mean 'float32'?"
    assert isinstance(error.value, CostmodelError)
    assert isinstance(error.value, LookupError)


def test_a_name_like_no_other() -> None:
    with pytest.raises(UnknownNameError) as error:
        dtype_named("q")
    assert str(error.value) == (
        "unknown number format 'q'; there are float32, tfloat32, float16, bfloat16, float8, int16, int8, uint8, amp, "
        "amp_bfloat16, auto, float16_accumulate_float32, float16_storage"
    )
