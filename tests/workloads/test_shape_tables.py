"""Tables of shapes as workloads, and that both roads give the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel import cost_table, load
from costmodel.fusion import FUSIONS
from costmodel.measured import bundled_shapes
from costmodel.workloads import KINDS, Workload, joined, workload_of, workload_of_table
from costmodel.workloads.tables import folded_table, rows_taken
from costmodel.workloads.words import WORDS, own_word


def table_of(name: str, table: str) -> Workload:
    shapes = bundled_shapes()[table]
    rows = shapes.rows_of(name)
    frame = shapes.frame.iloc[rows]
    numbers = {key: values[rows] for key, values in shapes.numbers.items()}
    return workload_of_table(name, list(frame["op_kind"]), list(frame["operator"]), numbers, numbers["repeats"])


@pytest.mark.parametrize(
    ("table", "name", "network"),
    [
        ("timm", "timm/densenet201@224", "densenet201"),
        ("timm", "timm/inception_v4@299", "inception_v4"),
        ("timm", "timm/cspresnet50@256", "cspresnet50"),
        ("mobile", "mobile/mobilenet_v2_1.0_224", "mobilenet_v2"),
        ("mobile", "mobile/mobilenet_v1_1.0_224", "mobilenet_v1"),
    ],
)
@pytest.mark.parametrize("kind", ["conv", "pointwise_conv", "depthwise_conv", "grouped_conv", "linear"])
def test_a_network_has_the_same_products_in_a_table_and_in_its_spec(
    table: str, name: str, network: str, kind: str
) -> None:
    """Multisets of (m, n, k, products, weights), repeats counted."""

    def products(workload: Workload) -> list[tuple[float, ...]]:
        names = ("m", "n", "k", "products", "weight_elements", "input_elements", "output_elements")
        rows = [at for at, own in enumerate(workload.kinds) if own == kind]
        return sorted(
            tuple(workload.sizes[column][at] for column in names)
            for at in rows
            for _ in range(int(workload.repeats[at]))
        )

    assert products(table_of(name, table)) == products(workload_of(cost_table(load(network)), FUSIONS["none"]))


@pytest.mark.parametrize("table", list(bundled_shapes()))
def test_products_of_bundled_tables_are_their_macs(table: str) -> None:
    shapes = bundled_shapes()[table]
    frame = shapes.frame
    whole = workload_of_table(
        table, list(frame["op_kind"]), list(frame["operator"]), shapes.numbers, shapes.numbers["repeats"]
    )
    sizes = whole.sizes
    product = sizes["m"] * sizes["n"] * sizes["k"] * sizes["products"]
    attention = np.array([word == "attention" for word in whole.operators])
    has = (product > 0) & ~attention
    off = has & (product != sizes["macs"])
    assert off.sum() <= 0.01 * has.sum()  # windows folded into the batch, two deconvolutions
    assert (product[attention] * 2 == sizes["macs"][attention]).mean() > 0.95 if attention.any() else True
    assert set(whole.kinds) <= KINDS.keys()


def test_no_word_means_two_operators() -> None:
    known = [word for words in WORDS.values() for word in words]
    assert len(known) == len(set(known))
    assert not set(known) & (WORDS.keys() - {"conv2d"}) - {"conv"}


@pytest.mark.parametrize(
    ("word", "kind", "own"),
    [
        ("hardtanh_", "activation", "relu6"), ("QuickGelu", "activation", "swish"), ("add_", "elementwise", "add"),
        ("native_layer_norm", "norm", "layer_norm"), ("FusedConv", "pointwise_conv", "conv2d"),
        ("convolution", "depthwise_conv", "depthwise_conv2d"), ("_softmax", "softmax", "softmax"),
        ("scaled_dot_product_attention", "matmul", "attention"), ("_to_copy", "copy", "cast"),
        ("never_heard_of", "other", "never_heard_of"),
    ],
)  # fmt: skip
def test_words_of_other_programs(word: str, kind: str, own: str) -> None:
    assert own_word(word, kind) == own


def test_folding_a_table_takes_rows_away() -> None:
    whole = table_of("timm/resnet18@160", "timm")
    folded = folded_table(whole, FUSIONS["folded"].folded)
    assert {"batch_norm", "relu"} <= set(whole.operators)
    assert not {"batch_norm", "relu"} & set(folded.operators)
    assert (folded.sizes["macs"] * folded.repeats).sum() == (whole.sizes["macs"] * whole.repeats).sum()


def test_networks_one_after_the_other() -> None:
    first, second = table_of("timm/resnet18@160", "timm"), table_of("timm/resnet34@160", "timm")
    both, starts = joined([first, second, first], ["network_weight_elements"])
    assert starts.tolist() == [0, len(first.kinds), len(first.kinds) + len(second.kinds)]
    assert both.sizes["macs"][starts[1] : starts[2]].tolist() == second.sizes["macs"].tolist()
    weights = both.sizes["network_weight_elements"]
    assert weights[0] == weights[-1] == (first.sizes["weight_elements"] * first.repeats).sum()
    assert weights[starts[1]] == (second.sizes["weight_elements"] * second.repeats).sum()


def test_some_rows_of_a_workload() -> None:
    whole = table_of("timm/resnet18@160", "timm")
    part = rows_taken(whole, slice(0, 3))
    assert part.operators == whole.operators[:3]
    assert part.sizes["macs"].tolist() == whole.sizes["macs"][:3].tolist()
