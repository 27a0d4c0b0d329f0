"""The memory map of an arena: at which address every buffer lies, over the steps of an inference."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from math import ceil

from matplotlib.figure import Figure

from costmodel.device_memory import DeviceMemory, device_memory
from costmodel.errors import ParameterError
from costmodel.hardware import Device, HardwareProfile
from costmodel.memory.arena import Arena
from costmodel.memory.arena_places import Place, Segment, places_of
from costmodel.memory.sizes import in_full
from costmodel.memory.steps import short_names
from costmodel.memory.storage import Buffer
from costmodel.plots.execution import (
    FEW,
    PLOT,
    SRAM_COLOUR,
    WIDTH,
    Block,
    Box,
    Use,
    draw_cut,
    draw_limit,
    fill_boxes,
    folded_note,
    free_ends,
    highest_shown,
    memory_panels,
    name_inches,
    name_steps,
    unnamed,
    write_legend,
)
from costmodel.plots.style import (
    FAINT,
    INK,
    HeadingLine,
    empty_figure,
    note_inches,
    percent,
    wrapped,
    write_heading,
    write_note,
)
from costmodel.records import record

KEPT = Use("kept over other steps", "#C4C4C4")
INPUT = Use("input of the network", "#56B4E9")
PASSED = Use("read by the next step", "#0072B2")
OUTPUT = Use("output of the network", "#009E73")
WORKSPACE = Use("workspace", "#CC79A7")
USES = (KEPT, INPUT, PASSED, OUTPUT, WORKSPACE)


@record
class Rows:
    """The steps of the chart: the layers at which a tensor takes a new place, counted from 0, and their names."""

    starts: tuple[int, ...]
    names: tuple[str, ...]

    def of(self, layer: int) -> int:
        """The step, counted from 1, that a layer stands in."""
        return max(1, bisect_right(self.starts, layer))


def arena(
    plan: Arena,
    hardware: str | os.PathLike[str] | Device | HardwareProfile | None = None,
    sram_bytes: int | None = None,
    note: str = "",
) -> Figure:
    """The memory map of an arena: a rectangle for every buffer, from its first to its last step, from its address up.

    Buffers that write over one another are one rectangle. To the right stands the step that reaches the highest
    address in detail. Lines are the lower bound, which no plan can be below, and the size of a device's SRAM, given as
    `hardware` or `sram_bytes`; `note` is added to the small print.

    >>> from costmodel import load
    >>> from costmodel.memory.arena import plan_arena
    >>> figure = arena(plan_arena(load("mlperf_tiny_vww_mbv1")))
    >>> figure.axes[0].get_ylabel()
    'address (KiB)'

    Raises: ParameterError for what is no arena, for `sram_bytes` that is no positive whole number or stands beside
    `hardware`; PredictionError for a device without SRAM.
    """
    if not isinstance(plan, Arena):
        raise ParameterError(f"the chart needs an Arena, got {type(plan).__name__}; plan_arena makes one")
    device = device_memory(hardware, sram_bytes)
    places = places_of(plan.buffers, plan.alignment)
    rows = _rows(plan)
    named = [pair for place in places for pair in _boxes(plan, place, rows)]
    boxes = [box for box, _ in named]
    full = _fullest(boxes, plan.bytes)
    blocks = [
        Block(name, box.bottom, box.top - box.bottom, box.use) for box, name in named if box.left < full < box.right
    ]
    small_print = wrapped(
        " ".join(filter(None, [folded_note(len(rows.starts), _layers(plan)), unnamed(blocks), note])), WIDTH
    )
    below, above = name_inches(rows.names) + note_inches([small_print]), 1.0
    figure = empty_figure(WIDTH, below + PLOT + above)
    limit = None if device is None else device.sram_bytes
    main, cut, frame = memory_panels(figure, below, highest_shown(plan.bytes, limit), "address")
    steps = len(rows.starts)
    fill_boxes(main, boxes, 0.8 if steps <= FEW else 0.4 if steps <= 10 * FEW else 0)  # edges would hide thin boxes
    name_steps(main, rows.names)
    draw_cut(main, cut, blocks, full, plan.bytes)
    right, left = free_ends(full, len(rows.starts))
    draw_limit(main, cut, plan.lower_bound_bytes, "lower bound", INK, left)
    if limit is not None:
        draw_limit(main, cut, limit, "SRAM", SRAM_COLOUR, right)
    write_legend(main, [use for use in USES if any(box.use == use for box in boxes)])
    write_heading(frame, _heading(plan, device))
    write_note(frame, small_print, note_inches([small_print]) - below)
    return figure


def _rows(plan: Arena) -> Rows:
    """A step begins where a tensor is written that does not take the whole place of another."""
    written = {
        buffer.start: buffer.name
        for buffer in plan.buffers.values()
        if not buffer.is_workspace and not _replaces(plan, buffer)
    }
    return Rows(tuple(written), tuple(short_names(list(written.values()))))


def _replaces(plan: Arena, buffer: Buffer) -> bool:
    return bool(buffer.overwrites) and plan.buffers[buffer.overwrites].bytes == buffer.bytes


def _layers(plan: Arena) -> int:
    """Layers of the network: its outputs are needed until after the last."""
    return max(buffer.stop for buffer in plan.buffers.values() if not buffer.is_workspace)


def _fullest(boxes: Sequence[Box], top: int) -> int:
    """Of the steps that reach the highest address the one that holds most."""
    reaching = {step for box in boxes if box.top == top for step in range(ceil(box.left), ceil(box.right))}
    held = {step: sum(box.top - box.bottom for box in boxes if box.left < step < box.right) for step in reaching}
    return min(held, key=lambda step: (-held[step], step))


def _boxes(plan: Arena, place: Place, rows: Rows) -> list[tuple[Box, str]]:
    """The rectangles of a place, one for each size that it has, and the names of what is in them."""
    found: list[tuple[Box, str]] = []
    bottom, free = plan.offsets[place.names[0]], 0.0
    for segment in place.segments:
        left, right = max(free, rows.of(segment.start) - 0.5), rows.of(segment.stop) + 0.5
        if left < right:
            use, name = _use(plan, place, segment, rows)
            found.append((Box(use, left, right, bottom, bottom + segment.bytes), name))
            free = right
    return found


def _use(plan: Arena, place: Place, segment: Segment, rows: Rows) -> tuple[Use, str]:
    """What a place is used for in some of its steps, and the name of the step that writes it then, or of an input."""
    inside = [buffer for buffer in map(plan.buffers.__getitem__, place.names) if buffer.stop >= segment.start]
    first = inside[0]
    if first.is_workspace:
        return WORKSPACE, first.name.partition(" of ")[0]
    if _is_input(plan, first):
        return INPUT, first.name
    if inside[-1].stop == _layers(plan) and inside[-1].start <= segment.stop:
        return OUTPUT, rows.names[rows.of(first.start) - 1]
    waits = any(rows.of(buffer.stop) > rows.of(buffer.start) + 1 for buffer in inside if buffer.start <= segment.stop)
    return KEPT if waits else PASSED, rows.names[rows.of(first.start) - 1]


def _is_input(plan: Arena, buffer: Buffer) -> bool:
    """Whether a buffer holds an input of the network: inputs come first, what the first layer writes after them."""
    starting = [each for each in plan.buffers.values() if each.start == 0 and not each.is_workspace]
    return buffer in (starting[:-1] or starting)


def _heading(plan: Arena, device: DeviceMemory | None) -> tuple[HeadingLine, ...]:
    """Network; size and how good it is; how it was planned."""
    excess = f"{percent(float(plan.excess))} above the lower bound" if plan.excess else "the lower bound"
    found = f"{in_full(plan.bytes)}, {excess}"
    if plan.bytes < plan.greedy_by_size_bytes:
        found += f"; greedy by size {plan.greedy_by_size_bytes:,}"
    if device is not None:
        found += f"; {device.compared(plan.bytes)}"
    workspace = f", workspace {plan.workspace}" if plan.workspace != "none" else ""
    counted = f"{plan.dtype}, batch 1, definition {plan.definition}, alignment {plan.alignment}{workspace}"
    return (
        HeadingLine(f"{plan.network}: arena of activations", 54, "bold", INK),
        HeadingLine(found, 38, "normal", INK),
        HeadingLine(f"{counted}; addresses by {plan.strategy}", 24, "normal", FAINT),
    )
