"""Charts of predictions and cost tables: the roofline, and the cost of every operator at several ridge points.

The charts are plain `matplotlib.figure.Figure` objects made without pyplot: no display, no global state. matplotlib is
imported here and nowhere else; `costmodel.plots` is loaded on first use.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from math import inf, isfinite, log10, pi, sqrt
from textwrap import fill
from typing import TypeAlias

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from costmodel.arithmetic import is_array
from costmodel.costs import CostTable
from costmodel.dtypes import dtype_named
from costmodel.errors import ParameterError
from costmodel.files import read_bundled
from costmodel.fusion import folded_layers, fusion_named
from costmodel.graph import Graph
from costmodel.hardware import IDEALISED, Device, HardwareProfile, MemoryLevel, Peak
from costmodel.records import record
from costmodel.roofline import Prediction, predict
from costmodel.specs.catalogue import FOLDER, families, load

SUFFIXES = (".png", ".svg")
DOTS_PER_INCH = 150


@record
class OperatorType:
    """What a chart shows in one colour. Colours safe for the colour-blind: Okabe and Ito, Color Universal Design."""

    name: str
    colour: str
    marker: str


CONVOLUTION = OperatorType("convolution", "#0072B2", "o")
DEPTHWISE = OperatorType("depthwise convolution", "#E69F00", "^")
LINEAR = OperatorType("linear", "#009E73", "s")
MATMUL = OperatorType("matmul", "#CC79A7", "D")
RECURRENT = OperatorType("recurrent", "#56B4E9", "v")
OTHER = OperatorType("pooling, element-wise, other", "#7F7F7F", "X")

OPERATOR_TYPES = (CONVOLUTION, DEPTHWISE, LINEAR, MATMUL, RECURRENT, OTHER)
"""In the order of legends."""

_BY_KIND = {"convolution": CONVOLUTION, "linear": LINEAR, "matmul": MATMUL, "recurrent": RECURRENT}

_AREA, _LEAST_AREA = 2000.0, 8.0
"""Points squared of a marker that takes the whole latency, and of the smallest that can be seen."""
_TEXT, _SMALL, _TITLE = 9.5, 8.5, 11.0
"""Font sizes in points."""
_LEFT, _RIGHT = 0.85, 0.2
"""Inches beside the axes of a panel."""
_INK, _FAINT = "#222222", "#666666"
_MEMORY_SHADE, _COMPUTE_SHADE = "#F3ECDD", "#E4EDF5"

_Rows: TypeAlias = "list[int]"


def operator_types(costs: CostTable) -> list[OperatorType]:
    """The type of every layer. A convolution with as many groups as input channels is a depthwise one.

    >>> from costmodel import cost_table, load
    >>> [kind.name for kind in operator_types(cost_table(load("mobilenet_v2")))[3:7]]
    ['depthwise convolution', 'pooling, element-wise, other', 'pooling, element-wise, other', 'convolution']
    """
    types = []
    for layer in costs.graph.layers:
        kind = _BY_KIND.get(layer.operator.kind, OTHER)
        groups = getattr(layer.operator, "groups", 1)
        channels = costs.shapes[layer.inputs[0]].channels
        if layer.operator.verb == "depthwise_conv2d" or (kind is CONVOLUTION and groups == channels > 1):
            kind = DEPTHWISE
        types.append(kind)
    return types


def ridge_profile(
    ridge_point_macs_per_byte: float, dtype: str = "int8", bytes_per_second: float = 1e10
) -> HardwareProfile:
    """The idealised device of a ridge point: PeakMACs = ridge point * PeakMemBW (MobileNetV4, arXiv:2404.10518, Eq. 1).

    Only the ratio is given; `bytes_per_second` is a choice that scales all times alike.

    >>> ridge_profile(5).macs_per_second
    50000000000.0

    Raises: ParameterError when a value is not a positive number; UnknownNameError for the number format.
    """
    for name, value in (("ridge_point", ridge_point_macs_per_byte), ("bytes_per_second", bytes_per_second)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value <= 0:
            raise ParameterError(f"{name} = {value!r} must be a number above 0")
    chosen = dtype_named(dtype)
    source = "chosen: an idealised device of this ridge point, no real one"
    macs_per_second = float(ridge_point_macs_per_byte * bytes_per_second)
    device = Device(
        name=f"ridge_{ridge_point_macs_per_byte:g}",
        title=f"Idealised device, ridge point {ridge_point_macs_per_byte:g} MACs/byte",
        kind="idealised",
        source=source,
        note="",
        memory="dram",
        runtime=IDEALISED,
        dtype=dtype,
        levels={"dram": MemoryLevel("dram", None, float(bytes_per_second), "chip", source, False)},
        peaks={dtype: Peak(dtype, macs_per_second, "chip", "", source, False)},
        runtimes={},
        published_ridges=(),
    )
    return HardwareProfile(device, IDEALISED, chosen, macs_per_second, float(bytes_per_second), "folded", ())


def roofline(prediction: Prediction | Sequence[Prediction], label: int = 8) -> Figure:
    """The roofline chart: attained MACs/s of every layer over its operational intensity, log-log.

    attained = macs / latency <= min(peak, intensity * bandwidth)      (MobileNetV4, arXiv:2404.10518, Eq. 1)

    With overlap="max" every point lies on the roof, with "sum" below it. The shade changes at the ridge point, peak
    over bandwidth: layers to its left are memory bound, from it on compute bound. x in MACs/byte, y in MACs/s; the
    area of a point is the layer's share of the latency. Layers of one type at the same place share a label, with their
    number and their share of the latency together; the `label` most expensive places are labelled. Layers without
    MACs have no place on the chart; the note below it counts them. Several predictions stand side by side.

    >>> from costmodel import cost_table, load, predict
    >>> figure = roofline(predict(cost_table(load("mobilenet_v2")), "ridge_5"))
    >>> figure.axes[0].get_xlabel()
    'operational intensity (MACs/byte)'

    Raises: ParameterError when there is no prediction, `label` is negative, or a prediction holds a sweep.
    """
    predictions = [prediction] if isinstance(prediction, Prediction) else list(prediction)
    if not predictions:
        raise ParameterError("roofline needs at least one prediction")
    if isinstance(label, bool) or not isinstance(label, int) or label < 0:
        raise ParameterError(f"label = {label!r} must be a whole number, 0 or more")
    for one in predictions:
        _refuse_sweep(one)
    width = 9.0 if len(predictions) == 1 else 6.8
    notes = [_wrapped(_roofline_note(one), width) for one in predictions]
    plot, above, below = 3.7, 0.98, 0.72 + _note_inches(notes)
    figure = _figure(width * len(predictions), above + plot + below)
    for column, (one, note) in enumerate(zip(predictions, notes, strict=True)):
        axes = _panel(figure, column * width, below, width, plot)
        _draw_roofline(axes, one, label)
        _write_note(axes, note, -0.72)
    return figure


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
    tables = [costs] if isinstance(costs, CostTable) else list(costs)
    if not tables:
        raise ParameterError("op_cost needs at least one cost table")
    if not ridge_points:
        raise ParameterError("ridge_points is empty: op_cost draws one row of panels per ridge point")
    profiles = [ridge_profile(point, dtype, bytes_per_second) for point in ridge_points]
    rows = [[predict(table, profile, fusion=fusion) for table in tables] for profile in profiles]
    for one in rows[0]:
        _refuse_sweep(one)
    single = len(tables) == 1
    width = 9.0 if single else 6.4
    notes = [_wrapped(_left_out(table, fusion), width) for table in tables]
    plot, heading, gap, above, below = 1.75, 0.52 if single else 0.7, 0.42, 0.58, 0.5 + _note_inches(notes)
    figure = _figure(width * len(tables), above + len(rows) * (heading + plot + gap) - gap + below)
    floor = below + (len(rows) - 1) * (heading + plot + gap)
    for predictions in rows:
        cells = [_panel(figure, column * width, floor, width, plot) for column in range(len(tables))]
        for axes, one in zip(cells, predictions, strict=True):
            _draw_op_cost(axes, one, single)
        highest = max(axes.get_ylim()[1] for axes in cells)
        for axes in cells:
            axes.set_ylim(0, highest)
        if predictions is rows[0]:
            for axes, one in zip(cells, predictions, strict=True):
                _write_heading(axes, _op_cost_heading(one, heading))
        floor -= heading + plot + gap
    for axes, note in zip(cells, notes, strict=True):
        axes.set_xlabel("operators in execution order, first to last", fontsize=_TEXT, color=_INK)
        _write_note(axes, note, -0.5)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a chart as PNG (150 dots per inch) or SVG, by the suffix of `path`.

    The file appears whole or not at all: it is written beside its place and moved there. The same chart gives the same
    bytes: no date, fixed ids.

    Raises: ParameterError for another suffix, a folder that does not exist, or a file that cannot be written.
    """
    target = os.fspath(path)
    folder, name = os.path.split(target)
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in SUFFIXES:
        raise ParameterError(f"{target!r}: a chart is written as .png or .svg; end the file name with one of them")
    if not os.path.isdir(folder or os.curdir):
        raise ParameterError(f"{target!r}: the folder {folder!r} does not exist; make it first")
    unfinished = os.path.join(folder, f".{name}.{os.getpid()}.unfinished")
    try:
        with matplotlib.rc_context({"svg.hashsalt": "costmodel", "svg.fonttype": "path"}):
            figure.savefig(
                unfinished, format=suffix[1:], dpi=DOTS_PER_INCH, metadata={"Date": None} if suffix == ".svg" else None
            )
        os.replace(unfinished, target)
    except OSError as error:
        raise ParameterError(f"{target!r} cannot be written: {error.strerror}") from None
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def network_name(graph: Graph) -> str:
    """The name to show: that of the bundled variant, or the spec's name with the parameters that differ from default.

    >>> network_name(load("resnet50")), network_name(load("mobilenet_v2", width=0.75))
    ('resnet50', 'mobilenet_v2 (width 0.75)')
    """
    origin = graph.layers[0].origin if graph.layers else None
    if graph.name not in families() or origin is None or origin[0] != f"specs/{graph.name}.toml":
        return graph.name
    default = load(graph.name).parameters
    for name, settings in read_bundled(FOLDER, graph.name).data.get("variants", {}).items():
        if "{" not in name and settings.keys() <= default.keys() and {**default, **settings} == graph.parameters:
            return str(name)
    changed = [f"{name} {value}" for name, value in graph.parameters.items() if default.get(name) != value]
    return f"{graph.name} ({', '.join(changed)})" if changed else graph.name


