"""The operators. One class each: fields, shape rule, counting rule. Adding one is a class here and its test rows."""

from costmodel.operators import (
    activation,
    combining,
    convolution,
    layout,
    linear,
    multiplication_free,
    normalization,
    pooling,
    recurrent,
    resizing,
)  # fmt: skip
from costmodel.operators.activation import ACTIVATION_VERBS
from costmodel.operators.base import OPERATORS, Counts, Operator

__all__ = [
    "ACTIVATION_VERBS", "OPERATORS", "Counts", "Operator", "activation", "combining", "convolution", "layout",
    "linear", "multiplication_free", "normalization", "pooling", "recurrent", "resizing",
]  # fmt: skip
