"""Operators as a device executes them: the rows that a latency is computed from, of a network or of a table."""

from costmodel.workloads.layers import workload_of
from costmodel.workloads.rows import KINDS, SIZES, Workload

__all__ = ["KINDS", "SIZES", "Workload", "workload_of"]