def _figure(width: float, height: float) -> Figure:
    """An empty white figure, sizes in inches, that can measure its texts."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _refuse_sweep(prediction: Prediction) -> None:
    if any(is_array(value) for column in ("macs", "latency_seconds") for value in prediction.columns[column]):
        raise ParameterError("a chart shows one network, and these sizes are arrays: load the variant to draw alone")


def _style(axes: Axes) -> None:
    axes.tick_params(which="both", labelsize=_SMALL, colors=_INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes of that height in a column of that width, sizes in inches, with room for the labels of the time axis."""
    total_width, total_height = figure.get_size_inches()
    return figure.add_axes((
        (left + _LEFT) / total_width, bottom / total_height, (width - _LEFT - _RIGHT) / total_width,
        height / total_height,
    ))  # fmt: skip


def _wrapped(text: str, width: float) -> str:
    """Small print broken into lines that fit below the axes of a column of that many inches."""
    return fill(text, round((width - _LEFT - _RIGHT) * 15))


def _note_inches(notes: Sequence[str]) -> float:
    return 0.14 + 0.14 * max(note.count("\n") + 1 for note in notes)


def _write_note(axes: Axes, text: str, inches: float) -> None:
    axes.annotate(
        text, (0, 0), (0, inches * 72), xycoords="axes fraction", textcoords="offset points", fontsize=_SMALL,
        color=_FAINT, va="top", gid="note",
    )  # fmt: skip


