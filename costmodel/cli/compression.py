"""The command on compression what-ifs: compress."""

from __future__ import annotations

import argparse
from typing import Any

from costmodel.cli.arguments import costs_of, network_arguments, prediction_arguments
from costmodel.cli.energy import energy_arguments, sram_bytes_of
from costmodel.errors import ParameterError
from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    compress = commands.add_parser("compress", help="what if the weights had fewer bits, or zeros: size and effect")
    network_arguments(compress)
    compress.add_argument(
        "--weight-bits",
        default="8",
        metavar="N | PATTERN=N[,...]",
        help="of each weight (default: 8), or by names of layers or blocks",
    )
    compress.add_argument(
        "--sparsity",
        metavar="S | PATTERN=S[,...]",
        help="part of the weights that are zero: 0.5, or 'fc*=0.9,block_3.conv_1=0.6'",
    )
    compress.add_argument("--coding", default="dense", metavar="C", help="how weights are stored (default: dense)")
    compress.add_argument("--index-bits", type=int, metavar="N", help="of an index that can be chosen (default: 4)")
    compress.add_argument(
        "--bias-bits", type=int, default=32, metavar="N", help="of all other parameters (default: 32)"
    )
    compress.add_argument("--activation-bits", type=int, metavar="N", help="of the activations on the device")
    compress.add_argument("--hardware", metavar="H", help="device[:runtime[:dtype]] or a hardware file")
    energy_arguments(compress)
    compress.add_argument("--by", choices=("layer", "block", "op"), default="layer", help="one row per ...")
    compress.add_argument("--format", choices=FORMATS, default="table")
    prediction_arguments(compress)
    compress.set_defaults(run=_compress)


def _compress(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.compression import compress, listing

    for name in ("overlap", "table", "sram", "activation_level", "weight_level"):
        if getattr(options, name) is not None and options.hardware is None:
            raise ParameterError(f"--{name.replace('_', '-')} belongs to the effect on a device; add --hardware H")
    result = compress(
        costs_of(options), by_layer("--weight-bits", options.weight_bits, whole=True),
        None if options.sparsity is None else by_layer("--sparsity", options.sparsity), options.coding,
        index_bits=options.index_bits, bias_bits=options.bias_bits, activation_bits=options.activation_bits,
        hardware=options.hardware, dtype=options.dtype, fusion=options.fusion, overlap=options.overlap,
    )  # fmt: skip
    energy = {
        "table": options.table, "sram_bytes": sram_bytes_of(options), "activation_level": options.activation_level,
        "weight_level": options.weight_level,
    }  # fmt: skip
    if options.format == "table":
        print(listing.as_text(result, options.by, **energy))
    elif options.format == "json":
        print(report.as_json(listing.as_object(result, options.by, **energy)))
    elif options.format == "csv":
        print(report.as_csv(listing.columns_of(result, options.by)))
    else:
        print(report.rendered(listing.readable_columns(result, options.by), options.format, listing.FORMATTERS))
    return 0


def by_layer(option: str, text: str, whole: bool = False) -> Any:
    """One value, or PATTERN=value pairs by commas; numbers stay texts, which are read exactly.

    >>> by_layer("--sparsity", "0.5"), by_layer("--weight-bits", "conv*=8,fc*=5", whole=True)
    ('0.5', {'conv*': 8, 'fc*': 5})

    Raises: ParameterError for a pair without a pattern or a value, a pattern given twice, or no whole number.
    """
    if "=" not in text:
        return _value(option, text, whole)
    found: dict[str, Any] = {}
    for pair in text.split(","):
        pattern, _, value = (part.strip() for part in pair.rpartition("="))
        if not pattern or not value:
            raise ParameterError(f"{option}: {pair.strip()!r} is no PATTERN=value; write for example 'conv*=8,fc*=5'")
        if pattern in found:
            raise ParameterError(f"{option}: {pattern!r} is given twice")
        found[pattern] = _value(option, value, whole)
    return found


def _value(option: str, text: str, whole: bool) -> Any:
    if not whole:
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ParameterError(f"{option}: {text!r} is no whole number")
    return int(text)
