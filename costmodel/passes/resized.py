"""What every pass that changes sizes must know: learned tables and reshapes when a tensor changes its sizes."""

from __future__ import annotations

from itertools import combinations
from math import prod

from costmodel.graph import Shape


class UnscalableError(Exception):
    """A layer that cannot be scaled: the reason, and the layer where it is another than that in hand."""

    def __init__(self, problem: str, layer: str = "") -> None:
        self.problem, self.layer = problem, layer
        super().__init__(problem)


def scaled_table(parameters: int, before: Shape, after: Shape) -> int:
    """Parameters of a learned table after the tensor it is added to went from one shape to another.

    A table has one parameter per element of some of the axes: tokens x channels of a position table, heads x keys of
    an attention bias. A table that windows of unchanged size share stays.

    >>> from costmodel.graph import tokens
    >>> scaled_table(49 * 64, tokens(49, 64), tokens(49, 96)) == 49 * 96
    True

    Raises: UnscalableError when the parameters fit no axes, or axes that change differently.
    """
    if before == after:
        return parameters
    axes = range(len(before.sizes))
    sizes = {
        prod(after.sizes[at] for at in chosen)
        for count in axes
        for chosen in combinations(axes, count + 1)
        if prod(before.sizes[at] for at in chosen) == parameters
    }
    if len(sizes) == 1:
        return sizes.pop()
    changed = {axis for axis, old, new in zip(before.axes, before.sizes, after.sizes, strict=True) if old != new}
    if not sizes and changed == {"windows"}:
        return parameters
    raise UnscalableError(
        f"adds a table of {parameters} parameters to {before}, which becomes {after}: how the table changes is unknown"
    )


def regrouped(before: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """The axes before and after a reshape, in the smallest groups with equal numbers of elements.

    >>> regrouped((8, 7, 7), (8, 49))
    [([0], [0]), ([1, 2], [1])]
    """
    groups: list[tuple[list[int], list[int]]] = []
    left, right = list(range(len(before))), list(range(len(after)))
    while left and right:
        old, new = [left.pop(0)], [right.pop(0)]
        while (here := prod(before[at] for at in old)) != (there := prod(after[at] for at in new)):
            if here < there:
                old.append(left.pop(0))
            else:
                new.append(right.pop(0))
        groups.append((old, new))
    groups[-1][0].extend(left)
    groups[-1][1].extend(right)
    return groups
