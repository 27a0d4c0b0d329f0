"""What the operations of a layer cost by a table of energies, and what the table says nothing about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from costmodel.energies.tables import EnergyTable, OperationEnergy
from costmodel.energies.work import LayerWork, NetworkWork
from costmodel.errors import PredictionError, nearest
from costmodel.records import record


@record
class Prices:
    """The energies that one number format needs of a table; None where the table has none.

    A multiply-accumulate multiplies in the format of the operands and adds in that of the accumulator, unless the table
    has one energy for the whole. All other additions, and comparisons, cost an addition of the accumulator.
    """

    multiply: OperationEnergy | None
    add: OperationEnergy | None
    operand_add: OperationEnergy | None
    shift: OperationEnergy | None
    whole_mac: OperationEnergy | None

    @property
    def mac(self) -> tuple[OperationEnergy, ...] | None:
        """The energies that make up a multiply-accumulate."""
        if self.whole_mac is not None:
            return (self.whole_mac,)
        return (self.multiply, self.add) if self.multiply is not None and self.add is not None else None


def prices_of(table: EnergyTable, arithmetic: str, accumulator: str) -> Prices:
    """What the table has for operands and accumulators of these formats.

    >>> from costmodel.energies.tables import load_table
    >>> prices = prices_of(load_table("horowitz_45nm"), "int8", "int32")
    >>> [entry.name for entry in prices.mac], round(sum(entry.energy for entry in prices.mac) * 1e12, 3)
    (['multiply.int8', 'add.int32'], 0.3)
    """
    found = table.operations.get
    return Prices(
        found(f"multiply.{arithmetic}"), found(f"add.{accumulator}"), found(f"add.{arithmetic}"),
        found(f"shift.{arithmetic}"), found(f"mac.{arithmetic}"),
    )  # fmt: skip


Term = tuple[str, Any, tuple[OperationEnergy, ...] | None]
"""A kind of operation, how many of it, and the energies that one takes (None: the table has none)."""
NEEDED = ("macs", "filter_adds", "shifts")
"""Without these there is no estimate; what else a table lacks is listed beside it."""


def terms_of(layer: LayerWork, prices: Prices) -> Iterator[Term]:
    """The operations of a layer, each with its energies.

    An adder filter subtracts in the format of the operands and adds in that of the accumulator; a shift filter shifts
    operands and adds. With n products, filter_adds = 2n for the one and n for the other (and shifts = n).
    """
    add, multiply = _one(prices.add), _one(prices.multiply)
    subtractions = (layer.filter_adds - layer.shifts) / 2
    subtract = None if add is None or prices.operand_add is None else (prices.operand_add,)
    yield "macs", layer.macs, prices.mac
    yield "norm_macs", layer.norm_macs, prices.mac
    yield "adds", layer.adds, add
    yield "comparisons", layer.comparisons, add
    yield "multiplies", layer.multiplies, multiply
    yield "filter_adds", subtractions, subtract
    yield "filter_adds", layer.filter_adds - subtractions, add
    yield "shifts", layer.shifts, _one(prices.shift)
    yield "divisions", layer.divisions, None
    yield "exponentials", layer.exponentials, None


def _one(entry: OperationEnergy | None) -> tuple[OperationEnergy, ...] | None:
    return None if entry is None else (entry,)


def missing_entry(work: NetworkWork, table: EnergyTable) -> str:
    """Why a table cannot price the work of a network, or an empty text."""
    known: dict[tuple[str, str], Prices] = {}
    for layer in work.layers:
        if not (layer.macs or layer.filter_adds or layer.shifts):
            continue
        formats = (layer.arithmetic, layer.accumulator)
        prices = known.get(formats) or known.setdefault(formats, prices_of(table, *formats))
        if layer.macs and prices.mac is not None and not layer.filter_adds:
            continue
        for name, count, entries in terms_of(layer, prices):
            if name in NEEDED and count and entries is None:
                return f"{table.name} has no {_wanted(name, layer)} for the {name} of {layer.op} ({layer.layer!r})"
    return ""


def refuse_unpriced(work: NetworkWork, table: EnergyTable) -> None:
    """Raise: PredictionError where the table lacks an energy that the work cannot do without."""
    missing = missing_entry(work, table)
    if missing:
        formats = [name.partition(".")[2] for name in table.operations if name.startswith(("mac.", "multiply."))]
        hint = nearest(work.dtype, formats) if work.dtype not in formats else ""
        raise PredictionError(f"{missing}; it has {', '.join(table.operations)}" + (f"; {hint}" if hint else ""))


def _wanted(name: str, layer: LayerWork) -> str:
    """The entries that a kind of operation needs, as the file names them."""
    if name == "macs":
        return f"mac.{layer.arithmetic}, nor multiply.{layer.arithmetic} and add.{layer.accumulator},"
    if name == "shifts":
        return f"shift.{layer.arithmetic}"
    return f"add.{layer.arithmetic} and add.{layer.accumulator}"
