"""What `costmodel energy` says of an estimate, as one JSON object and as readable text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.energies.estimate import SUFFIXES, EnergyEstimate
from costmodel.energies.listing import readable
from costmodel.energies.spread import ratios
from costmodel.report import as_table, grouped_digits, records_of, significant, with_prefix

SUMMED = ("macs", "input_bytes", "output_bytes", "weight_bytes", "latency_seconds")


def as_object(estimate: EnergyEstimate, by: str = "layer") -> dict[str, Any]:
    """The JSON of `energy`: what was estimated and how, totals, spread between tables, layers."""
    table, power = estimate.table, estimate.power
    suffix = SUFFIXES[estimate.unit]
    return {
        "network": estimate.work.network, "batch": estimate.work.batch, "dtype": estimate.work.dtype,
        "fusion": estimate.work.fusion, "model": estimate.model, "unit": estimate.unit,
        "table": None if table is None else {
            "name": table.name, "title": table.title, "technology": table.technology, "source": table.source,
        },
        "memory": None if estimate.hierarchy is None else estimate.hierarchy.meaning,
        "priced_as": dict(estimate.priced_as),
        "power": None if power is None else {
            "runtime": power.runtime, "active_watts": power.active_watts, "networks": power.networks,
            "deviation": power.deviation, "held_out_deviation": power.held_out_deviation, "source": power.source,
            "latency_seconds": power.latency_seconds, "latency_is_given": power.is_given,
            "band_joules": power.band_joules,
        },
        "totals": {
            f"compute_{suffix}": estimate.compute, f"memory_{suffix}": estimate.memory, suffix: estimate.total,
        },
        "uncounted": dict(estimate.uncounted),
        "estimated": list(estimate.estimated),
        "spread": records_of(estimate.spread()) if table is not None and table.unit == "joule" else None,
        "layers": records_of(estimate.grouped(by)),
    }  # fmt: skip


def merged(columns: Mapping[str, list[Any]], folded: Mapping[str, str]) -> dict[str, list[Any]]:
    """Rows of folded layers added to the row of the layer they fold into."""
    names = columns["layer"]
    row_of = {name: at for at, name in enumerate(name for name in names if name not in folded)}
    result: dict[str, list[Any]] = {}
    for column, values in columns.items():
        kept = [value for name, value in zip(names, values, strict=True) if name not in folded]
        if column in SUMMED or column.endswith(("joules", "energies")):
            for name, value in zip(names, values, strict=True):
                if name in folded and value is not None:
                    kept[row_of[folded[name]]] += value
        result[column] = kept
    return result


def readable_columns(estimate: EnergyEstimate, by: str, folded: Mapping[str, str]) -> dict[str, Sequence[Any]]:
    """The columns a person reads; layers with neither work nor bytes share the row they fold into."""
    table = merged(estimate.columns, folded) if by == "layer" else estimate.grouped(by)
    suffix, unit, total = SUFFIXES[estimate.unit], estimate.unit, estimate.total

    def energies(column: str) -> list[str]:
        return ["" if value is None or value == 0 else readable(value, unit) for value in table[column]]

    shown: dict[str, Sequence[Any]] = {by: table[by]}
    shown |= {"op": table["op"]} if by == "layer" else {"layers": table["layers"]}
    moved = zip(*[table[name] for name in ("input_bytes", "output_bytes", "weight_bytes")], strict=True)
    shown |= {"MACs": table["macs"], "bytes": [sum(each) for each in moved]}
    if estimate.power is None:
        shown |= {"compute": energies(f"compute_{suffix}"), "memory": energies(f"memory_{suffix}")}
    else:
        shown["time"] = [with_prefix(value, "s", 3) if value else "" for value in table["latency_seconds"]]
    shown["energy"] = energies(suffix)
    shown["share"] = [f"{value / total:.1%}" if value and total else "" for value in table[suffix]]
    if by == "layer" and estimate.power is None:
        shown |= {"activations": table["activation_level"], "weights": table["weight_level"]}
    elif by == "layer":
        shown["bound"] = ["" if bound == "free" else bound for bound in table["bound"]]
    return shown


def as_text(estimate: EnergyEstimate, by: str, folded: Mapping[str, str], with_spread: bool = False) -> str:
    """The table and totals for people."""
    columns = readable_columns(estimate, by, folded)
    right = {name: str for name in ("compute", "memory", "energy", "share", "time")}
    parts = [as_table(columns, right), *(_power_text(estimate) if estimate.power else _table_text(estimate))]
    if with_spread:
        parts.append(spread_text(estimate))
    return "\n\n".join(parts)


def _table_text(estimate: EnergyEstimate) -> list[str]:
    table, hierarchy, serving = estimate.table, estimate.hierarchy, estimate.serving
    assert table is not None
    assert hierarchy is not None
    assert serving is not None
    memory = "not in this table" if estimate.memory is None else readable(estimate.memory, estimate.unit)
    used = list(dict.fromkeys(level for level in estimate.columns["activation_level"] if level))
    lines = [
        f"energy          {readable(estimate.total, estimate.unit)}  (compute "
        f"{readable(estimate.compute, estimate.unit)}, memory {memory})",
        f"model           {estimate.model}: operations x energy of each + bytes x energy per byte",
        f"table           {table.name}  ({table.title}; {table.technology})",
        f"number format   {estimate.work.dtype}, batch {estimate.work.batch}, fusion {estimate.work.fusion}",
        f"memories        activations from {' and '.join(used) or 'none'}, weights from {serving.weights}  "
        f"({hierarchy.meaning})",
        f"priced as       {_priced(estimate) or 'nothing'}",
    ]
    left_out = [f"{name} {grouped_digits(_whole(count))}" for name, count in estimate.uncounted.items()]
    also = "; the table has no energy for them" if left_out else ""
    lines.append(f"not counted     {', '.join([*left_out, 'registers and wires'])}{also}")
    if estimate.estimated:
        lines.append(f"estimated       {', '.join(estimate.estimated)}")
    if table.unit == "joule":
        lines.append(f"other tables    {_spread_line(estimate)}")
    return ["\n".join(lines)]


def _priced(estimate: EnergyEstimate) -> str:
    """Which memory of the table stands for each that serves; where it is smaller, that is said."""
    assert estimate.table is not None
    assert estimate.hierarchy is not None
    parts = []
    for level, name in estimate.priced_as.items():
        own, memory = estimate.hierarchy.named(level), estimate.table.memories[name]
        room, size = None if own is None else own.capacity_bytes, memory.capacity_bytes
        smaller = f" (of {size:,} bytes, smaller than it)" if room and size and size < room else ""
        parts.append(f"{level}: {name}{smaller}")
    return ", ".join(parts)


def _whole(count: Any) -> Any:
    return int(count) if isinstance(count, float) and count == int(count) else count


def _spread_line(estimate: EnergyEstimate) -> str:
    spread = estimate.spread()
    known = ratios(spread)
    if known["compute_joules"] is None:
        return f"none of them has the energies for {estimate.work.dtype}"
    parts = [
        f"{name} {significant(ratio)}x"
        for name, ratio in (
            ("compute", known["compute_joules"]), ("memory", known["memory_joules"]), ("both", known["joules"]),
        )
        if ratio is not None
    ]  # fmt: skip
    return f"{len(spread['table'])} have the number format; greatest over least: {', '.join(parts)}  (--spread)"


SPREAD_FORMATS = {
    name: (lambda value: "" if value is None else with_prefix(value, "J"))
    for name in ("compute_joules", "memory_joules", "joules")
}
"""How the energies of a spread read."""


def spread_text(estimate: EnergyEstimate) -> str:
    """The same work by every table, and how far they differ."""
    spread = estimate.spread()
    return as_table({name: spread[name] for name in spread}, SPREAD_FORMATS)


def _power_text(estimate: EnergyEstimate) -> list[str]:
    power = estimate.power
    assert power is not None
    if power.band_joules is None:
        kind = "a lower bound: the latency is the roofline's, not calibrated"
    else:
        low, high = power.band_joules
        kind = (
            f"{with_prefix(low, 'J')} to {with_prefix(high, 'J')}: within {power.held_out_deviation:.1%}, the greatest "
            "error for a network that the power was not averaged over"
        )
    compute, memory = estimate.compute, estimate.memory
    lines = [
        f"energy          {with_prefix(estimate.total, 'J')}  ({kind})",
        "model           power_time: active power x latency",
        f"power           {with_prefix(power.active_watts, 'W')}  ({power.runtime}; mean of {power.networks} networks, "
        f"each within {power.deviation:.1%}; {power.source})",
        f"latency         {with_prefix(power.latency_seconds, 's')}  "
        + ("(given, shared among the layers as the roofline shares the time)" if power.is_given else "(roofline)"),
        f"compute bound   {with_prefix(compute, 'J')}",
        f"memory bound    {with_prefix(memory or 0.0, 'J')}",
    ]
    if estimate.estimated:
        lines.append(f"estimated       {', '.join(estimate.estimated)}  (of the roofline, not the power)")
    return ["\n".join(lines)]
