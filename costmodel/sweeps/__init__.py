"""Many variants of a network at once: one axis per parameter, one walk per structure, a long table as the result."""

from costmodel.sweeps.matched import StructureGroup, group_by_structure
from costmodel.sweeps.table import readable_columns, sweep, sweep_columns

__all__ = ["StructureGroup", "group_by_structure", "readable_columns", "sweep", "sweep_columns"]
