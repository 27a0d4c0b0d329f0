"""What a stage holds while it runs patch by patch: its patches' own tensors, and what stays whole beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from costmodel.graph import Graph, Shape
from costmodel.memory import PeakMemory, definition_named, kept_in, stored_bytes
from costmodel.patches.regions import Regions
from costmodel.records import record

Part: TypeAlias = "tuple[int, int]"
"""A tensor of a patch: bits per pixel, and its region."""
Place: TypeAlias = "frozenset[str]"
"""Tensors that lie in the same memory, of which the largest counts."""


@record
class StageSteps:
    """What the steps of a stage hold. In every step the bytes of the places add up, each the largest of its parts;
    `whole_bytes` are held beside them. Where a definition counts the largest tensor only, that is the largest of all.
    """

    steps: tuple[tuple[tuple[Part, ...], ...], ...]
    whole_bytes: tuple[int, ...]
    counts_largest: bool

    def peak_bytes(self, heights: Iterable[Sequence[int]], widths: Iterable[Sequence[int]]) -> int:
        """The most that a patch holds, of all with these heights and widths of their regions."""
        columns = list(widths)
        running = max(self._held(rows, across) for rows in heights for across in columns)
        return max((running, *self.whole_bytes)) if self.counts_largest else running + sum(self.whole_bytes)

    def _held(self, heights: Sequence[int], widths: Sequence[int]) -> int:
        areas = [height * width for height, width in zip(heights, widths, strict=True)]
        most = 0
        for places in self.steps:
            held = 0
            for parts in places:
                if len(parts) == 1:
                    ((bits, region),) = parts
                    held += (bits * areas[region] + 7) >> 3  # whole bytes
                else:
                    held += max([(bits * areas[region] + 7) >> 3 for bits, region in parts])
            if held > most:
                most = held
        return most


class StageMemory:
    """The buffers of a network's first layers, prepared for cuts at many of them.

    The complete output of a stage is allocated once, and the last layer of every patch writes its tile into it, as do
    the norm and activation that a definition lets overwrite that tile. The image is read piece by piece, or, when it
    is held, lies there whole and is neither copied nor overwritten. A stage of one patch holds its output and image
    as any execution does.
    """

    def __init__(
        self,
        graph: Graph,
        shapes: Mapping[str, Shape],
        regions: Regions,
        peak: PeakMemory,
        bits: int,
        image_held: bool,
    ) -> None:
        self.shapes, self.bits, self.kept = shapes, bits, kept_in(graph)
        self.counts_largest = definition_named(peak.definition).counted == "tensor"
        self.buffers = peak.buffers
        self.images = [name for name in graph.inputs if name in regions.number] if image_held else []
        self.parts: dict[str, Part] = {
            name: (shapes[name].channels * bits, region) for name, region in regions.number.items()
        }
        self.places = [frozenset(self._places(step, names)) for step, names in enumerate(peak.counted)]

    def steps_up_to(self, layer: int, tensor: str, one_patch: bool) -> StageSteps:
        """What the layers up to that number hold, when `tensor` is their output."""
        whole = [] if one_patch else [tensor, *self.images]
        base = self.kept[tensor]
        in_whole = set(self.images)
        if not one_patch and self.parts[base] == self.parts[tensor]:
            in_whole.add(self._first(base))
        steps = self.places[: layer + 1]
        if in_whole:
            steps = [frozenset(filter(None, (place - in_whole for place in places))) for places in steps]
        if self.counts_largest:
            steps = [frozenset(filter(None, [frozenset().union(*(place for places in steps for place in places))]))]
        return StageSteps(
            tuple(dict.fromkeys(self._parts(places) for places in _unsurpassed(steps))),
            tuple(stored_bytes(self.shapes[name], self.bits) for name in whole),
            self.counts_largest,
        )

    def _first(self, name: str) -> str:
        """The first of the buffers that, each as large as the one before, are written over one another."""
        over = self.buffers[name].overwrites
        while over and over not in self.images and self.parts[over] == self.parts[name]:
            name = over
            over = self.buffers[name].overwrites
        return name

    def _places(self, step: int, names: Iterable[str]) -> Iterable[Place]:
        """What lies in memory during a step. Buffers that fill the place of another are called by its name."""
        first = {name: self._first(name) for name in names if name in self.parts}
        beneath = {}
        for name in first:
            over = self.buffers[name].overwrites
            if over in first and self.buffers[name].start == step:
                beneath[first[name]] = first[over]
        shared = {over for name, over in beneath.items() if over != name}
        for name in dict.fromkeys(first.values()):
            if name not in shared:
                yield frozenset((name, beneath.get(name, name)))

    def _parts(self, places: Iterable[Place]) -> tuple[tuple[Part, ...], ...]:
        return tuple(tuple(self.parts[name] for name in sorted(place)) for place in sorted(places, key=sorted))


def _unsurpassed(steps: Sequence[frozenset[Any]]) -> list[frozenset[Any]]:
    """The steps without those that hold nothing which the step before or after does not hold as well."""
    found: list[frozenset[Any]] = []
    for places in steps:
        if found and places <= found[-1]:
            continue
        if found and found[-1] <= places:
            found.pop()
        found.append(places)
    return found
