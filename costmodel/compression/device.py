"""What compression changes on a device: bytes moved, latency and energy, where the device can use it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costmodel.arithmetic import ceil_div
from costmodel.compression.codings import CodedWeights
from costmodel.compression.settings import whole_bits
from costmodel.compression.support import Support, Use, refuse_wider, support_of, uses_of
from costmodel.costs import CostTable
from costmodel.errors import ParameterError
from costmodel.fusion import folded_layers, fusion_named
from costmodel.graph import Graph
from costmodel.hardware import HardwareProfile
from costmodel.records import record, replace
from costmodel.roofline import Overlap, Prediction, layer_bytes, predict, roofline_seconds

if TYPE_CHECKING:
    import pandas

    from costmodel.energies import EnergyEstimate, EnergyTable

DEVICE_COLUMNS: dict[str, str] = {
    "layer": "name of the layer",
    "op": "operator",
    "block": "outermost block the layer belongs to",
    "macs": "multiply-accumulates, batch included",
    "executed_macs": "those that take time: macs / peak_factor in a 2:4 pattern, macs * kept / weights where zeros "
    "are skipped",
    "dense_weight_bytes": "weights read uncompressed, in the number format",
    "weight_bytes": "weights read compressed",
    "dense_bytes": "bytes moved uncompressed",
    "bytes": "bytes moved compressed",
    "dense_latency_seconds": "roofline latency uncompressed",
    "latency_seconds": "roofline latency compressed",
}


@record
class DeviceEffect:
    """What a compressed network does on a device, beside the same network uncompressed in the number format.

    `uses` says of everything that compression gives whether the device uses it, and why not. `dense` is the prediction
    of the uncompressed network, `columns` those of `DEVICE_COLUMNS`, one row per layer.
    """

    profile: HardwareProfile
    uses: tuple[Use, ...]
    dense: Prediction
    activation_bits: int
    stored_weight_bytes: int
    columns: Mapping[str, list[Any]]

    def __repr__(self) -> str:
        return f"<DeviceEffect on {self.profile.name}: .uses, .bytes, .latency_seconds, .energies(), .layers>"

    @property
    def bytes(self) -> Any:
        """Bytes moved by all layers, compressed."""
        return sum(self.columns["bytes"])

    @property
    def dense_bytes(self) -> Any:
        """Bytes moved by all layers, uncompressed."""
        return sum(self.columns["dense_bytes"])

    @property
    def latency_seconds(self) -> float:
        """Roofline latency, compressed."""
        return float(sum(self.columns["latency_seconds"]))

    @property
    def dense_latency_seconds(self) -> float:
        """Roofline latency, uncompressed."""
        return float(sum(self.columns["dense_latency_seconds"]))

    @property
    def layers(self) -> pandas.DataFrame:
        """One row per layer."""
        import pandas

        return pandas.DataFrame(dict(self.columns))

    def energies(
        self, table: str | os.PathLike[str] | EnergyTable | None = None, *, sram_bytes: int | None = None,
        activation_level: str | None = None, weight_level: str | None = None,
    ) -> tuple[EnergyEstimate, EnergyEstimate]:  # fmt: skip
        """The energy of the uncompressed and of the compressed network, by a table of energies (`costmodel.energy`).

        Multiply-accumulates that the device skips cost nothing, bytes that it does not move neither.

        Raises: UnknownNameError, PredictionError where the table has no energy for the number format or the network
        does not fit.
        """
        from costmodel.energies import accumulator_on, energy
        from costmodel.energies.work import work_of

        accumulator = accumulator_on(self.profile.device, self.profile.dtype.name)
        dense = work_of(self.dense.costs, self.profile.dtype, self.dense.fusion, accumulator=accumulator)
        full = self.profile.dtype.activation_bits
        changed = []
        for row, layer in enumerate(dense.layers):
            part = self.columns["executed_macs"][row] / layer.macs if layer.macs else 1
            changes: dict[str, Any] = {"weight_bytes": self.columns["weight_bytes"][row]}
            if part != 1:
                changes["macs"] = layer.macs * part
            if self.activation_bits != full:
                for name in ("input_bytes", "output_bytes", "held_bytes"):
                    changes[name] = getattr(layer, name) * self.activation_bits / full
            changed.append(replace(layer, **changes))
        compressed = replace(dense, layers=tuple(changed), stored_weight_bytes=self.stored_weight_bytes)
        settings: dict[str, Any] = {
            "sram_bytes": sram_bytes, "activation_level": activation_level, "weight_level": weight_level,
        }  # fmt: skip
        before, after = (energy(work, self.profile, table, **settings) for work in (dense, compressed))
        return before, after


def effect_on(
    costs: CostTable,
    layers: Mapping[str, CodedWeights],
    profile: HardwareProfile,
    activation_bits: int | None = None,
    fusion: str | None = None,
    overlap: Overlap = "max",
) -> DeviceEffect:
    """The latency of a network whose layers have these weights, on a device that uses what its file says it can.

    Eq. 1 of MobileNetV4 (arXiv:2404.10518) as in `costmodel.predict`, with the bytes and multiply-accumulates that are
    left. A device without a [compression] table unpacks the weights to its number format, and nothing changes. The
    constants of a calibrated runtime were fitted to dense weights: they are left out, before and after.

    Raises: ParameterError for weights or activations wider than the number format; what `predict` raises.
    """
    refuse_wider(layers, profile)
    profile = replace(profile, calibration=None)
    dense = predict(costs, profile, fusion=fusion, overlap=overlap)
    support = support_of(profile)
    kept_bits = _activation_bits(support, activation_bits)
    first = _first_of_each_group(costs.graph)
    folded = folded_layers(costs.graph, fusion_named(dense.fusion))
    dtype = replace(profile.dtype, activation_bits=kept_bits)
    columns: dict[str, list[Any]] = {name: [] for name in DEVICE_COLUMNS}
    names = ("layer", "macs", "input_elements", "output_elements", "weight_elements")
    for row, (name, macs, inputs, outputs, elements) in enumerate(zip(*(costs.columns[c] for c in names), strict=True)):
        weights = layers.get(first.get(name, name))
        moves = name not in folded
        read = _read_bytes(support, weights, elements) if weights else 0
        columns["executed_macs"].append(_times(macs, support.executed_part(weights)) if weights else macs)
        columns["dense_weight_bytes"].append(layer_bytes(0, elements, profile.dtype))
        columns["weight_bytes"].append(read)
        columns["bytes"].append(layer_bytes(inputs + outputs, 0, dtype) + read if moves else 0)
        for column in ("layer", "op", "block", "macs"):
            columns[column].append(costs.columns[column][row])
    columns["dense_bytes"] = list(dense.columns["bytes"])
    columns["dense_latency_seconds"] = list(dense.columns["latency_seconds"])
    columns["latency_seconds"] = roofline_seconds(
        columns["executed_macs"], columns["bytes"], profile.macs_per_second, profile.bytes_per_second, overlap
    )[2]
    uses = uses_of(support, layers.values(), activation_bits)
    return DeviceEffect(profile, uses, dense, kept_bits, support.stored_bytes(layers.values()), columns)


def _activation_bits(support: Support, asked: int | None) -> int:
    """The width in which the device keeps activations."""
    dtype = support.profile.dtype
    if asked is None:
        return dtype.activation_bits
    bits = whole_bits("activation_bits", asked)
    if bits > dtype.activation_bits:
        raise ParameterError(
            f"activation_bits = {bits} are more than the {dtype.activation_bits} of {dtype.name}; give at most "
            f"{dtype.activation_bits}, or a wider number format"
        )
    return support.read_bits(bits, "activation_bits")


def _first_of_each_group(graph: Graph) -> dict[str, str]:
    """Layers that share weights, each with the first of them."""
    first: dict[str, str] = {}
    return {
        layer.name: first.setdefault(layer.weights, layer.name) for layer in graph.layers if layer.weights is not None
    }


def _read_bytes(support: Support, weights: CodedWeights, elements: Any) -> Any:
    """Bytes of weights that a layer reads, in proportion where it reads only a part of them on average."""
    bits = support.read_weight_bits(weights)
    return ceil_div(bits, 8) if elements == weights.weights else bits * elements / weights.weights / 8


def _times(macs: Any, part: float) -> Any:
    """A part of the multiply-accumulates; all of them as they are."""
    return macs if part == 1 else macs * part
