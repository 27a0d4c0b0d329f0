"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import Any


def network_arguments(parser: argparse.ArgumentParser) -> None:
    """A network, values for its parameters, and a batch."""
    parser.add_argument("network", metavar="NET", help="family, variant name, or spec file")
    parser.add_argument("parameters", nargs="*", metavar="name=value", help="parameters of the spec")
    parser.add_argument("--batch", type=int, default=1, metavar="B")


def prediction_arguments(parser: argparse.ArgumentParser) -> None:
    """What a prediction depends on besides the device."""
    parser.add_argument("--dtype", metavar="D", help="number format, e.g. int8, float16")
    parser.add_argument("--fusion", metavar="F", help="fold rule: folded (inference layers) or none")
    parser.add_argument("--overlap", metavar="max|sum", help="compute and transfer: larger or sum")


def devices_of(text: str) -> list[str]:
    """The profiles of a list by commas. Commas also stand between the conditions of one profile: a part with `=` and
    without `:` goes on with the profile before it, unless it is a file.

    >>> devices_of("pixel_1:tflite,raspberry_pi_4:ncnn:auto:threads=4,powersave=0,ridge_5")
    ['pixel_1:tflite', 'raspberry_pi_4:ncnn:auto:threads=4,powersave=0', 'ridge_5']
    """
    found: list[str] = []
    for part in text.split(","):
        if found and "=" in part and ":" not in part and not part.endswith(".toml"):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def costs_of(options: argparse.Namespace) -> Any:
    """The cost table that the arguments ask for."""
    from costmodel.assignments import parameters_of
    from costmodel.costs import cost_table
    from costmodel.specs.catalogue import load

    return cost_table(load(options.network, **parameters_of(options.parameters)), batch=options.batch)
