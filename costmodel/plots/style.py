"""What both charts share: operator types and their colours, figures, panels, headings and notes, number texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from costmodel.arithmetic import is_array
from costmodel.costs import CostTable
from costmodel.errors import ParameterError
from costmodel.fusion import folded_layers, fusion_named
from costmodel.records import record
from costmodel.roofline import Prediction

T = TypeVar("T")

DOTS_PER_INCH = 150
TEXT, SMALL, TITLE = 9.5, 8.5, 11.0
"""Font sizes in points."""
LEFT, RIGHT = 0.85, 0.2
"""Inches beside the axes of a panel."""
INK, FAINT = "#222222", "#666666"


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


def latency_shares(prediction: Prediction) -> dict[OperatorType, float]:
    """Share of the latency per operator type, of the types that take time, in the order of legends."""
    total = prediction.latency_seconds
    seconds = dict.fromkeys(OPERATOR_TYPES, 0.0)
    for kind, time in zip(operator_types(prediction.costs), prediction.columns["latency_seconds"], strict=True):
        seconds[kind] += time
    return {kind: time / total for kind, time in seconds.items() if time}


def listed(value: Any, kind: type[T]) -> list[T]:
    """One value or several of a kind as a list.

    Raises: ParameterError when there is none, or one is of another kind.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str | kind)
    items = list(value) if several else [value]
    wrong = next((item for item in items if not isinstance(item, kind)), None)
    if not items or wrong is not None:
        got = "nothing" if not items else type(wrong).__name__
        raise ParameterError(f"the chart needs a {kind.__name__}, or several, got {got}")
    return items


def refuse_sweep(prediction: Prediction) -> None:
    """Raises: ParameterError when a prediction holds a value per variant."""
    if any(is_array(value) for column in ("macs", "latency_seconds") for value in prediction.columns[column]):
        raise ParameterError("a chart shows one network, and these sizes are arrays: load the variant to draw alone")


# figures and panels


def empty_figure(width: float, height: float) -> Figure:
    """An empty white figure, sizes in inches, that can measure its texts."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def add_panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes of that height in a column of that width, sizes in inches, with room for the labels of the time axis."""
    total_width, total_height = figure.get_size_inches()
    return figure.add_axes((
        (left + LEFT) / total_width, bottom / total_height, (width - LEFT - RIGHT) / total_width,
        height / total_height,
    ))  # fmt: skip


def style_axes(axes: Axes) -> None:
    """Small tick labels, no line above and to the right."""
    axes.tick_params(which="both", labelsize=SMALL, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


# headings and notes


@record
class HeadingLine:
    """A line of text that many points above the axes."""

    text: str
    points: float
    weight: str
    colour: str


def write_heading(axes: Axes, lines: Sequence[HeadingLine]) -> None:
    """Lines of text above the axes, made smaller until they fit. The bold line is the title."""
    for line in lines:
        size = TITLE if line.weight == "bold" else TEXT
        written = axes.annotate(
            line.text, (0, 1), (0, line.points), xycoords="axes fraction", textcoords="offset points", fontsize=size,
            fontweight=line.weight, color=line.colour, va="bottom", gid="title",
        )  # fmt: skip
        too_wide = written.get_window_extent().width / axes.get_window_extent().width
        if too_wide > 1:
            written.set_fontsize(size / too_wide)


def wrapped(text: str, width: float) -> str:
    """Small print broken into lines that fit below the axes of a column of that many inches."""
    return fill(text, round((width - LEFT - RIGHT) * 15))


def note_inches(notes: Sequence[str]) -> float:
    """Height of the longest of these notes."""
    return 0.14 + 0.14 * max(note.count("\n") + 1 for note in notes)


def write_note(axes: Axes, text: str, inches: float) -> None:
    """Small print that many inches above the foot of the axes; below it when negative."""
    axes.annotate(
        text, (0, 0), (0, inches * 72), xycoords="axes fraction", textcoords="offset points", fontsize=SMALL,
        color=FAINT, va="top", gid="note",
    )  # fmt: skip


def left_out(costs: CostTable, fusion: str) -> str:
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
        parts.append(_counted(len(folded), "folded layer", "folded layers") + f" ({', '.join(operators)})")
    if views:
        parts.append(_counted(len(views), "view", "views") + f" ({', '.join(dict.fromkeys(views))})")
    if not parts:
        return "Every layer takes time."
    return f"Left out, because they take no time: {' and '.join(parts)}."


# number texts


def percent(share: float) -> str:
    """A share with at least two digits.

    >>> percent(0.8666), percent(0.0963), percent(0.0001)
    ('87 %', '9.6 %', '< 0.1 %')
    """
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
