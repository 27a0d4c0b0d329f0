"""What both charts of memory share: roles and colours, the axis of steps, the peak step in detail, lines of limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from costmodel.memory.sizes import binary_size, unit_of
from costmodel.plots.style import FAINT, INK, LEFT, RIGHT, SMALL, TEXT
from costmodel.records import record
from costmodel.report import significant

WIDTH, PLOT = 9.0, 3.4
"""Inches of a figure, and of the height of its axes."""
CUT, BESIDE = 0.3, 2.5
"""Inches of the bar that shows the peak step in detail, and of its labels."""
MAIN = WIDTH - LEFT - CUT - BESIDE - 0.25
"""Inches of the axes of steps."""
TINY, LONGEST = 7.0, 26
"""Points of the names below the axis of steps, and the most characters they have."""
FEW = 80
"""Steps whose bars stand apart, with edges between the tensors."""
PATCH = {"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
"""What lies between a text and the lines behind it."""
SRAM_COLOUR = "#D55E00"
NEAR = 2.5
"""A device's SRAM is drawn up to so many times the peak."""


@record
class Use:
    """What memory is used for: in words, and its colour (Okabe and Ito; grey for what only waits)."""

    name: str
    colour: str


@record
class Block:
    """Memory at the peak: so many bytes from an address, or from the top of what lies below it, named."""

    name: str
    bottom: int
    bytes: int
    use: Use


@record
class Box:
    """A rectangle of a chart: steps across, bytes up."""

    use: Use
    left: float
    right: float
    bottom: int
    top: int


def memory_panels(figure: Figure, below: float, highest: float, what: str) -> tuple[Axes, Axes, Axes]:
    """The axes of steps; to the right those of the peak step, with one axis of bytes for both; a frame around the two
    for heading and note."""
    width, height = figure.get_size_inches()
    main = figure.add_axes((LEFT / width, below / height, MAIN / width, PLOT / height))
    cut = figure.add_axes(((LEFT + MAIN + 0.2) / width, below / height, CUT / width, PLOT / height))
    factor, unit = unit_of(highest)
    frame = figure.add_axes((LEFT / width, below / height, 1 - (LEFT + RIGHT) / width, PLOT / height))
    for axes in (main, cut):
        axes.set_ylim(0, highest)
    main.tick_params(labelsize=SMALL, colors=INK)
    main.spines[["top", "right"]].set_visible(False)
    ticks = MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]).tick_values(0, highest / factor)
    main.set_yticks([tick * factor for tick in ticks if tick * factor <= highest])
    main.yaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value / factor, 4)))
    main.set_ylabel(f"{what} ({unit})", fontsize=TEXT, color=INK)
    main.yaxis.grid(True, color="#DDDDDD", linewidth=0.6)
    main.set_axisbelow(True)
    cut.set_xlim(0, 1)
    cut.set_axis_off()
    frame.set_axis_off()
    return main, cut, frame


def fill_boxes(axes: Axes, boxes: Iterable[Box], edge: float) -> None:
    """Rectangles with white edges of so many points, all of a use as one artist."""
    corners: dict[Use, list[list[tuple[float, float]]]] = {}
    for box in boxes:
        corners.setdefault(box.use, []).append([
            (box.left, box.bottom), (box.right, box.bottom), (box.right, box.top), (box.left, box.top)
        ])  # fmt: skip
    for use, filled in corners.items():
        axes.add_collection(
            PolyCollection(
                filled, facecolors=use.colour, edgecolors="white", linewidths=edge, zorder=2, gid=use.name
            ),
            autolim=False,
        )  # fmt: skip


def write_legend(axes: Axes, uses: Iterable[Use]) -> None:
    """The colours of these uses, above the axes."""
    axes.legend(
        handles=[Patch(color=use.colour, label=use.name) for use in uses],
        loc="lower left", bbox_to_anchor=(0, 1.01), borderaxespad=0, borderpad=0, ncols=5, frameon=False,
        fontsize=SMALL, handlelength=1.0, columnspacing=1.4, handletextpad=0.5, labelcolor=INK,
    )  # fmt: skip


# the axis of steps


