"""The energy of the operations of a layer by a table, and what the table says nothing about."""

from __future__ import annotations

from typing import Any

from costmodel.dtypes import DTYPES
from costmodel.energies.tables import EnergyTable, OperationEnergy, load_table, tables
from costmodel.energies.work import LayerWork, NetworkWork, accumulator_of
from costmodel.errors import PredictionError
from costmodel.records import record


@record
class OperationEnergies:
    """The energies that one number format needs of a table; None where the table has none.

    A multiply-accumulate multiplies in the format of the operands and adds in that of the accumulator, unless the table
    has one energy for the whole. All other additions, and comparisons, take an addition of the accumulator.
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


def operation_energies(table: EnergyTable, arithmetic: str, accumulator: str) -> OperationEnergies:
    """What the table has for operands and accumulators of these formats.

    >>> from costmodel.energies.tables import load_table
    >>> energies = operation_energies(load_table("horowitz_45nm"), "int8", "int32")
    >>> [entry.name for entry in energies.mac], round(sum(entry.energy for entry in energies.mac) * 1e12, 3)
    (['multiply.int8', 'add.int32'], 0.3)
    """
    found = table.operations.get
    return OperationEnergies(
        found(f"multiply.{arithmetic}"), found(f"add.{accumulator}"), found(f"add.{arithmetic}"),
        found(f"shift.{arithmetic}"), found(f"mac.{arithmetic}"),
    )  # fmt: skip


Term = tuple[str, Any, tuple[OperationEnergy, ...] | None]
"""A kind of operation, how many of it, and the energies that one takes (None: the table has none)."""
NEEDED = ("macs", "filter_adds", "shifts")
"""Without these there is no estimate; what else a table lacks is listed beside it."""


def terms_of(layer: LayerWork, energies: OperationEnergies) -> list[Term]:
    """The operations that a layer performs, each kind with its number and its energies.

    An adder filter subtracts in the format of the operands and adds in that of the accumulator; a shift filter shifts
    operands and adds. With n products, filter_adds = 2n for the one and n for the other (and shifts = n).
    """
    add, multiply, mac = _one(energies.add), _one(energies.multiply), energies.mac
    terms: list[Term] = [
        ("macs", layer.macs, mac),
        ("norm_macs", layer.norm_macs, mac),
        ("adds", layer.adds, add),
        ("comparisons", layer.comparisons, add),
        ("multiplies", layer.multiplies, multiply),
        ("divisions", layer.divisions, None),
        ("exponentials", layer.exponentials, None),
    ]
    if layer.filter_adds or layer.shifts:
        subtractions = (layer.filter_adds - layer.shifts) / 2
        terms += [
            ("filter_adds", subtractions, _one(energies.operand_add)),
            ("filter_adds", layer.filter_adds - subtractions, add),
            ("shifts", layer.shifts, _one(energies.shift)),
        ]
    return [term for term in terms if term[1]]


def _one(entry: OperationEnergy | None) -> tuple[OperationEnergy, ...] | None:
    return None if entry is None else (entry,)


def missing_entry(work: NetworkWork, table: EnergyTable) -> tuple[str, LayerWork] | None:
    """The kind of operation that a table has no energy for and the first layer that needs it, or None."""
    known: dict[tuple[str, str], OperationEnergies] = {}
    for layer in work.layers:
        formats = (layer.arithmetic, layer.accumulator)
        energies = known.get(formats) or known.setdefault(formats, operation_energies(table, *formats))
        if layer.filter_adds or layer.shifts or (layer.macs and energies.mac is None):
            for name, _, entries in terms_of(layer, energies):
                if name in NEEDED and entries is None:
                    return name, layer
    return None


def lacking(work: NetworkWork, table: EnergyTable) -> str:
    """What a table lacks for work, in words: the entries, and the operation they are for. Empty where nothing.

    >>> from costmodel import cost_table, load
    >>> from costmodel.energies.tables import load_table
    >>> from costmodel.energies.work import work_of
    >>> lacking(work_of(cost_table(load("adder_resnet20_cifar"))), load_table("jouppi_7nm"))
    'add.int8 for the filter_adds of adder_conv2d'
    """
    missing = missing_entry(work, table)
    if missing is None:
        return ""
    name, layer = missing
    entries = [each for each in _entries(name, layer) if each not in table.operations]
    return f"{' and '.join(entries)} for the {name} of {layer.op}"


def _entries(name: str, layer: LayerWork) -> list[str]:
    """The entries that a kind of operation is made up of."""
    operand = {"macs": "multiply", "shifts": "shift", "filter_adds": "add"}[name]
    return list(dict.fromkeys((f"{operand}.{layer.arithmetic}", f"add.{layer.accumulator}")))


def refuse_missing(work: NetworkWork, table: EnergyTable) -> None:
    """Raise: PredictionError where the table lacks an energy that the work cannot do without."""
    missing = missing_entry(work, table)
    if missing is None:
        return
    name, layer = missing
    able = [each.name for each in DTYPES.values() if _has(table, name, each.name, accumulator_of(each.name, each))]
    others = [each for each in tables() if _has(load_table(each), name, layer.arithmetic, layer.accumulator)]
    remedies = [f"it has them in {', '.join(able)}"] if able else []
    remedies += [f"tables that have them: {', '.join(others)}"] if others else []
    raise PredictionError(
        f"{table.name} has no {_wanted(name, layer)} for the {name} of {layer.op} ({layer.layer!r}); "
        + ("; ".join(remedies) or f"it has {', '.join(table.operations)}")
    )


def _has(table: EnergyTable, name: str, arithmetic: str, accumulator: str) -> bool:
    """Whether a table has energies for a kind of operation in a number format."""
    energies = operation_energies(table, arithmetic, accumulator)
    if name == "macs":
        return energies.mac is not None
    if name == "shifts":
        return energies.shift is not None and energies.add is not None
    return energies.operand_add is not None and energies.add is not None


def _wanted(name: str, layer: LayerWork) -> str:
    """The entries that a kind of operation needs, as the file names them."""
    if name == "macs":
        return f"mac.{layer.arithmetic}, nor multiply.{layer.arithmetic} and add.{layer.accumulator},"
    if name == "shifts":
        return f"shift.{layer.arithmetic}"
    return f"add.{layer.arithmetic} and add.{layer.accumulator}"
