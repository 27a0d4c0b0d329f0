"""Sets of layers that an execution can have behind it, against trying every set."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from costmodel.graph import Graph, Layer, image
from costmodel.memory.ordering import count_down_sets, down_sets
from costmodel.memory.ordering.precedence import after, before, needs_of, segments
from costmodel.operators.combining import Add


def wired(needs: list[set[int]]) -> Graph:
    """Additions of what the layers make that each needs, or of the image."""
    layers = tuple(
        Layer(str(at), Add(), tuple(map(str, sorted(needed))) or ("image",), (str(at),))
        for at, needed in enumerate(needs)
    )
    return Graph("wired", {"image": image(1, 1, 1)}, layers, (), {})


@pytest.mark.parametrize("density", [0.1, 0.2, 0.4, 0.7])
def test_random_networks_against_trying_every_set(density: float) -> None:
    for seed in range(25):
        random = Random(seed)
        needs = [{other for other in range(at) if random.random() < density} for at in range(9)]
        sets = [set(chosen) for size in range(10) for chosen in combinations(range(9), size)]
        assert count_down_sets(wired(needs)) == sum(all(needs[at] <= chosen for at in chosen) for chosen in sets)


def test_what_runs_before_and_after_and_where_all_paths_meet() -> None:
    """0, then 1 and 2 in either order, then 3 and 4 that need both, then 5 on 4 alone."""
    needs = needs_of(wired([set(), {0}, {0}, {1, 2}, {1, 2}, {4}]))
    assert needs == [0, 0b1, 0b1, 0b110, 0b110, 0b10000]
    assert before(needs) == [0, 0b1, 0b1, 0b111, 0b111, 0b10111]
    assert after(needs) == [0b111110, 0b111000, 0b111000, 0, 0b100000, 0]
    assert segments(before(needs), range(6)) == [[0], [1, 2], [3, 4, 5]]
    assert count_down_sets(wired([set(), {0}, {0}, {1, 2}, {1, 2}, {4}])) == 1 + 1 + 3 + 5


def test_a_fence_of_two_hundred_layers() -> None:
    """Each layer of the second row needs two neighbours of the first: every other Fibonacci number."""

    def fence(length: int) -> list[set[int]]:
        pairs = [[set(), {max(0, 2 * at - 3), 2 * at - 1}] for at in range(1, length)]
        return [set(), *(needed for pair in pairs for needed in pair)]

    assert [count_down_sets(wired(fence(length))) for length in (1, 2, 3, 4)] == [2, 5, 13, 34]
    before_last, last = 0, 1
    for _ in range(2 * 100):
        before_last, last = last, before_last + last
    assert count_down_sets(wired(fence(100))) == last


def test_no_number_where_there_are_too_many_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(1)
    needs = [{other for other in range(at) if random.random() < 0.1} for at in range(30)]
    assert count_down_sets(wired(needs)) is not None
    monkeypatch.setattr(down_sets, "MAXIMUM_PIECES", 20)
    assert count_down_sets(wired(needs)) is None
    monkeypatch.setattr(down_sets, "MAXIMUM_PIECES", 20_000)
    monkeypatch.setattr(down_sets, "MAXIMUM_DEPTH", 2)
    assert count_down_sets(wired(needs)) is None
