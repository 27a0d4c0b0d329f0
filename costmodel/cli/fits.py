"""The command that asks whether a network fits: fits."""

from __future__ import annotations

import argparse
from typing import Any

from costmodel.errors import ParameterError
from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    fits = commands.add_parser("fits", help="does it fit a device or budgets, and what would make it fit")
    fits.add_argument("network", metavar="NET", help="family, variant name, or spec file")
    fits.add_argument("parameters", nargs="*", metavar="name=value", help="parameters of the spec")
    fits.add_argument("--hardware", metavar="H", help="device[:runtime[:dtype]] or a hardware file")
    fits.add_argument("--dtype", metavar="D", help="number format (default: the device's, else int8)")
    fits.add_argument("--definition", default="fused", metavar="D", help="of memory: live, fused or inplace")
    fits.add_argument("--workspace", default="none", metavar="W", help="a runtime's scratch memory")
    fits.add_argument("--storage", default="plain", metavar="S", help="what is stored beside weights: plain or tflite")
    fits.add_argument("--weight-bits", type=int, metavar="N", help="weights stored narrower than the number format")
    fits.add_argument("--sram", metavar="BYTES", help="budget, e.g. 256KiB (default: the device's SRAM)")
    fits.add_argument("--flash", metavar="BYTES", help="budget, e.g. 1MB (default: the device's flash)")
    fits.add_argument("--latency", metavar="TIME", help="budget, e.g. 50ms")
    fits.add_argument("--energy", metavar="ENERGY", help="budget, e.g. 5mJ")
    fits.add_argument("--no-search", action="store_true", help="do not look for what would make it fit")
    fits.add_argument("--format", choices=FORMATS, default="table")
    fits.set_defaults(run=_fits)


def _fits(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.assignments import parameters_of
    from costmodel.deployment import fits
    from costmodel.deployment.report import FORMATTERS, as_object, as_text, columns_of
    from costmodel.quantities import BYTES, JOULES, SECONDS, amount
    from costmodel.specs.program import RESERVED_PARAMETERS

    budgets: dict[str, Any] = {
        name: amount(text, units, f"--{name.partition('_')[0]}")
        for name, text, units in (
            ("sram_bytes", options.sram, BYTES),
            ("flash_bytes", options.flash, BYTES),
            ("latency_seconds", options.latency, SECONDS),
            ("energy_joules", options.energy, JOULES),
        )
        if text is not None
    }
    parameters = parameters_of(options.parameters)
    for name in parameters:
        if name in RESERVED_PARAMETERS:
            flag = name.partition("_")[0] if name.partition("_")[2] in ("bytes", "seconds", "joules") else name
            raise ParameterError(f"{name} is no parameter of a network; write --{flag.replace('_', '-')}")
    answer = fits(
        options.network, options.hardware, dtype=options.dtype, definition=options.definition,
        workspace=options.workspace, storage=options.storage, weight_bits=options.weight_bits,
        search=not options.no_search, **budgets,
        **parameters,
    )  # fmt: skip
    if options.format == "table":
        print(as_text(answer))
    elif options.format == "json":
        print(report.as_json(as_object(answer)))
    else:
        print(report.rendered(columns_of(answer), options.format, FORMATTERS))
    return 0 if answer.fits else 1
