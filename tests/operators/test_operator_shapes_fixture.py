"""Shapes and parameters of convolution and pooling against those PyTorch gave, in PyTorch's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from costmodel.graph import image
from costmodel.operators import OPERATORS
from costmodel.operators.base import Operator

FIXTURE = Path(__file__).parents[1] / "fixtures" / "operator_shapes.json"
CASES: list[dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))

OUR_NAMES = {"kernel_size": "kernel", "ceil_mode": "rounding"}
NOT_OURS = {"count_include_pad"}
"""Changes the divisor of a mean, not its shape."""


def operator_of(case: dict[str, Any]) -> Operator:
    """The operator of a case, its fields in our words."""
    fields: dict[str, Any] = {}
    for name, value in case["fields"].items():
        if name in NOT_OURS:
            continue
        if name == "ceil_mode":
            value = "ceil" if value else "floor"
        fields[OUR_NAMES.get(name, name)] = tuple(value) if isinstance(value, list) else value
    return OPERATORS[case["op"]](**fields)


def named(case: dict[str, Any]) -> str:
    return f"{case['op']} {case['input']} {case['fields']}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_shape_and_params_as_in_pytorch(case: dict[str, Any]) -> None:
    operator = operator_of(case)
    inputs = (image(*case["input"]),)
    outputs = operator.output_shapes(inputs)
    assert outputs == (image(*case["output"]),)
    count = operator.count(inputs, outputs)
    assert count.weight_params + count.bias_params == case["params"]
    assert count.norm_params == count.other_params == 0


def test_the_fixture_has_the_hard_cases() -> None:
    assert len(CASES) == 148
    assert {case["op"] for case in CASES} == {"conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d"}
    assert sum(case["fields"].get("ceil_mode", False) for case in CASES) == 36
    assert any(case["input"][1] != case["input"][2] for case in CASES)
    assert any(case["fields"].get("groups", 1) > 1 for case in CASES)
    assert any(case["fields"].get("output_padding") not in (None, 0, [0, 0]) for case in CASES)
