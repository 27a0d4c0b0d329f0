"""Labels of the roofline chart: where they hang, and how far the axes widen until all of them fit."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, pi, sqrt

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from costmodel.hardware import HardwareProfile
from costmodel.plots.style import FAINT, INK, SMALL, OperatorType
from costmodel.records import record


@record
class LayerPoint:
    """A layer with MACs as the roofline shows it: intensity across, attained rate up, area in points squared."""

    row: int
    name: str
    kind: OperatorType
    macs_per_byte: float
    macs_per_second: float
    seconds: float
    area: float

    @property
    def radius(self) -> float:
        """In points."""
        return sqrt(self.area / pi)


def set_floor(axes: Axes, least: float, peak: float) -> None:
    """Put the roof at 85 % of the height: above it stand the names of the regions."""
    axes.set_ylim(least, peak * (peak / least) ** (0.15 / 0.85))


def hang_labels(
    axes: Axes,
    profile: HardwareProfile,
    points: Sequence[LayerPoint],
    labels: Sequence[tuple[LayerPoint, str]],
    margin: float,
) -> None:
    """Hang a text below each labelled point on a leader line, and widen the axes until all texts fit.

    `margin` is how many pixels the ridge point keeps from either side, for the names of the two regions.

    Labels hang like flags: the text stands to the right of its leader line, and a point further to the left hangs its
    label lower. The roof never falls from left to right, so no text meets a point, a leader line or another text.
    """
    ordered = sorted(labels, key=lambda label: (-label[0].macs_per_byte, -label[0].macs_per_second, label[0].row))
    labelled = [point for point, _ in ordered]
    texts = [_written(axes, point, text) for point, text in ordered]
    extents = [text.get_window_extent() for text in texts]
    spots, heights = _widened_until_they_fit(axes, profile, points, labelled, extents, margin)
    for point, text, y in zip(labelled, texts, heights, strict=True):
        across, up = spots[point.row]
        text.set_position((4, (y - up) / _pixels_per_point(axes)))
        hook = axes.transData.inverted().transform((across, y))[1]
        axes.plot(
            [point.macs_per_byte, point.macs_per_byte], [point.macs_per_second, hook], color=FAINT, linewidth=0.7,
            zorder=2.2, gid="leader",
        )  # fmt: skip


def _written(axes: Axes, point: LayerPoint, text: str) -> Annotation:
    return axes.annotate(
        text, (point.macs_per_byte, point.macs_per_second), (4, 0), textcoords="offset points", fontsize=SMALL,
        color=INK, va="center", ha="left", zorder=4, gid="label", annotation_clip=False,
    )  # fmt: skip


def _widened_until_they_fit(
    axes: Axes,
    profile: HardwareProfile,
    points: Sequence[LayerPoint],
    labelled: Sequence[LayerPoint],
    extents: Sequence[Bbox],
    margin: float,
) -> tuple[dict[int, tuple[float, float]], list[float]]:
    """Where each point, by row, and the label of each labelled point stand in pixels, once the axes are wide enough."""
    unit = _pixels_per_point(axes)
    frame = axes.get_window_extent()
    for _ in range(200):  # each round widens an axis by a few percent of its decades
        spots = {point.row: _pixels(axes, point.macs_per_byte, point.macs_per_second) for point in points}
        heights = _flag_heights(points, labelled, spots, extents, unit)
        # Texts are up to a twentieth wider where a chart is shown at fewer dots per inch.
        reach = [6 * unit + 1.05 * extent.width for extent in extents]
        ends = [spots[point.row][0] + width for point, width in zip(labelled, reach, strict=True)]
        turn, _ = _pixels(axes, profile.ridge_point_macs_per_byte, 1.0)
        too_low = any(y - extent.height / 2 < frame.y0 + 4 * unit for y, extent in zip(heights, extents, strict=True))
        too_far_left = turn < frame.x0 + margin
        too_far_right = turn > frame.x1 - margin or any(end > frame.x1 for end in ends)
        if not (too_low or too_far_left or too_far_right):
            break
        if too_low:
            least, most = axes.get_ylim()
            set_floor(axes, least / (most / least) ** 0.04, profile.macs_per_second)
        least, most = axes.get_xlim()
        step = (most / least) ** 0.04
        axes.set_xlim(least / step**too_far_left, most * step**too_far_right)
    return spots, heights


def _flag_heights(
    points: Sequence[LayerPoint],
    labelled: Sequence[LayerPoint],
    spots: dict[int, tuple[float, float]],
    extents: Sequence[Bbox],
    unit: float,
) -> list[float]:
    """Height of each label in pixels, from the rightmost point to the leftmost: below its point and the last label."""
    heights: list[float] = []
    ceiling = inf
    for point, extent in zip(labelled, extents, strict=True):
        x, y = spots[point.row]
        start, end = x - 4 * unit, x + 8 * unit + extent.width
        bottoms = [
            spots[other.row][1] - (other.radius + 2) * unit
            for other in points
            if start - other.radius * unit < spots[other.row][0] < end + other.radius * unit
        ]
        height = min(ceiling, *bottoms, y - 4 * unit) - extent.height / 2
        heights.append(height)
        ceiling = height - extent.height / 2 - 2 * unit
    return heights


def _pixels(axes: Axes, x: float, y: float) -> tuple[float, float]:
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)


def _pixels_per_point(axes: Axes) -> float:
    return axes.figure.dpi / 72
