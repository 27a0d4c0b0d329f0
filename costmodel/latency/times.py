"""The terms of a latency as formulas on arrays. More peak, bandwidth or capacity never costs time.

t_c = MACs * padding * saturation / (P * compute) + elements * element_seconds
t_m = bytes / (B * bandwidth)
t   = (t_c^p + t_m^p)^(1/p) + overhead        T = inference + sum over operators of repeats * t

With p -> infinity and every constant neutral this is Eq. 1 of MobileNetV4 (arXiv:2404.10518): the sum of
max(MACs/P, bytes/B).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel.arithmetic import is_array, maximum, minimum

INFINITE = float("inf")
LEAST_SECONDS = 1e-300
"""In place of no time at all, by which nothing can be divided."""


def padding(size: Any, width: Any, paid: Any = 1.0) -> Any:
    """How much more is computed because `size` is filled up to a multiple of `width`: 1 + paid * (filled/size - 1).

    The utilisation u = n / (ceil(n/w) * w) of ANNETTE's refined roofline (arXiv:2105.03176), of which a runtime may pay
    a part. `size` and `width` in elements; `paid` from 0 to 1.

    >>> padding(12, 8), padding(12, 8, paid=0.5), padding(16, 8)
    (1.3333333333333333, 1.1666666666666665, 1.0)
    """
    filled = -(-size // width) * width
    return 1 + paid * (filled / size - 1)


def saturation(size: Any, half: Any, exponent: Any = 1.0) -> Any:
    """How much longer a short dimension takes: (1 + (half/size)^s)^(1/s); for s = 1 twice as long where the size is
    `half`.

    The rate n/(n + n_half) of r_inf and n_half (Hockney, Jesshope, Parallel Computers 2, 1988), for one dimension.
    A high exponent is a machine that computes `half` results at once: fewer take the same time, more take theirs.

    >>> saturation(96, 32), saturation(32, 32), round(saturation(96, 32, 8.0), 4), round(saturation(8, 32, 8.0), 4)
    (1.3333333333333333, 2.0, 1.0, 4.0)
    """
    if not is_array(exponent) and exponent == 1:
        return 1 + half / size
    return (1 + (half / size) ** exponent) ** (1 / exponent)


def overlapped(compute_seconds: Any, memory_seconds: Any, exponent: Any) -> Any:
    """Compute and transfer time together: (t_c^p + t_m^p)^(1/p), a smooth maximum.

    p = 1 adds them (no overlap), p -> infinity is the maximum of the roofline (perfect overlap). Never below the
    larger of the two, never above their sum.

    >>> overlapped(3.0, 4.0, 2.0), overlapped(3.0, 4.0, 1.0), overlapped(3.0, 4.0, float("inf"))
    (5.0, 7.0, 4.0)
    """
    larger = maximum(compute_seconds, memory_seconds)
    if not is_array(exponent) and exponent == INFINITE:
        return larger
    smaller = compute_seconds + memory_seconds - larger
    ratio = smaller / maximum(larger, LEAST_SECONDS)
    return larger * (1 + ratio**exponent) ** (1 / exponent)


def spilled(size: Any, capacity: Any, shape: str) -> Any:
    """The part of `size` that does not fit into `capacity`, 0 to 1, both in bytes.

    smooth: size/(size + capacity), half of it at the capacity; square: the same of their squares, steeper; excess: what
    is above the capacity; all: everything as soon as the capacity is exceeded.

    >>> spilled(6.0, 4.0, "smooth"), spilled(6.0, 4.0, "excess"), spilled(6.0, 4.0, "all"), spilled(3.0, 4.0, "all")
    (0.6, 0.33333333333333337, 1.0, 0.0)
    """
    if shape == "smooth":
        return size / (size + capacity)
    if shape == "square":
        return size**2 / (size**2 + capacity**2)
    if shape == "all":
        return (size > capacity) * 1.0
    return 1 - capacity / maximum(size, capacity)


def tiered_seconds(moved: Any, levels: Sequence[tuple[float, float]], bytes_per_second: float) -> Any:
    """Time of bytes through the tiers of a memory: those up to the capacity of a level at its rate, the rest below.

    `levels` from the nearest: (capacity in bytes, bytes per second); beyond the last one `bytes_per_second` holds.

    >>> tiered_seconds(6.0, [(4.0, 2.0)], 1.0)
    4.0
    """
    seconds: Any = 0.0
    start = 0.0
    for capacity, rate in levels:
        seconds = seconds + (minimum(moved, capacity) - minimum(moved, start)) / rate
        start = capacity
    return seconds + (moved - minimum(moved, start)) / bytes_per_second
