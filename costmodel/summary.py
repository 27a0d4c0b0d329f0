"""What `costmodel show` says of a network, as columns, as one JSON object, and as readable text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costmodel.costs import COLUMNS, By, CostTable
from costmodel.expectations import conditional_layers
from costmodel.fusion import Fusion, folded_layers, fusion_named
from costmodel.hardware import calibrated_runtimes
from costmodel.report import as_table, grouped_digits, records_of, significant, with_prefix
from costmodel.roofline import OVERHEAD_COLUMN, Prediction, bound_text, family_fusion

if TYPE_CHECKING:
    from costmodel.conventions import Convention
    from costmodel.hardware import HardwareProfile

PREDICTED = ("bytes", "compute_seconds", "memory_seconds", "latency_seconds")
"""Columns of a prediction that add up over layers."""


def columns_of(
    costs: CostTable, prediction: Prediction | None, by: By = "layer", convention: Convention | None = None
) -> dict[str, list[Any]]:
    """Cost columns, those of the prediction and of the convention, per layer or summed by block or operator."""
    table = dict(costs.columns)
    if convention is not None:
        table[convention.name] = convention.per_layer(costs)
    if prediction is not None:
        table |= {name: values for name, values in prediction.columns.items() if name not in table}
    if by == "layer":
        return table
    summed = costs.grouped(by)
    extra = [*(_added(prediction) if prediction else ()), *([convention.name] if convention else ())]
    for name in extra:
        totals = dict.fromkeys(summed[by], 0)
        for key, value in zip(costs.columns[by], table[name], strict=True):
            totals[key] += value
        summed[name] = list(totals.values())
    return summed


def _added(prediction: Prediction) -> tuple[str, ...]:
    """Columns of this prediction that add up over layers."""
    return (*PREDICTED, *(name for name in OVERHEAD_COLUMN if name in prediction.columns))


def calibration_object(profile: HardwareProfile) -> dict[str, Any] | None:
    """What a profile was fitted to and how far off it was; None for one that was not."""
    calibration = profile.calibration
    if calibration is None:
        return None
    names = (
        "family", "conditions", "calibrated_on", "n", "date", "held_out_by", "held_out_median_ape",
        "held_out_within_20", "held_out_low", "held_out_high", "grade",
    )  # fmt: skip
    return {name: getattr(calibration, name) for name in names}


def totals_of(costs: CostTable, prediction: Prediction | None, convention: Convention | None) -> dict[str, Any]:
    """Totals over the network."""
    totals = {name: costs.total(name) for name in COLUMNS}
    if convention is not None:
        totals[convention.name] = convention.total(costs)
    if prediction is not None:
        totals |= {name: sum(prediction.columns[name]) for name in PREDICTED}
        if prediction.profile.calibration is not None:
            totals |= {
                "overhead_seconds": sum(prediction.columns["overhead_seconds"]),
                "inference_seconds": prediction.inference_seconds, "latency_seconds": prediction.latency_seconds,
                "latency_low_seconds": prediction.latency_low_seconds,
                "latency_high_seconds": prediction.latency_high_seconds, "beyond": list(prediction.beyond),
            }  # fmt: skip
    return totals


def as_object(
    costs: CostTable, prediction: Prediction | None, by: By = "layer", convention: Convention | None = None
) -> dict[str, Any]:
    """The JSON of `show`: network, parameters, hardware, totals, layers."""
    hardware = None
    if prediction is not None:
        profile = prediction.profile
        hardware = {
            "name": profile.device.name, "title": profile.device.title, "runtime": profile.runtime,
            "dtype": profile.dtype.name, "macs_per_second": profile.macs_per_second,
            "bytes_per_second": profile.bytes_per_second,
            "ridge_point_macs_per_byte": profile.ridge_point_macs_per_byte,
            "estimated": list(profile.estimated), "fusion": prediction.fusion, "overlap": prediction.overlap,
            "calibration": calibration_object(profile),
        }  # fmt: skip
    graph = costs.graph
    return {
        "network": graph.name,
        "source": graph.source,
        "parameters": dict(graph.parameters),
        "expected": costs.is_expected,
        "batch": costs.batch,
        "hardware": hardware,
        "totals": totals_of(costs, prediction, convention),
        "layers": records_of(columns_of(costs, prediction, by, convention)),
    }


def as_text(
    costs: CostTable, prediction: Prediction | None, by: By = "layer", convention: Convention | None = None,
    fusion: str | None = None,
) -> str:  # fmt: skip
    """The table and totals for people."""
    table = readable_columns(costs, prediction, by, convention, fusion)
    parts = [_heading(costs), as_table(table, FORMATTERS)]
    hidden = len(costs.graph.layers) - len(table[by]) if by == "layer" else 0
    if hidden:
        parts.append(f"{hidden} layers folded into the one before them share its row; --fusion none lists all")
    rule = fusion_named(prediction.fusion if prediction else fusion or "folded")
    parts.append(_totals(costs, convention, rule))
    if prediction is not None:
        parts.append(_prediction_text(prediction))
    return "\n\n".join(parts)


def readable_columns(
    costs: CostTable, prediction: Prediction | None, by: By = "layer", convention: Convention | None = None,
    fusion: str | None = None,
) -> dict[str, Sequence[Any]]:  # fmt: skip
    """The columns a person reads, rows of folded layers merged into the layer they fold into."""
    table = columns_of(costs, prediction, by, convention)
    folded = folded_layers(costs.graph, fusion_named(prediction.fusion if prediction else fusion or "folded"))
    if by == "layer":
        table = merged(table, costs, folded, convention)
    else:  # as in the rows of layers, what is folded moves nothing
        moved = dict.fromkeys(table[by], 0)
        accesses = zip(costs.columns["layer"], costs.columns[by], costs.columns["memory_access_elements"], strict=True)
        for name, group, elements in accesses:
            moved[group] += 0 if name in folded else elements
        table["memory_access_elements"] = list(moved.values())
    return _readable(table, by, prediction, convention)


def merged(
    table: dict[str, list[Any]], costs: CostTable, folded: dict[str, str], convention: Convention | None
) -> dict[str, list[Any]]:
    """Rows of folded layers added to the row of the layer they fold into; a block of one row takes its name.

    Work and parameters add up; elements and bytes stay those of the layer itself, since a folded layer moves nothing.
    """
    names = table["layer"]
    row_of = {name: at for at, name in enumerate(n for n in names if n not in folded)}
    summed = [name for name in (*COLUMNS, *PREDICTED, *OVERHEAD_COLUMN) if not name.endswith("elements")]
    summed += [convention.name] if convention else []
    result: dict[str, list[Any]] = {}
    for column, values in table.items():
        kept = [value for name, value in zip(names, values, strict=True) if name not in folded]
        if column in summed:
            for name, value in zip(names, values, strict=True):
                if name in folded:
                    kept[row_of[folded[name]]] += value
        result[column] = kept
    rows_below: dict[str, int] = {}
    for name in result["layer"]:
        parent = name.rpartition(".")[0]
        while parent:
            rows_below[parent] = rows_below.get(parent, 0) + 1
            parent = parent.rpartition(".")[0]
    result["layer"] = [_shortened(name, rows_below) for name in result["layer"]]
    return result


def _shortened(name: str, rows_below: dict[str, int]) -> str:
    parent = name.rpartition(".")[0]
    while parent and rows_below[parent] == 1:
        name, parent = parent, parent.rpartition(".")[0]
    return name


FORMATTERS = {
    "receptive field": lambda value: "" if value is None else str(value),
    "MACs/byte": lambda value: "" if value is None else significant(value),
    "time": lambda value: with_prefix(value, "s", 3) if value else "",
    "share": lambda value: f"{value:.1%}" if value else "",
}


def _readable(
    table: dict[str, list[Any]], by: By, prediction: Prediction | None, convention: Convention | None
) -> dict[str, Sequence[Any]]:
    shown: dict[str, Sequence[Any]] = {by: table[by]}
    if by == "layer":
        shown |= {"op": table["op"], "output": table["output_shape"]}
        heights, widths = table["receptive_field_height"], table["receptive_field_width"]
        if prediction is None:
            shown["receptive field"] = [
                None if h is None else (h if h == w else f"{h}x{w}") for h, w in zip(heights, widths, strict=True)
            ]
    else:
        shown["layers"] = table["layers"]
    shown |= {"MACs": table["macs"], "params": table["params"]}
    if convention is not None:
        shown[convention.name] = table[convention.name]
    if prediction is None:
        shown["memory access (elements)"] = table["memory_access_elements"]
        return shown
    latency = prediction.latency_seconds
    shown["bytes"] = table["bytes"]
    shown["MACs/byte"] = [
        macs / moved if moved else None for macs, moved in zip(table["macs"], table["bytes"], strict=True)
    ]
    shown["time"] = table["latency_seconds"]
    shown["share"] = [seconds / latency if latency else 0 for seconds in table["latency_seconds"]]
    if by == "layer":
        shown["bound"] = ["" if bound == "free" else bound for bound in table["bound"]]
    return shown


def _heading(costs: CostTable) -> str:
    graph = costs.graph
    parameters = ", ".join(f"{name} = {_shown(value)}" for name, value in graph.parameters.items())
    inputs = ", ".join(str(shape) for shape in graph.inputs.values())
    lines = [f"{graph.name}  ({parameters})" if parameters else graph.name, graph.source]
    return "\n".join([*lines, f"input {inputs}, batch {costs.batch}"])


def _shown(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _totals(costs: CostTable, convention: Convention | None, rule: Fusion) -> str:
    folded = folded_layers(costs.graph, rule)
    accesses = zip(costs.columns["layer"], costs.columns["memory_access_elements"], strict=True)
    moved = sum(elements for name, elements in accesses if name not in folded)
    every = costs.total("memory_access_elements")
    unfolded = f"  ({grouped_digits(every)} if every operator reads and writes)" if folded else ""
    lines = [
        f"MACs            {grouped_digits(costs.total('macs'))}  (multiply-accumulates of convolution, linear, matmul; "
        "no bias)",
        f"params          {costs.total('params'):,}  (all trainable)",
        f"memory access   {grouped_digits(moved)} elements{unfolded}",
    ]
    for column, what in (("filter_adds", "additions in adder and shift filters"), ("shifts", "bit shifts in filters")):
        if costs.total(column):
            lines.append(f"{column:15} {grouped_digits(costs.total(column))}  ({what}, in place of MACs)")
    if costs.is_expected:
        count = conditional_layers(costs.graph)
        lines.append(f"expected        {count} of {len(costs.graph.layers)} layers run conditionally: work and traffic "
                     "are averages over the inputs, parameters are not")  # fmt: skip
    if convention is not None:
        edited = f"; all of this after {', '.join(convention.edits)}" if convention.edits else ""
        total = f"{grouped_digits(convention.total(costs))} {convention.unit}"
        lines.append(f"{convention.name:15} {total}  ({convention.meaning}{edited})")
        left_out = _counted_as_nothing(costs, convention)
        if left_out:
            lines.append(f"{'':15} counts 0 for {', '.join(left_out)}, which have multiply-accumulates")
    return "\n".join(lines)


def _counted_as_nothing(costs: CostTable, convention: Convention) -> list[str]:
    """Operators that have multiply-accumulates, none of which a count of operations counts."""
    if convention.quantity != "operations":
        return []
    values = convention.per_layer(costs)
    macs: dict[str, Any] = {}
    counted: dict[str, Any] = {}
    for operator, value, own in zip(costs.columns["op"], values, costs.columns["macs"], strict=True):
        macs[operator] = macs.get(operator, 0) + own
        counted[operator] = counted.get(operator, 0) + value
    return [operator for operator in macs if macs[operator] and not counted[operator]]


def _prediction_text(prediction: Prediction) -> str:
    profile = prediction.profile
    rates = [
        _rate(profile.macs_per_second, "MAC/s", any(name.startswith("peak") for name in profile.estimated)),
        _rate(profile.bytes_per_second, "B/s", any(name.startswith("memory") for name in profile.estimated)),
    ]
    latency = prediction.latency_seconds
    per_second = prediction.costs.batch / latency if latency else 0
    lines = [
        f"hardware        {profile.name}  ({profile.device.title}): peak {rates[0]}, bandwidth {rates[1]}",
        f"ridge point     {profile.ridge_point_macs_per_byte:.4g} MACs/byte",
        f"latency         {with_prefix(latency, 's')}  ({with_prefix(per_second)} inputs/s; {_evidence(prediction)})",
        f"compute bound   {prediction.share('compute'):.1%} of the time",
        f"memory bound    {prediction.share('memory'):.1%} of the time: {_memory_bound(prediction)}",
    ]
    if profile.calibration is not None:
        beside = prediction.inference_seconds / latency if latency else 0
        share = prediction.share("overhead")
        lines.append(f"overhead bound  {share:.1%} of the time; beside the layers {beside:.1%}")
    return "\n".join(lines)


def _evidence(prediction: Prediction) -> str:
    """How much is known of a latency: its band and where that comes from, or that there is none."""
    calibration = prediction.profile.calibration
    if calibration is None:
        known = calibrated_runtimes(prediction.profile.device)
        hint = f"; calibrated: {', '.join(known)}" if known else ""
        return (
            f"roofline of datasheet numbers, not calibrated: {bound_text(prediction.profile)}; "
            f"fusion {prediction.fusion}, overlap {prediction.overlap}{hint}"
        )
    fitted = calibration.fitted_to
    if prediction.fusion != family_fusion(prediction.profile):
        return f"{fitted} with fusion {family_fusion(prediction.profile)}; no band with fusion {prediction.fusion}"
    if not prediction.is_calibrated:
        return f"{', '.join(prediction.terms) or 'no terms'} of a profile {fitted}; no band with terms off"
    band = ", ".join(prediction.beyond)
    if band:
        band = f"no band, beyond what was measured: {band}"
    else:
        ends = prediction.latency_low_seconds, prediction.latency_high_seconds
        band = "four of five between " + " and ".join(with_prefix(end, "s", 3) for end in ends)
    off = f"{calibration.held_out_median_ape:.1%} off in the median on others"
    return f"{band}; {fitted}: {off}; fusion {prediction.fusion}"


def _rate(value: float, unit: str, estimated: bool) -> str:
    return with_prefix(value, unit) + (" (estimated)" if estimated else "")


def _memory_bound(prediction: Prediction) -> str:
    """Operators with memory-bound layers, how many of how many."""
    timed: dict[str, int] = {}
    bound: dict[str, int] = {}
    for op, kind in zip(prediction.columns["op"], prediction.columns["bound"], strict=True):
        timed[op] = timed.get(op, 0) + (kind != "free")
        bound[op] = bound.get(op, 0) + (kind == "memory")
    found = [f"{op} {count} of {timed[op]}" for op, count in bound.items() if count]
    return ", ".join(found) if found else "nothing"
