"""Units that some best order runs in a row become one: fewer units, and far fewer sets of them."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.memory.ordering.precedence import before, steps_in
from costmodel.memory.ordering.units import Condition, Unit
from costmodel.records import replace


def linked(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The same layers in fewer units, with the same least peak.

    A unit is joined to the only one that reads what it makes, where the latter does the same to memory whatever else
    has run, and

    - the latter never adds to memory, never holds more than the former did while it ran, and needs nothing that the
      former does not: then it may run at once, and what runs later meets no more memory than it would have; or
    - the former never takes from memory, and right before the latter holds no more than the latter will: then it may
      wait until there, and what runs meanwhile meets no more memory.
    """
    joining = _Joining(units)
    for head in reversed(range(len(units))):
        while joining.join(head):
            pass
    return joining.result()


class _Joining:
    """Units under their first members, by position; a place is None once its unit stands behind another."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units: list[Unit | None] = list(units)
        self.last = list(range(len(units)))
        self.members = [1 << place for place in self.last]
        needs = [unit.needs for unit in units]
        self.earlier = before(needs)
        self.followers: list[list[int]] = [[] for _ in units]
        for place, needed in enumerate(needs):
            for step in steps_in(needed):
                self.followers[step].append(place)

    def join(self, head: int) -> bool:
        """Join the unit that follows to the one that begins at a place, if that loses nothing."""
        first, followers = self.units[head], self.followers[self.last[head]]
        second = self.units[followers[0]] if len(followers) == 1 else None
        if first is None or second is None or not _acts_alike(second):
            return False
        if not self._at_once(head, first, second) and not _may_wait(first, second):
            return False
        place = followers[0]
        peak, change = second.effect(0)
        self.members[head] |= self.members[place]
        self.units[head] = replace(
            first,
            layers=first.layers + second.layers,
            needs=(first.needs | second.needs) & ~self.members[head],
            later_peak_bytes=max(first.later_peak_bytes, first.later_change_bytes + peak),
            later_change_bytes=first.later_change_bytes + change,
        )
        self.last[head], self.units[place] = self.last[place], None
        return True

    def _at_once(self, head: int, first: Unit, second: Unit) -> bool:
        peak, change = second.effect(0)
        if change > 0 or second.needs & ~(self.earlier[self.last[head]] | self.members[head]):
            return False
        # The first step of `first` holds at least written - kept above what it leaves, however much is freed with it.
        held = max(first.later_peak_bytes, first.written_bytes - first.kept_bytes)
        return first.later_change_bytes + peak <= held

    def result(self) -> tuple[Unit, ...]:
        """The units that are left, numbered anew."""
        heads = [place for place, unit in enumerate(self.units) if unit is not None]
        number = {step: at for at, head in enumerate(heads) for step in steps_in(self.members[head])}

        def renumbered(places: int) -> int:
            return sum(1 << at for at in {number[step] for step in steps_in(places)})

        def condition(old: Condition) -> Condition:
            return renumbered(old[0]), old[1]

        return tuple(
            replace(
                unit,
                needs=renumbered(unit.needs),
                overwritten=condition(unit.overwritten) if unit.overwritten else None,
                freed=tuple(map(condition, unit.freed)),
            )
            for unit in self.units
            if unit is not None
        )


def _acts_alike(unit: Unit) -> bool:
    """Whether a unit holds, frees and adds the same whatever else has run."""
    conditions = unit.freed if unit.overwritten is None else (unit.overwritten, *unit.freed)
    return not any(others for others, _ in conditions)


def _may_wait(first: Unit, second: Unit) -> bool:
    peak, _ = second.effect(0)
    freed = sum(bytes for _, bytes in first.freed)
    if first.kept_bytes + first.later_change_bytes < freed:
        return False
    # All relative to what the first step leaves. That step holds most above it where all is freed and overwritten.
    overwritten = first.overwritten[1] if first.overwritten else 0
    own_peak = max(first.later_peak_bytes, first.written_bytes - overwritten - first.kept_bytes + freed)
    return own_peak <= first.later_change_bytes + peak
