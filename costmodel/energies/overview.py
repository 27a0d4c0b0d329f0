"""What `costmodel energy` says of an estimate, as one JSON object and as readable text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.energies.estimate import SUFFIXES, EnergyEstimate
from costmodel.energies.listing import readable
from costmodel.energies.spread import label_of, left_out_tables, ratios
from costmodel.report import as_table, grouped_digits, records_of, significant, with_prefix, wrapped

WIDTH = 140
"""Columns of running text on a terminal."""
SUMMED = ("macs", "input_bytes", "output_bytes", "weight_bytes", "latency_seconds")


def as_object(estimate: EnergyEstimate, by: str = "layer") -> dict[str, Any]:
    """The JSON of `energy`: what was estimated and how, totals, spread between tables, layers."""
    table, power = estimate.table, estimate.power
    suffix = SUFFIXES[estimate.unit]
    bound = "" if power is None else "bound_"
    return {
        "network": estimate.work.network, "batch": estimate.work.batch, "dtype": estimate.work.dtype,
        "fusion": estimate.work.fusion, "accumulator": accumulators(estimate), "model": estimate.model,
        "unit": estimate.unit, "meaning": estimate.meaning, "runtimes_with_power": list(estimate.runtimes_with_power),
        "table": None if table is None else {
            "name": table.name, "title": table.title, "technology": table.technology, "source": table.source,
        },
        "memory": None if estimate.hierarchy is None else estimate.memories,
        "alive_definition": estimate.work.held_definition, "served_as": dict(estimate.served_as),
        "power": None if power is None else {
            "runtime": power.runtime, "active_watts": power.active_watts, "networks": power.networks,
            "deviation": power.deviation, "held_out_deviation": power.held_out_deviation, "source": power.source,
            "latency_seconds": power.latency_seconds, "latency_is_given": power.is_given,
            "band_joules": power.band_joules, "accelerator": power.accelerator or None,
            "unshared": power.unshared or None,
        },
        "totals": {
            f"compute_{bound}{suffix}": estimate.compute, f"memory_{bound}{suffix}": estimate.memory,
            suffix: estimate.total,
        },
        "uncounted": dict(estimate.uncounted),
        "estimated": list(estimate.estimated),
        "spread": records_of(estimate.spread()) if table is not None and table.unit == "joule" else None,
        "spread_without": left_out_tables(estimate) if table is not None and table.unit == "joule" else None,
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
                if name in folded and value:
                    kept[row_of[folded[name]]] = value + (kept[row_of[folded[name]]] or 0)
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
    if estimate.power is not None and (estimate.power.accelerator or estimate.power.unshared):
        return shown  # a roofline of the core shares nothing out
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


def accumulators(estimate: EnergyEstimate) -> str:
    """The number formats in which products are added up."""
    return ", ".join(dict.fromkeys(layer.accumulator for layer in estimate.work.layers))


def _table_text(estimate: EnergyEstimate) -> list[str]:
    table, hierarchy, serving = estimate.table, estimate.hierarchy, estimate.serving
    assert table is not None
    assert hierarchy is not None
    assert serving is not None
    work = estimate.work
    memory = "not in this table" if estimate.memory is None else readable(estimate.memory, estimate.unit)
    lines = [
        f"energy          {readable(estimate.total, estimate.unit)}  (compute "
        f"{readable(estimate.compute, estimate.unit)}, memory {memory})",
        f"meaning         {estimate.meaning}",
        *_runtimes_line(estimate),
        f"model           {estimate.model}: operations x energy of each + bytes x energy per byte",
        f"table           {table.name}  ({table.title}; {table.technology})",
        f"number format   {work.dtype}, sums in {accumulators(estimate)}, batch {work.batch}, fusion {work.fusion}",
        f"memories        {_memories(estimate)}",
    ]
    if estimate.served_as:
        lines.append(f"energies of     {_served(estimate)}")
    lines.append(f"not counted     {_not_counted(estimate)}")
    if estimate.estimated:
        lines.append(f"estimated       {', '.join(estimate.estimated)}")
    if table.unit == "joule":
        lines.append(f"other tables    {_spread_line(estimate)}")
    return ["\n".join(wrapped(line, WIDTH) for line in lines)]


def _runtimes_line(estimate: EnergyEstimate) -> list[str]:
    """How to ask for the energy of the device itself, where a runtime has a published power."""
    names = [name.rpartition(":")[0] for name in estimate.runtimes_with_power]
    if not names:
        return []
    others = ", ".join(name.partition(":")[2] for name in names[1:])
    also = f"; also {others}" if others else ""
    return [f"this device     --hardware {names[0]} --model power_time{also}"]


def _memories(estimate: EnergyEstimate) -> str:
    """Which memories serve what, and what that assumes."""
    serving, hierarchy = estimate.serving, estimate.hierarchy
    assert serving is not None
    assert hierarchy is not None
    used = list(dict.fromkeys(level for level in estimate.columns["activation_level"] if level))
    text = (
        f"activations from {' and '.join(used) or 'none'} (what is alive: definition {estimate.work.held_definition}), "
        f"weights from {serving.weights or 'none'}  ({estimate.memories}"
    )
    level = hierarchy.named(serving.weights)
    warm = level is not None and level.capacity_bytes is not None
    return text + ("; weights stay there from one inference to the next)" if warm else ")")


def _served(estimate: EnergyEstimate) -> str:
    """Which memory of the table stands for each that serves, where it is smaller, and what its file says of it."""
    assert estimate.table is not None
    assert estimate.hierarchy is not None
    parts = []
    for level, name in estimate.served_as.items():
        own, memory = estimate.hierarchy.named(level), estimate.table.memories[name]
        room, size = None if own is None else own.capacity_bytes, memory.capacity_bytes
        remarks = [f"of {size:,} bytes, smaller than it"] if room and size and size < room else []
        remarks += [memory.note.rstrip(".")] if memory.note else []
        parts.append(f"{level}: {name}" + (f" ({'; '.join(remarks)})" if remarks else ""))
    return ", ".join(parts)


def _not_counted(estimate: EnergyEstimate) -> str:
    left_out = [f"{name} {grouped_digits(_whole(count))}" for name, count in estimate.uncounted.items()]
    missing = f"{', '.join(left_out)}: the table has no energy for them; " if left_out else ""
    return f"{missing}registers, wires, bytes of biases and norms"


def _whole(count: Any) -> Any:
    return int(count) if isinstance(count, float) and count == int(count) else count


def _spread_line(estimate: EnergyEstimate) -> str:
    assert estimate.table is not None
    spread = estimate.spread()
    known = ratios(spread, label_of(estimate.table))
    parts = []
    for name, part in (("compute", "compute_joules"), ("memory", "memory_joules"), ("both", "joules")):
        found = known[part]
        if found is not None:
            parts.append(f"{name} {significant(found[0])}x of {found[1]}")
    if not parts and len(spread["table"]) == 1:
        return f"none to compare with: {_without(estimate)}"
    if not parts:
        return f"none leaves out the same operations and bytes as {label_of(estimate.table)}  (--spread)"
    return f"greatest over least of the tables that leave out the same: {', '.join(parts)}  (--spread)"


SPREAD_FORMATS = {
    name: (lambda value: "" if value is None else with_prefix(value, "J"))
    for name in ("compute_joules", "memory_joules", "joules")
}
"""How the energies of a spread read."""


def spread_text(estimate: EnergyEstimate) -> str:
    """The same work by every table, and why other tables are left out."""
    without = wrapped(f"left out        {_without(estimate)}", WIDTH)
    return f"{as_table(estimate.spread(), SPREAD_FORMATS)}\n\n{without}"


def _without(estimate: EnergyEstimate) -> str:
    """The tables that are left out, those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, reason in left_out_tables(estimate).items():
        reasons.setdefault(reason, []).append(name)
    return "; ".join(f"{reason} in {', '.join(names)}" for reason, names in reasons.items())


