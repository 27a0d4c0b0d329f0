"""Measured energies beside power x time, for the command line."""

from __future__ import annotations

from typing import Any

from costmodel.report import with_prefix

MEASURED_FORMATS = {
    "latency_seconds": lambda value: with_prefix(value, "s"),
    "measured_joules": lambda value: with_prefix(value, "J"),
    "computed_joules": lambda value: with_prefix(value, "J"),
    "deviation": lambda value: f"{value:+.1%}",
    "held_out_deviation": lambda value: f"{value:+.1%}",
}
"""How the cells of measured energies read."""
TOLERANCE = 0.08


def measured_text(columns: dict[str, list[Any]]) -> str:
    """In how many cases power x time gives the measured energy, where it does not, and on what that rests.

    `columns` are those of `costmodel.energies.measured.reproduced_energies`.
    """
    count, within = len(columns["deviation"]), f"within {TOLERANCE:.0%}"
    rows = zip(columns["hardware"], columns["network"], columns["deviation"], strict=True)
    missed = [f"{hardware} {network} {deviation:+.1%}" for hardware, network, deviation in rows
              if abs(deviation) > TOLERANCE]  # fmt: skip
    held_out = [abs(each) for each in columns["held_out_deviation"]]
    lines = [
        f"{count - len(missed)} of {count} {within} of the measured energy, given the latency, where each power is the "
        f"mean of the very results it is compared with; by the mean of the other networks alone "
        f"{sum(each <= TOLERANCE for each in held_out)} of {count}, the greatest error is {max(held_out):.1%}"
    ]
    lines += [f"not {within}: {', '.join(missed)}"] if missed else []
    lines.append(f"a power is of a runtime: one for each board misses by up to {_by_board(columns):.0%}")
    return "\n".join(lines)


def _by_board(columns: dict[str, list[Any]]) -> float:
    """The greatest error of an energy by the mean power of a board, over all its runtimes."""
    powers: dict[str, list[float]] = {}
    for hardware, energy, latency in zip(
        columns["hardware"], columns["measured_joules"], columns["latency_seconds"], strict=True
    ):
        powers.setdefault(hardware.partition(":")[0], []).append(energy / latency)
    return max(abs(sum(each) / len(each) / watts - 1) for each in powers.values() for watts in each)
