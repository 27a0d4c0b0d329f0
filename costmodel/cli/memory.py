"""The command on activation memory: memory."""

from __future__ import annotations

import argparse
from typing import Any

from costmodel.errors import ParameterError
from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    memory = commands.add_parser("memory", help="peak activation memory, where it is, and what is alive there")
    memory.add_argument("network", metavar="NET", help="family, variant name, or spec file")
    memory.add_argument("parameters", nargs="*", metavar="name=value", help="parameters of the spec")
    memory.add_argument("--dtype", metavar="D", help="number format (default: the device's, else int8)")
    memory.add_argument("--definition", metavar="M", help="what counts: single, io, io_inplace, live, fused, ...")
    memory.add_argument("--workspace", metavar="W", help="a runtime's scratch memory beside the tensors")
    memory.add_argument("--hardware", metavar="H", help="device[:runtime[:dtype]] or a hardware file")
    memory.add_argument("--sram", metavar="BYTES", help="size of an SRAM in place of a device, e.g. 256KiB")
    memory.add_argument(
        "--storage", default="plain", metavar="S", help="what is stored beside weights: plain or tflite"
    )
    memory.add_argument("--arena", action="store_true", help="assign addresses to all buffers")
    memory.add_argument("--order", action="store_true", help="search the order of the layers with the least peak")
    memory.add_argument("--patches", action="store_true", help="search inference in patches: peak and extra MACs")
    memory.add_argument("--layers", action="store_true", help="every step, not only those that hold most")
    memory.add_argument("--by", choices=("layer", "block"), default="layer", help="one row per ...")
    memory.add_argument("--format", choices=FORMATS, default="table")
    memory.add_argument("-o", "--output", metavar="FILE", help="draw it, with --arena its map: FILE.png or FILE.svg")
    memory.set_defaults(run=_memory)


def _memory(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.assignments import parameters_of
    from costmodel.memory.definitions import ARENA
    from costmodel.memory_report import FORMATTERS, as_object, as_text, columns_of, memory_report, readable_columns
    from costmodel.specs.catalogue import load

    if options.definition == ARENA.name:  # which is what --arena assigns
        options.definition, options.arena = None, True
    if options.layers and (options.by == "block" or options.format != "table"):
        raise ParameterError("--layers belongs to the table of layers; other formats and --by block list all rows")
    graph = load(options.network, **parameters_of(options.parameters))
    dtype, sram_bytes = memory_dtype(options.dtype, options.hardware), _sram_bytes(options.sram)
    if options.output is not None:
        return _draw(options, graph, dtype, sram_bytes)
    found = memory_report(
        graph, dtype, options.definition or "fused", options.workspace or "none", options.hardware, sram_bytes,
        storage=options.storage, order=options.order, arena=options.arena, patches=options.patches,
    )  # fmt: skip
    match options.format:
        case "table":
            print(as_text(found, options.by, options.layers))
        case "json":
            print(report.as_json(as_object(found, options.by)))
        case "csv":
            print(report.as_csv(_plain(columns_of(found, options.by))))
        case _:
            print(report.rendered(readable_columns(found, options.by), options.format, FORMATTERS))
    return 0


def memory_dtype(dtype: str | None, hardware: str | None) -> str:
    """The number format asked for, else that of the device, else int8."""
    if dtype is not None or hardware is None:
        return dtype or "int8"
    from costmodel.hardware import load_hardware

    return load_hardware(hardware).dtype.name


def _sram_bytes(text: str | None) -> int | None:
    if text is None:
        return None
    from costmodel.quantities import BYTES, amount

    return int(amount(text, BYTES, "--sram"))


def _draw(options: argparse.Namespace, graph: Any, dtype: str, sram_bytes: int | None) -> int:
    if options.patches or options.format != "table" or options.layers or options.by != "layer":
        raise ParameterError(
            "-o draws the steps, or the map of an --arena: leave out --patches, --layers, --by, --format"
        )
    from costmodel import plots

    plots.check_path(options.output)
    note = ""
    if options.order:
        from costmodel.passes.execution_order import least_memory_order

        graph = least_memory_order(graph, dtype, options.definition or "fused").graph
        note = "Layers in the order of least memory, searched; not that of the file."
    kind = "arena" if options.arena else "memory"
    chart = memory_chart(kind, graph, dtype, options, sram_bytes, note)
    plots.save(chart, options.output)
    print(options.output)
    return 0


def memory_chart(
    kind: str, graph: Any, dtype: str, options: argparse.Namespace, sram_bytes: int | None = None, note: str = ""
) -> Any:
    """The chart of the steps, or the memory map, by the definition, workspace and device among the options."""
    from costmodel import plots
    from costmodel.memory import peak_memory

    definition, workspace = options.definition or "fused", options.workspace or "none"
    if kind == "memory":
        peak = peak_memory(graph, dtype, definition, workspace=workspace)
        return plots.memory(peak, options.hardware, sram_bytes, note)
    from costmodel.memory.arena import plan_arena

    plan = plan_arena(graph, dtype, definition, workspace=workspace)
    return plots.arena(plan, options.hardware, sram_bytes, note)


def _plain(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Cells without lists, which CSV does not have: names with blanks between them, grids as 2x3."""
    return {name: [_plain_cell(value) for value in values] for name, values in columns.items()}


def _plain_cell(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return ("x" if all(isinstance(part, int) for part in value) else " ").join(map(str, value))
