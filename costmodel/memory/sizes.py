"""Bytes as people read them: memories are built and sold in powers of 1024."""

from __future__ import annotations

from costmodel.report import significant

UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"), (1, "B"))


def unit_of(bytes: float) -> tuple[int, str]:
    """The largest unit that leaves at least ten of it: factor in bytes, and name.

    >>> unit_of(768), unit_of(327_680), unit_of(9 * 1024**2), unit_of(500 * 1024**2)
    ((1, 'B'), (1024, 'KiB'), (1024, 'KiB'), (1048576, 'MiB'))
    """
    return next((unit for unit in UNITS if bytes >= 10 * unit[0]), UNITS[-1])


def binary_size(bytes: float, digits: int = 4) -> str:
    """A number of bytes in KiB, MiB or GiB, ten of it at least.

    >>> binary_size(1_404_928), binary_size(768), binary_size(175_616), binary_size(0)
    ('1,372 KiB', '768 B', '171.5 KiB', '0 B')
    """
    factor, unit = unit_of(bytes)
    return f"{significant(bytes / factor, digits)} {unit}"


def in_full(bytes: int) -> str:
    """A number of bytes exactly, and in the larger unit where there is one.

    >>> in_full(1_505_280), in_full(768)
    ('1,505,280 bytes (1,470 KiB)', '768 bytes')
    """
    return f"{bytes:,} bytes" + (f" ({binary_size(bytes)})" if unit_of(bytes)[0] > 1 else "")
