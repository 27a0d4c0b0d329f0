"""The memory of a network for programs: columns and one JSON object, in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from costmodel.memory import DEFINITIONS
from costmodel.memory_report.gathering import MemoryReport
from costmodel.records import fields_of
from costmodel.report import records_of

if TYPE_CHECKING:
    from costmodel.memory.arena import Arena
    from costmodel.passes.execution_order import ExecutionOrder
    from costmodel.patches import PatchSearch

By: TypeAlias = Literal["layer", "block"]


def columns_of(report: MemoryReport, by: By = "layer") -> dict[str, list[Any]]:
    """The table of what was asked for: patches on the front, buffers of the arena, else layers or blocks."""
    if report.patches is not None:
        return patch_columns(report.patches)
    if report.arena is not None:
        return report.arena.columns()
    return layer_columns(report, by)


def layer_columns(report: MemoryReport, by: By = "layer") -> dict[str, list[Any]]:
    """A row per layer, or per block with the layer in it that holds most."""
    table = report.peak.columns()
    if by == "layer":
        return table
    blocks: dict[str, list[tuple[int, str, int]]] = {}
    for step, layer, held in zip(table["step"], table["layer"], table["held_bytes"], strict=True):
        blocks.setdefault(layer.partition(".")[0], []).append((held, layer, -step))
    most = [max(rows, key=lambda row: (row[0], row[2])) for rows in blocks.values()]
    return {
        "block": list(blocks),
        "layers": [len(rows) for rows in blocks.values()],
        "held_bytes": [held for held, _, _ in most],
        "layer": [layer for _, layer, _ in most],
    }


def as_object(report: MemoryReport, by: By = "layer") -> dict[str, Any]:
    """The JSON of `memory`: bytes everywhere, names as in the columns."""
    graph, peak, step = report.graph, report.peak, report.steps[report.at]
    return {
        "network": graph.name,
        "source": graph.source,
        "parameters": dict(graph.parameters),
        "dtype": peak.dtype,
        "definition": peak.definition,
        "workspace": report.workspace,
        "peak": {
            "bytes": peak.bytes, "layer": peak.layer, "op": step.op,
            "alive": [
                {"tensor": held.tensor, "shape": shape_of(report, held.tensor), "bytes": held.bytes, "role": held.role}
                for held in step.held
            ],
        },
        "definitions": [
            {"definition": name, "bytes": each.bytes, "layer": each.layer, "meaning": DEFINITIONS[name].meaning,
             "source": DEFINITIONS[name].source}
            for name, each in report.peaks.items()
        ],
        "flash": {
            "bytes": report.flash.bytes,
            **{name: getattr(report.flash, name) for name in fields_of(report.flash) if name != "network"},
        },
        "model_bytes": report.model_bytes,
        "hardware": _device_object(report),
        "order": _order_object(report.order),
        "arena": _arena_object(report.arena),
        "patches": None if report.patches is None else records_of(patch_columns(report.patches)),
        f"{by}s": records_of(layer_columns(report, by)),
    }  # fmt: skip


def shape_of(report: MemoryReport, tensor: str) -> str:
    """The sizes of a tensor; nothing for a workspace."""
    return str(report.shapes[tensor]) if tensor in report.shapes else ""


def _device_object(report: MemoryReport) -> dict[str, Any] | None:
    device = report.device
    if device is None:
        return None
    flash = device.flash_bytes
    needed = report.peak.bytes if report.arena is None else report.arena.bytes
    return {
        "name": device.device, "sram_bytes": device.sram_bytes, "fits_sram": needed <= device.sram_bytes,
        "flash_bytes": flash, "fits_flash": None if flash is None else report.flash.bytes <= flash,
    }  # fmt: skip


def _order_object(order: ExecutionOrder | None) -> dict[str, Any] | None:
    if order is None:
        return None
    names = ("bytes", "file_order_bytes", "lower_bound_bytes", "is_exact", "down_sets", "states")
    return {name: getattr(order, name) for name in names}


def _arena_object(arena: Arena | None) -> dict[str, Any] | None:
    if arena is None:
        return None
    names = ("bytes", "lower_bound_bytes", "greedy_by_size_bytes", "alignment", "strategy")
    return {name: getattr(arena, name) for name in names} | {"buffers": records_of(arena.columns())}


def patch_columns(search: PatchSearch) -> dict[str, list[Any]]:
    """The candidates of which no other has less of both, peak and extra MACs; those with the fewest MACs first."""
    from costmodel.patches.search import COLUMNS

    return {name: [getattr(candidate, name) for candidate in reversed(search.front)] for name in COLUMNS}
