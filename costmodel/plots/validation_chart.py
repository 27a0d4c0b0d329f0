"""Predicted over measured latency: one point per measurement, a panel per predictor."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from costmodel.accuracy import accuracy_of
from costmodel.errors import ParameterError
from costmodel.plots.style import (
    FAINT,
    INK,
    OPERATOR_TYPES,
    SMALL,
    TEXT,
    HeadingLine,
    add_panel,
    empty_figure,
    style_axes,
    write_heading,
)
from costmodel.report import with_prefix
from costmodel.validation import PREDICTORS, Validation

WIDTH, HEIGHT = 5.0, 4.6
MOST_DEVICES = len(OPERATOR_TYPES) - 1
"""Devices with a colour of their own; the others share the last."""
BANDS = (0.2,)
"""Parts by which a prediction may be off, drawn beside the diagonal."""
FARTHEST = 1000.0
"""How many times the slowest measurement, or below the fastest, a prediction may lie within the axes. Points farther
out stand as triangles on their edge, and are counted."""


def predicted_measured(validation: Validation, predictors: Sequence[str] = ("two_fitted", "full")) -> Figure:
    """Predicted over measured latency on logarithmic axes, a panel per predictor.

    On the diagonal a prediction is right; the dashed lines are 20 % off. Devices with the most rows have colours.

    Raises: ParameterError for an unknown predictor or when no row was predicted.
    """
    for name in predictors:
        if name not in PREDICTORS:
            raise ParameterError(f"unknown predictor {name!r}; there are {', '.join(PREDICTORS)}")
    if not validation.columns.get("measured_seconds"):
        raise ParameterError("no row was predicted: there is nothing to draw")
    devices = list(validation.columns["device"])
    counts = {name: devices.count(name) for name in dict.fromkeys(devices)}
    named = sorted(counts, key=lambda name: -counts[name])[:MOST_DEVICES]
    figure = empty_figure(WIDTH * len(predictors), HEIGHT)
    for at, name in enumerate(predictors):
        axes = add_panel(figure, at * WIDTH, 0.6, WIDTH, HEIGHT - 1.35)
        _panel(axes, validation, name, named)
        if at == 0:
            axes.set_ylabel("predicted latency", fontsize=TEXT, color=INK)
            axes.legend(loc="upper left", fontsize=SMALL - 1, frameon=False, handletextpad=0.2, borderaxespad=0.2)
    return figure


def _panel(axes: Axes, validation: Validation, predictor: str, named: Sequence[str]) -> None:
    measured, predicted = validation.columns["measured_seconds"], validation.columns[predictor]
    devices = validation.columns["device"]
    rows = [at for at, value in enumerate(predicted) if not math.isnan(value)]
    for name, kind in zip((*named, ""), OPERATOR_TYPES, strict=False):
        own = [at for at in rows if devices[at] == name or (not name and devices[at] not in named)]
        if own:
            axes.plot(
                [measured[at] for at in own], [predicted[at] for at in own], linestyle="none", marker=kind.marker,
                markersize=3.2, color=kind.colour, alpha=0.55, markeredgewidth=0, label=name or "other devices",
                rasterized=True,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    if rows:
        _draw_limits(axes, [measured[at] for at in rows], [predicted[at] for at in rows])
    style_axes(axes)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=9))
        axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(lambda value, _: with_prefix(value, "s", 3))
    axes.set_xlabel("measured latency", fontsize=TEXT, color=INK)
    figures = accuracy_of([predicted[at] for at in rows], [measured[at] for at in rows])
    off = "no numbers" if figures.median_ape is None else f"median error {figures.median_ape:.1%}, {figures.n:,} rows"
    write_heading(
        axes,
        (
            HeadingLine(f"{predictor}: {off}", 25, "bold", INK),
            HeadingLine(PREDICTORS[predictor], 9, "normal", FAINT),
        ),
    )


def _draw_limits(axes: Axes, measured: Sequence[float], predicted: Sequence[float]) -> None:
    """Both axes from the least to the greatest of measured and predicted, the diagonal, and what lies beyond."""
    least, most = min(measured) / FARTHEST, max(measured) * FARTHEST
    within = [value for value in predicted if least <= value <= most]
    ends = [min(*measured, *within) / 2, max(*measured, *within) * 2]
    axes.plot(ends, ends, color=INK, linewidth=0.9, zorder=1)
    for band in BANDS:
        for factor in (1 - band, 1 + band):
            axes.plot(ends, [factor * end for end in ends], color=FAINT, linewidth=0.7, linestyle="--", zorder=1)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    pairs = list(zip(measured, predicted, strict=True))
    for edge, marker, beyond, side, height in (
        (ends[0], "v", [one for one, other in pairs if other < least], "below", 0.03),
        (ends[1], "^", [one for one, other in pairs if other > most], "above", 0.97),
    ):
        if beyond:
            axes.plot(
                beyond, [edge] * len(beyond), linestyle="none", marker=marker, markersize=5, color=INK, clip_on=False,
                zorder=3,
            )  # fmt: skip
            text = f"{len(beyond):,} row{'s'[: len(beyond) > 1]} {side} the axis"
            at = "bottom" if side == "below" else "top"
            axes.text(0.98, height, text, transform=axes.transAxes, fontsize=SMALL - 1, color=INK, ha="right", va=at)
