"""Latency with terms: constants of a runtime and a device on top of Eq. 1."""

from costmodel.latency.constants import CONSTANTS, NUMBERS, TERMS
from costmodel.latency.families import Family, families, family_named
from costmodel.latency.predictions import (
    network_seconds,
    network_seconds_of_rows,
    networks_seconds,
    workload_times,
)  # fmt: skip

__all__ = [
    "CONSTANTS", "NUMBERS", "TERMS", "Family", "families", "family_named", "network_seconds",
    "network_seconds_of_rows", "networks_seconds", "workload_times",
]  # fmt: skip
