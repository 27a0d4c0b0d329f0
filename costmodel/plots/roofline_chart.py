"""The roofline chart: attained rate of every layer over its operational intensity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from costmodel.errors import ParameterError
from costmodel.hardware import HardwareProfile
from costmodel.plots.labels import LayerPoint, hang_labels, set_floor
from costmodel.plots.style import (
    FAINT,
    INK,
    OPERATOR_TYPES,
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
from costmodel.roofline import Prediction

AREA, LEAST_AREA = 2000.0, 8.0
"""Points squared of a marker that takes the whole latency, and of the smallest that can be seen."""
MEMORY_SHADE, COMPUTE_SHADE = "#F3ECDD", "#E4EDF5"


MAXIMUM_LABELS = 16
"""More do not fit below one another."""


def roofline(prediction: Prediction | Sequence[Prediction], label: int = 8) -> Figure:
    """The roofline chart: attained MACs/s of every layer over its operational intensity, log-log.

    attained = macs / latency <= min(peak, intensity * bandwidth)      (MobileNetV4, arXiv:2404.10518, Eq. 1)

    With overlap="max" every point lies on the roof, with "sum" below it. The shade changes at the ridge point, peak
    over bandwidth: layers to its left are memory bound, from it on compute bound. x in MACs/byte, y in MACs/s; the
    area of a point is the layer's share of the latency. Layers of one type at the same place share a label, with their
    number and their share of the latency together; the `label` most expensive places are labelled, 16 at the most.
    Layers without MACs have no place on the chart; the note below it counts them. Several predictions stand side by
    side.

    >>> from costmodel import cost_table, load, predict
    >>> figure = roofline(predict(cost_table(load("mobilenet_v2")), "ridge_5"))
    >>> figure.axes[0].get_xlabel()
    'operational intensity (MACs/byte)'

    Raises: ParameterError when there is no prediction, `label` is negative, or a prediction holds a sweep.
    """
    predictions = listed(prediction, Prediction)
    if isinstance(label, bool) or not isinstance(label, int) or label < 0:
        raise ParameterError(f"label = {label!r} must be a whole number, 0 or more")
    label = min(label, MAXIMUM_LABELS)
    for one in predictions:
        refuse_sweep(one)
    width = 9.0 if len(predictions) == 1 else 6.8
    notes = [wrapped(_note(one), width) for one in predictions]
    plot, above, below = 3.7, 0.98, 0.72 + note_inches(notes)
    figure = empty_figure(width * len(predictions), above + plot + below)
    for column, (one, note) in enumerate(zip(predictions, notes, strict=True)):
        axes = add_panel(figure, column * width, below, width, plot)
        _draw_panel(axes, one, label)
        write_note(axes, note, -0.72)
    return figure


def _draw_panel(axes: Axes, prediction: Prediction, label: int) -> None:
    profile = prediction.profile
    points = _layer_points(prediction)
    intensities = [*(point.macs_per_byte for point in points), profile.ridge_point_macs_per_byte]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(intensities) / 2, max(intensities) * 2)
    lowest = min([*(point.macs_per_second for point in points), profile.bytes_per_second * axes.get_xlim()[0]])
    set_floor(axes, lowest / 2, profile.macs_per_second)
    margin = _name_regions(axes, profile)
    hang_labels(axes, profile, points, _dearest_places(points, prediction.latency_seconds, label), margin)
    _draw_roof(axes, profile)
    for kind in OPERATOR_TYPES:
        alike = [point for point in points if point.kind is kind]
        if alike:
            axes.scatter(
                [point.macs_per_byte for point in alike], [point.macs_per_second for point in alike],
                s=[point.area for point in alike], marker=kind.marker, color=kind.colour, alpha=0.75, linewidths=0,
                zorder=3, label=kind.name,
            )  # fmt: skip
    style_axes(axes)
    _log_ticks(axes)
    axes.set_xlabel("operational intensity (MACs/byte)", fontsize=TEXT, color=INK)
    axes.set_ylabel("attained MACs/s", fontsize=TEXT, color=INK)
    write_heading(axes, _heading(prediction))
    present = {point.kind for point in points}
    axes.legend(
        handles=[
            Line2D([], [], marker=kind.marker, linestyle="", color=kind.colour, markersize=6,
                   label=f"{kind.name} {percent(share)}")
            for kind, share in latency_shares(prediction).items() if kind in present
        ],
        loc="upper left", bbox_to_anchor=(0, -0.125), borderaxespad=0, borderpad=0, ncols=5, frameon=False,
        fontsize=SMALL, handlelength=1.0, columnspacing=1.4, handletextpad=0.4, labelcolor=INK,
    )  # fmt: skip


def _layer_points(prediction: Prediction) -> list[LayerPoint]:
    """The layers that have a place on the chart: those with MACs and traffic."""
    columns = prediction.columns
    points = []
    for row, kind in enumerate(operator_types(prediction.costs)):
        macs, seconds = columns["macs"][row], columns["latency_seconds"][row]
        if macs and columns["bytes"][row]:
            points.append(
                LayerPoint(
                    row=row,
                    # The path without its last part where that only repeats the operator, which the colour shows.
                    name=columns["layer"][row].removesuffix(f".{columns['op'][row]}"),
                    kind=kind,
                    macs_per_byte=columns["operational_intensity_macs_per_byte"][row],
                    macs_per_second=macs / seconds,
                    seconds=seconds,
                    area=max(LEAST_AREA, AREA * seconds / prediction.latency_seconds),
                )
            )
    return points


def _dearest_places(points: Sequence[LayerPoint], total_seconds: float, count: int) -> list[tuple[LayerPoint, str]]:
    """First point and text of so many places that take most of the latency. Layers of one type may share a place."""
    places: dict[tuple[str, float, float], list[LayerPoint]] = {}
    for point in points:
        places.setdefault((point.kind.name, point.macs_per_byte, point.macs_per_second), []).append(point)
    found = []
    for alike in sorted(places.values(), key=lambda alike: -sum(point.seconds for point in alike))[:count]:
        others = f" and {len(alike) - 1} alike" if len(alike) > 1 else ""
        share = sum(point.seconds for point in alike) / total_seconds
        found.append((alike[0], f"{alike[0].name}{others}, {percent(share)}"))
    return found


def _name_regions(axes: Axes, profile: HardwareProfile) -> float:
    """Name the ridge point and the regions beside it. The pixels that the name of a region needs are returned."""
    ridge = profile.ridge_point_macs_per_byte
    needed = 0.0
    for name, side, align in (("memory bound", -6, "right"), ("compute bound", 6, "left")):
        beside = axes.annotate(
            name, (ridge, 1), (side, -6), xycoords=("data", "axes fraction"), textcoords="offset points",
            fontsize=TEXT, fontstyle="italic", color=INK, ha=align, va="top", gid="region",
        )  # fmt: skip
        needed = max(needed, beside.get_window_extent().width * 1.2)
    axes.annotate(
        f"ridge point {ridge:.4g} MACs/byte", (ridge, 1), (0, 3), xycoords=("data", "axes fraction"),
        textcoords="offset points", fontsize=SMALL, color=INK, ha="center", va="bottom", gid="ridge point name",
    )  # fmt: skip
    return needed


def _draw_roof(axes: Axes, profile: HardwareProfile) -> None:
    """The shades of the two regions, the ridge point between them, and the roof over the whole width."""
    ridge, peak = profile.ridge_point_macs_per_byte, profile.macs_per_second
    least, most = axes.get_xlim()
    axes.axvspan(least, ridge, color=MEMORY_SHADE, linewidth=0, zorder=0, gid="memory bound")
    axes.axvspan(ridge, most, color=COMPUTE_SHADE, linewidth=0, zorder=0, gid="compute bound")
    highest = axes.get_ylim()[1]
    axes.plot(
        [ridge, ridge], [peak, highest], color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1, gid="ridge point"
    )
    axes.plot(
        [least, ridge, most], [profile.bytes_per_second * least, peak, peak], color=INK, linewidth=1.4, zorder=2,
        gid="roof",
    )  # fmt: skip
    axes.plot([ridge], [peak], marker="o", markersize=5, color="white", markeredgecolor=INK, zorder=2.5)


def _log_ticks(axes: Axes) -> None:
    """Ticks 1, 10, 100; also 2 and 5 where the axis is short. SI prefixes on the y axis."""
    for axis, (least, most) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        short = log10(most / least) < 2.2
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if short else (1.0,), numticks=20))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(EngFormatter())


def _heading(prediction: Prediction) -> tuple[HeadingLine, ...]:
    """Network and profile; batch, fold rule and latency; the two numbers of the roof."""
    profile = prediction.profile
    peak, memory = (
        " (estimated)" if any(name.startswith(part) for name in profile.estimated) else ""
        for part in ("peak", "memory")
    )
    added = ", compute and transfer time added" if prediction.overlap == "sum" else ""
    latency = with_prefix(prediction.latency_seconds, "s") + (", estimated" if profile.estimated else "") + added
    setting = (
        f"batch {prediction.costs.batch}, fusion {prediction.fusion}, latency {latency}; "
        f"{percent(prediction.share('memory'))} of it memory bound"
    )
    roof = (
        f"peak {with_prefix(profile.macs_per_second, 'MAC/s')}{peak}, "
        f"memory {with_prefix(profile.bytes_per_second, 'B/s')}{memory}"
    )
    return (
        HeadingLine(f"{prediction.costs.graph.name} on {profile.name}", 49, "bold", INK),
        HeadingLine(setting, 34, "normal", INK),
        HeadingLine(roof, 20, "normal", FAINT),
    )


def _note(prediction: Prediction) -> str:
    """What the chart leaves out."""
    latency, macs, moved = (prediction.columns[name] for name in ("latency_seconds", "macs", "bytes"))
    without = [row for row, time in enumerate(latency) if time and not (macs[row] and moved[row])]
    sentences = ["Area of a point: its share of the latency."]
    if without:
        counted = Counter(prediction.columns["op"][row] for row in without)
        share = percent(sum(latency[row] for row in without) / prediction.latency_seconds)
        listed = ", ".join(f"{count} {op}" for op, count in counted.items())
        sentences.append(f"Not drawn, because without MACs: {listed}; {share} of the latency.")
    sentences.append(left_out(prediction.costs, prediction.fusion))
    return " ".join(sentences)
