"""The commands about latencies: validate, explain."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from costmodel.cli.arguments import costs_of, devices_of, network_arguments
from costmodel.errors import ParameterError
from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add them to the parser."""
    validate = commands.add_parser("validate", help="predicted against measured latencies, four predictors")
    validate.add_argument("data", nargs="*", metavar="DATA.csv", help="measured tables (default: all bundled)")
    validate.add_argument(
        "--shapes", nargs="+", action="extend", default=[], metavar="FILE", help="tables of the operators of networks"
    )
    validate.add_argument(
        "--hardware", nargs="+", action="extend", default=[], metavar="FILE", help="hardware files of your own devices"
    )
    validate.add_argument("--by", metavar="COLUMN[,COLUMN...]", help="group rows by (default: data,device,runtime,...)")
    validate.add_argument("--device", metavar="D[,D...]", help="rows of these devices only")
    validate.add_argument(
        "-o", "--output", metavar="FILE", help="scatter plot of predicted over measured, .png or .svg"
    )
    validate.add_argument("--format", choices=FORMATS, default="table")
    validate.set_defaults(run=_validate)
    explain = commands.add_parser("explain", help="the time of each term, per layer; the difference between two")
    network_arguments(explain)
    explain.add_argument("--hardware", required=True, metavar="H[,H2]", help="one device, or two to compare")
    explain.add_argument("--against", metavar="NET2", help="a second network to compare with, on the same device")
    explain.add_argument("--dtype", metavar="D", help="number format, e.g. int8, float16")
    explain.add_argument("--by", choices=("layer", "block", "op"), help="(default: layer; of a comparison: op)")
    explain.add_argument("--format", choices=FORMATS, default="table")
    explain.set_defaults(run=_explain)


def _validate(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.validation import listing, validate
    from costmodel.validation.comparison import KEYS

    if options.output is not None:
        from costmodel import plots

        plots.check_path(options.output)
    by = KEYS if options.by is None else tuple(options.by.split(","))
    devices = () if options.device is None else tuple(options.device.split(","))
    found = validate(*options.data, shapes=options.shapes, by=by, devices=devices, hardware=options.hardware)
    if options.format == "table":
        print(listing.as_text(found))
    elif options.format == "json":
        print(report.as_json(listing.as_object(found)))
    else:
        print(report.rendered(listing.columns_of(found), options.format, listing.FORMATTERS))
        print(*listing.warning_lines(found), sep="\n", end="\n" * bool(found.warnings), file=sys.stderr)
    if options.output is not None:
        plots.save(plots.predicted_measured(found), options.output)
    return 0


def _explain(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.costs import cost_table
    from costmodel.explanation import difference, explain, text
    from costmodel.specs.catalogue import load

    devices = devices_of(options.hardware)
    if len(devices) > 2 or (len(devices) == 2 and options.against is not None):
        raise ParameterError("an explanation compares two: give two devices, or --against a second network")
    costs = costs_of(options)
    first = explain(costs, devices[0], options.dtype)
    if len(devices) == 1 and options.against is None:
        by: Any = options.by or "layer"
        if options.format == "table":
            print(text.as_text(first, by))
        elif options.format == "json":
            print(report.as_json(text.as_object(first, by)))
        else:
            print(report.rendered(text.part_columns(first, by), options.format, text.FORMATTERS))
        return 0
    by = options.by or "op"
    other = costs if options.against is None else cost_table(load(options.against), batch=options.batch)
    both = difference(first, explain(other, devices[-1], options.dtype))
    if options.format == "table":
        print(text.difference_text(both, by))
    elif options.format == "json":
        print(report.as_json(text.difference_object(both, by)))
    else:
        print(report.rendered(both.parts(by), options.format, text.FORMATTERS))
    return 0
