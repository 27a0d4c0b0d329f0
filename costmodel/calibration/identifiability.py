"""Which parameters the data do not tell, said in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.parameters import COMMON, FACTOR, NUMBER, SET, TIMES, Parameter
from costmodel.calibration.problem import Problem
from costmodel.records import record

LEAST_LEARNT = 0.7
"""A parameter whose spread given the data is above this part of its spread before was not told by the data."""
MOST_MOVED = 0.5
"""One that data have moved further from its prior, in spreads, they have told something: that it is small, say."""
MOST_CORRELATED = 0.98


@record
class Refusal:
    """A parameter that stays at its prior, and why."""

    parameter: Parameter
    reason: str

    def __str__(self) -> str:
        return self.reason


def refused(
    problem: Problem, rows: NDArray[Any], logarithms: NDArray[Any], data: NDArray[Any], prior: NDArray[Any]
) -> tuple[Refusal, ...]:
    """The parameters that data do not tell, from the Gauss-Newton matrices of data and prior at the solution."""
    parameters = problem.parameters
    slopes = problem.sparse_log_slopes(logarithms)[rows].tocsc()
    contrasts = _contrasts(parameters)
    moved = _moved(parameters, logarithms) > MOST_MOVED
    covariance = np.linalg.inv(data + prior)
    known = ((contrasts @ covariance) * contrasts).sum(axis=1)
    common = np.array([each.kind == COMMON for each in parameters])
    found: list[Refusal] = []
    gone = np.zeros(len(parameters), bool)
    for _ in parameters:
        learnt = np.where(moved | gone | common, 0.0, np.maximum(known, 0.0) ** 0.5)
        at, partner = _next(learnt, covariance, gone | common)
        if at < 0:
            break
        found.append(Refusal(parameters[at], _words(problem, at, partner, covariance, slopes)))
        gone[at] = True
        held = _held(at, parameters)
        seen = covariance @ held
        weight = 1 / (1 + float(held @ seen))
        known = known - weight * (contrasts @ seen) ** 2
        covariance = covariance - weight * np.outer(seen, seen)  # the inverse once more is held (Sherman, Morrison)
    return tuple(found)


def _next(learnt: NDArray[Any], covariance: NDArray[Any], out: NDArray[Any]) -> tuple[int, int]:
    """The parameter that is known least of those that are known too little, and the one that it is told apart from
    least; -1 for none."""
    for at in np.argsort(-learnt.round(3), kind="stable").tolist():
        if learnt[at] <= LEAST_LEARNT / 2:
            break
        partner = _partner(at, covariance, out)
        if learnt[at] > LEAST_LEARNT or _correlation(covariance, at, partner) > MOST_CORRELATED:
            return int(at), partner
    return -1, -1


def _correlation(covariance: NDArray[Any], at: int, other: int) -> float:
    """The size of the correlation of two parameters; 0 without another."""
    if other < 0:
        return 0.0
    product = float(covariance[at, at] * covariance[other, other])
    return abs(float(covariance[at, other])) / math.sqrt(product)


def _partner(at: int, covariance: NDArray[Any], out: NDArray[Any]) -> int:
    """The parameter that one is told apart from least, of those that are fitted."""
    sizes = np.abs(covariance[at]) / np.maximum(np.diag(covariance), 1e-300) ** 0.5
    sizes[out] = -1
    sizes[at] = -1
    best = int(np.argmax((sizes / max(float(sizes.max()), 1e-300)).round(3)))
    return best if sizes[best] >= 0 else -1


def _held(at: int, parameters: Sequence[Parameter]) -> NDArray[Any]:
    """What a parameter that stays at its prior is held by: the square root of a precision."""
    row = np.zeros(len(parameters))
    row[at] = 1e3 / parameters[at].spread
    if parameters[at].kind == SET:
        for other, each in enumerate(parameters):
            if each.kind == COMMON and each.name == parameters[at].name:
                row[other] = -row[at]
    return row


def _contrasts(parameters: Sequence[Parameter]) -> NDArray[Any]:
    """What is asked of each parameter, in units of its spread before data: itself, but of a rule's value its distance
    from the mean of the other rules'. That all may shift together, against a factor of every device, says nothing
    against one."""
    made = np.zeros((len(parameters), len(parameters)))
    for at, each in enumerate(parameters):
        others = [
            other for other, its in enumerate(parameters)
            if other != at and each.kind == its.kind == SET and each.name == its.name
        ]  # fmt: skip
        before = each.spread * (1 + 1 / len(others) if others else 1) ** 0.5
        made[at, at] = 1 / before
        made[at, others] = -1 / max(len(others), 1) / before
    return made


def _moved(parameters: Sequence[Parameter], logarithms: NDArray[Any]) -> NDArray[Any]:
    """Distance from the prior's centre, in its spreads."""
    common = {each.name: at for at, each in enumerate(parameters) if each.kind == COMMON}
    centres = [
        logarithms[common[each.name]] if each.kind == SET and each.name in common else np.log(each.start)
        for each in parameters
    ]
    spreads = np.array([each.spread for each in parameters])
    made: NDArray[Any] = np.abs(logarithms - np.array(centres)) / spreads
    return made


def _words(problem: Problem, at: int, partner: int, covariance: NDArray[Any], slopes: Any) -> str:
    own = problem.parameters[at]
    share = np.abs(slopes[:, [at]].toarray()[:, 0])
    touched = int((share > 1e-9).sum())
    stays = "it stays at 1" if own.kind in (FACTOR, NUMBER, TIMES) and own.start == 1 else (
        "it stays at the common value of that constant" if own.kind == SET else "it stays at its prior")  # fmt: skip
    if not touched:
        return f"{own}: no measured row depends on it; {stays}"
    largest = float(np.max(share))
    if largest < 0.02:
        return f"{own}: at most {largest:.1%} of the time of any of {touched:,} rows depends on it; {stays}"
    close = _correlation(covariance, at, partner)
    if close < 0.6:
        return f"{own}: {touched:,} rows say too little of it; {stays}"
    other = problem.parameters[partner]
    together = bool(((share > 1e-9) <= (np.abs(slopes[:, [partner]].toarray()[:, 0]) > 1e-9)).all())
    always = f"{touched:,} rows always have both" if together else f"correlation {close:.2f} over {touched:,} rows"
    return f"{own} cannot be told from {other} ({always}); {stays}"