def name_steps(axes: Axes, paths: Sequence[str]) -> None:
    """Names below the axis: of every step where there is room, else of blocks at their first steps."""
    axes.set_xlim(0.5, len(paths) + 0.5)
    names = tick_names(paths)
    axes.set_xticks(list(names), list(names.values()), rotation=90, fontsize=TINY)
    axes.tick_params(axis="x", labelsize=TINY, length=2, pad=1.5)
    axes.set_xlabel("steps in execution order, first to last", fontsize=TEXT, color=INK)


def tick_names(paths: Sequence[str]) -> dict[int, str]:
    """Steps, counted from 1, with the names that stand below them: the longest paths that fit side by side. Where not
    even the outermost blocks do, the shorter of them are left out."""
    spacing = TINY * 1.25 * len(paths) / (72 * MAIN)  # in steps
    for depth in range(max(path.count(".") for path in paths) + 1, 0, -1):
        starts = _starts(paths, depth)
        names = {path: elided(path, LONGEST) for path in dict.fromkeys(starts.values())}
        if len(starts) * spacing <= len(paths) and len(set(names.values())) == len(names):
            break
    named: dict[int, str] = {}
    ends = [*list(starts)[1:], len(paths) + 1]
    for start, _ in sorted(zip(starts, ends, strict=True), key=lambda span: span[0] - span[1]):
        if all(abs(start - other) >= spacing for other in named):
            named[start] = names[starts[start]]
    return dict(sorted(named.items()))


def _starts(paths: Sequence[str], depth: int) -> dict[int, str]:
    """Where blocks of that depth begin, in steps counted from 1, and their paths."""
    cut = [".".join(path.split(".")[:depth]) for path in paths]
    return {number: path for number, path in enumerate(cut, 1) if number == 1 or path != cut[number - 2]}


def name_inches(paths: Sequence[str]) -> float:
    """Height of the names below the axis and of the text below them."""
    return 0.42 + max(map(len, tick_names(paths).values())) * TINY * 0.56 / 72


def elided(path: str, length: int) -> str:
    """A path of blocks in about so many characters: its first part and as many of its last as fit, at least the last.

    >>> elided("stem_cell_0.reduce.branches_3.branch_2.depthwise_conv2d_1", 40)
    'stem_cell_0…branch_2.depthwise_conv2d_1'
    >>> elided("mobilenet_v2.features.inverted_residual_2", 24)
    '…inverted_residual_2'
    """
    if len(path) <= length or "." not in path:
        return path
    first, *others = path.split(".")
    ends = [".".join(others[at:]) for at in range(len(others))]
    fitting = [f"{first}…{end}" for end in ends if len(first) + 1 + len(end) <= length]
    return fitting[0] if fitting else f"…{ends[-1]}"


def folded_note(steps: int, layers: int) -> str:
    """What became of the layers that are no steps of their own."""
    if steps == layers:
        return "Every layer is a step."
    return f"{layers} layers in {steps} steps: views, and layers that run in place, stand with the one before them."


# the peak


def draw_cut(main: Axes, cut: Axes, blocks: Sequence[Block], number: int, highest: int) -> None:
    """Mark the peak, and show its step in detail: a bar with a label for each block, as many as there is room for."""
    fill_boxes(cut, [Box(block.use, 0, 1, block.bottom, block.bottom + block.bytes) for block in blocks], 0.8)
    least, most = main.get_xlim()
    across = (number - least) / (most - least)
    main.annotate(
        "peak", (number, highest), (0, 3), textcoords="offset points", fontsize=SMALL, fontweight="bold", color=INK,
        ha="left" if across < 0.05 else "right" if across > 0.95 else "center", va="bottom", gid="peak",
        bbox=PATCH, zorder=4,
    )  # fmt: skip
    cut.annotate(
        f"step {number}", (0.5, highest), (0, 3), textcoords="offset points", fontsize=SMALL, color=INK, ha="center",
        va="bottom", gid="peak step", bbox=PATCH, zorder=4,
    )  # fmt: skip
    _label_blocks(cut, blocks, 72 * PLOT * highest / cut.get_ylim()[1])