def _write_heading(axes: Axes, lines: Sequence[tuple[str, float, str, str]]) -> None:
    """Lines of text above the axes, each with its distance in points, weight and colour; made smaller until they fit.

    The first line is the title.
    """
    for text, points, weight, colour in lines:
        size = _TITLE if weight == "bold" else _TEXT
        written = axes.annotate(
            text, (0, 1), (0, points), xycoords="axes fraction", textcoords="offset points", fontsize=size,
            fontweight=weight, color=colour, va="bottom", gid="title",
        )  # fmt: skip
        too_wide = written.get_window_extent().width / axes.get_window_extent().width
        if too_wide > 1:
            written.set_fontsize(size / too_wide)


def _prefixed(value: float, unit: str = "") -> str:
    """Four significant digits with an SI prefix."""
    return EngFormatter(unit)(float(f"{value:.4g}")).strip()


def _percent(share: float) -> str:
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def _named(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _left_out(costs: CostTable, fusion: str) -> str:
    """The sentence about the layers that take no time."""
    folded = folded_layers(costs.graph, fusion_named(fusion))
    operators = dict.fromkeys(op for name, op in zip(costs.columns["layer"], costs.columns["op"], strict=True)
                              if name in folded)  # fmt: skip
    views = [
        op for name, op, traffic, macs in zip(
            *(costs.columns[c] for c in ("layer", "op", "memory_access_elements", "macs")), strict=True
        ) if name not in folded and not traffic and not macs
    ]  # fmt: skip
    parts = []
    if folded:
        parts.append(_named(len(folded), "folded layer", "folded layers") + f" ({', '.join(operators)})")
    if views:
        parts.append(_named(len(views), "view", "views") + f" ({', '.join(dict.fromkeys(views))})")
    if not parts:
        return "Every layer takes time."
    return f"Left out, because they take no time: {' and '.join(parts)}."


def _shares(prediction: Prediction) -> dict[OperatorType, float]:
    """Share of the latency per operator type, of the types that take time, in the order of legends."""
    total = prediction.latency_seconds
    seconds = dict.fromkeys(OPERATOR_TYPES, 0.0)
    for kind, time in zip(operator_types(prediction.costs), prediction.columns["latency_seconds"], strict=True):
        seconds[kind] += time
    return {kind: time / total for kind, time in seconds.items() if time}


def _draw_op_cost(axes: Axes, prediction: Prediction, single: bool) -> None:
    seconds = prediction.columns["latency_seconds"]
    types = operator_types(prediction.costs)
    shown = [row for row, time in enumerate(seconds) if time]
    axes.bar(
        range(1, len(shown) + 1), [seconds[row] for row in shown], width=0.85 if len(shown) < 150 else 1.0,
        color=[types[row].colour for row in shown],
    )  # fmt: skip
    _style(axes)
    axes.set_xlim(0.3, len(shown) + 0.7)
    axes.set_ylim(0, 1.04 * max((seconds[row] for row in shown), default=1.0))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _prefixed(value, "s")))
    axes.yaxis.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(
        f"ridge point {prediction.profile.ridge_point_macs_per_byte:g} MACs/byte: "
        f"{_prefixed(prediction.latency_seconds, 's')}, {_percent(prediction.share('memory'))} of it memory bound",
        loc="left", fontsize=_TEXT + 0.5, color=_INK, pad=20 if single else 33,
    )  # fmt: skip
    axes.legend(
        handles=[Patch(color=kind.colour, label=f"{kind.name} {_percent(share)}")
                 for kind, share in _shares(prediction).items()],
        loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.3, borderpad=0, ncols=6 if single else 3,
        frameon=False, fontsize=_SMALL, handlelength=1.0, columnspacing=1.0, handletextpad=0.5, labelcolor=_INK,
    )  # fmt: skip


