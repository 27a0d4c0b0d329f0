"""Layers in units, and units in a row: fewer of them, with the same least peak in all orders."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from costmodel import load
from costmodel.graph import Graph, Layer, image
from costmodel.memory import definition_named
from costmodel.memory.ordering.bounds import held_by_unit, least_held, part_of
from costmodel.memory.ordering.least import best_order
from costmodel.memory.ordering.links import linked
from costmodel.memory.ordering.precedence import after, before, segments
from costmodel.memory.ordering.units import Plan, Unit, plan_of
from costmodel.operators.activation import Activation
from costmodel.operators.base import Operator
from costmodel.operators.combining import Add, Concat, Split
from costmodel.operators.convolution import Conv2d
from costmodel.operators.normalization import BatchNorm
from costmodel.records import replace
from costmodel.shapes import infer_shapes


def planned(graph: Graph, definition: str = "fused") -> Plan:
    return plan_of(graph, definition_named(definition), 8, infer_shapes(graph))


def wired(random: Random) -> Graph:
    """Chains of convolutions of random widths between random tensors, and tensors joined."""
    layers: list[Layer] = []
    channels = {"image": random.randint(1, 12)}

    def make(operator: Operator, read: tuple[str, ...], width: int) -> str:
        name = f"layer_{len(layers)}"
        layers.append(Layer(name, operator, read, (name,)))
        channels[name] = width
        return name

    while len(layers) < 11:
        name = random.choice(list(channels)[-8:])
        for _ in range(random.randint(1, 4)):
            width = random.randint(1, 12)
            name = make(Conv2d(width), (name,), width)
            if random.random() < 0.3:
                name = make(Activation("relu"), (name,), width)
        if random.random() < 0.8:
            unread = [other for other in channels if not any(other in layer.inputs for layer in layers)]
            others = random.choices(random.choice((unread, list(channels)[-4:])), k=random.randint(1, 2))
            make(Concat("channels"), (name, *others), channels[name] + sum(channels[other] for other in others))
    read = {name for layer in layers for name in layer.inputs}
    ends = tuple(layer.name for layer in layers if layer.name not in read)
    return Graph("wired", {"image": image(channels["image"], 1, 1)}, tuple(layers), ends, {})


def least_peak(units: Sequence[Unit], start_bytes: int) -> int:
    """The least peak over all orders: set by set, the least that was ever held on the way to it."""
    reached = {0: (0, start_bytes)}
    for _ in units:
        further: dict[int, tuple[int, int]] = {}
        for done, (peak, held) in reached.items():
            for at, unit in enumerate(units):
                if not done >> at & 1 and not unit.needs & ~done:
                    most, change = unit.effect(done)
                    found = max(peak, held + most), held + change
                    further[done | 1 << at] = min(found, further.get(done | 1 << at, found))
        reached = further
    ((peak, _),) = reached.values()
    return peak


@pytest.mark.parametrize("definition", ["live", "fused", "inplace"])
def test_links_leave_the_least_peak(definition: str) -> None:
    fewer = 0
    for seed in range(150):
        plan = planned(wired(Random(seed)), definition)
        units = linked(plan.units)
        assert sorted(layer for unit in units for layer in unit.layers) == sorted(
            layer for unit in plan.units for layer in unit.layers
        )
        assert least_peak(units, plan.start_bytes) == least_peak(plan.units, plan.start_bytes), seed
        fewer += len(plan.units) - len(units)
    assert fewer > 300


@pytest.mark.parametrize("definition", ["live", "fused"])
def test_the_search_finds_the_least_peak(definition: str) -> None:
    for seed in range(150):
        plan = planned(wired(Random(1000 + seed)), definition)
        least = max(least_peak(plan.units, plan.start_bytes), plan.opening_bytes)
        found = best_order(plan, limit=10_000)
        assert found.lower_bound_bytes == least, seed
        for limit in (1, 10):
            assert best_order(plan, limit).lower_bound_bytes <= least, seed


def test_parts_and_what_every_order_holds() -> None:
    """A part alone needs what it needs between the others, and no order holds less in a unit than is said."""
    cuts = 0
    for seed in range(60):
        plan = planned(wired(Random(2000 + seed)))
        order = range(len(plan.units))
        held, levels = held_by_unit(plan.units, plan.start_bytes, order)
        needs = [unit.needs for unit in plan.units]
        earlier, later = before(needs), after(needs)
        parts = segments(earlier, order)
        for part in parts:
            units = part_of(plan.units, part)
            alone, _ = held_by_unit(units, levels[part[0]], range(len(part)))
            assert alone == held[part[0] : part[-1] + 1]
            cuts += 1
        for unit in order:
            assert least_held(plan, unit, earlier[unit], later[unit]) <= held[unit]
    assert cuts > 150


def test_an_output_is_held_to_the_end() -> None:
    graph = layers(("kept", Conv2d(5), "image"), ("conv", Conv2d(3), "kept"), ("last", Conv2d(1), "conv"))
    for outputs, bytes in ((("last",), 3 + 1), (("kept", "last"), 3 + 1 + 5)):
        assert least_held(planned(replace(graph, outputs=outputs)), 2, 0b11, 0) == bytes


def layers(*rows: tuple[str, Operator, str]) -> Graph:
    """On an image of 4 values; the last layer is the output."""
    made = tuple(
        Layer(name, operator, tuple(read.split()), (name,) if name != "parts" else ("parts.0", "parts.1"))
        for name, operator, read in rows
    )
    return Graph("tiny", {"image": image(4, 1, 1)}, made, (made[-1].name,), {})


def test_views_and_what_writes_over_its_input_join_what_makes_it() -> None:
    graph = layers(
        ("relu", Activation("relu"), "image"),
        ("conv", Conv2d(6), "relu"),
        ("norm", BatchNorm(), "conv"),
        ("parts", Split((2, 4)), "norm"),
        ("first", Conv2d(4), "parts.0"),
        ("second", Activation("relu"), "parts.1"),
        ("sum", Add(), "first second"),
    )
    plan = planned(graph)
    assert (plan.opening, plan.opening_bytes, plan.start_bytes) == ((0,), 4, 4)
    assert [unit.layers for unit in plan.units] == [(1, 2, 3), (4,), (5,), (6,)]
    conv, first, second, last = plan.units
    assert (conv.written_bytes, conv.kept_bytes, conv.freed) == (6, 6, ((0, 4),))
    assert (first.overwritten, first.freed) == (None, ((0b100, 6),))
    assert (second.overwritten, second.freed) == ((0b010, 4), ((0b010, 6),))
    assert (last.needs, last.effect(0b111)) == (0b110, (4, -4))
    assert [unit.layers for unit in planned(graph, "live").units] == [(0,), (1,), (2, 3), (4,), (5,), (6,)]


def test_a_chain_that_narrows_is_one_unit_and_one_that_may_be_left_halfway_is_not() -> None:
    def chain(*widths: int) -> list[tuple[int, ...]]:
        rows = [(f"conv_{at}", Conv2d(width), f"conv_{at - 1}" if at else "image") for at, width in enumerate(widths)]
        return [unit.layers for unit in linked(planned(layers(*rows)).units)]

    assert chain(9, 5, 3) == [(0, 1, 2)]  # each frees more than it leaves, and holds less than the one before it did
    assert chain(9, 5, 8) == [(0, 1), (2,)]  # 5 may be left while others run


def test_a_large_network() -> None:
    """Cells of many branches become a third of their units."""
    plan = planned(load("nasnet_a_mobile"))
    units = linked(plan.units)
    assert len(plan.units) == 632
    assert len(units) < 260
    assert len({layer for unit in units for layer in unit.layers}.union(plan.opening)) == 906
