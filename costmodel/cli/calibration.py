"""The command that fits a device's own numbers to measured latencies: calibrate."""

from __future__ import annotations

import argparse
from typing import Any

from costmodel.report import FORMATS


def add_commands(commands: Any) -> None:
    """Add it to the parser."""
    calibrate = commands.add_parser("calibrate", help="fit a device's numbers to measured latencies, held out")
    calibrate.add_argument("data", nargs="+", metavar="DATA.csv", help="measured latencies, or a bundled table's name")
    calibrate.add_argument("--device", required=True, metavar="D", help="a bundled device or a hardware file")
    calibrate.add_argument("--runtime", required=True, metavar="R", help="the runtime that was measured")
    calibrate.add_argument("--family", metavar="F", help="the runtime family whose constants hold (default: R's)")
    calibrate.add_argument(
        "--shapes", action="append", default=[], metavar="FILE", help="operators of networks that are not bundled"
    )
    calibrate.add_argument("--by", choices=("network", "kernel", "row"), help="what is left out together")
    calibrate.add_argument("--folds", type=int, default=5, metavar="K")
    calibrate.add_argument("--seed", type=int, default=0, metavar="S", help="of the folds")
    calibrate.add_argument("--write", metavar="FILE", help="put the calibration into this hardware file")
    calibrate.add_argument("--format", choices=FORMATS, default="table")
    calibrate.set_defaults(run=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    from costmodel import report
    from costmodel.calibration import overview
    from costmodel.calibration.device_files import write_device
    from costmodel.calibration.devices import calibrate

    found = calibrate(
        *options.data, device=options.device, runtime=options.runtime, family=options.family, shapes=options.shapes,
        by=options.by, folds=options.folds, seed=options.seed,
    )  # fmt: skip
    if options.write is not None:
        write_device(found, options.device, options.write)
    if options.format == "json":
        print(report.as_json(overview.as_object(found, options.write)))
    elif options.format == "table":
        print(overview.as_text(found, options.write))
    else:
        print(report.rendered(overview.columns_of(found), options.format))
    return 0