def _draw_roofline(axes: Axes, prediction: Prediction, label: int) -> None:
    profile, columns = prediction.profile, prediction.columns
    types = operator_types(prediction.costs)
    total = prediction.latency_seconds
    work = zip(columns["macs"], columns["bytes"], strict=True)
    drawn = [row for row, (macs, moved) in enumerate(work) if macs and moved]
    intensity = {row: columns["operational_intensity_macs_per_byte"][row] for row in drawn}
    attained = {row: columns["macs"][row] / columns["latency_seconds"][row] for row in drawn}
    area = {row: max(_LEAST_AREA, _AREA * columns["latency_seconds"][row] / total) for row in drawn}
    ridge, peak = profile.ridge_point_macs_per_byte, profile.macs_per_second

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min([*intensity.values(), ridge]) / 2, max([*intensity.values(), ridge]) * 2)
    lowest = min([*attained.values(), profile.bytes_per_second * axes.get_xlim()[0]])
    _set_floor(axes, lowest / 2, peak)
    margin = 0.0
    for name, side, align in (("memory bound", -6, "right"), ("compute bound", 6, "left")):
        beside = axes.annotate(
            name, (ridge, 1), (side, -6), xycoords=("data", "axes fraction"), textcoords="offset points",
            fontsize=_TEXT, fontstyle="italic", color=_INK, ha=align, va="top", gid="region",
        )  # fmt: skip
        margin = max(margin, beside.get_window_extent().width * 1.2)
    axes.annotate(
        f"ridge point {ridge:.4g} MACs/byte", (ridge, 1), (0, 3), xycoords=("data", "axes fraction"),
        textcoords="offset points", fontsize=_SMALL, color=_INK, ha="center", va="bottom", gid="ridge point name",
    )  # fmt: skip

    places: dict[tuple[str, float, float], _Rows] = {}
    for row in drawn:
        places.setdefault((types[row].name, intensity[row], attained[row]), []).append(row)
    latency = columns["latency_seconds"]
    dearest = sorted(places.values(), key=lambda rows: -sum(latency[row] for row in rows))[:label]
    _fit_and_label(axes, prediction, dearest, intensity, attained, area, margin)

    least, most = axes.get_xlim()
    axes.axvspan(least, ridge, color=_MEMORY_SHADE, linewidth=0, zorder=0, gid="memory bound")
    axes.axvspan(ridge, most, color=_COMPUTE_SHADE, linewidth=0, zorder=0, gid="compute bound")
    highest = axes.get_ylim()[1]
    axes.plot(
        [ridge, ridge], [peak, highest], color=_INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1, gid="ridge point"
    )
    axes.plot(
        [least, ridge, most], [profile.bytes_per_second * least, peak, peak], color=_INK, linewidth=1.4, zorder=2,
        gid="roof",
    )  # fmt: skip
    axes.plot([ridge], [peak], marker="o", markersize=5, color="white", markeredgecolor=_INK, zorder=2.5)
    for kind in OPERATOR_TYPES:
        rows = [row for row in drawn if types[row] is kind]
        if rows:
            axes.scatter(
                [intensity[row] for row in rows], [attained[row] for row in rows], s=[area[row] for row in rows],
                marker=kind.marker, color=kind.colour, alpha=0.75, linewidths=0, zorder=3,
                label=kind.name,
            )  # fmt: skip
    _style(axes)
    _log_ticks(axes)
    axes.set_xlabel("operational intensity (MACs/byte)", fontsize=_TEXT, color=_INK)
    axes.set_ylabel("attained MACs/s", fontsize=_TEXT, color=_INK)
    _write_heading(axes, _roofline_heading(prediction))
    shares = _shares(prediction)
    present = {types[row] for row in drawn}
    axes.legend(
        handles=[
            Line2D([], [], marker=kind.marker, linestyle="", color=kind.colour, markersize=6,
                   label=f"{kind.name} {_percent(share)}")
            for kind, share in shares.items() if kind in present
        ],
        loc="upper left", bbox_to_anchor=(0, -0.125), borderaxespad=0, borderpad=0, ncols=5, frameon=False,
        fontsize=_SMALL, handlelength=1.0, columnspacing=1.4, handletextpad=0.4, labelcolor=_INK,
    )  # fmt: skip


