"""Facts of compiled graphs: kernels by equal numbers of elements, layout, rows of weights alone."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from costmodel.costs import cost_table
from costmodel.fusion import FUSIONS
from costmodel.specs.catalogue import load
from costmodel.validation.subjects import Subjects
from costmodel.workloads import SIZES, Workload, workload_of
from costmodel.workloads.facts import FACTS

OWN = (
    "channels_last", "follows_relu", "following_simple", "following_silu", "following_gelu", "weights_alone", "is_gate",
    "kernel_share", "moved_share",
)  # fmt: skip


def workload(*rows: tuple[str, str, float, float], repeats: tuple[float, ...] = (), **sizes: list[float]) -> Workload:
    """Rows of kind, operator, elements read and written."""
    kinds, operators, read, written = zip(*rows, strict=True)
    columns = {name: numpy.array(sizes.get(name, [0.0] * len(rows)), float) for name in SIZES}
    columns |= {"input_elements": numpy.array(read, float), "output_elements": numpy.array(written, float)}
    return Workload("one", operators, kinds, operators, numpy.array(repeats or [1.0] * len(rows)), columns)


def fact(name: str, of: Workload) -> list[float]:
    found: Any = FACTS[name].of(of)
    return [round(float(value), 6) for value in found]


CONV, NORM = ("conv", "conv2d", 50, 100), ("norm", "batch_norm", 100, 100)
RELU, ADD = ("activation", "relu", 100, 100), ("elementwise", "add", 200, 100)


def test_an_activation_rides_along_with_the_norm_before_it() -> None:
    assert fact("kernel_share", workload(CONV, NORM, RELU)) == [1, 1, 0]
    assert fact("moved_share", workload(CONV, NORM, RELU)) == [1, 1, 0]


def test_a_residual_sum_in_a_norm_still_reads_its_second_operand() -> None:
    made = workload(CONV, NORM, ADD, RELU)
    assert fact("kernel_share", made) == [1, 1, 0, 0]
    assert fact("moved_share", made) == [1, 1, pytest.approx(100 / 300, abs=1e-5), 0]


def test_a_sum_before_a_layer_norm_is_written_too() -> None:
    made = workload(("linear", "linear", 100, 100), ADD, ("norm", "layer_norm", 100, 100))
    assert fact("moved_share", made) == [1, pytest.approx(200 / 300, abs=1e-5), 1]


def test_without_a_host_a_chain_is_one_kernel_of_the_tensor_before_it() -> None:
    made = workload(CONV, ("activation", "sigmoid", 100, 100), ("elementwise", "multiply", 101, 100))
    assert sum(fact("kernel_share", made)[1:]) == 1
    assert fact("kernel_share", workload(CONV, ("activation", "gelu", 100, 100))) == [1, 1]


def test_two_norms_host_two_of_three_activations() -> None:
    made = workload(CONV, NORM, RELU, repeats=(3, 2, 3))
    assert fact("kernel_share", made)[2] == pytest.approx(1 / 3, abs=1e-5)


def test_a_gate_is_a_kernel_of_its_own() -> None:
    sigmoid, scale = ("activation", "sigmoid", 4, 4), ("elementwise", "multiply", 104, 100)
    made = workload(CONV, NORM, ("pool", "global_avg_pool", 100, 4), sigmoid, scale)
    assert fact("is_gate", made) == [0, 0, 0, 0, 1]
    assert fact("kernel_share", made)[4] == 1
    assert fact("is_gate", workload(CONV, NORM, scale)) == [0, 0, 0]  # the vector is a parameter


def test_the_most_frequent_activation_follows_a_norm() -> None:
    silu = ("activation", "swish", 100, 100)
    made = workload(CONV, NORM, RELU, silu, repeats=(3, 3, 1, 2))
    assert fact("following_silu", made)[1] == 1
    assert fact("following_simple", made)[1] == 0
    assert fact("following_gelu", workload(CONV, NORM))[1] == 0


def test_rows_that_read_a_relu() -> None:
    assert fact("follows_relu", workload(CONV, RELU, ("conv", "conv2d", 100, 30))) == [0, 1, 1]


def test_weight_standardisation_is_done_once() -> None:
    standard = ("norm", "batch_norm", 36, 36)
    made = workload(standard, CONV, NORM, weight_elements=[0, 36, 4], in_channels=[0, 4, 0])
    assert fact("weights_alone", made) == [1, 0, 0]
    a_map = workload(standard, CONV, NORM, weight_elements=[0, 36, 4], in_channels=[4, 4, 0])
    assert fact("weights_alone", a_map) == [0, 0, 0]


def test_networks_of_positions_do_not_depend_on_the_input() -> None:
    first, second = ("linear", "linear", 20, 80), ("linear", "linear", 80, 40)
    made = workload(
        first, ("activation", "relu", 80, 80), second, ("linear", "linear", 640, 640), k=[2, 0, 8, 64],
        m=[10, 0, 10, 10],
    )  # fmt: skip
    assert fact("weights_alone", made) == [1, 1, 1, 0]


def test_layout_by_the_weighted_work_of_the_convolutions() -> None:
    def layout(groups: float) -> list[float]:
        return fact("channels_last", workload(
            ("grouped_conv", "conv2d", 10, 10), ("pointwise_conv", "conv2d", 10, 10), in_channels=[128, 128],
            out_channels=[128, 128], groups=[groups, 1], macs=[60.0, 40.0], kernel_height=[3, 1],
        ))  # fmt: skip

    assert layout(4) == [0, 0]  # 60 * 1.358 + 40 * 0.823 = 114 > 100
    assert layout(128) == [1, 1]  # depthwise counts as any other: 60 * 0.823 + 40 * 0.823 < 100


def test_no_rows_of_a_kind() -> None:
    for name in OWN:
        assert len(fact(name, workload(("linear", "linear", 10, 10)))) == 1


@pytest.mark.parametrize(("network", "spec"), [("timm/densenet121@224", "densenet121"),
                                               ("timm/convnext_tiny@224", "convnext_tiny")])  # fmt: skip
def test_a_table_and_a_graph_say_the_same(network: str, spec: str) -> None:
    table = Subjects().network(network, FUSIONS["none"])
    graph = workload_of(cost_table(load(spec)), FUSIONS["none"])
    assert table is not None
    for name in ("kernel_share", "moved_share"):
        left, right = ((FACTS[name].of(each) * each.repeats)[numpy.isin(each.kinds, ["activation", "norm"])].sum()
                       for each in (table, graph))  # fmt: skip
        assert left == pytest.approx(right, rel=0.02)


def test_shares_are_parts() -> None:
    for network in ("timm/efficientnet_b3@288", "timm/mixnet_s@224", "timm/coatnet_rmlp_1_rw_224@224"):
        made = Subjects().network(network, FUSIONS["none"])
        if made is None:
            continue
        for name in ("kernel_share", "moved_share"):
            share = FACTS[name].of(made)
            assert ((share > -1e-9) & (share < 1 + 1e-9)).all()
