"""Conditional execution: what a layer costs on average when it runs for a part of the inputs, or computes a part of
its output.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from costmodel.arithmetic import INT64_MAX, anywhere, is_array
from costmodel.graph import Graph, Layer
from costmodel.operators.base import Counts
from costmodel.records import fields_of, replace

STORED = ("weight_params", "bias_params", "norm_params", "other_params")
"""Counts that do not depend on how often a layer runs."""


def is_conditional(layer: Layer) -> bool:
    """Whether the costs of a layer are expectations."""
    probability, active = layer.probability, layer.active
    if type(probability) is int and type(active) is int:
        return probability != 1 or active != 1
    return anywhere(probability != 1) or anywhere(active != 1)


def conditional_layers(graph: Graph) -> int:
    """How many layers run conditionally."""
    return sum(map(is_conditional, graph.layers))


def expected(counts: Counts, layer: Layer) -> Counts:
    """Counts on average over the inputs.

    A layer that runs with probability p costs p times its work and traffic. A convolution that computes the active
    fraction a of its output positions (the tiles that SBNet gathers, arXiv:1801.02108) costs a times its work and
    activations, but reads all its weights. Parameters are stored either way. Whole expectations are ints, others
    floats.

    >>> from costmodel.operators.convolution import Conv2d
    >>> layer = Layer("conv", Conv2d(8), ("x",), ("conv",), probability=0.75, active=0.5)
    >>> counts = expected(Counts(macs=1000, weight_params=64, weight_elements=64), layer)
    >>> counts.macs, counts.weight_params, counts.weight_elements
    (375, 64, 48)
    """
    always, active = _rational(layer.probability), _rational(layer.active)
    if is_array(always) != is_array(active):  # numpy would make an array of objects of a fraction and an array
        partly = always * float(active) if is_array(always) else float(always) * active
    else:
        partly = always * active
    changes = {
        name: _times(getattr(counts, name), always if name == "weight_elements" else partly)
        for name in fields_of(counts)
        if name not in STORED
    }
    return replace(counts, **changes)


LARGEST_DENOMINATOR = 1_000_000
ROUNDING = 1e-12


def _rational(value: Any) -> Any:
    """The fraction that a decimal or quotient was written as: 0.1*0.2 is 1/50, 27.3/36 is 91/120. Arrays stay."""
    if is_array(value):
        return value
    simple = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    return simple if abs(simple - Fraction(value)) < ROUNDING else Fraction(value)


def _times(count: Any, factor: Any) -> Any:
    """The product: an int, or an array of ints, where it is whole, else in floating point."""
    if is_array(factor):
        return count * factor
    if not is_array(count):
        product = count * factor
        return product.numerator if product.denominator == 1 else float(product)
    if not float(count.max()) * factor.numerator < INT64_MAX:
        return count * float(factor)
    numerator, denominator = count * factor.numerator, factor.denominator
    return numerator // denominator if not (numerator % denominator).any() else numerator / denominator
