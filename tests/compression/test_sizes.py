"""Compressed sizes: SqueezeNet and AlexNet as their papers print them, hand counts, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import cost_table, load
from costmodel.compression import CODINGS, SIZE_COLUMNS, Compression, compress
from costmodel.costs import CostTable
from costmodel.errors import ParameterError, UnknownNameError
from costmodel.graph import Graph, image
from costmodel.model_size import model_bytes
from costmodel.published.tables import bundled_table

SQUEEZENET = {
    "fire*expand3x3*": 0.67, "fire6*expand1x1*": 0.5, "fire7*squeeze1x1*": 0.5, "fire8*expand1x1*": 0.5,
    "fire8*expand3x3*": 0.7, "fire9*squeeze1x1*": 0.5, "fire9*expand3x3*": 0.7, "conv10*": 0.8,
}  # fmt: skip
"""Parts of zeros of arXiv:1602.07360, Table 1, which prints the parts that are kept; fire8 as fire9, see the table."""
ALEXNET = {
    "conv1*": 0.16, "conv2*": 0.62, "conv3*": 0.65, "conv4*": 0.63, "conv5*": 0.63, "fc6": 0.91, "fc7": 0.91,
    "fc8": 0.75,
}  # fmt: skip
"""Parts of zeros of arXiv:1510.00149, Table 4: 84, 38, 35, 37, 37, 9, 9 and 25 % of the weights are kept."""


@pytest.fixture(scope="module")
def squeezenet() -> CostTable:
    return cost_table(load("squeezenet_paper"))


@pytest.fixture(scope="module")
def alexnet() -> CostTable:
    return cost_table(load("alexnet_caffe"))


def parameters_after_pruning(compression: Compression, block: str) -> int:
    rows = [row for row, name in enumerate(compression.columns["block"]) if name == block]
    return sum(compression.columns["kept"][row] + compression.columns["other_params"][row] for row in rows)


def test_the_column_after_pruning_of_squeezenet(squeezenet: CostTable) -> None:
    table = bundled_table("squeezenet_table1")
    pruned = compress(squeezenet, 32, SQUEEZENET)
    blocks = ["conv1", *(f"fire{number}" for number in range(2, 10)), "conv10"]
    printed = {row.label: row.printed["params_after"] for row in table.rows if "params_after" in row.printed}
    assert [f"{parameters_after_pruning(pruned, block):,}" for block in blocks] == [printed[block] for block in blocks]
    assert pruned.total("kept") + pruned.total("other_params") == 421_098
    assert printed["TOTAL"].startswith("421,098")


def test_the_quirk_of_fire8(squeezenet: CostTable) -> None:
    as_printed = compress(squeezenet, 32, SQUEEZENET | {"fire8*expand3x3*": 0.67})
    assert parameters_after_pruning(as_printed, "fire8") == 82_005


def test_original_sizes_of_table_2(squeezenet: CostTable, alexnet: CostTable) -> None:
    assert compress(squeezenet).original_bytes == 1_248_424 * 4 == 4_993_696
    assert compress(alexnet).original_bytes == 60_965_224 * 4
    dense = compress(squeezenet, 32)
    assert (dense.compressed_bytes, dense.ratio, dense.is_expected) == (4_993_696, 1.0, False)


def test_compressed_squeezenet_by_hand(squeezenet: CostTable) -> None:
    eight = compress(squeezenet, 8, SQUEEZENET, "deep_compression")
    six = compress(squeezenet, 6, SQUEEZENET, "deep_compression")
    assert eight.total("kept") == 421_098 - 3_976
    assert eight.total("fillers") == six.total("fillers") == 3_400
    assert eight.is_expected
    entries = 417_122 + 3_400
    for compression, bits in ((eight, 8), (six, 6)):
        exact = (entries * (bits + 4) + 26 * 2**bits * 32 + 3_976 * 32) / 8
        assert 0 <= compression.compressed_bytes - exact < 26  # every layer starts at a byte
    assert (eight.compressed_bytes, six.compressed_bytes) == (673_313, 548_216)
    assert eight.compressed_bytes == pytest.approx(675_763, rel=0.004)  # the released file


def test_the_parts_of_the_compressed_size(squeezenet: CostTable) -> None:
    eight = compress(squeezenet, 8, SQUEEZENET, "deep_compression")
    assert eight.total("codebook_bytes") == 26 * 1024
    assert eight.total("other_bytes") == 3_976 * 4
    assert eight.total("index_bytes") == pytest.approx(420_522 / 2, abs=26)
    assert eight.total("stored_bytes") == eight.total("weight_bytes") + eight.total("other_bytes")


def test_pruned_alexnet(alexnet: CostTable) -> None:
    pruned = compress(alexnet, 32, ALEXNET, "relative_index")
    by_hand = {
        "conv1.conv2d": 34_848 * 84, "conv2.conv2d": 307_200 * 38, "conv3.conv2d": 884_736 * 35,
        "conv4.conv2d": 663_552 * 37, "conv5.conv2d": 442_368 * 37, "fc6": 37_748_736 * 9, "fc7": 16_777_216 * 9,
        "fc8": 4_096_000 * 25,
    }  # fmt: skip
    kept = dict(zip(pruned.columns["layer"], pruned.columns["kept"], strict=True))
    assert {name: kept[name] for name in by_hand} == {name: -(-count // 100) for name, count in by_hand.items()}
    assert round((pruned.total("kept") + pruned.total("other_params")) * 4 / 1e6) == 27  # the paper leaves out indices
    assert pruned.compressed_bytes == 36_944_497


def test_deep_compression_of_alexnet_by_layer(alexnet: CostTable) -> None:
    compression = compress(alexnet, {"conv*": 8, "fc*": 5}, ALEXNET, "deep_compression")
    printed = {"conv1.conv2d": 32.6, "conv2.conv2d": 14.5, "conv3.conv2d": 13.1, "conv4.conv2d": 14.1,
               "conv5.conv2d": 14.0, "fc6": 3.0, "fc7": 3.0, "fc8": 7.3}  # fmt: skip
    for name, weights, stored in zip(
        *(compression.columns[column] for column in ("layer", "weights", "weight_bytes")), strict=True
    ):
        if weights:  # Table 4, "Compress rate (P+Q)"
            assert 100 * stored / (4 * weights) == pytest.approx(printed[name], abs=0.4)
    assert compression.compressed_bytes == 9_597_890
    assert 25 < compression.ratio < 27  # printed: 27x before Huffman coding


def test_kept_weights_are_rounded_up_for_each_layer() -> None:
    costs = cost_table(load("lenet_caffe"))
    compression = compress(costs, 8, {"*": 0.9, "conv1*": "2/3"}, "bitmap")
    for weights, kept, name in zip(*(compression.columns[c] for c in ("weights", "kept", "layer")), strict=True):
        part = Fraction(1, 3) if name.startswith("conv1") else Fraction(1, 10)
        assert kept == ceil(weights * part)


def test_columns_are_described_and_add_up(squeezenet: CostTable) -> None:
    compression = compress(squeezenet, {"fire*": 6}, {"fire*": 0.5}, "relative_index")
    assert list(compression.columns) == list(SIZE_COLUMNS)
    assert {len(values) for values in compression.columns.values()} == {len(squeezenet.graph.layers)}
    assert sum(compression.columns["stored_bytes"]) == compression.compressed_bytes
    for by in ("block", "op"):
        grouped = compression.grouped(by)
        assert sum(grouped["stored_bytes"]) == compression.compressed_bytes
        assert sum(grouped["layers"]) == len(squeezenet.graph.layers)
    assert compression.grouped("layer") == dict(compression.columns)
    assert compression.layers["kept"].sum() == compression.total("kept")
    conv1 = compression.columns["layer"].index("conv1.conv2d")
    assert compression.columns["weight_bits"][conv1] == 32  # what no pattern names stays as it was
    assert "squeezenet_paper, relative_index" in repr(compression)


def test_the_last_pattern_that_matches_holds(squeezenet: CostTable) -> None:
    compression = compress(squeezenet, {"*": 8, "fire*": 4, "fire9*": 2})
    bits = dict(zip(compression.columns["layer"], compression.columns["weight_bits"], strict=True))
    assert (bits["conv1.conv2d"], bits["fire8.squeeze1x1.conv2d"], bits["fire9.squeeze1x1.conv2d"]) == (8, 4, 2)


def test_layers_that_share_weights_store_them_once() -> None:
    costs = cost_table(load("retinanet_head"))
    compression = compress(costs, 8)
    assert compression.total("weights") == costs.total("weight_params") < costs.total("weight_elements")
    assert compression.original_bytes == model_bytes(costs) == compression.total("original_bytes")


def test_two_of_four_where_input_channels_come_in_fours() -> None:
    costs = cost_table(load("mobilenet_v2"))
    compression = compress(costs, 8, coding="structured_2_4", index_bits=2)
    rows = zip(
        *(compression.columns[c] for c in ("layer", "op", "weights", "kept", "coding", "index_bits")), strict=True
    )
    for layer, operator, weights, kept, coding, index_bits in rows:
        if operator == "depthwise_conv2d" or layer == "conv_1.conv2d":  # 1 and 3 input channels for a filter
            assert (kept, coding, index_bits) == (weights, "dense", None)
        elif weights:
            assert (2 * kept, coding, index_bits) == (weights, "structured_2_4", 2)
    some = compress(costs, 8, {"*conv_1*": 0.5}, "structured_2_4")
    assert set(some.columns["coding"]) == {"", "dense", "structured_2_4"}


@pytest.mark.parametrize("pattern", ["inverted_residual_2.conv_1", "*_residual_2.conv_1", "inverted_residual_2"])
def test_a_step_or_block_names_the_layers_inside(pattern: str) -> None:
    """Names as `costmodel memory` and `costmodel show` print them, where norm and activation are folded."""
    costs = cost_table(load("mobilenet_v2"))
    columns = compress(costs, sparsity={pattern: 0.5}).columns
    rows = zip(columns["layer"], columns["weights"], columns["kept"], strict=True)
    halved = [layer for layer, weights, kept in rows if kept < weights]
    inside = [
        f"inverted_residual_2.{name}" for name in ("conv_1.conv2d", "depthwise.depthwise_conv2d", "conv_2.conv2d")
    ]
    assert halved == (inside if pattern == "inverted_residual_2" else inside[:1])


def test_a_part_of_a_name_is_no_block() -> None:
    costs = cost_table(load("mobilenet_v2"))
    with pytest.raises(ParameterError) as caught:
        compress(costs, sparsity={"inverted_residual_2.conv": 0.5})
    assert str(caught.value) == (
        "sparsity: no layer or block with weights is called 'inverted_residual_2.conv'; did you mean "
        "'*inverted_residual_2.conv*'?"
    )


def test_a_network_without_weights_or_layers() -> None:
    empty = cost_table(Graph("empty", {"x": image(3, 8, 8)}, (), ("x",), {}))
    compression = compress(empty)
    assert (compression.compressed_bytes, compression.ratio) == (0, 1.0)
    with pytest.raises(ParameterError, match="no layer or block with weights is called 'fc'; the network has none"):
        compress(empty, {"fc": 8})


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"weight_bits": 0}, "weight_bits = 0 must be a whole number of bits from 1 to 32"),
    ({"weight_bits": 33}, "weight_bits = 33 must be a whole number of bits from 1 to 32"),
    ({"weight_bits": 6.0}, r"weight_bits = 6.0 must be a whole number"),
    ({"weight_bits": True}, "weight_bits = True must be a whole number"),
    ({"weight_bits": [8]}, r"weight_bits = \[8\] must be a whole number"),
    ({"weight_bits": {"conv1*": 40}}, r"weight_bits of 'conv1\*' = 40 must be a whole number of bits from 1 to 32"),
    (
        {"weight_bits": {"expand3x3": 8}},
        r"no layer or block with weights is called 'expand3x3'; did you mean '\*expand3x3\*'",
    ),
    (
        {"weight_bits": {"fc9": 8}},
        r"no layer or block with weights is called 'fc9'; there are conv1.conv2d, .* and 23 more",
    ),
    ({"weight_bits": {3: 8}}, r"weight_bits: 3 is no pattern of layer names; write for example 'conv\*'"),
    ({"weight_bits": {"x" * 300: 8}}, "is no pattern of layer names"),
    ({"weight_bits": {str(at): 8 for at in range(1001)}}, "weight_bits has more than 1,000 patterns"),
    ({"sparsity": 1}, "sparsity = 1 must be the part of zeros, from 0 to below 1$"),
    (
        {"sparsity": 50},
        r"sparsity = 50 must be the part of zeros, from 0 to below 1 \(a part, not a percentage: 0\.9 for 90 %\)",
    ),
    ({"sparsity": -0.1}, "sparsity = -0.1 must be the part of zeros"),
    ({"sparsity": float("nan")}, "sparsity = nan must be the part of zeros"),
    ({"sparsity": "half"}, "sparsity = 'half' must be the part of zeros"),
    ({"sparsity": "1/0"}, "sparsity = '1/0' must be the part of zeros"),
    ({"sparsity": True}, "sparsity = True must be the part of zeros"),
    ({"sparsity": {"conv1*": 2}}, r"sparsity of 'conv1\*' = 2 must be the part of zeros"),
    (
        {"coding": "deep_compression", "weight_bits": 17},
        r"has a codebook of 2\^17 values for 'conv1.conv2d'; give at most 16",
    ),
    (
        {"coding": "bitmap", "index_bits": 4},
        "index_bits = 4: coding = 'bitmap' always has 1; choose it for relative_index, deep",
    ),
    (
        {"index_bits": 4},
        "index_bits = 4: coding = 'dense' has no index; choose it for relative_index, deep_compression",
    ),
    ({"coding": "relative_index", "index_bits": 17}, "index_bits = 17 must be a whole number of bits from 1 to 16"),
    (
        {"coding": "structured_2_4", "sparsity": 0.6},
        "sparsity = 0.6 of 'conv1.conv2d': coding = 'structured_2_4' has a spa",
    ),
    ({"bias_bits": 0}, "bias_bits = 0 must be a whole number of bits"),
    ({"activation_bits": 8}, "activation_bits belongs to the effect on a device; give hardware"),
    ({"dtype": "int8"}, "dtype belongs to the effect on a device; give hardware"),
    ({"fusion": "none"}, "fusion belongs to the effect on a device; give hardware"),
]


@pytest.mark.parametrize(("asked", "text"), REFUSED)
def test_what_is_refused(squeezenet: CostTable, asked: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        compress(squeezenet, **asked)


def test_what_is_no_cost_table_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"compress needs a CostTable, got Graph; call cost_table\(graph\) first"):
        compress(load("lenet5"))  # type: ignore[arg-type]
    numpy = pytest.importorskip("numpy")
    swept = cost_table(load("mobilenet_v1", width=numpy.array([0.5, 1.0])))
    with pytest.raises(ParameterError, match="compress takes one network, not a sweep"):
        compress(swept)
    with pytest.raises(UnknownNameError, match="unknown coding 'huffman'"):
        compress(cost_table(load("lenet5")), coding="huffman")
    compression = compress(cost_table(load("lenet5")))
    with pytest.raises(ParameterError, match="'stored_byte' is no column that adds up; did you mean 'stored_bytes'"):
        compression.total("stored_byte")
    with pytest.raises(ParameterError, match="by = 'stage' is no grouping; there are layer, block, op"):
        compression.grouped("stage")  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    costs = cost_table(load("lenet5"))
    same = compress(costs, numpy.int64(6), numpy.float64(0.5), "bitmap")
    assert same.compressed_bytes == compress(costs, 6, 0.5, "bitmap").compressed_bytes


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 16), st.integers(0, 99), st.sampled_from([name for name in CODINGS if name != "structured_2_4"]),
    st.integers(1, 32),
)  # fmt: skip
def test_sizes_are_monotonic(weight_bits: int, percent: int, coding: str, bias_bits: int) -> None:
    costs = cost_table(load("lenet_caffe"))
    one = compress(costs, weight_bits, Fraction(percent, 100), coding, bias_bits=bias_bits)
    assert one.total("weights") - one.total("kept") == sum(
        weights * percent // 100 for weights in one.columns["weights"]
    )
    assert one.total("other_bytes") >= one.total("other_params") * bias_bits / 8
    if weight_bits > 1:
        assert compress(costs, weight_bits - 1, Fraction(percent, 100), coding, bias_bits=bias_bits).ratio > one.ratio
