"""Conditional execution: what a layer costs on average when it runs for a part of the inputs, or computes a part of
its output.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from costmodel.arithmetic import anywhere, is_array
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
    activations, but reads all its weights. Parameters are stored either way.

    >>> from costmodel.operators.convolution import Conv2d
    >>> layer = Layer("conv", Conv2d(8), ("x",), ("conv",), probability=0.75, active=0.5)
    >>> counts = expected(Counts(macs=1000, weight_params=64, weight_elements=64), layer)
    >>> counts.macs, counts.weight_params, counts.weight_elements
    (375, 64, 48)
    """
    always = _fraction(layer.probability)
    partly = always * _fraction(layer.active)
    changes = {
        name: _whole_where_possible(getattr(counts, name) * (always if name == "weight_elements" else partly))
        for name in fields_of(counts)
        if name not in STORED
    }
    return replace(counts, **changes)


def _fraction(value: Any) -> Any:
    """A decimal as it is written; arrays stay floating point."""
    return value if is_array(value) else Fraction(str(value))


def _whole_where_possible(value: Any) -> Any:
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else float(value)
    return value
