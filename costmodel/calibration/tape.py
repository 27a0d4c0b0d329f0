"""Derivatives of the formulas of a latency: what `row_times` computes, traced on columns and followed backwards.

The formulas stand once, in `costmodel.latency`. Here a column of a constant remembers what is computed from it, and one
walk backwards gives the derivative of every row's seconds by every constant: exact, whatever terms the model has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Column = NDArray[Any]


class Traced(NDArrayOperatorsMixin):
    """A column of numbers, one per row, that knows the columns it was computed from and its slope in each of them."""

    def __init__(self, tape: list[Traced], value: Column, sources: tuple[tuple[Traced, Any], ...] = ()) -> None:
        self.tape, self.value, self.sources = tape, value, sources
        self.at = len(tape)
        tape.append(self)

    @property
    def dtype(self) -> Any:
        """The type of its numbers."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """1: a column."""
        return self.value.ndim

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        values = [each.value if isinstance(each, Traced) else each for each in inputs]
        result = getattr(ufunc, method)(*values, **options)
        if ufunc in _COMPARISONS:
            return result
        if ufunc not in _SLOPES or method != "__call__":
            raise TypeError(f"there is no derivative of {ufunc.__name__}")
        slopes = _SLOPES[ufunc](result, *values)
        holds = options.get("where", True)
        sources = [
            (each, slope() if holds is True else np.where(holds, slope(), 0.0))
            for each, slope in zip(inputs, slopes, strict=True)
            if isinstance(each, Traced)
        ]
        return Traced(self.tape, result, tuple(sources))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is np.zeros_like:
            return np.zeros_like(arguments[0].value)
        raise TypeError(f"there is no derivative of {function.__name__}")


_COMPARISONS = frozenset({np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal})


def _power(result: Column, base: Any, exponent: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """x^p by x and by p. An infinite p is the maximum of a p-norm: a part below 1 counts nothing."""

    def by_base() -> Any:
        finite = np.isfinite(exponent)
        power = np.where(finite, exponent, 1.0)
        positive = np.maximum(base, 1e-300)
        return np.where(finite & (base > 0), power * result / positive, np.where(power == 1, finite * 1.0, 0.0))

    def by_exponent() -> Any:
        return np.where(base > 0, result * np.log(np.maximum(base, 1e-300)), 0.0)

    return by_base, by_exponent


_SLOPES: Mapping[Any, Callable[..., tuple[Callable[[], Any], ...]]] = {
    np.add: lambda r, a, b: (lambda: 1.0, lambda: 1.0),
    np.subtract: lambda r, a, b: (lambda: 1.0, lambda: -1.0),
    np.multiply: lambda r, a, b: (lambda: b, lambda: a),
    np.divide: lambda r, a, b: (lambda: 1 / b, lambda: -r / b),
    np.maximum: lambda r, a, b: (lambda: (a >= b) * 1.0, lambda: (a < b) * 1.0),
    np.minimum: lambda r, a, b: (lambda: (a <= b) * 1.0, lambda: (a > b) * 1.0),
    np.floor_divide: lambda r, a, b: (lambda: 0.0, lambda: 0.0),
    np.negative: lambda r, a: (lambda: -1.0,),
    np.power: _power,
    np.square: lambda r, a: (lambda: 2 * a,),
}


def slopes(result: Any, tape: list[Traced]) -> dict[int, Any]:
    """The derivative of each row of `result` by the same row of every column on the tape, by its place there.

    >>> tape: list[Traced] = []
    >>> x = Traced(tape, np.array([3.0, 5.0]))
    >>> slopes(x * x + 1.0, tape)[x.at]
    array([ 6., 10.])
    """
    found: dict[int, Any] = {}
    if isinstance(result, Traced):
        found[result.at] = np.ones_like(result.value)
    for node in reversed(tape):
        slope = found.get(node.at)
        if slope is None:
            continue
        for source, local in node.sources:
            more = slope * local
            found[source.at] = found[source.at] + more if source.at in found else more
    return found
