"""The energy of an inference: what an estimate holds, and how one is made from work, a table and memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costmodel.energies.hierarchy import Hierarchy, Serving, energy_per_access, serving_of
from costmodel.energies.prices import Prices, prices_of, refuse_unpriced, terms_of
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
    "memory_joules": "bytes x energy per byte of the memory that serves them; None: the table has no memories",
    "joules": "the sum of both",
    "activation_level": "memory that serves the activations, empty where none are moved",
    "weight_level": "memory that serves the weights, empty where there are none",
}
"""Columns of an estimate; by a relative table the three of joules end in mac_energies, by power x time the last two
are latency_seconds and bound."""
SUFFIXES = {"joule": "joules", "mac_energy": "mac_energies"}


@record
class EnergyEstimate:
    """The energy of one inference (of the whole batch), per layer and in all. `layers` is a DataFrame.

    `model` is per_operation, relative or power_time; `table` the energies it uses, `unit` what they are in.
    `priced_as` are the memories of the table that stand for those that serve; `uncounted` is what the table has no
    energy for: operations and bytes, each with how many; `estimated` the entries used that no document confirms.
    `power` belongs to power_time alone.
    """

    work: NetworkWork
    model: str
    table: EnergyTable | None
    hierarchy: Hierarchy | None
    serving: Serving | None
    columns: Mapping[str, list[Any]]
    priced_as: Mapping[str, str]
    uncounted: Mapping[str, Any]
    estimated: tuple[str, ...]
    power: PowerTime | None = None

    def __repr__(self) -> str:
        means = self.table.name if self.table is not None else "power x time"
        return f"<EnergyEstimate of {self.work.network} by {means}: .joules, .layers, .spread()>"

    @property
    def unit(self) -> str:
        """joule, or mac_energy: the energy of one multiply-accumulate of a relative table."""
        return self.table.unit if self.table is not None else "joule"

    @property
    def compute(self) -> float:
        """Energy of the operations (by power x time: of the layers that compute bounds), in `unit`."""
        return float(sum(self.columns[f"compute_{SUFFIXES[self.unit]}"]))

    @property
    def memory(self) -> float | None:
        """Energy of the bytes moved (of the layers that memory bounds), in `unit`; None where no memory is priced."""
        values = self.columns[f"memory_{SUFFIXES[self.unit]}"]
        return None if None in values else float(sum(values))

    @property
    def total(self) -> float:
        """Sum over the layers, in `unit`."""
        return float(sum(self.columns[SUFFIXES[self.unit]]))

    @property
    def joules(self) -> float:
        """Sum over the layers. Raises: PredictionError for a relative table."""
        return self._in_joules(self.total)

    @property
    def compute_joules(self) -> float:
        """The part of the operations. Raises: PredictionError for a relative table."""
        return self._in_joules(self.compute)

    @property
    def memory_joules(self) -> float | None:
        """The part of the bytes moved. Raises: PredictionError for a relative table."""
        return None if self.memory is None else self._in_joules(self.memory)

    def _in_joules(self, value: float) -> float:
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
                    None if values[members[0]] is None else sum(values[row] for row in members)
                    for members in rows.values()
                ]
        return table

    def spread(self) -> dict[str, list[Any]]:
        """The same work by every table of joules that has its number format (`costmodel.energies.spread`).

        Raises: PredictionError for power x time.
        """
        from costmodel.energies.spread import spread_of

        return spread_of(self)


def estimate(
    work: NetworkWork, table: EnergyTable, hierarchy: Hierarchy,
    activation_level: str | None = None, weight_level: str | None = None,
) -> EnergyEstimate:  # fmt: skip
    """E = sum over layers of (operations x energy of each) + sum over memories of (bytes x energy per byte).

    Raises: PredictionError for a table that lacks what the work needs; the errors of `serving_of`.
    """
    refuse_unpriced(work, table)
    serving = serving_of(work, hierarchy, table, activation_level, weight_level)
    return served_estimate(work, table, hierarchy, serving)


def served_estimate(work: NetworkWork, table: EnergyTable, hierarchy: Hierarchy, serving: Serving) -> EnergyEstimate:
    """The same where it is known which memory serves what."""
    ledger = _Ledger(table, hierarchy, work)
    compute = [ledger.compute(layer) for layer in work.layers]
    memory = [ledger.memory(layer, serving) for layer in work.layers]
    suffix = SUFFIXES[table.unit]
    columns: dict[str, list[Any]] = {
        name: [getattr(layer, name) for layer in work.layers]
        for name in ("layer", "op", "block", "macs", "input_bytes", "output_bytes", "weight_bytes")
    }
    columns |= {
        f"compute_{suffix}": compute,
        f"memory_{suffix}": memory,
        suffix: [spent + (moved or 0.0) for spent, moved in zip(compute, memory, strict=True)],
        "activation_level": [
            serving.activations[layer.layer] if layer.input_bytes or layer.output_bytes else "" for layer in work.layers
        ],
        "weight_level": [serving.weights if layer.weight_bytes else "" for layer in work.layers],
    }
    return EnergyEstimate(
        work,
        table.model,
        table,
        hierarchy,
        serving,
        columns,
        ledger.priced_as,
        ledger.uncounted,
        tuple(sorted(ledger.estimated)),
    )


class _Ledger:
    """Adds up the energies of layers and notes what is not counted and which entries are estimates."""

    def __init__(self, table: EnergyTable, hierarchy: Hierarchy, work: NetworkWork) -> None:
        self.table, self.hierarchy = table, hierarchy
        self.largest = max([layer.held_bytes for layer in work.layers], default=0)
        self.stored = work.stored_weight_bytes
        self.priced_as: dict[str, str] = {}
        self.uncounted: dict[str, Any] = {}
        self.estimated: set[str] = set()
        self._prices: dict[tuple[str, str], Prices] = {}
        self._memories: dict[tuple[str, str], MemoryEnergy | None] = {}

    def compute(self, layer: LayerWork) -> float:
        formats = (layer.arithmetic, layer.accumulator)
        prices = self._prices.get(formats)
        if prices is None:
            prices = self._prices[formats] = prices_of(self.table, *formats)
        energy = 0.0
        for name, count, entries in terms_of(layer, prices):
            if entries is None:
                self._leave_out(name, count)
                continue
            for entry in entries:
                energy += count * entry.energy
                if entry.estimated:
                    self.estimated.add(f"operation.{entry.name}")
        return energy

    def memory(self, layer: LayerWork, serving: Serving) -> float | None:
        if not self.table.memories:
            self._leave_out("bytes", layer.bytes)
            return None
        if not layer.bytes:
            return 0.0
        activations = self._price(serving.activations[layer.layer], "activation_bytes", self.largest)
        weights = self._price(serving.weights, "weight_bytes", self.stored)
        energy = 0.0
        if activations is None:
            moved = layer.input_bytes + layer.output_bytes
            self._leave_out(f"activation_bytes from {serving.activations[layer.layer]}", moved)
        else:
            energy += layer.input_bytes * activations.read_energy_per_byte
            energy += layer.output_bytes * activations.write_energy_per_byte
            self._note(activations, layer.input_bytes + layer.output_bytes)
        if weights is None:
            self._leave_out(f"weight_bytes from {serving.weights}", layer.weight_bytes)
        else:
            energy += layer.weight_bytes * weights.read_energy_per_byte
            self._note(weights, layer.weight_bytes)
        return energy

    def _price(self, level: str, what: str, needed: Any) -> MemoryEnergy | None:
        if (level, what) not in self._memories:
            found = self._memories[level, what] = energy_per_access(level, self.hierarchy, self.table, needed)
            if found is not None:
                self.priced_as[level] = found.name
        return self._memories[level, what]

    def _leave_out(self, name: str, count: Any) -> None:
        if count:
            self.uncounted[name] = self.uncounted.get(name, 0) + count

    def _note(self, memory: MemoryEnergy, moved: Any) -> None:
        if memory.estimated and moved:
            self.estimated.add(f"memory.{memory.name}")
