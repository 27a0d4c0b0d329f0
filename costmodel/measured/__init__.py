"""Measured latencies: tables of runs on real devices, and the shapes of the operators that ran."""

from __future__ import annotations

from costmodel.measured.bundled import (
    BundledNetwork,
    Source,
    bundled_devices,
    bundled_measured,
    bundled_networks,
    bundled_shapes,
    bundled_sources,
)
from costmodel.measured.columns import MEASURED_COLUMNS, OP_KINDS, SHAPE_COLUMNS, SHAPES_COLUMNS, Column
from costmodel.measured.notes import note_values
from costmodel.measured.reading import Measured, Shapes, read_measured, read_shapes

__all__ = [
    "MEASURED_COLUMNS", "OP_KINDS", "SHAPES_COLUMNS", "SHAPE_COLUMNS", "BundledNetwork", "Column", "Measured",
    "Shapes", "Source", "bundled_devices", "bundled_measured", "bundled_networks", "bundled_shapes",
    "bundled_sources", "note_values", "read_measured", "read_shapes",
]  # fmt: skip
