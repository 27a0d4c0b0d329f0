"""Blocks and patches of sweeps are refused in words, whatever makes the sizes arrays."""

from __future__ import annotations

import numpy
import pytest

from costmodel import flash_size, load
from costmodel.errors import ParameterError
from costmodel.memory import bottlenecks_of, split_bottlenecks
from costmodel.patches import search_patches

MANY = load("mobilenet_v2", width=numpy.array([0.5, 1.0]))


def test_arrays_are_refused() -> None:
    for refused in (bottlenecks_of, split_bottlenecks):
        with pytest.raises(ParameterError, match="bottlenecks are those of one network, and mobilenet_v2 has arrays"):
            refused(MANY)
    with pytest.raises(ParameterError, match="patches are those of one network, and mobilenet_v2 has arrays"):
        search_patches(MANY)
    with pytest.raises(ParameterError, match="bottlenecks are those of a Graph, got str; load a network first"):
        split_bottlenecks("mobilenet_v2")  # type: ignore[arg-type]


def test_flash_of_variants_reads_as_such() -> None:
    assert repr(flash_size(MANY)) == "<FlashSize of 2 variants of mobilenet_v2 (int8, plain)>"
