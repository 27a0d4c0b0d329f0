"""Every operator against the table of shapes and counts worked out by hand."""

from __future__ import annotations

import pytest
from operator_cases import CASES, NORMS, POOLING, WRONG_ELSEWHERE, Case

from costmodel.costs import cost_table
from costmodel.errors import CostmodelError
from costmodel.graph import Graph, Layer, Shape, image
from costmodel.operators import OPERATORS
from costmodel.operators.base import Counts, Operator
from costmodel.operators.convolution import Conv2d, ConvTranspose2d
from costmodel.operators.normalization import BatchNorm
from costmodel.records import fields_of

by_name = pytest.mark.parametrize("case", CASES, ids=str)


@by_name
def test_output_shapes(case: Case) -> None:
    assert case.operator.output_shapes(case.inputs) == case.outputs


@by_name
def test_counts(case: Case) -> None:
    count = case.operator.count(case.inputs, case.outputs)
    expected = dict.fromkeys(fields_of(Counts), 0) | case.counts
    assert {name: getattr(count, name) for name in fields_of(Counts)} == expected
    assert all(type(getattr(count, name)) is int for name in fields_of(Counts))


@by_name
def test_row_is_written_with_known_columns(case: Case) -> None:
    assert case.counts.keys() <= set(fields_of(Counts))
    assert all(value > 0 for value in case.counts.values())


def test_no_row_stands_twice() -> None:
    names = [str(case) for case in CASES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("verb", OPERATORS)
def test_every_operator_has_a_row(verb: str) -> None:
    assert any(case.operator.verb == verb for case in CASES), f"no row for {verb!r} in operator_cases.py"


@pytest.mark.parametrize("case", [*NORMS, *POOLING], ids=str)
def test_norms_and_pooling_have_no_macs(case: Case) -> None:
    count = case.operator.count(case.inputs, case.outputs)
    assert (count.macs, count.weight_params, count.bias_params, count.weight_elements) == (0, 0, 0, 0)


def test_wrong_answers_elsewhere_cover_the_known_operators() -> None:
    verbs = {case.operator.verb for case in WRONG_ELSEWHERE}
    assert verbs >= {"linear", "matmul", "conv2d", "conv_transpose2d", "batch_norm", "lstm"}


def test_transposed_convolution_is_a_quarter_of_counting_at_the_output() -> None:
    upward, here, above = ConvTranspose2d(10, kernel=2, stride=2), image(20, 7, 9), image(10, 14, 18)
    assert 4 * upward.count((here,), (above,)).macs == 14 * 18 * 2 * 2 * 20 * 10


def test_a_subclass_counts_as_its_class() -> None:
    class TracedConv2d(Conv2d):
        """A convolution of another type, as thop and ptflops overlook it."""

    plain, traced, shapes = Conv2d(6, kernel=3), TracedConv2d(6, kernel=3), (image(2, 4, 5),)
    assert traced.output_shapes(shapes) == plain.output_shapes(shapes)
    assert traced.count(shapes, (image(6, 4, 5),)) == plain.count(shapes, (image(6, 4, 5),))
    assert traced.count(shapes, (image(6, 4, 5),)).macs == 4 * 5 * 3 * 3 * 2 * 6


def levels(*layers: tuple[str, Operator, Shape], weights: str = "head") -> Graph:
    """Layers next to one another, each on an input of its own, with one weights group."""
    return Graph(
        "levels",
        {f"level_{name}": shape for name, _, shape in layers},
        tuple(Layer(name, operator, (f"level_{name}",), (name,), weights) for name, operator, _ in layers),
        tuple(name for name, _, _ in layers),
        {},
    )


def test_shared_weights_count_params_once_and_macs_each_time() -> None:
    head = Conv2d(6, kernel=3, bias=True)
    costs = cost_table(levels(("p3", head, image(2, 8, 10)), ("p4", head, image(2, 4, 5))))
    assert costs.columns["macs"] == [8 * 10 * 3 * 3 * 2 * 6, 4 * 5 * 3 * 3 * 2 * 6]
    assert costs.columns["weight_params"] == [3 * 3 * 2 * 6, 0]
    assert costs.columns["bias_params"] == [6, 0]
    assert costs.total("params") == 3 * 3 * 2 * 6 + 6
    assert costs.columns["bias_adds"] == [8 * 10 * 6, 4 * 5 * 6]
    assert costs.columns["weight_elements"] == [3 * 3 * 2 * 6, 3 * 3 * 2 * 6]  # read again by each layer


def test_shared_norm_counts_params_once() -> None:
    costs = cost_table(levels(("p3", BatchNorm(), image(2, 8, 10)), ("p4", BatchNorm(), image(2, 4, 5))))
    assert costs.columns["norm_params"] == [4, 0]
    assert costs.columns["norm_macs"] == [2 * 8 * 10, 2 * 4 * 5]


def test_layers_without_a_group_count_params_each() -> None:
    head = Conv2d(6, kernel=3)
    separate = Graph(
        "separate",
        {"x": image(2, 4, 5)},
        (Layer("one", head, ("x",), ("one",)), Layer("two", head, ("x",), ("two",))),
        ("one", "two"),
        {},
    )
    assert cost_table(separate).total("params") == 2 * 3 * 3 * 2 * 6


def test_shared_weights_of_different_size_are_refused() -> None:
    graph = levels(("p3", Conv2d(6, kernel=3), image(2, 8, 10)), ("p4", Conv2d(6, kernel=3), image(4, 4, 5)))
    with pytest.raises(CostmodelError) as raised:
        cost_table(graph)
    assert str(raised.value) == (
        "layers 'p3' and 'p4' share the weights 'head' but have 108 and 216 parameters; "
        "shared layers must have equal channels and kernels"
    )