def _power_text(estimate: EnergyEstimate) -> list[str]:
    power = estimate.power
    assert power is not None
    kind = power.meaning
    if power.band_joules is not None:
        low, high = power.band_joules
        kind = (
            f"{with_prefix(low, 'J')} to {with_prefix(high, 'J')}: within {power.held_out_deviation:.1%}, the greatest "
            "error for a network that the power was not averaged over"
        )
    reason = power.unshared or ("the roofline is that of the core" if power.accelerator else "")
    shared = (
        f"the layers have no shares: {reason}" if reason else "shared among the layers as the roofline shares the time"
    )
    lines = [
        f"energy          {with_prefix(estimate.total, 'J')}  ({kind})",
        "model           power_time: active power x latency",
        f"power           {with_prefix(power.active_watts, 'W')}  ({power.runtime}; {power.averaged_over}; "
        f"{power.source})",
        f"latency         {with_prefix(power.latency_seconds, 's')}  "
        + (f"(given; {shared})" if power.is_given else f"(roofline, fusion {estimate.work.fusion})"),
    ]
    if not reason:
        lines += [
            f"compute bound   {with_prefix(estimate.compute, 'J')}  (of the layers whose time computation bounds)",
            f"memory bound    {with_prefix(estimate.memory or 0.0, 'J')}  (of those whose time transfers bound)",
        ]
    if estimate.estimated:
        lines.append(f"estimated       {', '.join(estimate.estimated)}  (of the roofline, not the power)")
    return ["\n".join(wrapped(line, WIDTH) for line in lines)]
