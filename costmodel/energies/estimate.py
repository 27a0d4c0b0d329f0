"""The energy of an inference: what an estimate holds, and how one is made from work, a table and memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costmodel.energies.hierarchy import Hierarchy, named_as
from costmodel.energies.operations import OperationEnergies, operation_energies, refuse_missing, terms_of
from costmodel.energies.runtimes import runtimes_with_power
from costmodel.energies.serving import NOWHERE, Serving, memory_energy, serving_of
from costmodel.energies.tables import EnergyTable, MemoryEnergy
from costmodel.energies.work import LayerWork, NetworkWork
from costmodel.errors import ParameterError, PredictionError, nearest
from costmodel.records import record

if TYPE_CHECKING:
    import pandas

    from costmodel.energies.power import PowerTime

ENERGY_COLUMNS: dict[str, str] = {
    "layer": "name of the layer",
    "op": "operator",
    "block": "outermost block the layer belongs to",
    "macs": "multiply-accumulates, batch included",
    "input_bytes": "activations read; 0 for folded layers and views",
    "output_bytes": "activations written",
    "weight_bytes": "weights read",
    "compute_joules": "operations x energy of each",
    "memory_joules": "bytes x energy per byte of the memory that serves them; None: the table has no energy for them",
    "joules": "the sum of both",
    "activation_level": "memory that serves the activations, empty where none are moved",
    "weight_level": "memory that serves the weights, empty where there are none",
}
"""Columns of an estimate by a table; by a relative one the three of joules end in mac_energies. By power x time
compute_bound_joules and memory_bound_joules stand in place of the first two (the layer's energy where its time is bound
by computation, or by transfers; no energy of operations or of bytes), latency_seconds and bound in place of the
last two."""
SUFFIXES = {"joule": "joules", "mac_energy": "mac_energies"}


@record
class EnergyEstimate:
    """The energy of one inference (of the whole batch), per layer and in all. `layers` is a DataFrame.

    By a table it is that of the arithmetic and the traffic in the table's technology, not the energy of a device;
    `meaning` says so. Inferences are repeated: weights that fit on the chip lie there from the one before.

    `model` is per_operation, relative or power_time; `table` the energies it uses, `unit` what they are in.
    `served_as` are the memories of the table that stand for those that serve; `uncounted` is what the table has no
    energy for: operations and bytes, each with how many; `estimated` the entries used that no document confirms.
    `power` belongs to power_time alone.
    """

    work: NetworkWork
    model: str
    table: EnergyTable | None
    hierarchy: Hierarchy | None
    serving: Serving | None
    columns: Mapping[str, list[Any]]
    served_as: Mapping[str, str]
    uncounted: Mapping[str, Any]
    estimated: tuple[str, ...]
    power: PowerTime | None = None

    def __repr__(self) -> str:
        if self.table is None:
            return f"<EnergyEstimate of {self.work.network} by power x time: .joules, .layers, .power>"
        return (
            f"<EnergyEstimate of {self.work.network} by {self.table.name}, arithmetic and traffic, not a device's "
            "energy: .joules, .layers, .spread()>"
        )

    @property
    def meaning(self) -> str:
        """What the total is, and what it is not."""
        if self.table is None:
            assert self.power is not None
            return self.power.meaning
        device = None if self.hierarchy is None else self.hierarchy.device
        return (
            f"arithmetic and traffic by the table ({self.table.technology}), not the energy of "
            f"{'a device' if device is None else device.name}: a processor's instructions take many times more"
        )

    @property
    def memories(self) -> str:
        """What the memories are: the device's, and those of the table alone that were named."""
        assert self.hierarchy is not None
        assert self.serving is not None
        return named_as(self.hierarchy, tuple(self.serving.named))

    @property
    def runtimes_with_power(self) -> tuple[str, ...]:
        """The runtimes of the device with a published active power: hardware for the model power_time."""
        device = None if self.hierarchy is None else self.hierarchy.device
        return () if device is None else runtimes_with_power(device)

    @property
    def unit(self) -> str:
        """joule, or mac_energy: the energy of one multiply-accumulate of a relative table."""
        return self.table.unit if self.table is not None else "joule"

    @property
    def compute(self) -> Any:
        """Energy of the operations, in `unit`; by power x time that of the layers whose time computation bounds.

        None where the time is not shared among the layers (`PowerTime.unshared`).
        """
        bound = "" if self.power is None else "bound_"
        return sum_of_known(self.columns[f"compute_{bound}{SUFFIXES[self.unit]}"])

    @property
    def memory(self) -> float | None:
        """Energy of the bytes moved, in `unit`; None where the table has an energy for none of them.

        By power x time that of the layers whose time transfers bound.
        """
        bound = "" if self.power is None else "bound_"
        return sum_of_known(self.columns[f"memory_{bound}{SUFFIXES[self.unit]}"])

    @property
    def total(self) -> float:
        """Sum over the layers, in `unit`; by power x time the product."""
        return float(sum(self.columns[SUFFIXES[self.unit]])) if self.power is None else self.power.joules

    @property
    def joules(self) -> float:
        """`total` in joules. Raises: PredictionError for a relative table."""
        return float(self._in_joules(self.total))

    @property
    def compute_joules(self) -> Any:
        """`compute` in joules. Raises: PredictionError for a relative table."""
        return self._in_joules(self.compute)

    @property
    def memory_joules(self) -> float | None:
        """`memory` in joules. Raises: PredictionError for a relative table."""
        return None if self.memory is None else float(self._in_joules(self.memory))

    def _in_joules(self, value: Any) -> Any:
        if self.unit != "joule":
            assert self.table is not None
            raise PredictionError(
                f"{self.table.name} gives no joules, only multiples of the energy of one multiply-accumulate: "
                "use .total, .compute and .memory, or a table in joules"
            )
        return value

    @property
    def layers(self) -> pandas.DataFrame:
        """One row per layer."""
        import pandas

        return pandas.DataFrame(dict(self.columns))

    def grouped(self, by: str) -> dict[str, list[Any]]:
        """Rows per layer, or sums per block or operator in order of first appearance.

        Raises: ParameterError unless `by` is layer, block or op.
        """
        if by == "layer":
            return dict(self.columns)
        if by not in ("block", "op"):
            hint = nearest(by, ("layer", "block", "op")) or "there are layer, block, op"
            raise ParameterError(f"by = {by!r} is no grouping; {hint}")
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.columns[by]):
            rows.setdefault(name, []).append(row)
        table: dict[str, list[Any]] = {by: list(rows), "layers": [len(members) for members in rows.values()]}
        for column, values in self.columns.items():
            if column == "macs" or column.endswith(("bytes", "joules", "energies", "seconds")):
                table[column] = [
                    sum_of_known([values[row] for row in members])
                    if None in values
                    else sum(values[row] for row in members)
                    for members in rows.values()
                ]
        return table

    def spread(self) -> dict[str, list[Any]]:
        """The same work by every table of joules that has its number format (`costmodel.energies.spread`).

        Raises: PredictionError for power x time.
        """
        from costmodel.energies.spread import spread_of

        return spread_of(self)


