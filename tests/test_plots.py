"""The charts, looked at through their artists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from costmodel import CostTable, cost_table, load, plots, predict
from costmodel.errors import ParameterError, UnknownNameError
from costmodel.hardware import load_hardware
from costmodel.plots.style import operator_types

NETWORKS = ("mobilenet_v2", "resnet50", "vit_base_patch16_224")
DEVICES = ("pixel_6", "rtx_3090", "stm32h743", "edge_tpu_usb", "ridge_5", "ridge_500")


@pytest.fixture(scope="module")
def tables() -> dict[str, CostTable]:
    return {name: cost_table(load(name)) for name in NETWORKS}


@pytest.fixture
def mobilenet(tables: dict[str, CostTable]) -> CostTable:
    return tables["mobilenet_v2"]


def texts(axes: Axes, gid: str) -> list[Annotation]:
    return [text for text in axes.texts if text.get_gid() == gid and isinstance(text, Annotation)]


def title(axes: Axes) -> str:
    return "\n".join(text.get_text() for text in texts(axes, "title"))


def note(axes: Axes) -> str:
    return " ".join(texts(axes, "note")[0].get_text().split())


def legend_names(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def line(axes: Axes, gid: str) -> Line2D:
    (found,) = [line for line in axes.lines if line.get_gid() == gid]
    return found


def points(axes: Axes) -> dict[str, PathCollection]:
    return {str(c.get_label()): c for c in axes.collections if isinstance(c, PathCollection)}


def pixel_points(axes: Axes) -> Iterator[Bbox]:
    """The square around each drawn point, in pixels."""
    pixels_per_point = axes.figure.dpi / 72
    for collection in points(axes).values():
        places = axes.transData.transform(numpy.asarray(collection.get_offsets()))
        for (x, y), area in zip(places, collection.get_sizes(), strict=True):
            half = numpy.sqrt(area) / 2 * pixels_per_point
            yield Bbox.from_extents(x - half, y - half, x + half, y + half)


def visible_texts(axes: Axes) -> list[Text]:
    ticks = [
        label
        for axis in (axes.xaxis, axes.yaxis)
        for label, place in zip(axis.get_ticklabels(), axis.get_majorticklocs(), strict=True)
        if axis.get_view_interval()[0] <= place <= axis.get_view_interval()[1]
    ]
    legend = axes.get_legend()
    titles = [child for child in axes.get_children() if isinstance(child, Text)]  # with all of axes.texts
    named = [axes.xaxis.label, axes.yaxis.label, *titles, *ticks]
    return [text for text in [*named, *(legend.get_texts() if legend else [])] if text.get_text()]


def extent(text: Text) -> Bbox:
    """Place of the text in pixels; of an annotation without the place it points at."""
    return Bbox(Text.get_window_extent(text).get_points())


def check_legible(figure: Figure) -> None:
    """No text meets another or leaves the figure."""
    figure.draw_without_rendering()
    found = [(text.get_text(), extent(text)) for axes in figure.axes for text in visible_texts(axes)]
    for name, box in found:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, f"{name!r} is clipped left or right"
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, f"{name!r} is clipped above or below"
    for (one, box), (other, second) in combinations(found, 2):
        assert not _meet(box, second), f"{one!r} meets {other!r}"


def _meet(one: Bbox, other: Bbox) -> bool:
    """Whether two boxes share more than a pixel of each side."""
    return bool(min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1)


# roofline


def test_points_stand_at_intensity_and_attained_rate(mobilenet: CostTable) -> None:
    prediction = predict(mobilenet, "pixel_6")
    (axes,) = plots.roofline(prediction).axes
    layers = prediction.layers
    for name, op in (("convolution", "conv2d"), ("depthwise convolution", "depthwise_conv2d"), ("linear", "linear")):
        rows = layers[layers["op"] == op]
        wanted = numpy.column_stack([
            rows["operational_intensity_macs_per_byte"].to_numpy(dtype=float),
            (rows["macs"] / rows["latency_seconds"]).to_numpy(dtype=float),
        ])  # fmt: skip
        numpy.testing.assert_allclose(numpy.asarray(points(axes)[name].get_offsets()), wanted)
    assert sum(len(numpy.asarray(c.get_offsets())) for c in points(axes).values()) == (layers["macs"] > 0).sum() == 53


def test_a_point_worked_by_hand(mobilenet: CostTable) -> None:
    """conv_1: 27 * 32 * 112^2 MACs over 3 * 224^2 + 32 * 112^2 + 864 bytes, compute bound at ridge point 5."""
    (axes,) = plots.roofline(predict(mobilenet, "ridge_5")).axes
    x, y = numpy.asarray(points(axes)["convolution"].get_offsets())[0]
    assert x == pytest.approx(10_838_016 / (150_528 + 401_408 + 864))
    assert y == pytest.approx(5e10)


def test_areas_are_shares_of_the_latency(mobilenet: CostTable) -> None:
    prediction = predict(mobilenet, "ridge_500")
    (axes,) = plots.roofline(prediction).axes
    rows = prediction.layers[prediction.layers["op"] == "depthwise_conv2d"]
    shares = (rows["latency_seconds"] / prediction.latency_seconds).to_numpy(dtype=float)
    areas = points(axes)["depthwise convolution"].get_sizes()
    largest = areas > areas.min()
    assert largest.sum() > 5
    numpy.testing.assert_allclose(areas[largest] / areas.max(), shares[largest] / shares.max())


@pytest.mark.parametrize("device", DEVICES)
def test_the_roof_bends_at_the_ridge_point(mobilenet: CostTable, device: str) -> None:
    profile = load_hardware(device)
    (axes,) = plots.roofline(predict(mobilenet, profile)).axes
    ridge = profile.macs_per_second / profile.bytes_per_second
    (left, bend, right), (low, peak, level) = (numpy.asarray(v, dtype=float) for v in line(axes, "roof").get_data())
    assert bend == pytest.approx(ridge)
    assert peak == level == profile.macs_per_second
    assert low / left == pytest.approx(profile.bytes_per_second)
    assert (left, right) == axes.get_xlim()
    assert list(numpy.asarray(line(axes, "ridge point").get_xdata())) == [ridge, ridge]
    memory, compute = (
        next(p for p in axes.patches if isinstance(p, Rectangle) and p.get_gid() == f"{side} bound")
        for side in ("memory", "compute")
    )
    assert memory.get_x() + memory.get_width() == pytest.approx(ridge) == compute.get_x()
    assert [text.get_text() for text in texts(axes, "region")] == ["memory bound", "compute bound"]
    assert texts(axes, "ridge point name")[0].get_text() == f"ridge point {ridge:.4g} MACs/byte"


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("device", DEVICES)
def test_roofline_labels_meet_nothing(tables: dict[str, CostTable], network: str, device: str) -> None:
    figure = plots.roofline(predict(tables[network], device))
    check_legible(figure)
    (axes,) = figure.axes
    frame = axes.get_window_extent()
    leaders = [item for item in axes.lines if item.get_gid() == "leader"]
    labels = texts(axes, "label")
    assert 0 < len(labels) == len(leaders) <= 8
    for label in labels:
        box = extent(label)
        assert frame.x0 < box.x0 < box.x1 <= frame.x1
        assert frame.y0 < box.y0 < box.y1 < frame.y1
        assert not any(_meet(box, point) for point in pixel_points(axes)), label.get_text()
        for leader in leaders:
            (x, top), (_, bottom) = axes.transData.transform(numpy.column_stack(leader.get_data()))
            assert not (box.x0 < x < box.x1 and bottom < box.y1 - 1 and top > box.y0 + 1), label.get_text()


def test_the_most_expensive_places_are_labelled(mobilenet: CostTable) -> None:
    prediction = predict(mobilenet, "ridge_5")
    (axes,) = plots.roofline(prediction, label=2).axes
    seconds = dict(zip(prediction.columns["layer"], prediction.columns["latency_seconds"], strict=True))
    alike = sum(seconds[f"inverted_residual_{block}.conv_1.conv2d"] for block in (12, 13, 14))
    alike += sum(seconds[f"inverted_residual_{block}.conv_2.conv2d"] for block in (12, 13))
    share = 100 * alike / prediction.latency_seconds
    assert sorted(text.get_text() for text in texts(axes, "label")) == [
        f"inverted_residual_12.conv_1 and 4 alike, {share:.0f} %", "inverted_residual_15.conv_1 and 4 alike, 12 %",
    ]  # fmt: skip
    assert not texts(plots.roofline(prediction, label=0).axes[0], "label")


def test_roofline_says_what_it_shows_and_what_not(mobilenet: CostTable) -> None:
    (axes,) = plots.roofline(predict(mobilenet, "pixel_6")).axes
    first, second, third = title(axes).splitlines()
    assert first == "mobilenet_v2 on pixel_6:idealised:int8"
    assert second == "batch 1, fusion folded, latency 936.1 µs, estimated; 17 % of it memory bound"
    assert third == "peak 358.4 GMAC/s, memory 51.2 GB/s (estimated)"
    assert legend_names(axes) == ["convolution 83 %", "depthwise convolution 13 %", "linear 2.7 %"]
    assert note(axes) == (
        "Area of a point: its share of the latency. Not drawn, because without MACs: 10 add, 1 global_avg_pool; 1.5 % "
        "of the latency. Left out, because they take no time: 87 folded layers (batch_norm, relu6)."
    )
    assert axes.get_ylabel() == "attained MACs/s"
    assert "estimated" not in title(plots.roofline(predict(mobilenet, "rtx_3090")).axes[0])


def test_added_times_lie_below_the_roof(mobilenet: CostTable) -> None:
    prediction = predict(mobilenet, "pixel_6", overlap="sum")
    figure = plots.roofline(prediction)
    check_legible(figure)
    profile = prediction.profile
    for collection in points(figure.axes[0]).values():
        for x, y in numpy.asarray(collection.get_offsets()):
            assert y < min(profile.macs_per_second, x * profile.bytes_per_second)
    assert "compute and transfer time added" in title(figure.axes[0])


def test_one_panel_per_prediction(mobilenet: CostTable) -> None:
    narrow = cost_table(load("mobilenet_v2", width=0.75, resolution=192), batch=4)
    figure = plots.roofline([predict(narrow, "pixel_6"), predict(mobilenet, "rtx_3090"), predict(narrow, "stm32h743")])
    check_legible(figure)
    first, second, third = figure.axes
    assert title(first).startswith(f"{narrow.graph.name} on pixel_6:idealised:int8\nbatch 4,")
    assert title(second).startswith("mobilenet_v2 on rtx_3090:idealised:float16")
    assert title(third).startswith(f"{narrow.graph.name} on stm32h743")
    assert first.get_position().x1 < second.get_position().x0 < third.get_position().x0


def test_region_names_stay_inside_when_many_labels_need_room() -> None:
    narrow = cost_table(load("mobilenet_v2", width=0.75, resolution=192, classes=10))
    figure = plots.roofline([predict(narrow, device) for device in ("pixel_6", "edge_tpu_usb", "stm32h743")], label=12)
    check_legible(figure)
    for axes in figure.axes:
        frame = axes.get_window_extent()
        for text in (*texts(axes, "region"), *texts(axes, "label")):
            assert frame.x0 < extent(text).x0 < extent(text).x1 < frame.x1, text.get_text()
            assert frame.y0 < extent(text).y0 < extent(text).y1 < frame.y1, text.get_text()


# op cost


def test_a_bar_per_layer_that_takes_time(mobilenet: CostTable) -> None:
    figure = plots.op_cost(mobilenet)
    for axes, device in zip(figure.axes, ("ridge_5", "ridge_500"), strict=True):
        prediction = predict(mobilenet, device)
        taken = [seconds for seconds in prediction.columns["latency_seconds"] if seconds]
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert [bar.get_height() for bar in bars] == taken
        assert len(bars) == 64
        assert sum(bar.get_height() for bar in bars) == pytest.approx(prediction.latency_seconds)
        assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == pytest.approx(range(1, 65))


def test_op_cost_worked_by_hand(mobilenet: CostTable) -> None:
    """The expansion 16 -> 96 at 112x112: 19,267,584 MACs, 1,406,464 bytes; the fourth operator that takes time."""
    slow, fast = plots.op_cost(mobilenet).axes
    assert slow.patches[3].get_height() == pytest.approx(19_267_584 / 5e10)  # type: ignore[attr-defined]
    assert fast.patches[3].get_height() == pytest.approx(1_406_464 / 1e10)  # type: ignore[attr-defined]


def test_op_cost_legend_title_and_note(mobilenet: CostTable) -> None:
    slow, fast = plots.op_cost(mobilenet).axes
    assert legend_names(slow) == [
        "convolution 87 %", "depthwise convolution 9.6 %", "linear 2.0 %", "pooling, element-wise, other 1.1 %",
    ]  # fmt: skip
    assert [name.split(" ")[0] for name in legend_names(fast)] == ["convolution", "depthwise", "linear", "pooling,"]
    assert title(slow) == "mobilenet_v2\nroofline time per operator; int8, batch 1, memory 10 GB/s, fusion folded"
    assert slow.get_title(loc="left") == "ridge point 5 MACs/byte: 6.386 ms, 13 % of it memory bound"
    assert fast.get_title(loc="left") == "ridge point 500 MACs/byte: 1.763 ms, 100 % of it memory bound"
    assert note(fast) == "Left out, because they take no time: 87 folded layers (batch_norm, relu6)."


def test_bars_have_the_colour_of_their_type(tables: dict[str, CostTable]) -> None:
    costs = tables["vit_base_patch16_224"]
    axes = plots.op_cost(costs, ridge_points=[500]).axes[0]
    prediction = predict(costs, "ridge_500")
    seconds = prediction.columns["latency_seconds"]
    kinds = [kind for kind, time in zip(operator_types(costs), seconds, strict=True) if time]
    assert [to_hex(bar.get_facecolor()).upper() for bar in axes.patches] == [kind.colour for kind in kinds]
    assert {kind.name for kind in kinds} == {"convolution", "linear", "matmul", "pooling, element-wise, other"}


def test_without_fusion_every_operator_has_a_bar(mobilenet: CostTable) -> None:
    figure = plots.op_cost(mobilenet, ridge_points=[50], fusion="none")
    assert len(figure.axes[0].patches) == len(mobilenet.graph.layers)
    assert note(figure.axes[0]) == "Every layer takes time."


@pytest.mark.parametrize("network", NETWORKS)
def test_op_cost_is_legible(tables: dict[str, CostTable], network: str) -> None:
    check_legible(plots.op_cost(tables[network], ridge_points=(5, 50, 500)))


def test_several_networks_share_the_time_axis(tables: dict[str, CostTable]) -> None:
    figure = plots.op_cost(list(tables.values()))
    check_legible(figure)
    assert len(figure.axes) == 2 * len(tables)
    upper, lower = figure.axes[: len(tables)], figure.axes[len(tables) :]
    for row in (upper, lower):
        assert len({axes.get_ylim() for axes in row}) == 1
    assert [title(axes).splitlines()[0] for axes in upper] == [table.graph.name for table in tables.values()]
    assert not any(title(axes) for axes in lower)
    frame = [axes.get_window_extent() for axes in upper]
    for axes, box, following in zip(upper, frame, frame[1:], strict=False):
        legend = axes.get_legend()
        assert legend is not None
        assert box.x0 <= legend.get_window_extent().x1 < following.x0


# types and names


def test_a_convolution_with_a_group_per_channel_is_depthwise(tmp_path: Path) -> None:
    spec = tmp_path / "grouped.toml"
    spec.write_text(
        'name = "grouped"\nsource = "made up"\ninput = [8, 6, 4]\n'
        "layers = [\n  { conv2d = 8, kernel = 3, groups = 8 },\n"
        "  { conv2d = 8, kernel = 3, groups = 4 },\n]\n"
    )
    graph = load(str(spec))
    costs = cost_table(graph)
    assert [kind.name for kind in operator_types(costs)] == ["depthwise convolution", "convolution"]
    assert title(plots.op_cost(costs).axes[0]).startswith("grouped\n")


@pytest.mark.parametrize("network", ["mobilenet_v2", "resnet101", "mobilenet_v2_0.75_192"])
def test_charts_name_the_graph(network: str) -> None:
    costs = cost_table(load(network))
    assert title(plots.op_cost(costs).axes[0]).splitlines()[0] == costs.graph.name
    roofline = plots.roofline(predict(costs, "ridge_5"))
    assert title(roofline.axes[0]).splitlines()[0] == f"{costs.graph.name} on ridge_5:idealised:int8"


# mistakes


@pytest.mark.parametrize("value", [0, -5, float("nan"), float("inf"), True, "5"])
def test_ridge_points_are_positive_numbers(mobilenet: CostTable, value: Any) -> None:
    with pytest.raises(ParameterError, match=r"ridge_point = .* must be a number above 0"):
        plots.op_cost(mobilenet, ridge_points=[value])
    with pytest.raises(ParameterError, match=r"bytes_per_second = .* must be a number above 0"):
        plots.op_cost(mobilenet, bytes_per_second=value)


def test_nothing_to_draw(mobilenet: CostTable) -> None:
    with pytest.raises(ParameterError, match="the chart needs a Prediction, or several, got nothing"):
        plots.roofline([])
    with pytest.raises(ParameterError, match="the chart needs a CostTable, or several, got nothing"):
        plots.op_cost([])
    costs: Any = mobilenet
    with pytest.raises(ParameterError, match="the chart needs a Prediction, or several, got CostTable"):
        plots.roofline(costs)
    with pytest.raises(ParameterError, match="ridge_points is empty"):
        plots.op_cost(mobilenet, ridge_points=[])
    with pytest.raises(ParameterError, match=r"label = -1 must be a whole number, 0 or more"):
        plots.roofline(predict(mobilenet, "ridge_5"), label=-1)
    with pytest.raises(UnknownNameError, match="unknown number format 'int7'"):
        plots.op_cost(mobilenet, dtype="int7")


def test_ridge_points_may_be_an_array_or_one_number(mobilenet: CostTable) -> None:
    wide: Any = numpy.array([5, 500])
    one: Any = 5
    for points, panels in ((wide, 2), (one, 1)):
        assert len(plots.op_cost(mobilenet, ridge_points=points).axes) == panels


def test_more_labels_than_fit_are_left_out(mobilenet: CostTable) -> None:
    axes = plots.roofline(predict(mobilenet, "pixel_6"), label=100).axes[0]
    assert 8 < len(texts(axes, "label")) <= 16


def test_a_sweep_is_refused() -> None:
    swept = cost_table(load("mobilenet_v2", resolution=numpy.array([192, 224])))
    with pytest.raises(ParameterError, match="a chart shows one network"):
        plots.roofline(predict(swept, "ridge_5"))
    with pytest.raises(ParameterError, match="a chart shows one network"):
        plots.op_cost(swept)
