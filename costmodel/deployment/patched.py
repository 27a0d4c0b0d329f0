"""Networks whose first layers run patch by patch, as remedies for too little SRAM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from costmodel.deployment.commands import passes_call
from costmodel.deployment.needs import Needs, Setting, has_active_power, needs_of
from costmodel.deployment.origin import Origin
from costmodel.deployment.remedy import Remedy
from costmodel.deployment.smaller import MANY_LAYERS
from costmodel.errors import CostmodelError
from costmodel.graph import Graph
from costmodel.patches import PatchCosts, search_patches
from costmodel.patches.search import GRIDS
from costmodel.records import replace

FEW_GRIDS = (2, 3, 4)
"""Grids for networks with many layers, of which every cut takes time that grows with the layers before it."""
PEAK_ONLY = "the peak without addresses, the image read piece by piece and not held"


def patch_remedies(
    origin: Origin, graph: Graph, setting: Setting, settings: Mapping[str, Any], label: str = ""
) -> Iterator[Remedy]:
    """The patches with the fewest MACs that fit, else those with the least memory.

    Where the definition is fused and inplace needs fewer MACs, or makes it fit at all, this one as well.
    """
    if setting.workspace != "none":
        note = f"the search over patches counts tensors only, without the workspace {setting.workspace}"
        yield Remedy("patches", f"{label}patches", None, False, settings, note=note)
        return
    first = _cheapest(origin, graph, setting, settings, label)
    yield first
    if setting.definition == "fused":
        in_place = replace(setting, definition="inplace")
        second = _cheapest(origin, graph, in_place, settings, f"{label}depthwise in place, ")
        if second.needs is not None and second.fits and (not first.fits or second.needs.macs < first.needs.macs):  # type: ignore[union-attr]
            yield second


def _cheapest(origin: Origin, graph: Graph, setting: Setting, settings: Mapping[str, Any], label: str) -> Remedy:
    limit = setting.limits.sram
    assert limit is not None
    try:
        grids = GRIDS if len(graph.layers) <= MANY_LAYERS else FEW_GRIDS
        search = search_patches(graph, setting.dtype, setting.definition, grids=grids)
    except CostmodelError as error:
        return Remedy("patches", f"{label}patches", None, False, settings, note=str(error))
    affordable = [candidate for candidate in search.front if candidate.peak_bytes <= limit.amount]
    found = affordable[-1] if affordable else search.front[0]
    if not found.is_patched:
        tried = len(search.candidates) - 1
        note = "none are needed" if affordable else f"none of {tried:,} cuts and grids needs less"
        return Remedy("patches", f"{label}patches", None, False, settings, note=note)
    needs = _needs(graph, setting, found)
    rows, columns = found.grid
    words = f"{label}{rows}x{columns} patches up to {found.cut}"
    chosen = {**settings, "cut": found.cut, "grid": found.grid}
    how = (
        f"costmodel.patches.patch_costs({passes_call(origin, settings)}, {found.cut!r}, grid={found.grid}, "
        f"dtype={setting.dtype!r}, definition={setting.definition!r})"
    )
    return Remedy("patches", words, needs, needs.within(setting.limits), chosen, how, PEAK_ONLY)


def _needs(graph: Graph, setting: Setting, found: PatchCosts) -> Needs:
    """What the network needs in patches. It takes at least the time without them, and that of all its MACs."""
    plain, profile = needs_of(graph, setting), setting.profile
    latency, joules = plain.latency_seconds, None
    if profile is not None and latency is not None:
        latency = max(latency, float(found.overall_macs / profile.macs_per_second))
        if plain.energy_joules is not None and plain.latency_seconds and has_active_power(profile):
            joules = plain.energy_joules * latency / plain.latency_seconds
    return replace(
        plain, sram_bytes=found.peak_bytes, macs=found.overall_macs, latency_seconds=latency, energy_joules=joules
    )
