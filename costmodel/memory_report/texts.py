"""The memory of a network for people: a screen of text, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.device_memory import DeviceMemory, Memory
from costmodel.graph import Graph
from costmodel.memory import DEFINITIONS, definition_named
from costmodel.memory.sizes import binary_size, in_full
from costmodel.memory.steps import ROLES, Step
from costmodel.memory_report.columns import By, layer_columns, patch_columns, shape_of
from costmodel.memory_report.gathering import MemoryReport
from costmodel.report import as_table, shortened, significant, with_prefix

if TYPE_CHECKING:
    from costmodel.memory.arena import Arena
    from costmodel.passes.execution_order import ExecutionOrder
    from costmodel.patches import PatchSearch

FEW = 10
"""Steps that are listed where not all are asked for."""
BAR = 20
"""Characters of the bar of the peak."""


def as_text(report: MemoryReport, by: By = "layer", every_step: bool = False) -> str:
    """Peak, verdict, what is alive at the peak, all definitions, and the steps that hold most."""
    rows = _steps(report, by, every_step or by == "block")
    rows["of the peak"] = ["#" * round(BAR * share) for share in rows["share"]]
    parts = [
        _heading(report.graph),
        _facts(report),
        as_table(_alive(report)),
        as_table(_definitions(report)),
        as_table(rows, FORMATTERS),
    ]
    if report.patches is not None:
        parts.insert(3, as_table(_patches(report, report.patches), FORMATTERS))
    hidden = len(report.steps) - FEW
    if by == "layer" and not every_step and hidden > 0:
        parts.append(f"{hidden} steps that hold less are not shown; --layers lists all")
    return "\n\n".join(parts)


FORMATTERS = {
    "share": lambda value: f"{value:.1%}",
    "extra": lambda value: f"{value:+.1%}",
}


def readable_columns(report: MemoryReport, by: By = "layer") -> Mapping[str, Sequence[Any]]:
    """The table of what was asked for: patches on the front, buffers of the arena, else all steps or blocks."""
    if report.patches is not None:
        return _patches(report, report.patches)
    if report.arena is not None:
        return report.arena.columns()
    return _steps(report, by, every_step=True)


def _steps(report: MemoryReport, by: By, every_step: bool) -> dict[str, Sequence[Any]]:
    """A row per step, or those that hold most; or a row per block."""
    peak, steps = report.peak, report.steps
    if by == "block":
        table = layer_columns(report, by)
        held = table["held_bytes"]
        shown: dict[str, Sequence[Any]] = {
            "block": table["block"], "layers": table["layers"], "bytes": held, "most in": table["layer"]
        }  # fmt: skip
    else:
        numbers = list(range(len(steps)))
        if not every_step:
            numbers = sorted(numbers, key=lambda number: (-steps[number].held_bytes, number))[:FEW]
        held = [steps[number].held_bytes for number in numbers]
        outputs = [report.graph.layers[steps[number].first].outputs[0] for number in numbers]
        shown = {
            "step": [number + 1 for number in numbers],
            "layer": [steps[number].name for number in numbers],
            "op": [steps[number].op for number in numbers],
            "output": [shape_of(report, output) for output in outputs],
            "bytes": held,
        }
    return shown | {"share": [each / peak.bytes for each in held]}


def _heading(graph: Graph) -> str:
    parameters = ", ".join(
        f"{name} = {list(value) if isinstance(value, tuple) else value}" for name, value in graph.parameters.items()
    )
    inputs = ", ".join(str(shape) for shape in graph.inputs.values())
    lines = [f"{graph.name}  ({parameters})" if parameters else graph.name, graph.source, f"input {inputs}, batch 1"]
    return "\n".join(line for line in lines if line)


def _facts(report: MemoryReport) -> str:
    """The numbers, a line each."""
    peak, step, device, flash = report.peak, report.steps[report.at], report.device, report.flash
    place = f"{step.name} ({step.op}), step {report.at + 1} of {len(report.steps)}"
    meaning = definition_named(peak.definition).meaning
    workspace = "" if report.workspace == "none" else f"; workspace {report.workspace}"
    lines = {
        "peak": f"{in_full(peak.bytes)} in {place}",
        "counted": f"{peak.dtype}, definition {peak.definition}: {meaning}{workspace}",
    }
    if report.order is not None:
        lines["order"] = _order_text(report.order, report.workspace)
    if report.arena is not None:
        lines["arena"] = _arena_text(report.arena)
    stored = [f"weights {flash.weight_bytes:,}", f"biases {flash.bias_bytes:,}"]
    stored += [f"scales {flash.scale_bytes:,}"] * (flash.scale_bytes > 0)
    stored += [f"other {flash.other_bytes:,}"] * (flash.other_bytes > 0)
    if device is not None:
        lines["SRAM"] = _verdict(device, peak.bytes if report.arena is None else report.arena.bytes, "SRAM")
    lines["flash"] = f"{in_full(flash.bytes)}: {', '.join(stored)}"
    if device is not None and device.flash_bytes is not None:
        lines[""] = _verdict(device, flash.bytes, "flash")
    lines["model"] = f"{with_prefix(report.model_bytes, 'B')}, all parameters in {peak.dtype}"
    return "\n".join(f"{name:<11} {text}" for name, text in lines.items())


def _verdict(device: DeviceMemory, bytes: int, memory: Memory) -> str:
    """Whether so much fits into a memory of known size, and what part of it that is."""
    size = device.size(memory) or 0
    compared = f"{device.compared(bytes, memory)} ({binary_size(size)})"
    return f"fits, {compared}; the runtime comes on top" if bytes <= size else f"does not fit, {compared}"


def _order_text(order: ExecutionOrder, workspace: str) -> str:
    if order.bytes == order.file_order_bytes:
        found = "the order of the file"
    else:
        saved = significant(100 * (1 - order.bytes / order.file_order_bytes))
        found = f"{in_full(order.bytes)}, {saved} % less than the order of the file with {order.file_order_bytes:,}"
    bound = f"the best found, no order needs less than {order.lower_bound_bytes:,}"
    quality = "no order needs less" if order.is_exact else bound
    down_sets = "" if order.down_sets is None else f"; {order.down_sets:,} down-sets"
    return f"{found}: {quality}{down_sets}{'' if workspace == 'none' else '; without workspace'}"


def _arena_text(arena: Arena) -> str:
    excess = (
        f"{significant(float(100 * arena.excess), 2)} % above the lower bound" if arena.excess else "the lower bound"
    )
    greedy = f"greedy by size {arena.greedy_by_size_bytes:,}"
    return f"{in_full(arena.bytes)}, {excess}, alignment {arena.alignment}, by {arena.strategy} ({greedy})"


def _alive(report: MemoryReport) -> dict[str, Sequence[Any]]:
    held = sorted(report.steps[report.at].held, key=lambda each: -each.bytes)
    return {
        "alive at the peak": [each.name for each in held],
        "shape": [shape_of(report, each.tensor) for each in held],
        "bytes": [each.bytes for each in held],
        "": [binary_size(each.bytes) for each in held],
        "role": [ROLES[each.role] for each in held],
    }


def _definitions(report: MemoryReport) -> dict[str, Sequence[Any]]:
    names = {layer: step.name for step in report.steps for layer in _layers(report, step)}
    peaks = report.peaks
    return {
        "definition": list(peaks),
        "peak": [each.bytes for each in peaks.values()],
        "in": [shortened(names[each.layer], 40) for each in peaks.values()],
        "meaning": [DEFINITIONS[name].meaning for name in peaks],
    }


def _layers(report: MemoryReport, step: Step) -> list[str]:
    return [layer.name for layer in report.graph.layers[step.first : step.last + 1]]


def _patches(report: MemoryReport, search: PatchSearch) -> dict[str, Sequence[Any]]:
    """The front, beside the SRAM where there is one."""
    table = patch_columns(search)
    peaks, plain = table["peak_bytes"], table["overall_macs"][-1] - table["extra_macs"][-1]
    shown: dict[str, Sequence[Any]] = {
        "patches up to": [cut or "(no patches)" for cut in table["cut"]],
        "grid": [
            f"{rows}x{columns}" if cut else "" for cut, (rows, columns) in zip(table["cut"], table["grid"], strict=True)
        ],
        "peak": peaks,
        "": [binary_size(bytes) for bytes in peaks],
        "MACs": table["overall_macs"],
        "extra": [extra / plain for extra in table["extra_macs"]],
    }
    if report.device is not None:
        shown["SRAM"] = ["fits" if bytes <= report.device.sram_bytes else "" for bytes in peaks]
    return shown
