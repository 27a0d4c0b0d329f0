"""Search for an order of units that stays within a budget of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from costmodel.memory.ordering.precedence import steps_in
from costmodel.memory.ordering.units import Unit
from costmodel.records import record

Move: TypeAlias = tuple[int, int, int]
"""A unit that may run next, the most that it adds to memory while it runs, and what it has added when it ends."""
Path: TypeAlias = "tuple[Path, int] | tuple[()]"
"""The last unit that ran, behind the path to it."""
State: TypeAlias = tuple[int, int, list[Move], Path]
"""The set of units that have run, the bytes held, what may run next, and how it came there. Bytes and moves depend on
the set alone."""


@record
class Attempt:
    """An order of units within the budget, or None; then there is none if the search `is_complete`, which it is unless
    it was stopped after so many `states`."""

    order: tuple[int, ...] | None
    is_complete: bool
    states: int


class OrderSearch:
    """Depth first over the sets of units that can have run, each looked at once.

    Two kinds of moves are made without trying others, because every order within the budget stays within it when they
    are moved to the front:

    - a unit that stays within the budget and leaves no more than was held before it;
    - a chain of units, each made ready by the one before, that stays within the budget, and leaves no more than was
      held before it but holds more in between.

    What they free only grows with what else has run, and so every set of units on the way, together with them, holds no
    more than it did with a part of them. Their outputs are alive until units run that come after them.
    """

    def __init__(self, units: Sequence[Unit], start_bytes: int) -> None:
        self.units, self.start_bytes = units, start_bytes
        self.followers: list[list[int]] = [[] for _ in units]
        self.touched = [0] * len(units)  # units whose effect may change when one has run
        for at, unit in enumerate(units):
            for step in steps_in(unit.needs):
                self.followers[step].append(at)
            for others, _ in unit.freed:
                self.touched[at] |= others

    def within(self, budget: int, limit: int) -> Attempt:
        """An order that never holds more than `budget`, looked for in at most `limit` sets of units."""
        everything = (1 << len(self.units)) - 1
        ready = [self._move(at, 0) for at, unit in enumerate(self.units) if not unit.needs]
        stack: list[State] = [(0, self.start_bytes, ready, ())]
        seen, states = {0}, 0
        while stack:
            if states == limit:
                return Attempt(None, False, states)
            states += 1
            reached = stack.pop()
            state = self._settled(reached, budget)
            done, held, moves, _ = state
            if done == everything:
                return Attempt(_order(state), True, states)
            if done != reached[0] and done in seen:
                continue
            seen.add(done)
            next_moves = []
            for unit, peak, change in moves:
                if held + peak <= budget and (step := done | 1 << unit) not in seen:
                    seen.add(step)
                    next_moves.append((change, unit))
            next_moves.sort(reverse=True)  # the last on the stack, which adds least, is looked at first
            stack += [self._after(state, unit, change) for change, unit in next_moves]
        return Attempt(None, True, states)

    def _move(self, unit: int, done: int) -> Move:
        return unit, *self.units[unit].effect(done)

    def _after(self, state: State, unit: int, change: int) -> State:
        done, held, moves, path = state
        done |= 1 << unit
        touched = self.touched[unit]
        left = [self._move(move[0], done) if touched >> move[0] & 1 else move for move in moves if move[0] != unit]
        return done, held + change, left + [self._move(at, done) for at in self._made_ready(unit, done)], (path, unit)

    def _made_ready(self, unit: int, done: int) -> list[int]:
        """The units that may run once a unit has, which was the last to be added to those that are done."""
        units = self.units
        return [at for at in self.followers[unit] if not units[at].needs & ~done]

    def _settled(self, state: State, budget: int) -> State:
        """The state after all moves that lose nothing."""
        while True:
            _, held, moves, _ = state
            for unit, peak, change in moves:
                if change <= 0 and held + peak <= budget:
                    state = self._after(state, unit, change)
                    break
            else:
                chain = self._chain(state, budget)
                if not chain:
                    return state
                for unit, change in chain:
                    state = self._after(state, unit, change)

    def _chain(self, state: State, budget: int) -> list[tuple[int, int]]:
        """Units one behind another that leave no more than was held before them, each with what it adds."""
        done, held, moves, _ = state
        for unit, peak, change in moves:
            chain, level, ran = [], held, done
            while level + peak <= budget:
                chain.append((unit, change))
                level, ran = level + change, ran | 1 << unit
                if level <= held:
                    return chain
                ready = self._made_ready(unit, ran)
                if len(ready) != 1:
                    break
                unit, peak, change = self._move(ready[0], ran)
        return []


def _order(state: State) -> tuple[int, ...]:
    """The units in the order in which they ran."""
    order, path = [], state[3]
    while path:
        path, unit = path
        order.append(unit)
    return tuple(reversed(order))
