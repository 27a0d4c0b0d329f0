"""The op-cost chart: roofline time of every operator at several ridge points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, MaxNLocator

from costmodel.costs import CostTable
from costmodel.errors import ParameterError
from costmodel.hardware import ridge_profile
from costmodel.plots.style import (
    FAINT,
    INK,
    SMALL,
    TEXT,
    HeadingLine,
    add_panel,
    empty_figure,
    latency_shares,
    left_out,
    listed,
    note_inches,
    operator_types,
    percent,
    refuse_sweep,
    style_axes,
    wrapped,
    write_heading,
    write_note,
)
from costmodel.report import with_prefix
from costmodel.roofline import Prediction, predict


def op_cost(
    costs: CostTable | Sequence[CostTable],
    ridge_points: Sequence[float] = (5, 500),
    dtype: str = "int8",
    bytes_per_second: float = 1e10,
    fusion: str = "folded",
) -> Figure:
    """The op-cost chart: roofline time of every operator, first to last, one row of panels per ridge point.

    time = max(macs / peak, bytes / bandwidth), peak = ridge point * bandwidth
    (MobileNetV4, arXiv:2404.10518, Eq. 1 and Fig. 3: "Op Cost vs Ridge Point")

    A bar per layer that takes time, in seconds, coloured by operator type; the legend gives each type's share of the
    total. Layers folded by `fusion` and views take no time and are left out. `ridge_points` in MACs/byte. Several cost
    tables stand side by side, with one time axis per row. Only the ratio of the times depends on the ridge point;
    `bytes_per_second` scales them all.

    >>> from costmodel import cost_table, load
    >>> figure = op_cost(cost_table(load("mobilenet_v2")))
    >>> [len(axes.patches) for axes in figure.axes]
    [64, 64]

    Raises: ParameterError when there is no cost table or ridge point, one is not a positive number, or a table holds a
    sweep; UnknownNameError for the number format or fold rule.
    """
    tables = listed(costs, CostTable)
    points = list(ridge_points) if isinstance(ridge_points, Iterable) else [ridge_points]
    if not points:
        raise ParameterError("ridge_points is empty: op_cost draws one row of panels per ridge point")
    profiles = [ridge_profile(point, dtype, bytes_per_second) for point in points]
    rows = [[predict(table, profile, fusion=fusion) for table in tables] for profile in profiles]
    for one in rows[0]:
        refuse_sweep(one)
    single = len(tables) == 1
    width = 9.0 if single else 6.4
    notes = [wrapped(left_out(table, fusion), width) for table in tables]
    plot, heading, gap, above, below = 1.75, 0.52 if single else 0.7, 0.42, 0.58, 0.5 + note_inches(notes)
    figure = empty_figure(width * len(tables), above + len(rows) * (heading + plot + gap) - gap + below)
    floor = below + (len(rows) - 1) * (heading + plot + gap)
    for row, predictions in enumerate(rows):
        cells = [add_panel(figure, column * width, floor, width, plot) for column in range(len(tables))]
        for axes, one in zip(cells, predictions, strict=True):
            _draw_panel(axes, one, single)
        highest = max(axes.get_ylim()[1] for axes in cells)
        for axes in cells:
            axes.set_ylim(0, highest)
        if row == 0:
            for axes, one in zip(cells, predictions, strict=True):
                write_heading(axes, _heading(one, heading))
        floor -= heading + plot + gap
    for axes, note in zip(cells, notes, strict=True):
        axes.set_xlabel("operators in execution order, first to last", fontsize=TEXT, color=INK)
        write_note(axes, note, -0.5)
    return figure


def _draw_panel(axes: Axes, prediction: Prediction, single: bool) -> None:
    seconds = prediction.columns["latency_seconds"]
    types = operator_types(prediction.costs)
    shown = [row for row, time in enumerate(seconds) if time]
    axes.bar(
        range(1, len(shown) + 1), [seconds[row] for row in shown], width=0.85 if len(shown) < 150 else 1.0,
        color=[types[row].colour for row in shown],
    )  # fmt: skip
    style_axes(axes)
    axes.set_xlim(0.3, len(shown) + 0.7)
    axes.set_ylim(0, 1.04 * max((seconds[row] for row in shown), default=1.0))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(EngFormatter("s"))
    axes.yaxis.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(
        f"ridge point {prediction.profile.ridge_point_macs_per_byte:g} MACs/byte: "
        f"{with_prefix(prediction.latency_seconds, 's')}, {percent(prediction.share('memory'))} of it memory bound",
        loc="left", fontsize=TEXT + 0.5, color=INK, pad=20 if single else 33,
    )  # fmt: skip
    axes.legend(
        handles=[Patch(color=kind.colour, label=f"{kind.name} {percent(share)}")
                 for kind, share in latency_shares(prediction).items()],
        loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.3, borderpad=0, ncols=6 if single else 3,
        frameon=False, fontsize=SMALL, handlelength=1.0, columnspacing=1.0, handletextpad=0.5, labelcolor=INK,
    )  # fmt: skip


def _heading(prediction: Prediction, inches: float) -> tuple[HeadingLine, ...]:
    """Network; number format, batch, bandwidth and fold rule. The lines begin `inches` above the axes."""
    profile = prediction.profile
    setting = (
        f"roofline time per operator; {profile.dtype.name}, batch {prediction.costs.batch}, "
        f"memory {with_prefix(profile.bytes_per_second, 'B/s')}, fusion {prediction.fusion}"
    )
    return (
        HeadingLine(prediction.costs.graph.name, 72 * inches + 22, "bold", INK),
        HeadingLine(setting, 72 * inches + 6, "normal", FAINT),
    )
