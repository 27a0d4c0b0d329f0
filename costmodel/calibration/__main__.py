"""`python -m costmodel.calibration FAMILY [--write]`: fit a bundled family again to the bundled measurements."""

from __future__ import annotations

import argparse
import os
import sys

from costmodel.calibration.ladder import columns_of, ladder
from costmodel.calibration.observations import FOLD_KEYS
from costmodel.calibration.refitting import bundled_observations, fold_key, refit, write
from costmodel.calibration.writing import write_whole
from costmodel.errors import CostmodelError, ParameterError
from costmodel.latency.families import family_named
from costmodel.report import as_csv


def main() -> int:
    """Fit, print what was found, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m costmodel.calibration", description=__doc__)
    parser.add_argument("family", metavar="FAMILY", help="a file of hardware/runtimes")
    parser.add_argument("--by", choices=tuple(FOLD_KEYS), help="what is left out together")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--start", choices=("neutral", "file"), default="neutral", help="where the fit to all rows starts"
    )
    parser.add_argument("--scale", type=float, help="spread of the errors (default: found from them)")
    parser.add_argument("--no-folds", action="store_true", help="fit only; figures in the files stay")
    parser.add_argument("--ladder", metavar="FILE.csv", help="fit every term added and left out, into this file")
    parser.add_argument("--write", action="store_true", help="write the numbers into the bundled files")
    options = parser.parse_args()
    try:
        if options.ladder is not None:
            return _ladder(options)
        result = refit(
            options.family, options.by, options.folds, options.seed, options.start,
            lambda words: print(words, file=sys.stderr, flush=True), not options.no_folds, options.scale,
        )  # fmt: skip
    except CostmodelError as error:
        print(f"costmodel.calibration: {error}", file=sys.stderr)
        return 2
    print(f"{result.fit.scale:.3f} spread of the errors")
    for parameter, value in zip(result.fit.problem.parameters, result.fit.values.values(), strict=True):
        print(f"{value:12.5g}  was {parameter.value:12.5g}  {parameter}")
    for refusal in result.fit.refusals:
        print(f"refused: {refusal}")
    for setting, fitted in result.fitted.items():
        held = result.held_out.get(setting)
        words = "" if held is None else (
            f"held out {held.accuracy.median_ape:.1%}, within 20 %: {held.accuracy.within_20:.0%}, "
            f"measured/predicted {held.low:.2f} to {held.high:.2f}, grade {held.grade}; ")  # fmt: skip
        print(f"{setting}: n = {fitted.n}, {words}fitted {fitted.median_ape:.1%}")
    if options.write:
        print("\n".join(write(result)))
    return 0


def _ladder(options: argparse.Namespace) -> int:
    """Every term of a family added and left out, held out, into a CSV file."""
    family = family_named(options.family)
    folder = os.path.dirname(os.path.realpath(options.ladder))
    if not os.path.isdir(folder):  # before an hour of fits
        raise ParameterError(f"--ladder {options.ladder}: there is no folder {folder}; make it first")
    parts = bundled_observations(family)
    by = options.by or fold_key(parts)
    steps = ladder(family, parts, by, options.folds, options.seed, lambda words: print(words, flush=True))
    write_whole(options.ladder, as_csv(columns_of(steps)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
