"""Rules on many operators at once against rules on one operator after the other, for every bundled runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import cost_table, load
from costmodel.fusion import fusion_named
from costmodel.latency.constants import CONSTANTS
from costmodel.latency.families import families, family_named, family_of
from costmodel.latency.prepared import prepared
from costmodel.latency.rules import matched
from costmodel.workloads import Workload, workload_of

NETWORKS = ("mobilenet_v3_large_1.0_224", "vit_base_patch16_224", "shufflenet_v2_x1_0")
CONDITIONS = {"layout": "nhwc", "dtype": "int8", "device": "here", "class": "MCU", "threads": "1"}
KINDS = ("conv", "linear", "pool")
HEAD = {"name": "here", "title": "written here", "source": "a test"}


def together_and_alone(workload: Workload, name: str) -> tuple[list[Any], list[Any]]:
    """Constants and rules of every row: from all rows together, and row by row by a function that knows no arrays."""
    own = family_named(name)
    made = prepared(workload, own, CONDITIONS, 1)
    together, alone = [], []
    for at, (kind, operator) in enumerate(zip(workload.kinds, workload.operators, strict=True)):
        sizes = {column: float(values[at]) for column, values in made.columns.items()}
        single = matched(own.rules, kind, operator, sizes, CONDITIONS)
        found = {constant: values[at] for constant, values in made.base.constants.items()}
        neutral = {constant: described.neutral for constant, described in CONSTANTS.items()}
        together.append((neutral | found, {rule for rule, holds in made.base.applies.items() if holds[at]}))
        alone.append((neutral | dict(single.constants), set(single.applies)))
    return together, alone


@pytest.mark.parametrize("name", families())
def test_rows_together_have_the_constants_of_each_alone(name: str) -> None:
    rule = fusion_named(family_named(name).fusion)
    for network in NETWORKS:
        together, alone = together_and_alone(workload_of(cost_table(load(network)), rule), name)
        assert together == alone


rules = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "kinds": st.lists(st.sampled_from(KINDS), min_size=1),
            "operators": st.lists(st.sampled_from(("conv2d", "linear")), min_size=1),
            "where": st.dictionaries(st.sampled_from(("m", "n")), st.just([2, 5])),
            "multiple_of": st.just({"m": 2}),
            "conditions": st.sampled_from(({"layout": "nhwc"}, {"layout": "nchw"})),
            "set": st.dictionaries(st.sampled_from(("compute", "bandwidth")), st.floats(0.1, 1)),
            "times": st.dictionaries(st.just("compute"), st.sampled_from((0.5, "n"))),
        },
    ),
    max_size=6,
)


@settings(deadline=None)
@given(rules, st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 7), st.integers(1, 7)), max_size=5))
def test_any_rules_on_any_rows(tables: list[dict[str, object]], rows: list[tuple[str, int, int]]) -> None:
    own = family_of({"runtime": HEAD, "rule": [{"name": f"rule_{at}", **table} for at, table in enumerate(tables)]})
    kinds = [kind for kind, *_ in rows]
    words = ["conv2d" if kind == "conv" else kind for kind in kinds]
    columns = {"m": np.array([m for _, m, _ in rows], float), "n": np.array([n for *_, n in rows], float)}
    for conditions in (CONDITIONS, CONDITIONS | {"layout": "nchw"}):
        together = own.arrays.matched(kinds, words, columns, conditions)
        for at, (kind, word) in enumerate(zip(kinds, words, strict=True)):
            sizes = {name: values[at] for name, values in columns.items()}
            alone = matched(own.rules, kind, word, sizes, conditions)
            for name in ("compute", "bandwidth"):
                found = together.constants.get(name)
                assert (1 if found is None else found[at]) == alone.constants.get(name, 1)
            assert {name for name, holds in together.applies.items() if holds[at]} == alone.applies.keys()
