"""All that is known of the memory of one network: peak, steps, definitions, flash, arena, order, patches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from costmodel.device_memory import DeviceMemory, device_memory
from costmodel.dtypes import Dtype
from costmodel.errors import ParameterError
from costmodel.graph import Graph, Shape
from costmodel.hardware import Device, HardwareProfile
from costmodel.memory import DEFINITIONS, PeakMemory, definition_named, peak_memory
from costmodel.memory.steps import Step, execution_steps, peak_step
from costmodel.model_size import FlashSize, flash_size, model_bytes
from costmodel.records import record
from costmodel.shapes import infer_shapes

if TYPE_CHECKING:
    from costmodel.memory.arena import Arena
    from costmodel.passes.execution_order import ExecutionOrder
    from costmodel.patches import PatchSearch


@record
class MemoryReport:
    """The peak of a network, its steps, the peaks by every definition (`peaks`), and what it occupies in flash.

    `graph` is the network as it runs: in the order found where one was asked for. `order`, `arena`, `patches` and
    `device` are None where they were not.
    """

    graph: Graph
    shapes: Mapping[str, Shape]
    workspace: str
    peak: PeakMemory
    steps: tuple[Step, ...]
    peaks: Mapping[str, PeakMemory]
    flash: FlashSize
    model_bytes: int
    device: DeviceMemory | None
    order: ExecutionOrder | None
    arena: Arena | None
    patches: PatchSearch | None

    @property
    def at(self) -> int:
        """Which step has the peak, counted from 0."""
        return peak_step(self.peak, self.steps)


def memory_report(
    graph: Graph,
    dtype: str | Dtype = "int8",
    definition: str = "fused",
    workspace: str = "none",
    hardware: str | os.PathLike[str] | Device | HardwareProfile | None = None,
    sram_bytes: int | None = None,
    *,
    storage: str = "plain",
    order: bool = False,
    arena: bool = False,
    patches: bool = False,
) -> MemoryReport:
    """The memory of a network under a definition and number format, beside the SRAM of a device or a given size.

    Flash is counted by a row of `costmodel.model_size.STORAGES`. `order` searches the order of the layers with the
    least peak and goes on with it, `arena` assigns addresses, `patches` searches cuts and grids of patches.

    >>> from costmodel import load
    >>> report = memory_report(load("mlperf_tiny_vww_mbv1"), hardware="stm32f746")
    >>> report.peak.bytes, report.device.sram_bytes, report.flash.bytes
    (55296, 327680, 219064)

    Raises: ParameterError for a workspace beside patches; what `peak_memory`, `device_memory`, `least_memory_order`,
    `plan_arena` and `search_patches` raise.
    """
    device = device_memory(hardware, sram_bytes)
    definition_named(definition)
    found = planned = searched = None
    if order:
        from costmodel.passes.execution_order import least_memory_order

        found = least_memory_order(graph, dtype, definition)
        graph = found.graph
    shapes = infer_shapes(graph)
    peaks = {name: peak_memory(graph, dtype, name, shapes, workspace) for name in DEFINITIONS}
    if arena:
        from costmodel.memory.arena import plan_arena

        planned = plan_arena(graph, dtype, definition, workspace=workspace, shapes=shapes)
    if patches:
        from costmodel.patches import search_patches

        if workspace != "none":
            raise ParameterError("the search over patches counts tensors only: leave out the workspace or the patches")
        searched = search_patches(graph, dtype, definition)
    peak = peaks[definition]
    return MemoryReport(
        graph, shapes, workspace, peak, execution_steps(peak), peaks, flash_size(graph, dtype, storage),
        model_bytes(graph, dtype), device, found, planned, searched,
    )  # fmt: skip
