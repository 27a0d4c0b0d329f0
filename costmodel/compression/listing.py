"""What `costmodel compress` says, as columns, as one JSON object, and as readable text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costmodel.compression.device import DeviceEffect
from costmodel.compression.sizes import SUMMED, grouped
from costmodel.compression.support import Use
from costmodel.compression.whatif import Compression
from costmodel.costs import By
from costmodel.errors import CostmodelError
from costmodel.report import as_table, records_of, significant, with_prefix, wrapped

if TYPE_CHECKING:
    from costmodel.energies import EnergyEstimate

WIDTH = 110
"""Columns of running text on a terminal."""
FORMATTERS = {"ratio": lambda value: significant(value) if value else ""}
DEVICE_SUMMED = ("executed_macs", "dense_bytes", "bytes", "dense_latency_seconds", "latency_seconds")
"""Columns of the effect on a device that add up over layers."""


def columns_of(compression: Compression, by: By = "layer") -> dict[str, list[Any]]:
    """Columns of sizes, and those of the device, per layer or summed by block or operator."""
    device = compression.device
    if device is None:
        return compression.grouped(by)
    columns = dict(compression.columns) | {name: list(device.columns[name]) for name in DEVICE_SUMMED}
    return columns if by == "layer" else grouped(columns, by, (*SUMMED, *DEVICE_SUMMED))


def as_object(compression: Compression, by: By = "layer", **energy: Any) -> dict[str, Any]:
    """The JSON of `compress`: network, coding, totals, device, layers. `energy` are arguments of `energies`."""
    coding, graph = compression.coding, compression.costs.graph
    return {
        "network": graph.name,
        "parameters": dict(graph.parameters),
        "coding": {
            "name": coding.name, "meaning": coding.meaning, "formula": coding.formula, "source": coding.source,
        },
        "totals": {
            **{name: compression.total(name) for name in SUMMED}, "ratio": compression.ratio,
            "expected": compression.is_expected,
        },
        "device": _device_object(compression.device, energy) if compression.device else None,
        "layers": records_of(columns_of(compression, by)),
    }  # fmt: skip


def _device_object(device: DeviceEffect, energy: Mapping[str, Any]) -> dict[str, Any]:
    before, after, energies_missing = _energies(device, energy)
    return {
        "name": device.profile.name,
        "activation_bits": device.activation_bits,
        "dense_bytes": device.dense_bytes,
        "bytes": device.bytes,
        "dense_latency_seconds": device.dense_latency_seconds,
        "latency_seconds": device.latency_seconds,
        "energy": None if before is None or after is None else {
            "model": before.model, "table": before.table.name if before.table else None, "unit": before.unit,
            "meaning": before.meaning, "dense": _energy_object(before), "compressed": _energy_object(after),
        },
        "energy_missing": energies_missing,
        "uses": [
            {
                "what": use.what, "is_used": use.is_used, "reason": use.reason, "source": use.source,
                "estimated": use.is_estimated,
            }
            for use in device.uses
        ],
    }  # fmt: skip


def _energy_object(estimate: EnergyEstimate) -> dict[str, Any]:
    assert estimate.hierarchy is not None
    assert estimate.serving is not None
    return {
        "total": estimate.total, "compute": estimate.compute, "memory": estimate.memory,
        "memories": estimate.memories, "weight_level": estimate.serving.weights,
        "served_as": dict(estimate.served_as), "uncounted": dict(estimate.uncounted),
        "estimated": list(estimate.estimated),
    }  # fmt: skip


def _energies(
    device: DeviceEffect, energy: Mapping[str, Any]
) -> tuple[EnergyEstimate | None, EnergyEstimate | None, str]:
    """Energy before and after, or why there is none."""
    try:
        return *device.energies(**energy), ""
    except CostmodelError as error:
        return None, None, str(error)


def readable_columns(compression: Compression, by: By = "layer") -> dict[str, list[Any]]:
    """The columns a person reads: layers that have weights, or every block or operator that stores something."""
    table = columns_of(compression, by)
    rows = [row for row, stored in enumerate(table["weights" if by == "layer" else "stored_bytes"]) if stored]
    chosen = {name: [values[row] for row in rows] for name, values in table.items()}
    shown: dict[str, list[Any]] = {by: chosen[by]}
    if by == "layer":
        shown["op"] = chosen["op"]
    else:
        shown["layers"] = chosen["layers"]
    shown |= {"weights": chosen["weights"], "kept": chosen["kept"]}
    if any(chosen["fillers"]):
        shown["fillers (expected)"] = chosen["fillers"]
    if by == "layer":
        shown["weight bits"] = chosen["weight_bits"]
        if any(bits is not None for bits in chosen["index_bits"]):
            shown["index bits"] = chosen["index_bits"]
        if len(set(chosen["coding"])) > 1:
            shown["coding"] = chosen["coding"]
    shown |= {"original bytes": chosen["original_bytes"], "stored bytes": chosen["stored_bytes"]}
    pairs = zip(chosen["original_bytes"], chosen["stored_bytes"], strict=True)
    shown["ratio"] = [original / stored if stored else None for original, stored in pairs]
    if compression.device is not None:
        shown |= {"dense bytes moved": chosen["dense_bytes"], "bytes moved": chosen["bytes"]}
    return shown


def as_text(compression: Compression, by: By = "layer", **energy: Any) -> str:
    """The table, the totals and the effect on a device, for people. `energy` are arguments of `energies`."""
    name = compression.costs.graph.name
    parts = [name, as_table(readable_columns(compression, by), FORMATTERS), _totals(compression)]
    if compression.device is not None:
        parts.append(_effect(compression.device, energy))
    return "\n\n".join(parts)


def _totals(compression: Compression) -> str:
    coding, total = compression.coding, compression.total
    weights, kept, fillers = total("weights"), total("kept"), total("fillers")
    values = total("weight_bytes") - total("index_bytes") - total("codebook_bytes")
    parts = [("weights", values), ("indices", total("index_bytes")), ("codebooks", total("codebook_bytes"))]
    parts.append((f"biases and others of {compression.bias_bits} bits", total("other_bytes")))
    inside = ", ".join(f"{name} {count:,}" for name, count in parts if count)
    expected = f"; {fillers:,} fillers are the number expected where zeros lie at random" if fillers else ""
    part = f"weights       {kept:,} of {weights:,} are kept" + (f" ({kept / weights:.1%}){expected}" if weights else "")
    params = f"{compression.costs.total('params'):,} parameters of 32 bits"
    lines = [
        f"coding        {coding.name}: {coding.meaning} ({coding.source})",
        part,
        f"original      {compression.original_bytes:,} bytes  ({params})",
        f"compressed    {compression.compressed_bytes:,} bytes  ({inside})",
        f"ratio         {significant(compression.ratio)}",
    ]
    return "\n".join(wrapped(line, WIDTH) for line in lines)


def _effect(device: DeviceEffect, energy: Mapping[str, Any]) -> str:
    profile = device.profile
    lines = [
        f"{profile.device.title}: {profile.name}; {profile.dtype.name} uncompressed -> compressed",
        f"bytes moved   {device.dense_bytes:,.0f} -> {device.bytes:,.0f}",
        f"latency       {with_prefix(device.dense_latency_seconds, 's')} -> {with_prefix(device.latency_seconds, 's')}",
    ]
    before, after, missing = _energies(device, energy)
    if before is not None and after is not None:
        lines += _energy_lines(before, after)
    else:
        lines.append(wrapped(f"energy        not computed: {missing}", WIDTH))
    cited: set[str] = set()
    for use in device.uses:
        lines.append(wrapped(_used(use, use.source not in cited), WIDTH))
        cited.add(use.source)
    return "\n".join(lines)


def _used(use: Use, with_source: bool) -> str:
    """A line on something that compression gives."""
    word = ("used, est.  " if use.is_estimated else "used        ") if use.is_used else "not used    "
    return f"{word}  {use.what}: {use.reason}" + (f" ({use.source})" if use.source and with_source else "")


def _shown(estimate: EnergyEstimate) -> str:
    if estimate.unit == "joule":
        return with_prefix(estimate.total, "J")
    return f"{significant(estimate.total, 4)} MAC energies"


def _energy_lines(before: EnergyEstimate, after: EnergyEstimate) -> list[str]:
    """Energies before and after, what they are of, and what is not in them."""
    assert before.table is not None
    assert before.hierarchy is not None
    assert before.serving is not None
    assert after.serving is not None
    weights = list(dict.fromkeys((before.serving.weights, after.serving.weights)))
    lines = [
        f"energy        {_shown(before)} -> {_shown(after)}  ({before.table.name}: {before.meaning})",
        f"memories      {before.memories}; weights from {' -> '.join(weights)}",
    ]
    counts = [
        f"{name} {before.uncounted.get(name, 0):,.0f} -> {after.uncounted.get(name, 0):,.0f}"
        for name in dict.fromkeys((*before.uncounted, *after.uncounted))
    ]
    lines += [f"not counted   {', '.join(counts)}: the table has no energy for them"] if counts else []
    estimated = sorted({*before.estimated, *after.estimated})
    lines += [f"estimated     {', '.join(estimated)}"] if estimated else []
    return [wrapped(line, WIDTH) for line in lines]
