"""The chart of activation memory: what every step of an inference holds, and what is alive at the peak."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import accumulate

from matplotlib.figure import Figure

from costmodel.device_memory import DeviceMemory, device_memory
from costmodel.errors import ParameterError
from costmodel.hardware import Device, HardwareProfile
from costmodel.memory import PeakMemory
from costmodel.memory.definitions import definition_named
from costmodel.memory.sizes import in_full
from costmodel.memory.steps import ROLES, Role, Step, execution_steps, peak_step
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
    elided,
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
    wrapped,
    write_heading,
    write_note,
)

COLOURS: dict[Role, str] = {
    "kept": "#C4C4C4", "input": "#56B4E9", "in_place": "#009E73", "output": "#0072B2", "workspace": "#CC79A7",
}  # fmt: skip
USES = {role: Use(name, COLOURS[role]) for role, name in ROLES.items()}


def memory(
    peak: PeakMemory,
    hardware: str | os.PathLike[str] | Device | HardwareProfile | None = None,
    sram_bytes: int | None = None,
    note: str = "",
) -> Figure:
    """The chart of activation memory: a bar per step of the inference, piled up of the tensors that it holds.

    A step is a layer with the layers after it that run in place (`costmodel.memory.steps`). Colours say what the step
    does with a tensor: writes it, reads it for the last time, keeps it for later. To the right stands the peak step in
    detail, every tensor with its bytes. `hardware` or `sram_bytes` draw a device's SRAM as a line. `note` is added
    to the small print.

    >>> from costmodel import load, peak_memory
    >>> figure = memory(peak_memory(load("mobilenet_v2")), hardware="stm32h743")
    >>> figure.axes[0].get_ylabel()
    'activation memory (KiB)'

    Raises: ParameterError for what is no peak of one network, for `sram_bytes` that is no positive whole number or
    stands beside `hardware`; PredictionError for a device without SRAM.
    """
    if not isinstance(peak, PeakMemory):
        raise ParameterError(
            f"the chart needs a PeakMemory, got {type(peak).__name__}; costmodel.peak_memory makes one"
        )
    device = device_memory(hardware, sram_bytes)
    limit = None if device is None else device.sram_bytes
    steps = execution_steps(peak)
    at = peak_step(peak, steps)
    blocks, paths = _piled(steps[at]), [step.name for step in steps]
    small_print = wrapped(
        " ".join(filter(None, [folded_note(len(steps), len(peak.held_bytes)), unnamed(blocks), note])), WIDTH
    )
    below, above = name_inches(paths) + note_inches([small_print]), 1.0
    figure = empty_figure(WIDTH, below + PLOT + above)
    main, cut, frame = memory_panels(figure, below, highest_shown(peak.bytes, limit), "activation memory")
    half, edge = (0.43, 0.5) if len(steps) <= FEW else (0.5, 0)
    fill_boxes(main, _boxes(steps, half), edge)
    name_steps(main, paths)
    draw_cut(main, cut, blocks, at + 1, peak.bytes)
    if limit is not None:
        draw_limit(main, cut, limit, "SRAM", SRAM_COLOUR, free_ends(at + 1, len(steps))[0])
    present = {held.role for step in steps for held in step.held}
    write_legend(main, [use for role, use in USES.items() if role in present])
    write_heading(frame, _heading(peak, steps[at], device))
    write_note(frame, small_print, note_inches([small_print]) - below)
    return figure


def _boxes(steps: Sequence[Step], half: float) -> list[Box]:
    return [
        Box(block.use, number - half, number + half, block.bottom, block.bottom + block.bytes)
        for number, step in enumerate(steps, 1)
        for block in _piled(step)
    ]


def _piled(step: Step) -> list[Block]:
    """What a step holds, one tensor on another."""
    tops = [0, *accumulate(held.bytes for held in step.held)]
    return [
        Block(held.name, bottom, held.bytes, USES[held.role]) for held, bottom in zip(step.held, tops, strict=False)
    ]


def _heading(peak: PeakMemory, step: Step, device: DeviceMemory | None) -> tuple[HeadingLine, ...]:
    """Network; the peak and where it is; how it is counted."""
    found = f"peak {in_full(peak.bytes)} at {elided(step.name, 46)} ({step.op})"
    if device is not None:
        found += f", {device.compared(peak.bytes)}"
    meaning = definition_named(peak.definition).meaning
    return (
        HeadingLine(f"{peak.network}: activation memory", 54, "bold", INK),
        HeadingLine(found, 38, "normal", INK),
        HeadingLine(f"{peak.dtype}, batch 1, definition {peak.definition}: {meaning}", 24, "normal", FAINT),
    )
