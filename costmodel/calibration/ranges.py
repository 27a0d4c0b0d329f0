"""What was measured, in ranges: the batches and sizes of networks, and the kinds of operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.observations import Observations
from costmodel.calibration.writing import number_text

TAIL = 0.025
"""The part of the observations that may be outside a range at either end: a few odd runs make no evidence."""

Ends = tuple[float, float]


def batches_of(parts: Sequence[Observations]) -> Ends:
    """The least and the greatest batch, of networks where any were measured."""
    return _ends(np.concatenate([part.batch for part in _networks(parts) or parts]))


def macs_of(parts: Sequence[Observations]) -> Ends | None:
    """The least and the greatest MACs of one sample of the networks; None where only single operators were measured."""
    networks = _networks(parts)
    if not networks:
        return None
    return _ends(np.concatenate([part.folded.total(part.folded.workload.sizes["macs"]) for part in networks]))


def kinds_of(parts: Sequence[Observations]) -> tuple[str, ...]:
    """The kinds of operators of all rows."""
    return tuple(sorted({kind for part in parts for kind in part.own.workload.kinds}))


def range_words(parts: Sequence[Observations]) -> dict[str, str]:
    """The ranges as they stand in a file."""
    macs = macs_of(parts)
    return {"batch": _list(batches_of(parts))} | ({} if macs is None else {"macs": _list(macs)})


def kinds_words(parts: Sequence[Observations]) -> str:
    """The kinds as they stand in a file."""
    return "[" + ", ".join(f'"{kind}"' for kind in kinds_of(parts)) + "]"


def _list(ends: Ends) -> str:
    return "[" + ", ".join(str(int(end)) if end < 1e5 else number_text(end, 3) for end in ends) + "]"


def _networks(parts: Sequence[Observations]) -> list[Observations]:
    return [part for part in parts if not part.of_kernels]


def _ends(values: NDArray[np.float64]) -> Ends:
    """The range without one in forty at either end; of few values the least and the greatest."""
    least, most = np.quantile(values, (TAIL, 1 - TAIL), method="nearest")
    if len(values) * TAIL < 1:
        least, most = values.min(), values.max()
    return float(least), float(most)
