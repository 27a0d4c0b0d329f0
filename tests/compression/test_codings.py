"""Codings: each formula against an encoder that writes bits, and against the released file of SqueezeNet."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.arithmetic import ceil_div
from costmodel.compression import CODINGS, coded, coding_named, expected_fillers
from costmodel.errors import ParameterError, UnknownNameError

RELEASED_ENTRIES = (
    13902, 1528, 1020, 3073, 2038, 1023, 3081, 4085, 4071, 12288, 8160, 4067, 12343, 12161, 4602, 27558, 9205, 9132,
    27564, 24388, 8190, 44919, 16371, 16303, 45038, 105973,
)  # fmt: skip
"""Stored weights of the 26 layers, from the header of repo songhan/SqueezeNet-Deep-Compression@fb13faa,
compressed_SqueezeNet.net."""
RELEASED_BYTES = 675_763
RELEASED_FILLERS = 6_162


def relative_index_entries(weights: list[int], index_bits: int) -> list[tuple[int, int]]:
    """(zeros before, value) of every stored weight, written out one by one as Fig. 2 of arXiv:1510.00149 does."""
    entries, zeros = [], 0
    for weight in weights:
        if weight:
            entries.append((zeros, weight))
            zeros = 0
        elif zeros == 2**index_bits - 1:  # the index is full: this zero is stored
            entries.append((zeros, 0))
            zeros = 0
        else:
            zeros += 1
    while entries and not entries[-1][1]:  # zeros behind the last weight need no entry
        entries.pop()
    return entries


def test_every_coding_by_hand() -> None:
    bits = {name: coded(CODINGS[name], 1000, 500, weight_bits=8).bits for name in CODINGS}
    assert bits == {
        "dense": 8000,
        "codebook": 8000 + 256 * 32,
        "relative_index": 500 * (8 + 4),  # runs of 16 zeros: 500 * 2**-16 / (1 - 2**-16) < 0.01
        "deep_compression": 500 * (8 + 4) + 256 * 32,
        "bitmap": 1000 + 500 * 8,
        "structured_2_4": 500 * (8 + 2),
    }


def test_the_example_of_the_paper() -> None:
    weights = coded(CODINGS["codebook"], 16, 16, weight_bits=2)
    assert weights.bits == 4 * 32 + 2 * 16  # section 3: 16 * 32 / (4 * 32 + 2 * 16) = 3.2
    assert 16 * 32 / weights.bits == 3.2


def test_every_coding_says_what_it_is() -> None:
    for name, coding in CODINGS.items():
        assert coding.name == name
        assert len(coding.meaning) > 20
        assert len(coding.source) > 10
        assert coding.formula.endswith(("weight_bits", "index_bits", "32"))
    assert CODINGS["dense"].formula == "weights * weight_bits"
    assert CODINGS["bitmap"].formula == "kept * weight_bits + weights * index_bits"


def test_an_unknown_coding_is_answered() -> None:
    with pytest.raises(UnknownNameError, match="unknown coding 'bitmaps'; did you mean 'bitmap'"):
        coding_named("bitmaps")
    with pytest.raises(
        UnknownNameError, match="unknown coding 'zip'; there are dense, codebook, relative_index, deep_"
    ):
        coding_named("zip")
    with pytest.raises(UnknownNameError, match="unknown coding"):
        coding_named(["dense"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weights", "kept", "index_bits"), [(40_000, 8_000, 4), (40_000, 4_000, 3), (40_000, 2_000, 5)]
)
def test_expected_fillers_are_what_an_encoder_writes_on_average(weights: int, kept: int, index_bits: int) -> None:
    generator = random.Random(1)
    written = []
    for _ in range(20):
        places = set(generator.sample(range(weights), kept))
        entries = relative_index_entries([int(place in places) for place in range(weights)], index_bits)
        assert sum(value for _, value in entries) == kept
        assert max(zeros for zeros, _ in entries) < 2**index_bits
        assert len(entries) + sum(zeros for zeros, _ in entries) <= weights
        written.append(len(entries) - kept)
    assert expected_fillers(weights, kept, index_bits) == pytest.approx(sum(written) / len(written), rel=0.03)


def test_fillers_between_very_few_weights() -> None:
    """One weight among 10^20, an index of 4 bits: a stored zero in every 16 places; none where every place is kept."""
    assert expected_fillers(10**20, 1, 4) == pytest.approx(10**20 / 16, rel=1e-6)
    assert expected_fillers(1000, 1, 1) == pytest.approx(1000 / 2, abs=1)
    for weights, kept in ((10, 0), (10, 10), (0, 0)):
        assert expected_fillers(weights, kept, 3) == 0
    assert expected_fillers(10, 5, 2000) == 0
    with pytest.raises(ParameterError, match="kept = 20 must be from 0 to the 10 weights"):
        expected_fillers(10, 20, 3)


def test_the_released_file_of_squeezenet_has_the_layout_of_the_coding() -> None:
    headers, biases = 4 * len(RELEASED_ENTRIES), 4 * 3976
    layers = 0
    for entries in RELEASED_ENTRIES:
        layers += ceil_div(coded(CODINGS["deep_compression"], entries, entries, weight_bits=8).bits, 8)
    assert headers + biases + layers == RELEASED_BYTES


def test_its_fillers_are_more_than_zeros_at_random_would_need() -> None:
    kept = sum(RELEASED_ENTRIES) - RELEASED_FILLERS
    assert kept == 415_921
    zero = (512_000 - 102_323) / 512_000  # conv10: 105,973 entries, of which 3,650 are fillers
    assert round(102_323 * (zero**16 / (1 - zero**16))) == 2973
    assert expected_fillers(512_000, 105_973 - 3_650, 4) == 2973 < 3_650


@given(
    st.integers(1, 5000), st.floats(0, 1), st.integers(1, 16), st.integers(1, 8),
    st.sampled_from([name for name in CODINGS if name != "structured_2_4"]),
)  # fmt: skip
def test_codings_hold_what_they_must(weights: int, part: float, weight_bits: int, index_bits: int, name: str) -> None:
    kept = round(weights * part)
    index = index_bits if not CODINGS[name].is_fixed else None
    one = coded(CODINGS[name], weights, kept, weight_bits, index)
    assert one.bits >= kept * weight_bits
    assert one.entries in (weights, kept + one.fillers)
    assert 0 <= one.fillers <= max(0, weights - kept)
    assert coded(CODINGS[name], weights, kept, weight_bits + 1, index).bits > one.bits or one.entries == 0
    if one.entries != weights and CODINGS[name].is_fixed and kept < weights:
        assert coded(CODINGS[name], weights, kept + 1, weight_bits, index).bits > one.bits
