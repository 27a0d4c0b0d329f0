"""Predicted against measured: the four predictors on the same rows, and their figures by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.accuracy import Accuracy, accuracy_of
from costmodel.records import record

PREDICTORS: dict[str, str] = {
    "macs": "multiply-accumulates times one fitted number",
    "eq1_datasheet": "Eq. 1 on the datasheet's peak and bandwidth",
    "two_fitted": "Eq. 1 with a fitted peak and a fitted bandwidth",
    "full": "all terms of the calibrated profile",
}
"""What is held against the measurements, from the simplest up. Fitted numbers are those of the profile files."""


@record
class Group:
    """Rows of one kind and the figures of every predictor; `skipped` counts rows without a prediction.

    `held_out_median_ape` is what the profiles of these rows state as their median error on rows left out of the fit,
    averaged over the rows: the bundled rows themselves were fitted. None where nothing was. `uncalibrated` counts
    predicted rows whose runtime and number format nothing was fitted in: their `full` is Eq. 1 on datasheet numbers.
    """

    key: Mapping[str, Any]
    skipped: int
    accuracy: Mapping[str, Accuracy]
    held_out_median_ape: float | None = None
    uncalibrated: int = 0


def grouped_figures(
    keys: Sequence[Mapping[str, Any]], measured: Sequence[float], predicted: Mapping[str, Sequence[float]],
    held_out: Sequence[float | None] = (), uncalibrated: Sequence[bool] = (),
) -> list[Group]:  # fmt: skip
    """Figures per group of equal keys, in order of first appearance.

    `predicted` has a list per predictor, NaN where it does not apply; a row that `full` cannot predict is skipped.
    `held_out` is the error that the profile of each row states, `uncalibrated` whether it states none.
    """
    import math

    members: dict[tuple[Any, ...], list[int]] = {}
    for at, key in enumerate(keys):
        members.setdefault(tuple(key.values()), []).append(at)
    groups = []
    for rows in members.values():
        used = [at for at in rows if not math.isnan(predicted["full"][at])]
        actual = [measured[at] for at in used]
        figures = {name: accuracy_of([values[at] for at in used], actual) for name, values in predicted.items()}
        stated = [each for at in used if held_out and (each := held_out[at]) is not None]
        average = sum(stated) / len(stated) if stated else None
        plain = sum(uncalibrated[at] for at in used) if uncalibrated else 0
        groups.append(Group(keys[rows[0]], len(rows) - len(used), figures, average, plain))
    return groups