def _roofline_note(prediction: Prediction) -> str:
    """What the chart leaves out."""
    latency, macs, moved = (prediction.columns[name] for name in ("latency_seconds", "macs", "bytes"))
    without = [row for row, time in enumerate(latency) if time and not (macs[row] and moved[row])]
    sentences = ["Area of a point: its share of the latency."]
    if without:
        counted = Counter(prediction.columns["op"][row] for row in without)
        share = _percent(sum(latency[row] for row in without) / prediction.latency_seconds)
        listed = ", ".join(f"{count} {op}" for op, count in counted.items())
        sentences.append(f"Not drawn, because without MACs: {listed}; {share} of the latency.")
    sentences.append(_left_out(prediction.costs, prediction.fusion))
    return " ".join(sentences)


def _op_cost_heading(prediction: Prediction, inches: float) -> tuple[tuple[str, float, str, str], ...]:
    """Network; number format, batch, bandwidth and fold rule. The lines begin `inches` above the axes."""
    profile = prediction.profile
    setting = (
        f"roofline time per operator; {profile.dtype.name}, batch {prediction.costs.batch}, "
        f"memory {_prefixed(profile.bytes_per_second, 'B/s')}, fusion {prediction.fusion}"
    )
    return (
        (network_name(prediction.costs.graph), 72 * inches + 22, "bold", _INK),
        (setting, 72 * inches + 6, "normal", _FAINT),
    )


