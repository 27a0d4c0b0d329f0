"""A board of one's own, and timings of it that follow a family with known factors."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from costmodel.cli import calibration as command
from costmodel.fusion import fusion_named
from costmodel.hardware import IDEALISED, Calibration, HardwareProfile, load_device, profile_of
from costmodel.latency import family_named, network_seconds, workload_times
from costmodel.measured import bundled_shapes
from costmodel.records import replace
from costmodel.validation.subjects import Subjects

FAMILY = "tflite"
TRUE = {"compute": 0.7, "bandwidth": 1.6, "overhead_seconds": 0.0}
DEVICE = """[device]
name    = "mine"
title   = "My board"
class   = "CPU"
memory  = "dram"
runtime = "idealised"
dtype   = "float32"
source  = "made for these tests"

# what the data sheet says
[memory.dram]
bytes_per_second = 2e10
scope            = "chip"
source           = "made for these tests"

[peak.float32]
macs_per_second = 4e10
scope           = "chip"
accumulate      = "float32"
source          = "made for these tests"
"""
COLUMNS = "device,runtime,dtype,network,latency_seconds,threads"
SHAPES = bundled_shapes()["mobile"]
NAMES = list(SHAPES.rows)[:: max(1, len(SHAPES.rows) // 14)][:14]
NO_ONE = Calibration(FAMILY, {}, {}, {}, (), {}, "", 1, "", "", 0, 1, 1, 1, "A")


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def seconds(profile: HardwareProfile, network: str) -> float:
    workload = Subjects().network(network, fusion_named(family_named(FAMILY).fusion))
    assert workload is not None
    return float(network_seconds(workload, workload_times(workload, profile), profile))


def timings(folder: Path, hardware: str, count: int = 14, extra: tuple[str, ...] = (), **cells: str) -> str:
    """A table of latencies that follow the family with the true factors, and a little noise."""
    profile = profile_of(load_device(hardware), IDEALISED)
    profile = replace(profile, calibration=replace(NO_ONE, factors=TRUE))
    row = {"device": "mine", "runtime": FAMILY, "dtype": "float32", "threads": "1"} | cells
    draw = np.random.default_rng(0)
    lines = [
        f"{row['device']},{row['runtime']},{row['dtype']},{name},"
        f"{seconds(profile, name) * np.exp(0.02 * draw.standard_normal())},{row['threads']}"
        for name in NAMES[:count]
    ]
    return written(folder, "timings.csv", "\n".join([COLUMNS, *lines, *extra]) + "\n")


def rows_of(path: str) -> list[str]:
    """The lines of a table behind its header."""
    return Path(path).read_text().splitlines()[1:]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    options = parser.parse_args(["calibrate", *arguments])
    return int(options.run(options))
