"""What `costmodel memory` says of a network: peak, what is alive there, flash, arena, order, patches."""

from costmodel.memory_report.columns import By, as_object, columns_of
from costmodel.memory_report.gathering import MemoryReport, memory_report
from costmodel.memory_report.texts import FORMATTERS, as_text, readable_columns

__all__ = [
    "FORMATTERS",
    "By",
    "MemoryReport",
    "as_object",
    "as_text",
    "columns_of",
    "memory_report",
    "readable_columns",
]
