"""Peak activation memory under named definitions, from live ranges in execution order."""

from costmodel.memory.definitions import DEFINITIONS, MemoryDefinition, definition_named
from costmodel.memory.peak import PeakMemory, peak_memory
from costmodel.memory.storage import Buffer, buffers_of, kept_in, stored_bytes
from costmodel.memory.workspace import WORKSPACES, Workspace, workspace_named

__all__ = [
    "DEFINITIONS",
    "WORKSPACES",
    "Buffer",
    "MemoryDefinition",
    "PeakMemory",
    "Workspace",
    "buffers_of",
    "definition_named",
    "kept_in",
    "peak_memory",
    "stored_bytes",
    "workspace_named",
]
