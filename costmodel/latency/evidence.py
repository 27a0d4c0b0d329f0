"""Whether a network is like those that a calibration was fitted to; beyond them its stated error says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from costmodel.accuracy import LEAST_ROWS
from costmodel.arithmetic import is_array
from costmodel.hardware import Calibration
from costmodel.latency.families import Family
from costmodel.report import with_prefix
from costmodel.workloads.rows import SIZES, Row

SPAN = 2.0
"""How far beyond the measured batches and MACs a network may be: twice the largest, half of the smallest."""
PART = 0.05
"""The part of a network's MACs or elements that operators of kinds that were not measured may have."""
WORK = tuple(SIZES).index("macs")
MOVED = tuple(tuple(SIZES).index(name) for name in ("input_elements", "weight_elements", "output_elements"))


def beyond(
    rows: Iterable[Row], batch: Any, family: Family, calibration: Calibration, span: float = SPAN, part: float = PART
) -> tuple[str, ...]:
    """Why the error of a calibration is not that of a network with these rows, in words; nothing where it is.

    >>> from costmodel.hardware import load_hardware
    >>> from costmodel.latency.families import family_named
    >>> gpu = load_hardware("rtx_4090:torch_eager").calibration
    >>> row = Row("conv", "conv2d", 1, (10**9, 1000, 100, 1000) + (0,) * 15)
    >>> beyond([row], 256, family_named("torch_eager"), gpu), beyond([row], 1, family_named("torch_eager"), gpu)[0][:18]
    ((), 'batch 1, measured ')
    """
    listed = list(rows)
    if is_array(batch) or any(is_array(size) for row in listed for size in (*row.sizes, row.repeats)):
        return ()
    found = []
    if calibration.n < LEAST_ROWS["B"]:
        found.append(f"{calibration.n} row{'s' if calibration.n > 1 else ''} measured, too few to tell an error")
    if calibration.batch is not None and not _within(batch, calibration.batch, span):
        found.append(f"batch {batch:,}, measured {_ends(calibration.batch)}")
    macs = sum(row.sizes[WORK] * row.repeats for row in listed)
    if calibration.macs is not None and not _within(macs, calibration.macs, span):
        least, most = (with_prefix(end, "MACs", 3) for end in calibration.macs)
        found.append(f"{with_prefix(macs, 'MACs', 3)}, measured {least} to {most}")
    if calibration.macs is None and calibration.batch is not None:
        found.append("single operators were measured, no networks")
    unknown = _not_measured(listed, family, part) if family.kinds else []
    if unknown:
        found.append(f"operators of kinds that were not measured: {', '.join(unknown)}")
    return tuple(found)


def _within(value: float, ends: tuple[float, float], span: float) -> bool:
    return ends[0] / span <= value <= ends[1] * span


def _ends(ends: tuple[float, float]) -> str:
    least, most = ends
    return f"{least:,.0f}" if least == most else f"{least:,.0f} to {most:,.0f}"


def _not_measured(rows: list[Row], family: Family, part: float) -> list[str]:
    """Kinds without a measured operator that have more than a part of the work or of the traffic."""
    work: dict[str, float] = {}
    moved: dict[str, float] = {}
    for row in rows:
        work[row.kind] = work.get(row.kind, 0) + row.sizes[WORK] * row.repeats
        moved[row.kind] = moved.get(row.kind, 0) + sum(row.sizes[at] for at in MOVED) * row.repeats
    return [kind for kind in work if kind not in family.kinds and _is_more(kind, part, work, moved)]


def _is_more(kind: str, part: float, *amounts: Mapping[str, float]) -> bool:
    return any(amount[kind] > part * sum(amount.values()) for amount in amounts)
