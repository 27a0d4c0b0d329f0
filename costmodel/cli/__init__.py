"""The command line: parses arguments, calls the package, prints. Exit 0; 2 for a user's error; 1 for a failed check."""

from __future__ import annotations

import argparse
import codecs
import io
import os
import sys
from collections.abc import Callable, Sequence

from costmodel.cli import calibration, charts, compression, costs, energy, fits, latency, literature, memory
from costmodel.errors import CostmodelError


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
    for room in (costs, latency, calibration, memory, fits, energy, compression, literature, charts):
        room.add_commands(commands)
    return parser
