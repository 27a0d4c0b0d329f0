"""What would make a network fit, found by search: another order, in-place runtimes, patches, smaller networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from costmodel.costs import cost_table
from costmodel.deployment.checks import checks_of
from costmodel.deployment.commands import fits_again, fits_call, passes_call
from costmodel.deployment.needs import Setting, needs_of
from costmodel.deployment.origin import Origin
from costmodel.deployment.patched import patch_remedies
from costmodel.deployment.remedy import Remedy
from costmodel.deployment.smaller import Scaled, Sizes, fitting_variants, largest_scaled
from costmodel.dtypes import dtype_named
from costmodel.memory.definitions import DEFINITIONS
from costmodel.passes.execution_order import least_memory_order
from costmodel.records import replace

NARROW_BITS = 4
"""Bits of a weight in quantised networks for microcontrollers (MCUNet, arXiv:2007.10319, Table 3)."""
VARIANTS = 3
"""How many smaller networks of the family are named."""


def remedies_for(origin: Origin, setting: Setting, exceeded: tuple[str, ...]) -> tuple[Remedy, ...]:
    """The remedies that concern what is exceeded: another order, in-place runtimes and patches only save SRAM."""
    found: list[Remedy] = []
    if "SRAM" in exceeded:
        found += [_order(origin, setting), *_in_place(origin, setting)]
        found += patch_remedies(origin, origin.graph, setting, {})
    narrow = replace(setting, weight_bits=NARROW_BITS)
    has_wide_weights = "flash" in exceeded and _weight_bits(setting) > NARROW_BITS
    if has_wide_weights:
        found.append(_narrow_weights(origin, narrow))
    found += _sizes(origin, setting, exceeded, narrow if has_wide_weights else None)
    for variant in fitting_variants(origin, setting, VARIANTS):
        how = fits_again(origin, setting, variant.settings, variant.name)
        needs = needs_of(variant.graph, setting)
        change = " ".join([variant.name, *(f"{key}={value}" for key, value in variant.settings.items())])
        if all(needs != remedy.needs for remedy in found):
            found.append(Remedy("variant", change, needs, True, variant.settings, how))
    return tuple(found)


def _weight_bits(setting: Setting) -> int:
    return setting.weight_bits or dtype_named(setting.dtype).weight_bits


def _order(origin: Origin, setting: Setting) -> Remedy:
    """Another order of the layers, if one needs less."""
    found = least_memory_order(origin.graph, setting.dtype, setting.definition)
    least = "none needs less" if found.is_exact else "none found needs less"
    if found.bytes == found.file_order_bytes:
        return Remedy("order", "another order", None, False, {}, note=f"{least} than the order of the file")
    needs = needs_of(found.graph, setting)
    how = fits_call(f"least_memory_order({passes_call(origin, {})}).graph", setting)
    return Remedy("order", "another order", needs, needs.within(setting.limits), {}, how, f"{least} than this one")


def _in_place(origin: Origin, setting: Setting) -> Iterator[Remedy]:
    """A runtime that computes depthwise convolutions in place."""
    if setting.definition != "fused":
        return
    in_place = replace(setting, definition="inplace")
    needs = needs_of(origin.graph, in_place)
    if needs.sram_bytes < needs_of(origin.graph, setting).sram_bytes:
        how, note = fits_again(origin, in_place, {}), f"a runtime as in {DEFINITIONS['inplace'].source}"
        fits = needs.within(setting.limits)
        yield Remedy("in_place", "depthwise in place", needs, fits, {"definition": "inplace"}, how, note)


def _narrow_weights(origin: Origin, narrow: Setting) -> Remedy:
    """Narrow weights, in a runtime that unpacks them."""
    needs = needs_of(origin.graph, narrow)
    how, note = fits_again(origin, narrow, {}), "the runtime must unpack them; accuracy is not looked at"
    settings = {"weight_bits": narrow.weight_bits}
    change = f"{narrow.weight_bits}-bit weights"
    return Remedy("weight_bits", change, needs, needs.within(narrow.limits), settings, how, note)


def _sizes(origin: Origin, setting: Setting, exceeded: tuple[str, ...], narrow: Setting | None) -> Iterator[Remedy]:
    """Smaller networks; where none fits, with narrow weights, and the least one that was looked at."""
    sizes = Sizes(origin)
    largest = largest_scaled(sizes, setting)
    for scaled in largest:
        yield _size(origin, setting, scaled)
    if "SRAM" in exceeded and len(exceeded) > 1:
        unlimited = replace(setting, limits=replace(setting.limits, sram=None))
        for scaled in largest_scaled(sizes, unlimited)[:1]:
            if scaled not in largest:
                label = f"{_named(scaled.settings)}, "
                yield from patch_remedies(origin, scaled.graph, setting, scaled.settings, label)
    if not largest:
        yield from _no_size(origin, sizes, setting)
        if narrow is not None:
            for scaled in largest_scaled(sizes, narrow)[:1]:
                yield _size(origin, narrow, scaled, f"{NARROW_BITS}-bit weights, ")


def _size(origin: Origin, setting: Setting, scaled: Scaled, label: str = "") -> Remedy:
    needs = needs_of(scaled.graph, setting)
    how = fits_again(origin, setting, scaled.settings)
    change = f"{label}{_named(scaled.settings)}"
    return Remedy("size", change, needs, needs.within(setting.limits), scaled.settings, how)


def _named(settings: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in settings.items())


def _no_size(origin: Origin, sizes: Sizes, setting: Setting) -> Iterator[Remedy]:
    """Why no width and resolution fits: what the least that could be made still needs too much of."""
    least = sizes.least()
    if least is None:
        note = sizes.refusal or "nothing to make smaller"
        yield Remedy("size", "a smaller network", None, False, {}, note=note)
        return
    checks = [check for check in checks_of(cost_table(least.graph), setting) if check.is_kept is False]
    lacking = "; ".join(f"{check.resource}, most of it in {check.layer}" for check in checks)
    yield replace(_size(origin, setting, least), note=f"the least, and too much {lacking}")