LABEL = 25.0
"""Points of height of a label of two lines."""
MOST_LABELS = int(72 * PLOT // LABEL)


def unnamed(blocks: Sequence[Block]) -> str:
    """A sentence on the blocks that have no label; nothing where all have."""
    left = sorted(blocks, key=lambda block: -block.bytes)[MOST_LABELS:]
    if not left:
        return ""
    return f"Not named: {len(left)} smaller tensors of the peak, {binary_size(sum(block.bytes for block in left))}."


def _label_blocks(axes: Axes, blocks: Sequence[Block], top: float) -> None:
    """Names and bytes beside the bar, from its foot to `top` points above it, higher only where that is too little."""
    largest = sorted(blocks, key=lambda block: -block.bytes)[:MOST_LABELS]
    labelled = sorted(largest, key=lambda block: block.bottom)
    unit = 72 * PLOT / axes.get_ylim()[1]
    middles = [(block.bottom + block.bytes / 2) * unit for block in labelled]
    heights = spread(middles, LABEL, max(top, LABEL * len(labelled)))
    for block, middle, height in zip(labelled, middles, heights, strict=True):
        across, hook = CUT * 72, (CUT + 0.13) * 72
        axes.annotate(
            "", (across, middle), (hook, height), xycoords="axes points", textcoords="axes points",
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        for text, shift, colour in (
            (elided(block.name, 34), 5.5, INK),
            (f"{_in_unit(block.bytes, axes.get_ylim()[1])}, {block.use.name}", -5.5, FAINT),
        ):
            axes.annotate(
                text, (hook + 3, height + shift), xycoords="axes points", fontsize=SMALL, color=colour, va="center",
                gid="label", annotation_clip=False,
            )  # fmt: skip


def _in_unit(bytes: int, highest: float) -> str:
    """A number of bytes in the unit of the axis, in a smaller one where it is a small part of it."""
    factor, unit = unit_of(highest)
    return f"{significant(bytes / factor)} {unit}" if bytes >= factor else binary_size(bytes)


def spread(places: Sequence[float], apart: float, top: float) -> list[float]:
    """Places from low to high, moved as little as keeps them that far apart and inside of 0 to `top`.

    >>> spread([10, 11, 90], apart=20, top=100)
    [10, 30, 90]
    """
    moved: list[float] = []
    for place in places:
        moved.append(max([place, apart / 2] if not moved else [place, moved[-1] + apart]))
    ceiling = top - apart / 2
    for at in range(len(moved) - 1, -1, -1):
        moved[at] = min(moved[at], ceiling)
        ceiling = moved[at] - apart
    return moved


# limits


def highest_shown(peak: int, *limits: int | None) -> float:
    """Top of the axis of bytes: above the peak, and above limits that are near enough to be drawn."""
    return 1.1 * max([peak, *(limit for limit in limits if limit is not None and limit <= NEAR * peak)])


def free_ends(number: int, steps: int) -> tuple[float, float]:
    """Parts of the width at which the names of two limits may end: apart, and away from the mark of the peak.

    >>> free_ends(5, 64), free_ends(64, 64)
    ((1.0, 0.72), (0.91, 0.63))
    """
    across = (number - 0.5) / steps
    free = [end / 100 for end in range(100, 27, -1) if not end - 34 < 100 * across < end + 8]
    return free[0], next(end for end in free if end <= free[0] - 0.28)


def draw_limit(main: Axes, cut: Axes, bytes: int, name: str, colour: str, right: float) -> None:
    """A horizontal line whose name ends at that part of the width; the name alone where it lies above the axes."""
    is_drawn = bytes <= main.get_ylim()[1]
    if is_drawn:
        for axes in (main, cut):
            axes.axhline(bytes, color=colour, linewidth=1.3, linestyle=(0, (5, 2)), zorder=3, gid=name)
    main.annotate(
        f"{name} {binary_size(bytes)}" + ("" if is_drawn else ", above ↑"),
        (right, bytes if is_drawn else 1), (-2, 2 if is_drawn else -2),
        xycoords=("axes fraction", "data" if is_drawn else "axes fraction"), textcoords="offset points",
        fontsize=SMALL, color=colour, ha="right", va="bottom" if is_drawn else "top", gid=f"{name} name", zorder=4,
        bbox=PATCH,
    )  # fmt: skip