def sum_of_known(values: list[Any]) -> float | None:
    """The sum; None where a value is not known and no other is above 0."""
    known = [value for value in values if value is not None]
    return None if len(known) < len(values) and not any(known) else float(sum(known))


def estimate_by_table(
    work: NetworkWork, table: EnergyTable, hierarchy: Hierarchy,
    activation_level: str | None = None, weight_level: str | None = None,
) -> EnergyEstimate:  # fmt: skip
    """E = sum over layers of (operations x energy of each) + sum over memories of (bytes x energy per byte).

    Raises: PredictionError for a table that lacks what the work needs; the errors of `serving_of`.
    """
    refuse_missing(work, table)
    try:
        serving = serving_of(work, hierarchy, table, activation_level, weight_level)
    except PredictionError:
        if table.memories:
            raise
        serving = NOWHERE
    return served_estimate(work, table, hierarchy, serving)


def served_estimate(work: NetworkWork, table: EnergyTable, hierarchy: Hierarchy, serving: Serving) -> EnergyEstimate:
    """The same where it is known which memory serves what."""
    energies = _Energies(table, hierarchy, serving, work)
    compute = [energies.compute(layer) for layer in work.layers]
    memory = [energies.memory(layer) for layer in work.layers]
    suffix = SUFFIXES[table.unit]
    columns: dict[str, list[Any]] = {
        name: [getattr(layer, name) for layer in work.layers]
        for name in ("layer", "op", "block", "macs", "input_bytes", "output_bytes", "weight_bytes")
    }
    served = serving.activations
    columns |= {
        f"compute_{suffix}": compute,
        f"memory_{suffix}": memory,
        suffix: [spent + (moved or 0.0) for spent, moved in zip(compute, memory, strict=True)],
        "activation_level": [
            served.get(layer.layer, "") if layer.input_bytes or layer.output_bytes else "" for layer in work.layers
        ],
        "weight_level": [serving.weights if layer.weight_bytes else "" for layer in work.layers],
    }
    return EnergyEstimate(
        work, table.model, table, hierarchy, serving, columns, energies.served_as, energies.uncounted,
        tuple(sorted(energies.estimated)),
    )  # fmt: skip


