"""The engine on rules written here: every constant by hand, Eq. 1 without terms, never slower for more hardware."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import cost_table, load
from costmodel.fusion import FUSIONS
from costmodel.latency.constants import CONSTANTS, NUMBERS, TERMS
from costmodel.latency.families import Family, family_of
from costmodel.latency.model import Rates, row_times
from costmodel.latency.prepared import prepared
from costmodel.workloads import Workload, workload_of

COSTS = cost_table(load("mobilenet_v2"))
WORKLOAD = workload_of(COSTS, FUSIONS["folded"])


def family(*rules: dict[str, Any], spill: str = "smooth") -> Family:
    head = {"name": "here", "title": "written here", "source": "a test", "spill": spill}
    return family_of({"runtime": head, "rule": [{"name": f"rule_{at}", **rule} for at, rule in enumerate(rules)]})


def times(own: Family, workload: Workload = WORKLOAD, batch: Any = 1, terms: Any = None, **changes: Any) -> Any:
    made = prepared(workload, own, {"layout": "nhwc"}, batch)
    settings: dict[str, Any] = {
        "macs_per_second": 1e9, "bytes_per_second": 1e9, "activation_bytes": 1.0, "weight_bytes": 1.0, "factors": {},
        "numbers": {}, "levels": (),
    }  # fmt: skip
    return row_times(made.columns, made.base, Rates(**settings | changes), batch, own, terms)


def one_row(kind: str = "linear", operator: str = "linear", **sizes: float) -> Workload:
    """6 x 4 x 10 products; 60 in, 24 out, 40 weights."""
    plain = {name: np.zeros(1) for name in WORKLOAD.sizes} | {
        "macs": np.array([240.0]), "m": np.array([6.0]), "n": np.array([4.0]), "k": np.array([10.0]),
        "products": np.ones(1), "input_elements": np.array([60.0]), "output_elements": np.array([24.0]),
        "weight_elements": np.array([40.0]), "out_width": np.array([3.0]), "out_height": np.array([2.0]),
        "in_channels": np.array([10.0]),
    }  # fmt: skip
    own = plain | {name: np.array([value]) for name, value in sizes.items()}
    return Workload("one", ("row",), (kind,), (operator,), np.ones(1), own)


def test_without_terms_it_is_equation_1() -> None:
    found = times(family(), macs_per_second=3e9, bytes_per_second=7e8)
    sizes = WORKLOAD.sizes
    moved = sizes["input_elements"] + sizes["output_elements"] + sizes["weight_elements"]
    assert found.latency_seconds.tolist() == pytest.approx(np.maximum(sizes["macs"] / 3e9, moved / 7e8).tolist())


def test_terms_switched_off_are_equation_1_too() -> None:
    every = family({"set": {"compute": 0.3, "half_k": 9.0, "overhead_seconds": 1e-3, "overlap": 2.0, "padded": 1.0,
                            "width_n": 8.0, "activation_share": 0.5, "element_seconds": 1e-6}})  # fmt: skip
    assert times(every, terms=frozenset()).latency_seconds.tolist() == times(family()).latency_seconds.tolist()
    assert times(every).latency_seconds.sum() > times(family()).latency_seconds.sum()


MACS_SECONDS, BYTES = 240 / 1e9, 124


@pytest.mark.parametrize(
    ("constants", "compute", "moved"),
    [
        ({}, 240, 124),
        ({"compute": 0.5}, 480, 124),
        ({"bandwidth": 0.5}, 240, 248),
        ({"activation_share": 0.5}, 240, 42 + 40),
        ({"weight_share": 3.0}, 240, 84 + 120),
        ({"score_share": 2.0}, 240, 124 + 2 * 24),
        ({"element_seconds": 2e-9}, 240 + 2 * 60, 124),  # the larger side has 60
        ({"half_m": 3.0}, 240 * 1.5, 124),
        ({"half_n": 4.0}, 480, 124),
        ({"half_k": 5.0}, 360, 124),
        ({"half_mn": 24.0}, 480, 124),
        ({"half_width": 3.0}, 480, 124),
        ({"half_products": 1.0}, 480, 124),
        ({"half_channels": 10.0}, 240, 84 * 2 + 40),
        ({"half_positions": 6.0}, 240, 84 * 2 + 40),
        ({"padded": 1.0, "width_n": 8.0}, 480, 124),
        ({"padded": 0.5, "width_n": 8.0}, 360, 124),
        ({"padded": 1.0, "width_m": 4.0, "width_k": 16.0}, 240 * (8 / 6) * 1.6, 124),
        ({"tile": 4.0, "tile_padded": 1.0}, 240 * 2 * (4 / 3), 124),
    ],
)
def test_a_constant_by_hand(constants: dict[str, float], compute: float, moved: float) -> None:
    """At 1e9 MAC/s and 1e9 bytes/s every count is a nanosecond."""
    found = times(family({"set": constants}), one_row())
    assert found.compute_seconds[0] * 1e9 == pytest.approx(compute)
    assert found.memory_seconds[0] * 1e9 == pytest.approx(moved)
    assert found.latency_seconds[0] * 1e9 == pytest.approx(max(compute, moved))


@pytest.mark.parametrize(
    ("constants", "numbers", "nanoseconds"),
    [
        ({"overlap": 1.0}, {}, 364),
        ({"overlap": 2.0}, {}, math.hypot(240, 124)),
        ({"overhead_seconds": 1e-7}, {}, 340),
        ({"launch_seconds": 1e-6}, {}, 1000),
        ({"launch_seconds": 1e-8}, {}, 240),
        ({"weights_apart": 1.0}, {}, 280),  # 240 beside 84, then 40
        ({"overhead_seconds": 1e-7}, {"time_factor": 2.0}, 680),
        ({"activation_spill": 3.0, "overlap": 1.0}, {"activation_capacity_bytes": 84.0}, 240 + 84 * 2.5 + 40),
        ({"weight_spill": 3.0, "overlap": 1.0}, {"weight_capacity_bytes": 40.0}, 240 + 84 + 40 * 2.5),
    ],
)
def test_a_term_by_hand(constants: dict[str, float], numbers: dict[str, float], nanoseconds: float) -> None:
    found = times(family({"set": constants}), one_row(), numbers=numbers)
    assert found.latency_seconds[0] * 1e9 == pytest.approx(nanoseconds)


def test_levels_of_memory_by_hand() -> None:
    """Of 84 bytes of activations 50 at twice the rate, the rest and 40 bytes of weights at the rate of DRAM."""
    found = times(family({"set": {"overlap": 1.0}}), one_row(), levels=((50.0, 2e9),))
    assert found.memory_seconds[0] * 1e9 == pytest.approx(25 + 34 + 40)
    off = times(family(), one_row(), levels=((50.0, 2e9),), terms=frozenset(TERMS) - {"tiers"})
    assert off.memory_seconds[0] * 1e9 == pytest.approx(124)


def test_the_batch_multiplies_work_and_activations_but_not_weights() -> None:
    found = times(family(), one_row(), batch=3)
    assert found.compute_seconds[0] * 1e9 == pytest.approx(720)
    assert found.memory_seconds[0] * 1e9 == pytest.approx(3 * 84 + 40)
    assert times(family({"set": {"half_m": 18.0}}), one_row(), batch=3).compute_seconds[0] * 1e9 == pytest.approx(1440)


def test_a_batch_per_row_is_that_of_each_row() -> None:
    own = family({"set": {"half_m": 8.0, "overlap": 2.0, "overhead_seconds": 1e-8}})
    batches = np.arange(1, len(WORKLOAD.kinds) + 1, dtype=float)
    together = times(own, batch=batches).latency_seconds
    alone = [times(own, batch=float(batch)).latency_seconds[at] for at, batch in enumerate(batches)]
    assert together.tolist() == pytest.approx(alone)


def test_factors_of_a_device() -> None:
    own = family({"kinds": ["linear"], "set": {"compute": 0.5}})
    assert times(own, one_row(), factors={"compute": 0.5}).compute_seconds[0] * 1e9 == pytest.approx(960)
    assert times(own, one_row(), factors={"compute@rule_0": 0.5}).compute_seconds[0] * 1e9 == pytest.approx(960)
    elsewhere = times(own, one_row("matmul", "matmul"), factors={"compute@rule_0": 0.5})
    assert elsewhere.compute_seconds[0] * 1e9 == pytest.approx(240)


def test_the_first_rule_that_sets_decides_and_every_rule_multiplies() -> None:
    own = family(
        {"kinds": ["linear"], "where": {"k": [8, 16]}, "set": {"compute": 0.5}},
        {"kinds": ["linear"], "set": {"compute": 0.25, "bandwidth": 0.5}},
        {"times": {"compute": 0.5}},
        {"conditions": {"layout": "nchw"}, "times": {"compute": 0.1}},
        {"multiple_of": {"n": 4}, "times": {"bandwidth": 0.5}},
        {"not_multiple_of": {"n": 4}, "times": {"bandwidth": 0.1}},
        {"operators": ["attention"], "set": {"overhead_seconds": 1.0}},
    )
    found = times(own, one_row())
    assert found.compute_seconds[0] * 1e9 == pytest.approx(240 / 0.25)
    assert found.memory_seconds[0] * 1e9 == pytest.approx(124 / 0.25)
    assert times(own, one_row(k=20.0)).compute_seconds[0] * 1e9 == pytest.approx(240 / 0.125)
    assert times(own, one_row(n=6.0)).memory_seconds[0] * 1e9 == pytest.approx(124 / 0.05)


positive = st.floats(0.01, 1.0)


@settings(deadline=None)
@given(
    compute=positive, bandwidth=positive, half=st.floats(0, 100), p=st.floats(1, 20), spill=st.floats(0, 5),
    overhead=st.floats(0, 1e-5), launch=st.floats(0, 1e-4), more=st.floats(1, 50),
)  # fmt: skip
def test_more_hardware_never_costs_time(
    compute: float, bandwidth: float, half: float, p: float, spill: float, overhead: float, launch: float, more: float
) -> None:
    """In any row: peak, bandwidth, capacity, and a nearer memory that is faster or larger."""
    own = family({"set": {
        "compute": compute, "bandwidth": bandwidth, "half_m": half, "half_n": half, "half_k": half, "overlap": p,
        "activation_spill": spill, "weight_spill": spill, "overhead_seconds": overhead, "launch_seconds": launch,
        "padded": 0.5, "width_n": 16.0,
    }})  # fmt: skip
    capacities = {"activation_capacity_bytes": 1e5, "weight_capacity_bytes": 1e6}
    base = times(own, numbers=capacities).latency_seconds
    assert (base >= 0).all()
    for change in (
        {"macs_per_second": 1e9 * more}, {"bytes_per_second": 1e9 * more},
        {"numbers": {name: value * more for name, value in capacities.items()}},
    ):  # fmt: skip
        better = times(own, **{"numbers": capacities} | change).latency_seconds
        assert (better <= base * (1 + 1e-9)).all(), change
    near = times(own, numbers=capacities, levels=((1e5, 2e9),)).latency_seconds
    nearer = times(own, numbers=capacities, levels=((1e5 * more, 2e9 * more),)).latency_seconds
    assert (near <= base * (1 + 1e-9)).all()
    assert (nearer <= near * (1 + 1e-9)).all()


def test_every_constant_belongs_to_a_term_and_is_neutral_within_its_bounds() -> None:
    for name, constant in CONSTANTS.items():
        assert constant.name == name
        assert constant.term in TERMS
        assert constant.least <= constant.neutral <= constant.most
        assert constant.meaning
    assert all(meaning for meaning in NUMBERS.values())
    assert {constant.term for constant in CONSTANTS.values()} | {"fusion", "inference"} == set(TERMS)


@pytest.mark.parametrize("name", [name for name in CONSTANTS])
def test_setting_a_constant_to_its_neutral_value_changes_nothing(name: str) -> None:
    own = family({"set": {name: CONSTANTS[name].neutral}})
    capacities = {"activation_capacity_bytes": 1e5, "weight_capacity_bytes": 1e6}
    found = times(own, numbers=capacities).latency_seconds
    assert found.tolist() == pytest.approx(times(family()).latency_seconds.tolist())
