"""Latency with terms: constants of a runtime and a device on top of Eq. 1."""

from costmodel.latency.constants import CONSTANTS, NUMBERS, TERMS
from costmodel.latency.families import Family, families, family_named
from costmodel.latency.many_profiles import latencies
from costmodel.latency.predictions import network_seconds, network_seconds_of_rows, workload_times

__all__ = [
    "CONSTANTS", "NUMBERS", "TERMS", "Family", "families", "family_named", "latencies", "network_seconds",
    "network_seconds_of_rows", "workload_times",
]  # fmt: skip
