"""Every row that was predicted stands in the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from costmodel.errors import ParameterError
from costmodel.plots.validation_chart import FARTHEST, predicted_measured
from costmodel.validation import Validation


def drawn(measured: list[float], predicted: list[float]) -> Axes:
    columns: dict[str, list[Any]] = {"measured_seconds": measured, "full": predicted, "device": ["a"] * len(measured)}
    return predicted_measured(Validation((), {}, columns), ["full"]).axes[0]


def points(axes: Axes, marker: str) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for line in axes.lines:
        if line.get_marker() == marker:
            x, y = (np.asarray(data, float).tolist() for data in line.get_data())
            found += zip(x, y, strict=True)
    return found


@pytest.mark.parametrize(
    "predicted", [[1e-3, 1e-2], [1e-5, 1e-2], [1e-3, 0.9], [1e-2, 1e-1], [0.9e-6, 9.0]]
)  # as measured, far below, far above, all above, just inside on both sides
def test_points_lie_within_the_axes(predicted: list[float]) -> None:
    axes = drawn([1e-3, 1e-2], [max(each, 1e-3 / FARTHEST) for each in predicted])
    (bottom, top), (left, right) = axes.get_ylim(), axes.get_xlim()
    assert (bottom, top) == (left, right)
    assert all(bottom < y < top and left < x < right for x, y in points(axes, "o"))
    assert not axes.texts or all("the axis" not in text.get_text() for text in axes.texts)
    assert not points(axes, "v")
    assert not points(axes, "^")


def test_points_that_are_too_far_out_stand_on_the_edge_and_are_counted() -> None:
    axes = drawn([1e-3, 1e-2, 2e-2, 3e-2], [0.0, 1e-9, 2e-2, 1e9])
    bottom, top = axes.get_ylim()
    assert (bottom, top) == pytest.approx((5e-4, 6e-2))
    assert points(axes, "v") == [(1e-3, bottom), (1e-2, bottom)]
    assert points(axes, "^") == [(3e-2, top)]
    texts = {text.get_text() for text in axes.texts}
    assert {"2 rows below the axis", "1 row above the axis"} <= texts


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ParameterError, match="no row was predicted: there is nothing to draw"):
        predicted_measured(Validation((), {}, {}))
    with pytest.raises(
        ParameterError, match="unknown predictor 'ful'; there are macs, eq1_datasheet, two_fitted, full"
    ):
        predicted_measured(Validation((), {}, {}), ["ful"])
