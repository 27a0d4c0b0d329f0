"""The command that draws: plot."""

from __future__ import annotations

import argparse
from typing import Any

from costmodel.cli.arguments import costs_of, devices_of, network_arguments, prediction_arguments
from costmodel.cli.memory import memory_chart, memory_dtype
from costmodel.errors import ParameterError

FOREIGN = {
    "roofline": ("ridge_points", "definition", "workspace"),
    "op-cost": ("hardware", "overlap", "definition", "workspace"),
    "memory": ("ridge_points", "fusion", "overlap"),
    "arena": ("ridge_points", "fusion", "overlap"),
}
"""The charts, and the options that say nothing about them."""


def add_commands(commands: Any) -> None:
    """Add them to the parser."""
    plot = commands.add_parser("plot", help="roofline, op-cost, memory or arena chart as PNG or SVG")
    plot.add_argument("kind", choices=tuple(FOREIGN), metavar="|".join(FOREIGN))
    network_arguments(plot)
    plot.add_argument("-o", "--output", required=True, metavar="FILE", help="FILE.png or FILE.svg")
    plot.add_argument(
        "--hardware", metavar="H[,H...]",
        help="devices of a roofline chart (default: ridge_5,ridge_500), the one whose SRAM a chart of memory shows",
    )  # fmt: skip
    plot.add_argument("--ridge-points", metavar="R[,R...]", help="ridge points of an op-cost chart (default: 5,500)")
    plot.add_argument("--definition", metavar="M", help="what a chart of memory counts (default: fused)")
    plot.add_argument("--workspace", metavar="W", help="scratch memory in a chart of memory (default: none)")
    prediction_arguments(plot)
    plot.set_defaults(run=_plot)


def _plot(options: argparse.Namespace) -> int:
    from costmodel.roofline import predict

    for name in FOREIGN[options.kind]:
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name.replace('_', '-')} does not belong to the {options.kind} chart")
    if options.kind in ("memory", "arena"):
        return _plot_memory(options)
    costs = costs_of(options)
    if options.kind == "roofline":
        names = devices_of("ridge_5,ridge_500" if options.hardware is None else options.hardware)
        overlap: Any = options.overlap or "max"
        predictions = [predict(costs, name, options.dtype, options.fusion, overlap) for name in names]
        from costmodel import plots

        plots.check_path(options.output)
        figure = plots.roofline(predictions)
    else:
        ridge_points = [_positive(text) for text in (options.ridge_points or "5,500").split(",")]
        from costmodel import plots

        plots.check_path(options.output)
        figure = plots.op_cost(costs, ridge_points, dtype=options.dtype or "int8", fusion=options.fusion or "folded")
    plots.save(figure, options.output)
    print(options.output)
    return 0


def _plot_memory(options: argparse.Namespace) -> int:
    from costmodel import plots
    from costmodel.assignments import parameters_of
    from costmodel.specs.catalogue import load

    if options.batch != 1:
        raise ParameterError(f"--batch does not belong to the {options.kind} chart: it shows one input")
    graph = load(options.network, **parameters_of(options.parameters))
    plots.check_path(options.output)
    dtype = memory_dtype(options.dtype, options.hardware)
    chart = memory_chart(options.kind, graph, dtype, options)
    plots.save(chart, options.output)
    print(options.output)
    return 0


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 1e-6 <= value <= 1e12:
        raise ParameterError(f"ridge point {text!r} must be a positive number of MACs/byte, from 1e-6 to 1e12")
    return value
