"""How far predictions are from measurements: the figures that every comparison prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from costmodel.errors import ParameterError
from costmodel.records import record

GRADES = {"A": 0.10, "B": 0.20, "C": float("inf")}
"""The greatest median absolute error of a calibration of each grade, on rows that were not fitted."""
LEAST_ROWS = {"A": 8, "B": 4, "C": 1}
"""How many rows of its own a calibration of each grade needs. Where errors are normal and their true median is twice
the limit of a grade, 8 rows stay below the limit by chance in 6 of 100 cases, 4 rows in 11, one row in 26. Rows of
other devices with the same runtime, from which an error was taken over, are no rows of its own."""
WIDEST_BAND = {"A": 2.0, "B": 3.0, "C": float("inf")}
"""How far the ends of the band may lie apart, high / low: measured / predicted of four rows of five. Normal errors with
a median of 10 and 20 % make bands of 1.44 and 2.00; one that is half as wide again has errors that the median does not
show."""


@record
class Accuracy:
    """Figures of `n` rows. Errors are |predicted / measured - 1|: `mape` their mean, `median_ape` their median,
    `within_10` and `within_20` the parts up to 10 and 20 %; `kendall_tau` (tau-b) compares the two orders."""

    n: int
    mape: float | None
    median_ape: float | None
    within_10: float | None
    within_20: float | None
    kendall_tau: float | None


def accuracy_of(predicted: Any, measured: Any) -> Accuracy:
    """The figures of two arrays in the same unit; rows without a prediction are NaN in `predicted` and left out.

    >>> found = accuracy_of([1.0, 2.5, 4.0, 9.0], [1.0, 2.0, 8.0, 9.0])
    >>> found.mape, found.median_ape, found.within_20, found.kendall_tau
    (0.1875, 0.125, 0.5, 1.0)

    Raises: ParameterError unless the two have one length and what was measured is above 0.
    """
    import numpy

    predicted, measured = numpy.asarray(predicted, float), numpy.asarray(measured, float)
    if predicted.shape != measured.shape or predicted.ndim != 1:
        raise ParameterError(f"{predicted.shape} predictions do not fit to {measured.shape} measurements")
    if not (measured > 0).all():
        raise ParameterError("a measured value must be above 0")
    known = numpy.isfinite(predicted)
    predicted, measured = predicted[known], measured[known]
    if not len(predicted):
        return Accuracy(0, None, None, None, None, None)
    errors = numpy.abs(predicted / measured - 1)
    within_10, within_20 = (float((errors <= bound + 1e-12).mean()) for bound in (0.1, 0.2))
    tau = kendall_tau(predicted.tolist(), measured.tolist())
    return Accuracy(len(errors), float(errors.mean()), float(numpy.median(errors)), within_10, within_20, tau)


def grade_of(median_ape: float, n: int | None = None, low: float | None = None, high: float | None = None) -> str:
    """The grade of a calibration: A, B, or C (order only), by what was found on rows that were not fitted.

    `GRADES` bounds the median absolute error, `LEAST_ROWS` the number of rows, `WIDEST_BAND` high / low, the 90th by
    the 10th percentile of measured / predicted. What is not given bounds nothing.

    >>> grade_of(0.1), grade_of(0.15), grade_of(0.3)
    ('A', 'B', 'C')
    >>> grade_of(0.05, n=30, low=0.9, high=1.2), grade_of(0.05, n=4), grade_of(0.05, n=30, low=0.4, high=2.6)
    ('A', 'B', 'C')
    """
    width = 1.0 if low is None or high is None else high / low
    for grade, most in GRADES.items():
        if median_ape <= most and (n is None or n >= LEAST_ROWS[grade]) and width <= WIDEST_BAND[grade]:
            return grade
    return "C"


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b: (concordant - discordant pairs) / sqrt(pairs not tied in one * pairs not tied in the other).

    In n log n, by counting the exchanges that sort one after the other (Knight 1966). None where it is not defined:
    fewer than two rows, or all of one side equal.

    >>> kendall_tau([1, 2, 3, 4], [1, 2, 4, 3])
    0.6666666666666666
    """
    pairs = sorted(zip(first, second, strict=True))
    total = _pairs(len(pairs))
    tied_first = sum(map(_pairs, Counter(x for x, _ in pairs).values()))
    tied_second = sum(map(_pairs, Counter(y for _, y in pairs).values()))
    tied_both = sum(map(_pairs, Counter(pairs).values()))
    if tied_first == total or tied_second == total:
        return None
    discordant = _exchanges([y for _, y in pairs])
    concordant = total - tied_first - tied_second + tied_both - discordant
    return float((concordant - discordant) / ((total - tied_first) * (total - tied_second)) ** 0.5)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _exchanges(values: list[float]) -> int:
    """Pairs that stand in the wrong order, by merging sorted runs."""
    count, width = 0, 1
    while width < len(values):
        merged: list[float] = []
        for start in range(0, len(values), 2 * width):
            left, right = values[start : start + width], values[start + width : start + 2 * width]
            at = 0
            for value in right:
                while at < len(left) and left[at] <= value:
                    merged.append(left[at])
                    at += 1
                merged.append(value)
                count += len(left) - at
            merged += left[at:]
        values, width = merged, 2 * width
    return count
