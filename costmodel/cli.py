"""The command line: parses arguments, calls the package, prints. Exit 0; 2 for a user's error; 1 for a failed check."""

from __future__ import annotations

import argparse
import codecs
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from costmodel.errors import CostmodelError, ParameterError, SpecError
from costmodel.report import FORMATS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    _print_any_character()
    parser = _parser()
    options, left = parser.parse_known_args(arguments)
    late = [each for each in left if "=" in each and not each.startswith("-")] if hasattr(options, "parameters") else []
    if len(late) < len(left):
        parser.error(f"unrecognized arguments: {' '.join(each for each in left if each not in late)}")
    if late:  # name=value behind an option
        options.parameters += late
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        code = run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except CostmodelError as error:
        print(f"costmodel: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        print(f"costmodel: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _drop_output() -> None:
    """Let the interpreter's last flush go nowhere instead of failing once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_any_character() -> None:
    """Make the output streams write what their encoding lacks: "us" for "µs", else an escape."""

    def replacement(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        text = error.object[error.start : error.end].replace("µ", "u")
        return text.encode("ascii", "backslashreplace").decode("ascii"), error.end

    codecs.register_error("costmodel", replacement)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="costmodel")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="costmodel", description="What a neural network costs on a device, from a one-page spec file."
    )
    from costmodel import __version__

    parser.add_argument("--version", action="version", version=f"costmodel {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    show = commands.add_parser("show", help="cost table of a network, with --hardware its roofline latency")
    _network_arguments(show)
    show.add_argument("--hardware", metavar="H", help="device[:runtime[:dtype]] or a hardware file")
    show.add_argument("--by", choices=("layer", "block", "op"), default="layer", help="one row per ...")
    show.add_argument("--convention", metavar="C", help="also count as this convention does")
    show.add_argument("--format", choices=FORMATS, default="table")
    _prediction_arguments(show)
    show.set_defaults(run=_show)

    networks = commands.add_parser("networks", help="the bundled networks")
    networks.add_argument("word", nargs="?", default="", metavar="WORD", help="only names that hold it")
    networks.add_argument("--format", choices=FORMATS, default="table")
    networks.set_defaults(run=_networks)

    hardware = commands.add_parser("hardware", help="the bundled devices, or all that is known of one")
    hardware.add_argument("name", nargs="?", metavar="NAME")
    hardware.add_argument("--format", choices=FORMATS, default="table")
    hardware.set_defaults(run=_hardware)

    sweep = commands.add_parser("sweep", help="every combination of parameter values, on every device")
    sweep.add_argument("network", metavar="NET[,NET...]", help="families, variant names, or spec files")
    sweep.add_argument("parameters", nargs="*", metavar="name=values", help="e.g. width=0.5,1.0 resolution=128..224:32")
    sweep.add_argument("--hardware", metavar="H[,H...]", help="device[:runtime[:dtype]] or hardware files")
    sweep.add_argument("--batch", type=int, default=1, metavar="B")
    sweep.add_argument("--format", choices=FORMATS, default="table")
    _prediction_arguments(sweep)
    sweep.set_defaults(run=_sweep)

    reproduce = commands.add_parser("reproduce", help="published tables against computed costs, cell by cell")
    reproduce.add_argument("tables", nargs="*", metavar="TABLE")
    reproduce.add_argument("--format", choices=FORMATS, default="table")
    reproduce.set_defaults(run=_reproduce)

    plot = commands.add_parser("plot", help="roofline or op-cost chart as PNG or SVG")
    plot.add_argument("kind", choices=("roofline", "op-cost"), metavar="roofline|op-cost")
    _network_arguments(plot)
    plot.add_argument("-o", "--output", required=True, metavar="FILE", help="FILE.png or FILE.svg")
    plot.add_argument("--hardware", metavar="H[,H...]", help="devices of a roofline chart (default: ridge_5,ridge_500)")
    plot.add_argument("--ridge-points", metavar="R[,R...]", help="ridge points of an op-cost chart (default: 5,500)")
    _prediction_arguments(plot)
    plot.set_defaults(run=_plot)

    check = commands.add_parser("check", help="is this spec or hardware file right")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(run=_check)
    return parser


def _network_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="family, variant name, or spec file")
    parser.add_argument("parameters", nargs="*", metavar="name=value", help="parameters of the spec")
    parser.add_argument("--batch", type=int, default=1, metavar="B")


def _prediction_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dtype", metavar="D", help="number format, e.g. int8, float16")
    parser.add_argument("--fusion", metavar="F", help="fold rule: folded (inference layers) or none")
    parser.add_argument("--overlap", metavar="max|sum", help="compute and transfer: larger or sum")


def _costs(options: argparse.Namespace) -> Any:
    from costmodel.assignments import parameters_of
    from costmodel.costs import cost_table
    from costmodel.specs.catalogue import load

    return cost_table(load(options.network, **parameters_of(options.parameters)), batch=options.batch)


def _show(options: argparse.Namespace) -> int:
    from costmodel import report, summary
    from costmodel.fusion import fusion_named
    from costmodel.roofline import predict

    costs = _costs(options)
    if options.fusion is not None:
        fusion_named(options.fusion)
    prediction = convention = None
    if options.hardware is not None:
        prediction = predict(costs, options.hardware, options.dtype, options.fusion, options.overlap or "max")
    elif options.dtype is not None or options.overlap is not None:
        raise ParameterError("--dtype and --overlap belong to a prediction; add --hardware H")
    if options.convention is not None:
        from costmodel.conventions import convention_named

        convention = convention_named(options.convention)
    if options.format == "table":
        print(summary.as_text(costs, prediction, options.by, convention, options.fusion))
    elif options.format == "json":
        print(report.as_json(summary.as_object(costs, prediction, options.by, convention)))
    elif options.format == "csv":
        print(report.as_csv(summary.columns_of(costs, prediction, options.by, convention)))
    else:
        table = summary.readable_columns(costs, prediction, options.by, convention, options.fusion)
        print(report.rendered(table, options.format, summary.FORMATTERS))
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.assignments import swept_parameters_of
    from costmodel.sweeps import readable_columns, sweep_columns

    hardware = options.hardware.split(",") if options.hardware is not None else ()
    if not hardware and (options.dtype or options.fusion or options.overlap):
        raise ParameterError("--dtype, --fusion and --overlap belong to a prediction; add --hardware H")
    columns = sweep_columns(
        options.network.split(","), hardware, options.batch, options.dtype, options.fusion, options.overlap or "max",
        swept_parameters_of(options.parameters),
    )  # fmt: skip
    if options.format in ("table", "markdown", "latex"):
        shown, formats = readable_columns(columns)
        print(report.rendered(shown, options.format, formats))
    else:
        print(report.rendered({name: values.tolist() for name, values in columns.items()}, options.format))
    return 0


def _networks(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.report import shortened
    from costmodel.specs.listing import listing

    columns = listing(options.word)
    if options.format == "table":
        columns = {name: [shortened(text, 60) for text in texts] for name, texts in columns.items()}
    print(report.rendered(columns, options.format))
    return 0


def _hardware(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.hardware_listing import NUMBERS, device_details, listing

    if options.name is None:
        print(report.rendered(listing(), options.format))
        return 0
    details = device_details(options.name)
    if options.format == "json":
        print(report.as_json(details))
    else:
        heading = [details["title"], f"{details['class']}; {details['source']}", details["note"]]
        if options.format == "table":
            print("\n".join(line for line in heading if line) + "\n")
        print(report.rendered(report.columns_from(details["numbers"]), options.format, NUMBERS))
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from costmodel import published, report
    from costmodel.records import fields_of, values_of

    names = options.tables or published.tables()
    cells = [cell for table in names for cell in published.regenerate(table)]
    shown = [name for name in fields_of(published.Cell) if name not in ("recorded",)]
    records = [dict(zip(fields_of(cell), values_of(cell), strict=True)) for cell in cells]
    columns = {name: [record[name] for record in records] for name in shown}
    counts = published.counted(cells)
    if options.format == "json":
        print(report.as_json({"counts": counts, "cells": report.records_of(columns)}))
    else:
        print(report.rendered(columns, options.format))
        if options.format == "table":
            print(f"\n{len(cells)} cells: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    worse = [cell for cell in cells if cell.is_worse]
    for cell in worse:
        print(
            f"costmodel: {cell.table} row {cell.row} {cell.column}: {cell.status}, recorded as {cell.recorded}",
            file=sys.stderr,
        )
    return 1 if worse else 0


def _plot(options: argparse.Namespace) -> int:
    from costmodel.roofline import predict

    foreign = {"roofline": ("ridge_points",), "op-cost": ("hardware", "overlap")}[options.kind]
    for name in foreign:
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name.replace('_', '-')} does not belong to the {options.kind} chart")
    costs = _costs(options)
    if options.kind == "roofline":
        names = ("ridge_5,ridge_500" if options.hardware is None else options.hardware).split(",")
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


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 1e-6 <= value <= 1e12:
        raise ParameterError(f"ridge point {text!r} must be a positive number of MACs/byte, from 1e-6 to 1e12")
    return value


def _check(options: argparse.Namespace) -> int:
    from costmodel.files import read

    try:
        document = read(options.file)
        if "device" in document.data or "peak" in document.data:
            from costmodel.hardware_schema import check_device

            check_device(document)
            print(f"{options.file}: a hardware file, nothing wrong")
        else:
            from costmodel.specs.listing import check

            counted = check(document)
            print(f"{options.file}: a spec file, nothing wrong; {counted}")
    except SpecError as error:
        print(error, file=sys.stderr)
        count = len(error.problems)
        print(f"costmodel: {count} mistake{'s' if count > 1 else ''} in {options.file}", file=sys.stderr)
        return 1 if os.path.isfile(options.file) else 2
    return 0
