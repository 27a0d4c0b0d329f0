"""The command on energy: an estimate for a network, the tables of energies, the measured energies."""

from __future__ import annotations

import argparse
from typing import Any

from costmodel.cli.arguments import costs_of
from costmodel.errors import ParameterError
from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    energy = commands.add_parser("energy", help="energy of an inference, by a table of energies or power x time")
    energy.add_argument("network", nargs="?", metavar="NET", help="family, variant name, or spec file")
    energy.add_argument("parameters", nargs="*", metavar="name=value", help="parameters of the spec")
    energy.add_argument("--batch", type=int, default=1, metavar="B")
    energy.add_argument("--hardware", metavar="H", help="device[:runtime[:dtype]] or a hardware file: its memories")
    energy_arguments(energy)
    energy.add_argument("--model", metavar="M", help="per_operation, relative or power_time")
    energy.add_argument("--dtype", metavar="D", help="number format, e.g. int8, float32")
    energy.add_argument("--fusion", metavar="F", help="fold rule: folded (inference layers) or none")
    energy.add_argument("--latency", metavar="TIME", help="measured latency, e.g. 50ms, for power_time")
    energy.add_argument("--by", choices=("layer", "block", "op"), default="layer", help="one row per ...")
    energy.add_argument(
        "--spread", action="store_true", help="also by every other table, as a second table; not as csv"
    )
    energy.add_argument("--tables", nargs="?", const="", metavar="NAME", help="list the tables, or what is in one")
    energy.add_argument("--measured", action="store_true", help="measured energies beside power x time")
    energy.add_argument("--format", choices=FORMATS, default="table")
    energy.set_defaults(run=_energy)


def energy_arguments(parser: argparse.ArgumentParser) -> None:
    """A table of energies, and the memories that serve the bytes."""
    parser.add_argument("--table", metavar="T", help="table of energies or its file (default: horowitz_45nm)")
    parser.add_argument("--sram", metavar="BYTES", help="memory on the chip, e.g. 320KiB, in place of the hardware's")
    parser.add_argument("--activation-level", metavar="L", help="memory that serves all activations, e.g. dram")
    parser.add_argument("--weight-level", metavar="L", help="memory that serves all weights")


def sram_bytes_of(options: argparse.Namespace) -> int | None:
    """The memory on the chip that --sram gives."""
    from costmodel.quantities import BYTES, amount

    return None if options.sram is None else int(amount(options.sram, BYTES, "--sram"))


def _energy(options: argparse.Namespace) -> int:
    for name, listed in (("--tables", options.tables is not None), ("--measured", options.measured)):
        if listed and options.network is not None:
            raise ParameterError(f"{name} says nothing of {options.network!r}; give a network or {name}")
    if options.tables is not None and options.measured:
        raise ParameterError("--tables and --measured are two listings; give one of them")
    if options.tables is not None:
        return _tables(options)
    if options.measured:
        return _measured(options)
    if options.network is None:
        raise ParameterError("energy needs a network: costmodel energy NET; --tables and --measured need none")
    return _estimate(options)


def _estimate(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.energies import energy, overview
    from costmodel.fusion import folded_layers, fusion_named
    from costmodel.quantities import SECONDS, amount

    if options.spread and options.format == "csv":
        raise ParameterError("--spread is a second table, csv holds one; --format json has both, layers and spread")
    costs = costs_of(options)
    latency_seconds = None if options.latency is None else float(amount(options.latency, SECONDS, "--latency"))
    estimate = energy(
        costs, options.hardware, options.table, options.dtype, options.fusion, model=options.model,
        latency_seconds=latency_seconds, sram_bytes=sram_bytes_of(options),
        activation_level=options.activation_level, weight_level=options.weight_level,
    )  # fmt: skip
    folded = folded_layers(costs.graph, fusion_named(estimate.work.fusion))
    if options.format == "table":
        print(overview.as_text(estimate, options.by, folded, options.spread))
        return 0
    spread = estimate.spread() if options.spread else None  # an error where there is none, before anything is printed
    if options.format == "json":
        print(report.as_json(overview.as_object(estimate, options.by)))
    elif options.format == "csv":
        print(report.as_csv(estimate.grouped(options.by)))
    else:
        print(report.rendered(overview.readable_columns(estimate, options.by, folded), options.format))
        if spread is not None:
            print("\n" + report.rendered(spread, options.format, overview.SPREAD_FORMATS))
    return 0


def _tables(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.energies import listing
    from costmodel.energies.tables import load_table

    if not options.tables:
        columns = listing.tables_listing()
        if options.format == "table":
            columns = {name: columns[name] for name in ("name", "unit", "technology", "operations", "memories")}
            columns = {name: [report.shortened(text, 50) for text in texts] for name, texts in columns.items()}
        print(report.rendered(columns, options.format))
        return 0
    columns = listing.table_details(options.tables)
    if options.format in ("csv", "json"):
        print(report.rendered(columns, options.format))
        return 0
    source = load_table(options.tables).source if options.format == "table" else ""
    if options.format == "table":
        print(listing.table_heading(options.tables) + "\n")
    print(report.rendered(listing.readable_details(columns, source), options.format, listing.DETAIL_FORMATS))
    return 0


def _measured(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.energies import measured_listing as listing
    from costmodel.energies.measured import reproduced_energies

    columns = reproduced_energies()
    if options.format in ("csv", "json"):
        print(report.rendered(columns, options.format))
        return 0
    shown = {name: values for name, values in columns.items() if name != "source"}
    print(report.rendered(shown, options.format, listing.MEASURED_FORMATS))
    if options.format == "table":
        print("\n" + listing.measured_text(columns))
    return 0
