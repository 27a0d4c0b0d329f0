"""Commands on networks and devices: show, networks, hardware, sweep, check."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from costmodel.cli.arguments import costs_of, devices_of, network_arguments, prediction_arguments
from costmodel.errors import ParameterError, SpecError
from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add them to the parser."""
    show = commands.add_parser("show", help="cost table of a network, with --hardware its roofline latency")
    network_arguments(show)
    show.add_argument("--hardware", metavar="H", help="device[:runtime[:dtype]] or a hardware file")
    show.add_argument("--by", choices=("layer", "block", "op"), default="layer", help="one row per ...")
    show.add_argument(
        "--convention", metavar="C", help="also count as this convention does (`costmodel conventions` lists them)"
    )
    show.add_argument("--format", choices=FORMATS, default="table")
    prediction_arguments(show)
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
    sweep.add_argument(
        "--hardware", metavar="H[,H...]", help="device[:runtime[:dtype[:condition=value,...]]] or hardware files"
    )
    sweep.add_argument("--batch", type=int, default=1, metavar="B")
    sweep.add_argument("--memory", metavar="D", help="peak activation memory by a definition (fused), and flash")
    sweep.add_argument("--format", choices=FORMATS, default="table")
    prediction_arguments(sweep)
    sweep.set_defaults(run=_sweep)

    check = commands.add_parser("check", help="is this spec, hardware file, published table or table of energies right")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(run=_check)


def _show(options: argparse.Namespace) -> int:
    from costmodel import report, summary
    from costmodel.fusion import fusion_named
    from costmodel.roofline import predict

    costs = costs_of(options)
    if options.fusion is not None:
        fusion_named(options.fusion)
    prediction = convention = None
    if options.convention is not None:
        from costmodel.conventions import convention_named

        convention = convention_named(options.convention)
        if convention.edits:  # what is shown is the network as the convention sees it
            costs = convention.costs(costs.graph, costs.batch)
    if options.hardware is not None:
        prediction = predict(costs, options.hardware, options.dtype, options.fusion, options.overlap or "max")
    elif options.dtype is not None or options.overlap is not None:
        raise ParameterError("--dtype and --overlap belong to a prediction; add --hardware H")
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


def _sweep(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.assignments import swept_parameters_of
    from costmodel.sweeps import readable_columns, sweep_columns

    hardware = devices_of(options.hardware) if options.hardware is not None else ()
    if not hardware and ((options.dtype and not options.memory) or options.fusion or options.overlap):
        raise ParameterError("--dtype, --fusion and --overlap belong to a prediction; add --hardware H")
    columns = sweep_columns(
        options.network.split(","), hardware, options.batch, options.dtype, options.fusion, options.overlap or "max",
        options.memory, swept_parameters_of(options.parameters),
    )  # fmt: skip
    if options.format in ("table", "markdown", "latex"):
        shown, formats = readable_columns(columns)
        print(report.rendered(shown, options.format, formats))
    else:
        print(report.rendered({name: values.tolist() for name, values in columns.items()}, options.format))
    return 0


def _table(data: Any, name: str) -> Any:
    """A table of a file; empty where there is none."""
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _check(options: argparse.Namespace) -> int:
    from costmodel.files import read

    try:
        document = read(options.file)
        if "operation" in document.data or isinstance(document.data.get("table"), dict):
            from costmodel.energies.schema import check_table

            check_table(document)
            print(f"{options.file}: a table of energies, nothing wrong")
        elif "rule" in document.data or "name" in _table(document.data, "runtime"):
            from costmodel.latency.schema import check_family

            check_family(document)
            print(f"{options.file}: a runtime file, nothing wrong")
        elif not {"device", "peak", "memory", "runtime"}.isdisjoint(document.data):
            from costmodel.latency.schema import check_hardware

            check_hardware(document)
            print(f"{options.file}: a hardware file, nothing wrong")
        elif "rows" in document.data or "columns" in document.data:
            from costmodel.published import cells_of
            from costmodel.published.tables import table_of

            table = table_of(os.path.basename(options.file).removesuffix(".toml"), document)
            cells = len(cells_of(table))
            print(f"{options.file}: a published table, nothing wrong; {len(table.rows)} rows, {cells} cost cells")
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
