"""An explanation as text, as columns and as one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.costs import By
from costmodel.explanation.difference import Difference
from costmodel.explanation.explain import STEP_MEANINGS, STEPS, Explanation
from costmodel.latency import TERMS
from costmodel.report import as_table, records_of, with_prefix
from costmodel.roofline import bound_text
from costmodel.summary import calibration_object


def _seconds(value: float) -> str:
    return with_prefix(value, "s", 3) if value else ""


FORMATTERS = {
    name: _seconds for name in (*STEPS, "time", "first", "second", "difference")
} | {"share": lambda value: f"{value:.1%}" if value else ""}  # fmt: skip


def meaning_of(step: str) -> str:
    """What a step is, in a line."""
    return STEP_MEANINGS[step] if step in STEP_MEANINGS else TERMS[step].meaning


def step_columns(found: Explanation) -> dict[str, Sequence[Any]]:
    """One row per step that takes time."""
    steps = {name: seconds for name, seconds in found.steps.items() if seconds}
    return {
        "step": list(steps),
        "time": list(steps.values()),
        "share": [seconds / found.latency_seconds for seconds in steps.values()],
        "meaning": [meaning_of(name) for name in steps],
    }


def part_columns(found: Explanation, by: By) -> dict[str, Sequence[Any]]:
    """One row per layer, block or operator: its time, its share, and the steps that are not 0 everywhere."""
    table = found.grouped(by)
    used = [name for name in STEPS if any(table[name])]
    shown: dict[str, Sequence[Any]] = {by: table[by]}
    if by == "layer":
        shown |= {"op": table["op"]}
    shown |= {
        "time": table["latency_seconds"],
        "share": [seconds / found.latency_seconds for seconds in table["latency_seconds"]],
    }
    shown |= {name: table[name] for name in used}
    return shown | ({"limited by": table["limited_by"]} if by == "layer" else {})


def as_text(found: Explanation, by: By) -> str:
    """The explanation for people: what each term adds, then the parts."""
    return "\n\n".join(
        [
            heading(found), as_table(step_columns(found), FORMATTERS),
            "Steps are turned on from the top; each time is what the step adds to those above it.",
            as_table(part_columns(found, by), FORMATTERS),
        ]
    )  # fmt: skip


def heading(found: Explanation) -> str:
    """Network, device, latency and what stands behind it."""
    prediction = found.prediction
    profile, calibration = prediction.profile, prediction.profile.calibration
    graph = prediction.costs.graph
    line = f"{graph.name}, batch {prediction.costs.batch}, on {profile.name}: {_seconds(found.latency_seconds)}"
    inputs = f"\nfitted or estimated, not from a datasheet: {', '.join(profile.estimated)}" if profile.estimated else ""
    if calibration is None:
        return f"{line}\nEq. 1 on datasheet numbers: {bound_text(profile)}; it has no terms"
    if prediction.beyond:
        band = f"no band, beyond what was measured: {', '.join(prediction.beyond)}"
    else:
        ends = prediction.latency_low_seconds, prediction.latency_high_seconds
        band = "four of five between " + " and ".join(map(_seconds, ends))
    return (
        f"{line} ({band})\n"
        f"{calibration.fitted_to}: "
        f"{calibration.held_out_median_ape:.1%} off in the median on rows that were not fitted{inputs}"
    )


def difference_text(found: Difference, by: By) -> str:
    """Two explanations side by side, for people."""
    steps: Mapping[str, Sequence[Any]] = found.steps
    used = [
        at for at, pair in enumerate(zip(steps["first_seconds"], steps["second_seconds"], strict=True)) if any(pair)
    ]
    kept = {name: [values[at] for at in used] for name, values in steps.items()}
    first, second = found.first.latency_seconds, found.second.latency_seconds
    change = f"{_seconds(abs(found.seconds)) or '0 s'} {'more' if found.seconds >= 0 else 'less'}"
    return "\n\n".join(
        [
            f"first   {heading(found.first)}\nsecond  {heading(found.second)}",
            f"the second takes {change}, {second / first:.2f} times as long" if first else "",
            as_table(_named(kept), FORMATTERS),
            as_table(_named(found.parts(by)), FORMATTERS),
        ]
    )


def _named(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    return {name.removesuffix("_seconds"): values for name, values in columns.items()}


def as_object(found: Explanation, by: By) -> dict[str, Any]:
    """The JSON of `explain`: network, hardware, latency, steps, layers (or blocks, or operators)."""
    prediction = found.prediction
    return {
        "network": prediction.costs.graph.name,
        "parameters": dict(prediction.costs.graph.parameters),
        "batch": prediction.costs.batch,
        "hardware": prediction.profile.name,
        "calibration": calibration_object(prediction.profile),
        "latency_seconds": found.latency_seconds,
        "latency_low_seconds": prediction.latency_low_seconds,
        "latency_high_seconds": prediction.latency_high_seconds,
        "beyond": list(prediction.beyond),
        "steps": [{"step": name, "seconds": seconds} for name, seconds in found.steps.items()],
        f"{by}s": records_of(found.grouped(by)),
    }


def difference_object(found: Difference, by: By) -> dict[str, Any]:
    """The JSON of two explanations."""
    return {
        "first": as_object(found.first, by),
        "second": as_object(found.second, by),
        "difference_seconds": found.seconds,
        "steps": records_of(found.steps),
        f"{by}s": records_of(found.parts(by)),
    }