class _Energies:
    """Adds up the energies of layers and notes what is not counted and which entries are estimates."""

    def __init__(self, table: EnergyTable, hierarchy: Hierarchy, serving: Serving, work: NetworkWork) -> None:
        self.table, self.hierarchy, self.serving, self.work = table, hierarchy, serving, work
        self.served_as: dict[str, str] = {}
        self.uncounted: dict[str, Any] = {}
        self.estimated: set[str] = set()
        self._operations: dict[tuple[str, str], OperationEnergies] = {}
        self._memories: dict[str, MemoryEnergy | None] = {}

    def compute(self, layer: LayerWork) -> float:
        formats = (layer.arithmetic, layer.accumulator)
        known = self._operations.get(formats)
        if known is None:
            known = self._operations[formats] = operation_energies(self.table, *formats)
        energy = 0.0
        for name, count, entries in terms_of(layer, known):
            if entries is None:
                self._leave_out(name, count)
                continue
            for entry in entries:
                energy += count * entry.energy
                if entry.estimated:
                    self.estimated.add(f"operation.{entry.name}")
        return energy

    def memory(self, layer: LayerWork) -> float | None:
        """The energy of the bytes of a layer; None where there is none for any of them."""
        if not self.table.memories:
            self._leave_out("bytes", layer.bytes)
            return None
        if not layer.bytes:
            return 0.0
        level = self.serving.activations.get(layer.layer, "")
        moved = ("activation_bytes", level, layer.input_bytes, layer.output_bytes)
        energies = [self._moved(*moved), self._moved("weight_bytes", self.serving.weights, layer.weight_bytes, 0)]
        return sum_of_known([each for each in energies if each != 0] or [0.0])

    def _moved(self, what: str, level: str, read: Any, written: Any) -> float | None:
        """The energy of bytes read from a level and written to it; None where there is none for them."""
        if not read and not written:
            return 0.0
        memory = self._memory(level)
        if memory is None:
            self._leave_out(f"{what} from {level or 'no memory'}", read + written)
            return None
        if memory.estimated:
            self.estimated.add(f"memory.{memory.name}")
        return float(read * memory.read_energy_per_byte + written * memory.write_energy_per_byte)

    def _memory(self, level: str) -> MemoryEnergy | None:
        """The memory of the table that stands for a level: one and the same for all that the level serves."""
        if level not in self._memories:
            held = [each.held_bytes for each in self.work.layers if self.serving.activations.get(each.layer) == level]
            needed = max(held, default=0) + (self.work.stored_weight_bytes if self.serving.weights == level else 0)
            found = memory_energy(level, self.serving, self.hierarchy, self.table, needed)
            self._memories[level] = found
            if found is not None:
                self.served_as[level] = found.name
        return self._memories[level]

    def _leave_out(self, name: str, count: Any) -> None:
        if count:
            self.uncounted[name] = self.uncounted.get(name, 0) + count
