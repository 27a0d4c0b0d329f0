"""Facts of the rows of a sweep: those of every variant are those of a network of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from costmodel.arithmetic import is_array
from costmodel.workloads.facts import FACTS, SUMS
from costmodel.workloads.rows import SIZES, Row, Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 256
"""Variants whose sizes are laid out together."""


def facts_of_variants(rows: Mapping[str, Row], names: Iterable[str]) -> dict[str, list[Any]]:
    """The facts of that name of every row: one number where all variants agree, else an array over them.

    Sums over the network are arithmetic on arrays. Other facts say which operators of a network belong together.
    """
    found: dict[str, list[Any]] = {name: [SUMS[name](rows.values())] * len(rows) for name in names if name in SUMS}
    found |= {name: [0.0] * len(rows) for name in names if not FACTS[name].in_graphs}
    others = found_one_by_one(names)
    return found | (_one_by_one(rows, others) if others else {})


def found_one_by_one(names: Iterable[str]) -> list[str]:
    """Those of the facts that are found variant by variant, at a millisecond each."""
    return [name for name in names if name not in SUMS and FACTS[name].in_graphs]


def _one_by_one(rows: Mapping[str, Row], names: list[str]) -> dict[str, list[Any]]:
    """Facts of each variant; variants that agree in all of them are told apart no further."""
    import numpy

    listed = list(rows.values())
    grid = numpy.broadcast_shapes(*[numpy.shape(size) for row in listed for size in (*row.sizes, row.repeats)])
    patterns: dict[bytes, tuple[int, NDArray[Any]]] = {}
    variants = int(numpy.prod(grid))
    pattern_of = numpy.empty(variants, int)
    columns = _Columns(listed, grid)
    kinds, operators = tuple([row.kind for row in listed]), tuple([row.operator for row in listed])
    for start in range(0, variants, AT_ONCE):
        for at, (sizes, repeats) in enumerate(columns.of_variants(start, min(start + AT_ONCE, variants)), start):
            workload = Workload("variant", tuple(rows), kinds, operators, repeats, sizes)
            table = numpy.array([FACTS[name].of(workload) for name in names])
            place, _ = patterns.setdefault(table.tobytes(), (len(patterns), table))
            pattern_of[at] = place
    tables = numpy.array([table for _, table in patterns.values()])  # pattern, fact, row
    agree = (tables == tables[0]).all(axis=0)
    return {
        name: [
            float(tables[0, fact, row]) if agree[fact, row] else tables[pattern_of, fact, row].reshape(grid)
            for row in range(len(listed))
        ]
        for fact, name in enumerate(names)
    }


class _Columns:
    """Sizes and repeats of the rows for some variants at a time; those that do not vary are laid out once."""

    def __init__(self, rows: list[Row], grid: tuple[int, ...]) -> None:
        import numpy

        self._grid = grid
        self._plain = numpy.zeros((len(SIZES) + 1, len(rows)))
        self._varying: list[tuple[int, int, Any]] = []
        for at, row in enumerate(rows):
            for place, size in enumerate((*row.sizes, row.repeats)):
                if is_array(size):
                    self._varying.append((place, at, numpy.broadcast_to(size, grid)))
                else:
                    self._plain[place, at] = size

    def of_variants(self, start: int, end: int) -> list[tuple[dict[str, Any], NDArray[Any]]]:
        """Columns of the sizes, and the repeats, of each of these variants."""
        import numpy

        table = numpy.repeat(self._plain[None], end - start, axis=0)
        where = numpy.unravel_index(numpy.arange(start, end), self._grid)
        for place, at, values in self._varying:
            table[:, place, at] = values[where]
        return [(dict(zip(SIZES, own[:-1], strict=True)), own[-1]) for own in table]
