"""Measured energies of MLPerf Tiny's networks, and what power x time makes of the measured latencies."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from costmodel.energies.runtimes import POWER, power_settings
from costmodel.files import folder
from costmodel.hardware import load_hardware
from costmodel.records import record

FILE = os.path.join("hardware", "measured")
NAME = "mlperf_tiny_energy.csv"


@record
class MeasuredEnergy:
    """One energy-mode result: a network on a device with a runtime, its latency and energy, and where they stand."""

    hardware: str
    clock_hz: int
    network: str
    latency_seconds: float
    energy_joules: float
    source: str
    accelerator: str = ""

    @property
    def watts(self) -> float:
        """The mean power of the run: energy / latency."""
        return self.energy_joules / self.latency_seconds


@lru_cache(maxsize=1)
def measured_energies() -> tuple[MeasuredEnergy, ...]:
    """Every result that states both latency and energy of a run.

    >>> row = measured_energies()[0]
    >>> row.hardware, row.network, round(row.watts * 1e3, 1)
    ('nucleo_l4r5zi:tflm:int8', 'mlperf_tiny_ad_autoencoder', 40.0)
    """
    with open(os.path.join(folder(FILE), NAME), encoding="utf-8", newline="") as file:
        return tuple(
            MeasuredEnergy(
                f"{row['device']}:{row['runtime']}:{row['dtype']}", int(row["clock_hz"]), row["network"],
                float(row["latency_seconds"]), float(row["energy_joules"]),
                f"repo {row['source']}@{row['commit']} {row['source_file']}",
                row["accelerator"],
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


def reproduced_energies() -> dict[str, list[Any]]:
    """A row per measured energy: what the runtime's active power makes of the measured latency.

    `deviation` is computed / measured - 1; `held_out_deviation` the same with the mean power of the other networks of
    that device and runtime alone.
    """
    rows = measured_energies()
    by_hardware: dict[str, list[MeasuredEnergy]] = {}
    for row in rows:
        by_hardware.setdefault(row.hardware, []).append(row)
    watts = {name: _active_watts(name) for name in by_hardware}
    computed = [watts[row.hardware] * row.latency_seconds for row in rows]
    return {
        "hardware": [row.hardware for row in rows],
        "network": [row.network for row in rows],
        "latency_seconds": [row.latency_seconds for row in rows],
        "measured_joules": [row.energy_joules for row in rows],
        "computed_joules": computed,
        "deviation": [energy / row.energy_joules - 1 for energy, row in zip(computed, rows, strict=True)],
        "held_out_deviation": [held_out(row, by_hardware[row.hardware]) for row in rows],
        "source": [row.source for row in rows],
    }


def held_out(row: MeasuredEnergy, group: Sequence[MeasuredEnergy]) -> float:
    """computed / measured - 1 for one network when the power is the mean of the others."""
    others = [each.watts for each in group if each is not row]
    return sum(others) / len(others) / row.watts - 1


def _active_watts(hardware: str) -> float:
    profile = load_hardware(hardware)
    watts: float = power_settings(profile)[POWER]
    return watts
