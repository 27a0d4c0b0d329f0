"""The charts of memory, looked at through their artists."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from test_plots import extent, legend_names, texts, visible_texts

from costmodel import load, peak_memory, plots
from costmodel.errors import ParameterError, PredictionError
from costmodel.hardware import load_hardware
from costmodel.memory import Buffer, PeakMemory
from costmodel.memory.arena import Arena, plan_arena
from costmodel.memory.steps import execution_steps, peak_step
from costmodel.plots.execution import PLOT, elided, spread, tick_names

NETWORKS = (
    "mobilenet_v2", "mlperf_tiny_vww_mbv1", "mlperf_tiny_ad_autoencoder", "nasnet_a_mobile", "resnet50", "densenet121",
    "segnet", "enet", "deeplabv3_mobilenet_v2_os16_aspp", "lenet5", "swin_tiny_patch4_window7_224",
)  # fmt: skip


def peak_of(name: str, definition: str = "fused") -> PeakMemory:
    return peak_memory(load(name), definition=definition)


def rectangles(axes: Axes) -> dict[str, numpy.ndarray[Any, Any]]:
    """Left, right, bottom and top of all boxes, by what they are used for."""
    found = {}
    for collection in axes.collections:
        assert isinstance(collection, PolyCollection)
        corners = numpy.array([numpy.asarray(path.vertices)[:4] for path in collection.get_paths()])
        found[str(collection.get_gid())] = numpy.column_stack([
            corners[:, :, 0].min(axis=1), corners[:, :, 0].max(axis=1), corners[:, :, 1].min(axis=1),
            corners[:, :, 1].max(axis=1),
        ])  # fmt: skip
    return found


def written(figure: Figure, gid: str) -> str:
    """The texts of that kind in all panels."""
    return "\n".join(text.get_text() for axes in figure.axes for text in texts(axes, gid))


def check_legible(figure: Figure) -> None:
    """No text meets another or leaves the figure."""
    figure.draw_without_rendering()
    shown = [text for axes in figure.axes for text in (visible_texts(axes) if axes.axison else axes.texts)]
    found = [(text.get_text(), extent(text)) for text in shown if text.get_text()]
    for name, box in found:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, f"{name!r} is clipped left or right"
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, f"{name!r} is clipped above or below"
    for (one, box), (other, second) in combinations(found, 2):
        across = min(box.x1, second.x1) - max(box.x0, second.x0)
        up = min(box.y1, second.y1) - max(box.y0, second.y0)
        assert across <= 1 or up <= 1, f"{one!r} meets {other!r}"


# the steps


def test_bars_pile_up_to_what_is_held() -> None:
    peak = peak_of("mobilenet_v2")
    steps = execution_steps(peak)
    main = plots.memory(peak).axes[0]
    boxes = numpy.concatenate(list(rectangles(main).values()))
    for number, step in enumerate(steps, 1):
        own = boxes[(boxes[:, 0] < number) & (boxes[:, 1] > number)]
        assert len(own) == len(step.held)
        assert own[:, 3].max() == step.held_bytes == (own[:, 3] - own[:, 2]).sum()
    assert boxes[:, 3].max() == peak.bytes == 1_505_280
    assert main.get_xlim() == (0.5, len(steps) + 0.5)


def test_colours_say_what_a_step_does_with_a_tensor() -> None:
    boxes = rectangles(plots.memory(peak_of("resnet50")).axes[0])
    assert list(boxes) == ["read for the last time", "written", "kept for later steps"]
    assert boxes["kept for later steps"][0][3] == 56 * 56 * 64  # the input of the first bottleneck
    inplace = plots.memory(peak_of("mlperf_tiny_vww_mbv1", "inplace"))
    assert legend_names(inplace.axes[0]) == ["read for the last time", "written over its input", "written"]
    assert "written over its input" in rectangles(inplace.axes[0])


def test_the_peak_step_is_shown_in_detail() -> None:
    figure = plots.memory(peak_of("mobilenet_v2"))
    main, cut, _ = figure.axes
    assert written(figure, "label").splitlines() == [
        "inverted_residual_2.conv_1", "1,176 KiB, read for the last time", "inverted_residual_2.depthwise",
        "294 KiB, written",
    ]  # fmt: skip
    assert cut.get_ylim() == main.get_ylim()
    (mark,) = texts(main, "peak")
    assert list(mark.xy) == [5, 1_505_280]
    assert texts(cut, "peak step")[0].get_text() == "step 5"
    assert rectangles(cut)["written"].tolist() == [[0, 1, 1_204_224, 1_505_280]]
    leaders = [text.xy[1] for text in cut.texts if isinstance(text, Annotation) and text.arrow_patch is not None]
    points = 72 * PLOT / cut.get_ylim()[1]  # of height for each byte
    assert leaders == pytest.approx([points * 1_204_224 / 2, points * (1_204_224 + 301_056 / 2)])


def test_title_and_note_of_the_steps() -> None:
    figure = plots.memory(peak_of("mobilenet_v2"), hardware="stm32f746")
    assert written(figure, "title").splitlines() == [
        "mobilenet_v2: activation memory",
        "peak 1,505,280 bytes (1,470 KiB) at inverted_residual_2.depthwise (depthwise_conv2d), "
        "4.6 times the SRAM of stm32f746",
        "int8, batch 1, definition fused: the tensors between first and last use, norm and activation in place",
    ]  # fmt: skip
    note = "151 layers in 64 steps: views, and layers that run in place, stand with the one before them."
    assert written(figure, "note") == note
    assert figure.axes[0].get_ylabel() == "activation memory (KiB)"
    assert written(plots.memory(peak_of("lenet5", "live")), "note") == "Every layer is a step."
    assert plots.memory(peak_of("segnet")).axes[0].get_ylabel() == "activation memory (MiB)"


def test_the_sram_is_a_line() -> None:
    for hardware in ("stm32f746", load_hardware("stm32f746")):
        main, cut, _ = plots.memory(peak_of("mobilenet_v2"), hardware=hardware).axes
        for axes in (main, cut):
            (line,) = [line for line in axes.lines if line.get_gid() == "SRAM"]
            assert set(numpy.asarray(line.get_ydata())) == {320 * 1024}
        assert texts(main, "SRAM name")[0].get_text() == "SRAM 320 KiB"
    assert not plots.memory(peak_of("mobilenet_v2")).axes[0].lines


def test_an_sram_far_above_the_peak_is_named_only() -> None:
    figure = plots.memory(peak_of("mlperf_tiny_vww_mbv1"), sram_bytes=327_680)
    assert not figure.axes[0].lines
    assert written(figure, "SRAM name") == "SRAM 320 KiB, above ↑"
    assert figure.axes[0].get_ylim()[1] < 70_000
    near = plots.memory(peak_of("mlperf_tiny_vww_mbv1"), sram_bytes=2 * 55_296)
    assert near.axes[0].get_ylim()[1] > 2 * 55_296
    assert len(near.axes[0].lines) == 1


def test_tensors_without_room_for_a_name_are_counted() -> None:
    """As many tensors as there is no room for: one layer, twelve inputs that others read later."""
    buffers = {f"t{at}": Buffer(f"t{at}", 1000 + at, 0, 1) for at in range(12)}
    buffers["layer"] = Buffer("layer", 50, 0, 1)
    held = 12 * 1000 + 66 + 50
    peak = PeakMemory("many", "live", "int8", held, "layer", {"layer": held}, ("concat",), buffers, (tuple(buffers),))
    figure = plots.memory(peak)
    check_legible(figure)
    assert len(written(figure, "label").splitlines()) == 2 * 9
    assert written(figure, "note").endswith("Not named: 4 smaller tensors of the peak, 3,053 B.")


@pytest.mark.parametrize("name", NETWORKS)
def test_charts_of_memory_are_legible(name: str) -> None:
    peak = peak_of(name)
    for sram_bytes in (None, peak.bytes // 3, peak.bytes, 2 * peak.bytes, 100 * peak.bytes):
        check_legible(plots.memory(peak, sram_bytes=sram_bytes))
    check_legible(plots.memory(peak_of(name, "live")))
    for definition in ("fused", "inplace"):
        check_legible(plots.arena(plan_arena(load(name), definition=definition), sram_bytes=peak.bytes // 2))


# the map


def mapped(plan: Arena) -> tuple[Figure, numpy.ndarray[Any, Any]]:
    figure = plots.arena(plan)
    return figure, numpy.concatenate(list(rectangles(figure.axes[0]).values()))


@pytest.mark.parametrize("definition", ["live", "fused", "inplace"])
@pytest.mark.parametrize("name", ["mobilenet_v2", "mlperf_tiny_vww_mbv1", "densenet121", "shufflenet_v2", "mcunet"])
def test_rectangles_of_the_map_overlap_nowhere(name: str, definition: str) -> None:
    plan = plan_arena(load(name), definition=definition)
    _, boxes = mapped(plan)
    assert boxes[:, 3].max() == plan.bytes
    for step in numpy.arange(1, boxes[:, 1].max()):
        alive = boxes[(boxes[:, 0] < step) & (boxes[:, 1] > step)]
        ordered = alive[alive[:, 2].argsort()]
        assert (ordered[1:, 2] >= ordered[:-1, 3]).all()
        assert (alive[:, 3] - alive[:, 2]).sum() <= plan.lower_bound_bytes


def test_a_map_by_hand() -> None:
    """Person detection: 96x96x3 in, 48x48x8 out of the first convolution, 48x48x16 out of the second separable one."""
    plan = plan_arena(load("mlperf_tiny_vww_mbv1"))
    figure, _ = mapped(plan)
    boxes = rectangles(figure.axes[0])
    (entering,) = boxes["input of the network"]
    assert (entering[0], entering[1], entering[3] - entering[2]) == (0.5, 1.5, 96 * 96 * 3)
    widths = [tuple(box[:2]) for box in boxes["read by the next step"][:3]]
    assert widths == [(0.5, 2.5), (1.5, 3.5), (2.5, 4.5)]
    (leaving,) = boxes["output of the network"]
    assert leaving[3] - leaving[2] == 16  # two classes, aligned
    assert legend_names(figure.axes[0]) == ["input of the network", "read by the next step", "output of the network"]
    assert written(figure, "peak step") == "step 3"


def test_what_is_kept_and_what_is_workspace() -> None:
    boxes = rectangles(plots.arena(plan_arena(load("resnet18"))).axes[0])
    heights = boxes["kept over other steps"][:, 3] - boxes["kept over other steps"][:, 2]
    assert heights.max() == 56 * 56 * 64  # shortcuts
    boxes = rectangles(plots.arena(plan_arena(load("resnet18"), workspace="im2col")).axes[0])
    assert (boxes["workspace"][:, 1] - boxes["workspace"][:, 0] == 1).all()


def test_lines_title_and_note_of_the_map() -> None:
    plan = plan_arena(load("mlperf_tiny_vww_mbv1"))
    figure = plots.arena(plan, hardware="nucleo_l4r5zi")
    assert written(figure, "title").splitlines() == [
        "mlperf_tiny_vww_mbv1: arena of activations",
        f"55,296 bytes (54 KiB), the lower bound; greedy by size {plan.greedy_by_size_bytes:,}; "
        "8.4 % of the SRAM of nucleo_l4r5zi",
        f"int8, batch 1, definition fused, alignment 16; addresses by {plan.strategy}",
    ]  # fmt: skip
    assert written(figure, "lower bound name") == "lower bound 54 KiB"
    assert written(figure, "SRAM name") == "SRAM 640 KiB, above ↑"
    assert written(figure, "note").startswith("84 layers in 30 steps")
    (line,) = figure.axes[0].lines
    assert set(numpy.asarray(line.get_ydata())) == {55_296}


def test_a_map_above_its_lower_bound_says_so() -> None:
    from costmodel.records import replace

    plan = plan_arena(load("lenet5"))
    gap = replace(plan, bytes=plan.bytes + 1184, offsets={**plan.offsets, "s2": plan.offsets["s2"] + 1184})
    figure = plots.arena(gap)
    assert "20 % above the lower bound" in written(figure, "title")
    assert written(figure, "lower bound name") == "lower bound 5,888 B"
    check_legible(figure)


def test_both_charts_have_the_same_steps() -> None:
    for name in NETWORKS:
        graph = load(name)
        steps = plots.memory(peak_memory(graph)).axes[0].get_xlim()
        assert plots.arena(plan_arena(graph)).axes[0].get_xlim() == steps, name


# names


def test_names_of_steps_where_there_is_room_else_of_blocks() -> None:
    few = [f"stage_{at}.conv" for at in range(20)]
    assert list(tick_names(few).values()) == few
    many = [f"stage_{at}.conv_{conv}" for at in range(10) for conv in range(10)]
    assert tick_names(many) == {10 * at + 1: f"stage_{at}" for at in range(10)}
    crowded = [f"layer_{at}" for at in range(200)]
    named = tick_names(crowded)
    assert 20 < len(named) < 50
    assert all(crowded[number - 1] == name for number, name in named.items())


def test_long_paths_are_elided() -> None:
    assert elided("short.path", 26) == "short.path"
    assert elided("stage.block.branch.separable.conv", 26) == "stage…separable.conv"
    assert elided("a" * 30, 26) == "a" * 30  # one word


def test_labels_are_spread() -> None:
    assert spread([50, 50, 50], apart=20, top=100) == [50, 70, 90]
    assert spread([95], apart=20, top=100) == [90]
    assert spread([0, 5], apart=20, top=100) == [10, 30]
    assert spread([80, 90, 100], apart=20, top=100) == [50, 70, 90]


# mistakes


def test_mistakes_have_their_texts() -> None:
    anything: Any = load("lenet5")
    with pytest.raises(ParameterError, match=r"the chart needs a PeakMemory, got Graph; costmodel\.peak_memory makes"):
        plots.memory(anything)
    with pytest.raises(ParameterError, match="the chart needs an Arena, got Graph; plan_arena makes one"):
        plots.arena(anything)
    with pytest.raises(ParameterError, match="steps are those of one network, and these sizes are arrays"):
        plots.memory(peak_memory(load("mobilenet_v2", width=numpy.array([0.5, 1.0]))))
    with pytest.raises(PredictionError, match="pixel_6 has no SRAM of known size"):
        plots.memory(peak_of("lenet5"), hardware="pixel_6")
    with pytest.raises(ParameterError, match="give one of them"):
        plots.arena(plan_arena(anything), hardware="stm32f746", sram_bytes=5)


def test_the_same_chart_gives_the_same_file(tmp_path: Path) -> None:
    peak = peak_of("mobilenet_v2")
    for name in ("one.svg", "two.svg"):
        plots.save(plots.memory(peak, hardware="stm32f746"), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert peak_step(peak, execution_steps(peak)) == 4
