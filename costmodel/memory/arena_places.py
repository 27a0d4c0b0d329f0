"""What an arena has to give addresses to: buffers, with those that overwrite one another joined into one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from costmodel.arithmetic import ceil_div
from costmodel.memory.storage import Buffer
from costmodel.records import record


class Segment(NamedTuple):
    """Steps from `start` to `stop`, both included, in which a place holds `bytes`."""

    start: int
    stop: int
    bytes: int


@record
class Place:
    """Buffers that begin at one address because each writes over the one before it.

    While one overwrites the other the place holds the larger of the two, afterwards only the later one: its size may
    change from segment to segment. `bytes` is the greatest.
    """

    names: tuple[str, ...]
    segments: tuple[Segment, ...]
    bytes: int

    @property
    def start(self) -> int:
        """The first step that needs it."""
        return self.segments[0].start

    @property
    def stop(self) -> int:
        """The last step that needs it."""
        return self.segments[-1].stop


class Neighbour(NamedTuple):
    """A place that is needed in some of the same steps.

    In those steps the place itself holds at most `own_bytes` and the other at most `bytes`: either the other begins
    `own_bytes` above it or further, or it begins `bytes` above the other or further.
    """

    place: int
    own_bytes: int
    bytes: int


def places_of(buffers: Mapping[str, Buffer], alignment: int) -> tuple[Place, ...]:
    """The places of buffers, in order of their first buffers, with sizes rounded up to whole multiples of `alignment`.

    >>> wide, narrow = Buffer("wide", 90, 0, 2), Buffer("narrow", 20, 2, 5, overwrites="wide")
    >>> (place,) = places_of({"wide": wide, "narrow": narrow}, alignment=16)
    >>> [tuple(segment) for segment in place.segments]
    [(0, 2, 96), (3, 5, 32)]
    """
    over = {buffer.overwrites: buffer for buffer in buffers.values() if buffer.overwrites}
    places = []
    for buffer in buffers.values():
        if buffer.overwrites:
            continue
        chain = [buffer]
        while chain[-1].name in over:
            chain.append(over[chain[-1].name])
        segments = _segments(chain, alignment)
        places.append(Place(tuple(each.name for each in chain), segments, max(each.bytes for each in segments)))
    return tuple(places)


def _segments(chain: list[Buffer], alignment: int) -> tuple[Segment, ...]:
    """Sizes over time; steps that hold the same are one segment."""
    segments: list[Segment] = []
    for buffer in chain:
        start, stop = buffer.start, buffer.stop
        bytes = ceil_div(buffer.bytes, alignment) * alignment
        if segments and segments[-1].bytes > bytes:
            start += 1  # what it overwrites is the larger one and still there in the step they share
        elif segments:
            last = segments.pop()
            if last.bytes == bytes:
                start = last.start
            elif last.start < start:
                segments.append(Segment(last.start, start - 1, last.bytes))
        if start <= stop:
            segments.append(Segment(start, stop, bytes))
    return tuple(segments)


def held_by_step(places: Iterable[Place]) -> list[int]:
    """Bytes of all places together in every step, up to the last in which there is one.

    >>> from costmodel.memory.storage import Buffer
    >>> held_by_step(places_of({"x": Buffer("x", 5, 0, 1), "y": Buffer("y", 4, 1, 2)}, alignment=1))
    [5, 9, 4]
    """
    segments = [segment for place in places for segment in place.segments]
    change = [0] * (max((segment.stop for segment in segments), default=-1) + 2)
    for start, stop, bytes in segments:
        change[start] += bytes
        change[stop + 1] -= bytes
    held, total = [], 0
    for each in change[:-1]:
        total += each
        held.append(total)
    return held


def neighbours_of(places: tuple[Place, ...]) -> tuple[tuple[Neighbour, ...], ...]:
    """For each place those that are needed in some of the same steps."""
    most: list[dict[int, tuple[int, int]]] = [{} for _ in places]
    alive: list[tuple[Segment, int]] = []
    segments = ((segment, index) for index, place in enumerate(places) for segment in place.segments)
    for segment, index in sorted(segments, key=lambda item: item[0].start):
        alive = [item for item in alive if item[0].stop >= segment.start]
        for other, place in alive:  # never a segment of the same place: those do not overlap
            own, others = most[index].get(place, (0, 0))
            own, others = max(own, segment.bytes), max(others, other.bytes)
            most[index][place], most[place][index] = (own, others), (others, own)
        alive.append((segment, index))
    return tuple(tuple(Neighbour(index, *bytes) for index, bytes in found.items()) for found in most)