def _roofline_heading(prediction: Prediction) -> tuple[tuple[str, float, str, str], ...]:
    """Network and profile; batch, fold rule and latency; the two numbers of the roof."""
    profile = prediction.profile
    peak, memory = (
        " (estimated)" if any(name.startswith(part) for name in profile.estimated) else ""
        for part in ("peak", "memory")
    )
    added = ", compute and transfer time added" if prediction.overlap == "sum" else ""
    latency = _prefixed(prediction.latency_seconds, "s") + (", estimated" if profile.estimated else "") + added
    return (
        (f"{network_name(prediction.costs.graph)} on {profile.name}", 49, "bold", _INK),
        (
            f"batch {prediction.costs.batch}, fusion {prediction.fusion}, latency {latency}; "
            f"{_percent(prediction.share('memory'))} of it memory bound", 34, "normal", _INK,
        ),
        (
            f"peak {_prefixed(profile.macs_per_second, 'MAC/s')}{peak}, "
            f"memory {_prefixed(profile.bytes_per_second, 'B/s')}{memory}", 20, "normal", _FAINT,
        ),
    )  # fmt: skip


def _log_ticks(axes: Axes) -> None:
    """Ticks 1, 10, 100; also 2 and 5 where the axis is short. SI prefixes on the y axis."""
    for axis, (least, most) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        short = log10(most / least) < 2.2
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if short else (1.0,), numticks=20))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _prefixed(value)))


