"""Smaller networks: the largest width and resolution that keep the limits, and variants of the family that do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from costmodel.arithmetic import ceil_div
from costmodel.costs import cost_table
from costmodel.deployment.needs import Setting, keeps_limits, needs_of
from costmodel.deployment.origin import Origin
from costmodel.errors import CostmodelError
from costmodel.graph import Graph
from costmodel.passes.scale_resolution import scale_resolution
from costmodel.passes.scale_width import scale_width
from costmodel.records import record
from costmodel.specs.catalogue import find, load, variant_names

MANY_LAYERS = 400
"""Networks with more layers are tried on a grid twice as coarse."""
LEAST_RESOLUTION = 32
PIXELS, HUNDREDTHS = 8, 5
"""Steps of the grid: resolutions 8 pixels apart, widths at multiples of 0.05."""
MOST_RESOLUTIONS = 100
"""Larger images are made smaller in larger steps."""


@record
class Scaled:
    """A smaller network and how it is made: values of its parameters, or of the passes named here. A published variant
    has a name."""

    graph: Graph
    macs: Any
    settings: Mapping[str, Any]
    name: str = ""


class Sizes:
    """The networks of all widths and resolutions up to those of the network, each made when it is looked at.

    A parameter of the spec is used where there is one, else a pass. Combinations that cannot be made (a size that is
    not whole, a layer that a pass refuses) are left out.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        step = 2 if len(origin.graph.layers) > MANY_LAYERS else 1
        self.widths = self._widths(HUNDREDTHS * step)
        self.resolutions = self._resolutions(step)
        self.known: dict[tuple[int, int], Scaled | None] = {}
        self.refusal = ""

    def at(self, width: int, resolution: int) -> Scaled | None:
        """The network of the width and resolution at these places of the two lists, None where it cannot be made."""
        place = width, resolution
        if place not in self.known:
            try:
                self.known[place] = self._made(self.widths[width], self.resolutions[resolution])
            except CostmodelError as error:
                self.refusal = str(error)
                self.known[place] = None
        return self.known[place]

    def least(self) -> Scaled | None:
        """The smallest network that was looked at."""
        made = [scaled for place, scaled in self.known.items() if scaled is not None and place != (0, 0)]
        return min(made, key=lambda scaled: scaled.macs, default=None)

    def _made(self, width: float, resolution: int) -> Scaled:
        """By parameters as far as the spec has them, then by passes."""
        changed = {"width": width} if width != self.widths[0] else {}
        changed |= {"resolution": resolution} if resolution != self.resolutions[0] else {}
        settings: dict[str, Any] = {
            name: value for name, value in changed.items() if self.origin.smaller(name) is not None
        }
        graph = self.origin.graph
        if settings:
            assert self.origin.name is not None
            graph = load(self.origin.name, **{**self.origin.parameters, **settings})
        if "width" in changed.keys() - settings.keys():
            graph, settings["scale_width"] = scale_width(graph, width, divisor=8), width
        if "resolution" in changed.keys() - settings.keys():
            graph, settings["scale_resolution"] = scale_resolution(graph, resolution), resolution
        return Scaled(graph, cost_table(graph).total("macs"), settings)

    def _widths(self, step: int) -> list[float]:
        """The width of the network and the multiples of step/100 below it, greatest first."""
        parameter = self.origin.smaller("width")
        own = self.origin.graph.parameters["width"] if parameter is not None else 1.0
        least = max(step / 100, (parameter.least or 0) if parameter is not None else 0)
        below = [hundredths / 100 for hundredths in range(step, int(own * 100) + 1, step)]
        return [own, *(width for width in reversed(below) if least <= width < own)]

    def _resolutions(self, coarseness: int) -> list[int]:
        """The resolution of the network and smaller ones in steps of `PIXELS`, greatest first."""
        parameter = self.origin.smaller("resolution")
        (entering, *others) = self.origin.graph.inputs.values()
        if parameter is not None:
            own = self.origin.graph.parameters["resolution"]
        elif entering.is_image and not others:
            own = max(entering.sizes[1:])
        else:
            return [0]
        least = max(LEAST_RESOLUTION, (parameter.least or 0) if parameter is not None else 0)
        step = PIXELS * max(coarseness, ceil_div(own, PIXELS * MOST_RESOLUTIONS))
        return [own, *range(own - step, int(least) - 1, -step)]


def largest_scaled(sizes: Sizes, setting: Setting) -> list[Scaled]:
    """The largest networks that keep the limits: in MACs of all, at the given width, at the given resolution."""
    fitting = sorted(_edge(sizes, setting), key=lambda place: -_made(sizes, place).macs)
    found: list[Scaled] = []
    for places in (
        fitting,
        [(width, resolution) for width, resolution in fitting if width == 0],
        [(width, resolution) for width, resolution in fitting if resolution == 0],
    ):
        scaled = next((_made(sizes, place) for place in places if _is_verified(_made(sizes, place), setting)), None)
        if scaled is not None and scaled not in found:
            found.append(scaled)
    return found


def _edge(sizes: Sizes, setting: Setting) -> Iterator[tuple[int, int]]:
    """The fitting places along the edge between what fits and what does not, each a width and a resolution.

    As if a smaller width or resolution never needed more: from the given width and the least resolution on, to the next
    larger resolution where the network fits, to the next smaller width where it does not. So one network is made for
    each step along either list, not one for each combination.
    """
    resolution = len(sizes.resolutions) - 1
    for width in range(len(sizes.widths)):
        while resolution >= 0:
            scaled = sizes.at(width, resolution)
            if scaled is not None:
                if not keeps_limits(scaled.graph, setting):
                    break
                yield width, resolution
            resolution -= 1
        else:
            return


def _made(sizes: Sizes, place: tuple[int, int]) -> Scaled:
    scaled = sizes.known[place]
    assert scaled is not None
    return scaled


def _is_verified(scaled: Scaled, setting: Setting) -> bool:
    """Whether it fits with addresses assigned to its buffers."""
    return needs_of(scaled.graph, setting).within(setting.limits)


def fitting_variants(origin: Origin, setting: Setting, most: int) -> list[Scaled]:
    """Published variants of the family that fit, those with the most MACs first.

    Parameters that were given hold for them too, as far as a variant does not set them itself.
    """
    if origin.program is None or not origin.is_bundled:
        return []
    found = []
    for name in variant_names(origin.program.name):
        _, own, _ = find(name)
        kept = {key: value for key, value in origin.parameters.items() if key not in own}
        try:
            graph = load(name, **kept)
        except CostmodelError:  # the parameters do not go together
            continue
        if graph.layers != origin.graph.layers and keeps_limits(graph, setting):
            found.append(Scaled(graph, cost_table(graph).total("macs"), kept, name))
    found.sort(key=lambda scaled: -scaled.macs)
    return [scaled for scaled in found[: 2 * most] if _is_verified(scaled, setting)][:most]
