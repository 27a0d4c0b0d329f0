"""Operators as a device executes them: the rows that a latency is computed from, of a network or of a table."""

from costmodel.workloads.layers import workload_of
from costmodel.workloads.rows import KINDS, SIZES, Workload
from costmodel.workloads.tables import joined, workload_of_table

__all__ = ["KINDS", "SIZES", "Workload", "joined", "workload_of", "workload_of_table"]
