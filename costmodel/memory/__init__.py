"""Memory of activations: the peak under named definitions, from live ranges in execution order, and addresses."""

from costmodel.memory.arena import Arena, plan_arena
from costmodel.memory.arena_orders import GREEDY_ORDERS, GreedyOrder
from costmodel.memory.bottleneck_split import BottleneckSplit, split_bottlenecks
from costmodel.memory.bottlenecks import Bottleneck, bottlenecks_of
from costmodel.memory.definitions import ARENA, DEFINITIONS, MemoryDefinition, definition_named
from costmodel.memory.peak import PeakMemory, peak_memory
from costmodel.memory.storage import Buffer, buffers_of, kept_in, stored_bytes
from costmodel.memory.workspace import WORKSPACES, Workspace, workspace_named

__all__ = [
    "ARENA",
    "DEFINITIONS",
    "GREEDY_ORDERS",
    "WORKSPACES",
    "Arena",
    "Bottleneck",
    "BottleneckSplit",
    "Buffer",
    "GreedyOrder",
    "MemoryDefinition",
    "PeakMemory",
    "Workspace",
    "bottlenecks_of",
    "buffers_of",
    "definition_named",
    "kept_in",
    "peak_memory",
    "plan_arena",
    "split_bottlenecks",
    "stored_bytes",
    "workspace_named",
]
