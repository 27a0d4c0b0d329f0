"""Measured latencies: tables of runs on real devices, and the shapes of the operators that ran."""

from __future__ import annotations

from costmodel.measured.bundled import (
    BundledNetwork,
    Source,
    bundled_deployed_forms,
    bundled_devices,
    bundled_measured,
    bundled_networks,
    bundled_shapes,
    bundled_sources,
    measured_table,
)
from costmodel.measured.columns import (
    KINDS,
    MEASURED_COLUMNS,
    NEEDED,
    SHAPE_COLUMNS,
    SHAPES_COLUMNS,
    Column,
    blank_columns,
)
from costmodel.measured.notes import note_values
from costmodel.measured.reading import Measured, Shapes, read_measured, read_shapes

__all__ = [
    "KINDS", "MEASURED_COLUMNS", "NEEDED", "SHAPES_COLUMNS", "SHAPE_COLUMNS", "BundledNetwork", "Column", "Measured",
    "Shapes", "Source", "blank_columns", "bundled_deployed_forms", "bundled_devices", "bundled_measured",
    "bundled_networks", "bundled_shapes", "bundled_sources", "measured_table", "note_values", "read_measured",
    "read_shapes",
]  # fmt: skip
