"""What must run before what. A set of steps is an integer: bit i stands for step i."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costmodel.graph import Graph


def steps_in(chosen: int) -> Iterator[int]:
    """The steps of a set, ascending.

    >>> list(steps_in(0b10110))
    [1, 2, 4]
    """
    while chosen:
        lowest = chosen & -chosen
        yield lowest.bit_length() - 1
        chosen ^= lowest


def needs_of(graph: Graph) -> list[int]:
    """For each layer the layers whose outputs it reads."""
    maker = {name: step for step, layer in enumerate(graph.layers) for name in layer.outputs}
    return [
        sum(1 << step for step in {maker[name] for name in layer.inputs if name in maker}) for layer in graph.layers
    ]


def before(needs: Sequence[int]) -> list[int]:
    """For each step all that must run before it, given what each reads directly; steps are in a valid order.

    >>> before([0b0, 0b1, 0b10])
    [0, 1, 3]
    """
    earlier: list[int] = []
    for needed in needs:
        total = needed
        for step in steps_in(needed):
            total |= earlier[step]
        earlier.append(total)
    return earlier


def after(needs: Sequence[int]) -> list[int]:
    """For each step all that can only run after it.

    >>> after([0b0, 0b1, 0b10])
    [6, 4, 0]
    """
    later = [0] * len(needs)
    for step in reversed(range(len(needs))):
        reached = later[step] | 1 << step
        for needed in steps_in(needs[step]):
            later[needed] |= reached
    return later


def segments(earlier: Sequence[int], steps: Sequence[int]) -> list[list[int]]:
    """Steps cut wherever all on one side must run before all on the other, as before and after a layer that every
    other one is before or after. Steps are in a valid order and come with all that must run `earlier`.

    A chain of two, then two steps that may run in either order:

    >>> segments([0b0, 0b1, 0b11, 0b11], range(4))
    [[0], [1], [2, 3]]
    """
    common = [-1]  # what must run before each of the steps from here to the end
    for step in reversed(steps):
        common.append(common[-1] & earlier[step])
    done, parts = 0, []
    for step, needed in zip(steps, reversed(common), strict=False):
        if not done & ~needed:
            parts.append([step])
        else:
            parts[-1].append(step)
        done |= 1 << step
    return parts
