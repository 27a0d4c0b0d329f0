"""Amounts with a unit, as people write them: 320 KiB, 1MB, 50 ms, 2.5 mJ."""

from __future__ import annotations

import re
from fractions import Fraction

from costmodel.errors import ParameterError

BYTES = {"B": Fraction(1)} | {
    prefix + unit: factor**power
    for unit, factor in (("B", Fraction(1000)), ("iB", Fraction(1024)))
    for power, prefix in enumerate(("k" if unit == "B" else "K", "M", "G"), start=1)
}
SECONDS = {"s": Fraction(1), "ms": Fraction(1, 10**3), "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6)}
JOULES = {
    "J": Fraction(1), "mJ": Fraction(1, 10**3), "uJ": Fraction(1, 10**6), "µJ": Fraction(1, 10**6),
    "nJ": Fraction(1, 10**9),
}  # fmt: skip
AMOUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?(?:e-?[0-9]{1,2})?)\s*([a-zA-Zµ]*)")


def amount(text: str, units: dict[str, Fraction], what: str) -> Fraction:
    """A number with one of these units, in the base unit.

    >>> amount("320 KiB", BYTES, "--sram"), amount("50ms", SECONDS, "--latency")
    (Fraction(327680, 1), Fraction(1, 20))

    Raises: ParameterError that names what is wrong and the units there are.
    """
    found = AMOUNT.fullmatch(text.strip())
    if found is None or found[2] not in units:
        raise ParameterError(
            f"{what} {text!r} must be a number and a unit, as {_example(units)}; units: {', '.join(units)}"
        )
    value = Fraction(found[1]) * units[found[2]]
    if not value:
        raise ParameterError(f"{what} {text!r} must be above 0")
    return value


def _example(units: dict[str, Fraction]) -> str:
    return "320KiB" if units is BYTES else f"50m{next(iter(units))}"
