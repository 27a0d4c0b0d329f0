"""What would make a network fit, found by search: another order, in-place runtimes, patches, smaller networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from costmodel.costs import cost_table
from costmodel.deployment.checks import checks_of
from costmodel.deployment.needs import Needs, Setting, needs_of
from costmodel.deployment.origin import Origin
from costmodel.deployment.smaller import Scaled, Sizes, fitting_variants, largest_scaled
from costmodel.dtypes import dtype_named
from costmodel.errors import CostmodelError
from costmodel.graph import Graph
from costmodel.memory.definitions import DEFINITIONS
from costmodel.model_size import flash_size
from costmodel.passes.execution_order import least_memory_order
from costmodel.patches import search_patches
from costmodel.records import record, replace

NARROW_BITS = 4
"""Bits of a weight in quantised networks for microcontrollers (MCUNet, arXiv:2007.10319, Table 3)."""
VARIANTS = 3
"""How many smaller networks of the family are named."""


@record
class Remedy:
    """A change, what the network then needs, and whether that keeps every limit.

    `kind` is order, in_place, patches, weight_bits, size or variant. `needs` is None where the change cannot be made;
    `note` then says why. `settings` are what the change sets: parameters of the network or of passes, cut and grid of
    the patches.
    """

    kind: str
    change: str
    needs: Needs | None
    fits: bool
    settings: Mapping[str, Any]
    note: str = ""


def remedies_for(origin: Origin, setting: Setting, exceeded: tuple[str, ...]) -> tuple[Remedy, ...]:
    """The remedies that concern what is exceeded: another order, in-place runtimes and patches only save SRAM."""
    found: list[Remedy] = []
    if "SRAM" in exceeded:
        found += [_order(origin, setting), *_in_place(origin, setting), *_patches(origin.graph, setting)]
    if "flash" in exceeded and dtype_named(setting.dtype).weight_bits > NARROW_BITS:
        found.append(_narrow_weights(origin, setting))
    sizes = Sizes(origin)
    found += [_scaled("size", scaled, setting) for scaled in largest_scaled(sizes, setting)]
    if not any(remedy.kind == "size" for remedy in found):
        found.append(_no_size(sizes, setting))
    if "SRAM" in exceeded and len(exceeded) > 1:
        found += _patches_of_smaller(sizes, setting)
    found += [_scaled("variant", scaled, setting) for scaled in fitting_variants(origin, setting, VARIANTS)]
    return tuple(found)


def _order(origin: Origin, setting: Setting) -> Remedy:
    """Another order of the layers, if one needs less."""
    found = least_memory_order(origin.graph, setting.dtype, setting.definition)
    least = "none needs less" if found.is_exact else "none found needs less"
    if found.bytes == found.file_order_bytes:
        return Remedy("order", "another order", None, False, {}, f"{least} than the order of the file")
    needs = needs_of(found.graph, setting)
    return Remedy("order", "another order", needs, needs.within(setting.limits), {}, f"{least} than this one")


def _in_place(origin: Origin, setting: Setting) -> Iterator[Remedy]:
    """A runtime that computes depthwise convolutions in place."""
    if setting.definition != "fused":
        return
    needs = needs_of(origin.graph, replace(setting, definition="inplace"))
    if needs.sram_bytes < needs_of(origin.graph, setting).sram_bytes:
        note = f"{DEFINITIONS['inplace'].source}: the runtime must be able to"
        change = "depthwise in place"
        yield Remedy("in_place", change, needs, needs.within(setting.limits), {"definition": "inplace"}, note)


def _patches(graph: Graph, setting: Setting, settings: Mapping[str, Any] = {}, label: str = "") -> Iterator[Remedy]:
    """The patches with the fewest MACs that fit, else those with the least memory."""
    limit = setting.limits.sram
    assert limit is not None
    try:
        search = search_patches(graph, setting.dtype, setting.definition)
    except CostmodelError as error:
        yield Remedy("patches", f"{label}patches", None, False, {}, str(error))
        return
    affordable = [candidate for candidate in search.front if candidate.peak_bytes <= limit.amount]
    found = affordable[-1] if affordable else search.front[0]
    if not found.is_patched:
        note = f"none of {len(search.candidates) - 1:,} cuts and grids needs less"
        yield Remedy("patches", f"{label}patches", None, False, {}, note)
        return
    plain = needs_of(graph, setting)
    needs = replace(plain, sram_bytes=found.peak_bytes, macs=found.overall_macs)
    rows, columns = found.grid
    change = f"{label}{rows}x{columns} patches up to {found.cut}"
    note = "time and energy of the work that patches repeat are not counted"
    chosen = {**settings, "cut": found.cut, "grid": (rows, columns)}
    yield Remedy("patches", change, needs, needs.within(setting.limits), chosen, note)


def _patches_of_smaller(sizes: Sizes, setting: Setting) -> Iterator[Remedy]:
    """Patches of the largest network that keeps every limit but that of SRAM."""
    unlimited = replace(setting, limits=replace(setting.limits, sram=None))
    for scaled in largest_scaled(sizes, unlimited)[:1]:
        yield from _patches(scaled.graph, setting, scaled.settings, f"{_named(scaled.settings)}, ")


def _scaled(kind: str, scaled: Scaled, setting: Setting) -> Remedy:
    change = scaled.graph.name if kind == "variant" else _named(scaled.settings)
    return Remedy(kind, change, needs_of(scaled.graph, setting), True, scaled.settings)


def _named(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in settings.items())


def _no_size(sizes: Sizes, setting: Setting) -> Remedy:
    """Why no width and resolution fits: what the least that could be made still needs too much of."""
    least = sizes.least()
    if least is None:
        return Remedy("size", "a smaller network", None, False, {}, sizes.refusal or "nothing to make smaller")
    checks = [check for check in checks_of(cost_table(least.graph), setting) if check.is_kept is False]
    lacking = "; ".join(f"{check.resource}, most of it in {check.layer}" for check in checks)
    change = _named(least.settings)
    return Remedy(
        "size", change, needs_of(least.graph, setting), False, least.settings, f"the least, and too much {lacking}"
    )


def _narrow_weights(origin: Origin, setting: Setting) -> Remedy:
    """Weights of four bits, in a runtime that unpacks them."""
    narrow = replace(dtype_named(setting.dtype), weight_bits=NARROW_BITS)
    size = flash_size(origin.graph, narrow, setting.storage)
    needs = replace(needs_of(origin.graph, setting), flash_bytes=size.bytes)
    note = "the runtime must unpack them; what it does to accuracy is not known here"
    change = f"{NARROW_BITS}-bit weights"
    return Remedy("weight_bits", change, needs, needs.within(setting.limits), {"weight_bits": NARROW_BITS}, note)