def _fit_and_label(
    axes: Axes,
    prediction: Prediction,
    places: Sequence[_Rows],
    intensity: dict[int, float],
    attained: dict[int, float],
    area: dict[int, float],
    margin: float,
) -> None:
    """Hang a label below each place on a leader line, and widen the axes until all labels fit.

    `margin` is how many pixels the ridge point keeps from either side, for the names of the two regions.

    Labels hang like flags: the text stands to the right of its leader line, and a place further to the left hangs its
    label lower. The roof never falls from left to right, so no text meets a point, a leader line or another text.
    """
    latency, total = prediction.columns["latency_seconds"], prediction.latency_seconds
    ordered = sorted(places, key=lambda rows: (-intensity[rows[0]], -attained[rows[0]], rows[0]))
    texts = []
    for rows in ordered:
        names = [_short(prediction.columns["layer"][row], prediction.columns["op"][row]) for row in rows]
        alike = f" and {len(rows) - 1} alike" if len(rows) > 1 else ""
        share = sum(latency[row] for row in rows) / total
        texts.append(axes.annotate(
            f"{names[0]}{alike}, {_percent(share)}", (intensity[rows[0]], attained[rows[0]]), (4, 0),
            textcoords="offset points", fontsize=_SMALL, color=_INK, va="center", ha="left", zorder=4, gid="label",
            annotation_clip=False,
        ))  # fmt: skip
    point = axes.figure.dpi / 72
    extents = [text.get_window_extent() for text in texts]
    frame = axes.get_window_extent()
    ridge = prediction.profile.ridge_point_macs_per_byte
    for _ in range(200):  # each round widens an axis by a few percent of its decades
        spots = {row: _pixels(axes, intensity[row], attained[row]) for row in intensity}
        heights = _flag_heights(ordered, spots, area, extents, point)
        ends = [spots[rows[0]][0] + 6 * point + extent.width for rows, extent in zip(ordered, extents, strict=True)]
        turn, _ = _pixels(axes, ridge, 1.0)
        too_low = any(y - extent.height / 2 < frame.y0 + 4 * point for y, extent in zip(heights, extents, strict=True))
        too_far_left = turn < frame.x0 + margin
        too_far_right = turn > frame.x1 - margin or any(end > frame.x1 for end in ends)
        if not (too_low or too_far_left or too_far_right):
            break
        if too_low:
            least, most = axes.get_ylim()
            _set_floor(axes, least / (most / least) ** 0.04, prediction.profile.macs_per_second)
        least, most = axes.get_xlim()
        step = (most / least) ** 0.04
        axes.set_xlim(least / step**too_far_left, most * step**too_far_right)
    for rows, text, y in zip(ordered, texts, heights, strict=True):
        x = intensity[rows[0]]
        drop = (y - spots[rows[0]][1]) / point
        text.set_position((4, drop))
        hook = axes.transData.inverted().transform((spots[rows[0]][0], y))[1]
        axes.plot([x, x], [attained[rows[0]], hook], color=_FAINT, linewidth=0.7, zorder=2.2, gid="leader")


def _set_floor(axes: Axes, least: float, peak: float) -> None:
    """Put the roof at 85 % of the height: above it stand the names of the regions."""
    axes.set_ylim(least, peak * (peak / least) ** (0.15 / 0.85))


def _pixels(axes: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)


def _flag_heights(
    ordered: Sequence[_Rows],
    spots: dict[int, tuple[float, float]],
    area: dict[int, float],
    extents: Sequence[Bbox],
    point: float,
) -> list[float]:
    """Height of each label in pixels, from the rightmost place to the leftmost: below its point and the last label."""
    heights: list[float] = []
    ceiling = inf
    for rows, extent in zip(ordered, extents, strict=True):
        x, y = spots[rows[0]]
        start, end = x - 4 * point, x + 8 * point + extent.width
        bottoms = [
            spot_y - (sqrt(area[row] / pi) + 2) * point
            for row, (spot_x, spot_y) in spots.items()
            if start - sqrt(area[row] / pi) * point < spot_x < end + sqrt(area[row] / pi) * point
        ]
        height = min(ceiling, *bottoms, y - 4 * point) - extent.height / 2
        heights.append(height)
        ceiling = height - extent.height / 2 - 2 * point
    return heights


def _short(layer: str, op: str) -> str:
    """The layer's path without its last part where that only repeats the operator, which the colour shows."""
    return layer.removesuffix(f".{op}")
