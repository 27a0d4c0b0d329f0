"""Channel counts that change together: a width is a sum of unknowns, and two that must stay equal are tied."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from costmodel.arithmetic import make_divisible
from costmodel.passes.resized import UnscalableError
from costmodel.records import record

UNEVEN = "takes channels apart that are taken apart differently elsewhere: a part would end inside a channel"


@record
class Part:
    """`times` of an unknown channel count: copies of it, or a fraction where a tensor was taken apart evenly."""

    times: Fraction
    unknown: int


Width: TypeAlias = "tuple[Part, ...]"
"""Neighbouring parts of the channels of a tensor."""
Axis: TypeAlias = "int | Width"
"""One axis of a tensor: a size that stays, or channels."""


class Widths:
    """Unknown channel counts, what ties them, and what must divide them.

    A tie cuts unknowns where it must: 128 channels that equal two tensors of 64 side by side become two of 64. Every
    unknown that is left is rounded once, so tied widths are equal whatever the multiplier. `layer` names the layer in
    hand, for messages.

    >>> widths = Widths()
    >>> whole, left, right = widths.unknown(128), widths.unknown(64), widths.unknown(64)
    >>> widths.tie(whole, left + right)
    >>> widths.round(whole, 8)
    >>> widths.solve(0.3)
    >>> widths.new(left), widths.new(whole)
    (24, 48)
    """

    def __init__(self) -> None:
        self.layer = ""
        self._sizes: list[int] = []
        self._meaning: dict[int, Width] = {}
        self._divisors: list[tuple[str, Width, int, bool]] = []
        self._fixed: list[Width] = []
        self._new: dict[int, int] = {}

    def unknown(self, size: int) -> Width:
        """A channel count that was `size` and may change."""
        self._sizes.append(size)
        return (Part(Fraction(1), len(self._sizes) - 1),)

    def constant(self, size: int) -> Width:
        """A channel count that stays, as a part of wider tensors."""
        width = self.unknown(size)
        self.fix(width)
        return width

    def fix(self, axis: Axis) -> None:
        """These channels stay as they are, and so do all that are tied to them."""
        if not isinstance(axis, int):
            self._fixed.append(axis)

    def divide(self, axis: Axis, divisor: int) -> None:
        """`divisor` (groups, heads) must go on dividing this width, as far as it divides its parts."""
        if not isinstance(axis, int):
            self._divisors.append((self.layer, axis, divisor, False))

    def round(self, width: Width, divisor: int) -> None:
        """Each part of this width becomes a multiple of `divisor`."""
        self._divisors.append((self.layer, width, divisor, True))

    def tie(self, first: Axis, second: Axis) -> None:
        """Two sizes that are equal stay equal."""
        if isinstance(first, int) or isinstance(second, int):
            self.fix(first)
            self.fix(second)
            return
        ours, theirs = self._spread(first), self._spread(second)
        while ours:
            one, other = ours[0], theirs[0]
            length, wanted = self._length(one), self._length(other)
            if one.unknown == other.unknown:
                common = min(one.times, other.times)
                ours, theirs = _without(ours, common), _without(theirs, common)
            elif length == wanted:
                kept, gone = (one, other) if self._sizes[one.unknown] >= self._sizes[other.unknown] else (other, one)
                self._meaning[gone.unknown] = (Part(kept.times / gone.times, kept.unknown),)
                ours, theirs = ours[1:], theirs[1:]
            elif length > wanted:
                self._cut(one, wanted)
            else:
                self._cut(other, length)
            ours, theirs = self._spread(ours), self._spread(theirs)

    def slice(self, width: Width, start: int, size: int) -> Width:
        """`size` neighbouring channels from `start` on."""
        taken: list[Part] = []
        parts, at = self._spread(width), Fraction(0)
        while parts and at < start + size:
            length = self._length(parts[0])
            edge = next((edge for edge in (start, start + size) if at < edge < at + length), None)
            if edge is not None:
                self._cut(parts[0], edge - at)
                parts = self._spread(parts)
                continue
            taken += parts[:1] if at >= start else ()
            parts, at = parts[1:], at + length
        self.divide(tuple(taken), 1)
        return tuple(taken)

    def parts(self, width: Width, count: int) -> tuple[Width, ...]:
        """The channels as `count` equal parts, which stay equal.

        One tensor is halved; where it was joined from equal pieces before, these are tied.
        """
        parts = self.leaves(width)
        size = self._total(parts) // count
        joined = len(parts) > 1 and all(edge in self._edges(parts) for edge in range(0, size * count, size))
        if not joined and all((self._length(part) / count).denominator == 1 for part in parts):
            piece = tuple(Part(part.times / count, part.unknown) for part in parts)
            self.divide(width, count)
            self.divide(piece, 1)
            return (piece,) * count
        cut = [self.slice(width, at * size, size) for at in range(count)]
        for piece in cut[1:]:
            self.tie(cut[0], piece)
        return tuple(cut)

    def solve(self, multiplier: float) -> None:
        """Every unknown becomes make_divisible(size*multiplier, divisor), the least divisor that serves all its uses.

        Raises: UnscalableError where a part would end inside a channel.
        """
        steps = dict.fromkeys(range(len(self._sizes)), 1)
        fixed = {part.unknown for width in self._fixed for part in self.leaves(width)}
        for layer, width, divisor, strict in self._divisors:
            for part in self.leaves(width):
                length = self._length(part)
                if length.denominator != 1:
                    raise UnscalableError(UNEVEN, layer)
                wanted = divisor if strict else gcd(divisor, length.numerator)
                step = wanted * part.times.denominator
                steps[part.unknown] = lcm(steps[part.unknown], step // gcd(part.times.numerator, step))
        self._new = {
            at: size if at in fixed else make_divisible(size * multiplier, steps[at])
            for at, size in enumerate(self._sizes)
        }

    def new(self, axis: Axis) -> int:
        """The size after `solve`."""
        if isinstance(axis, int):
            return axis
        return int(sum(part.times * self._new[part.unknown] for part in self.leaves(axis)))

    def leaves(self, width: Iterable[Part]) -> Width:
        """The width in unknowns that were neither cut nor tied to others."""
        found: list[Part] = []
        for part in width:
            if part.unknown not in self._meaning:
                found.append(part)
                continue
            meaning = self._meaning[part.unknown] = self.leaves(self._meaning[part.unknown])
            found += [Part(part.times * inner.times, inner.unknown) for inner in meaning]
        joined: list[Part] = []
        for part in found:
            if joined and joined[-1].unknown == part.unknown:
                part = Part(joined.pop().times + part.times, part.unknown)
            joined.append(part)
        return tuple(joined)

    def _spread(self, width: Iterable[Part]) -> list[Part]:
        """The same with every part the whole of an unknown, or the n-th part of one."""
        found = []
        for part in self.leaves(width):
            copies, rest = divmod(part.times.numerator, part.times.denominator)
            found += [Part(Fraction(1), part.unknown)] * copies
            found += [Part(Fraction(1, part.times.denominator), part.unknown)] * rest
        return found

    def _cut(self, part: Part, length: Fraction) -> None:
        """Two unknowns in place of that of `part`, so that the part ends after `length` channels."""
        before = length / part.times
        if before.denominator != 1:
            raise UnscalableError(UNEVEN)
        rest = self._sizes[part.unknown] - before.numerator
        self._meaning[part.unknown] = self.unknown(before.numerator) + self.unknown(rest)

    def _length(self, part: Part) -> Fraction:
        return part.times * self._sizes[part.unknown]

    def _total(self, parts: Width) -> int:
        return int(sum(map(self._length, parts)))

    def _edges(self, parts: Width) -> set[Fraction]:
        """Where the parts begin and end."""
        edges = {Fraction(0)}
        at = Fraction(0)
        for part in self._spread(parts):
            at += self._length(part)
            edges.add(at)
        return edges


def times(axis: Axis, factor: int) -> Axis:
    """A size several times over."""
    if isinstance(axis, int):
        return axis * factor
    return tuple(Part(part.times * factor, part.unknown) for part in axis)


def _without(parts: list[Part], amount: Fraction) -> list[Part]:
    """The parts without the first `amount` of the first unknown."""
    first, *others = parts
    return others if first.times == amount else [Part(first.times - amount, first.unknown), *others]
