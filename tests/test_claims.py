"""Claims of papers and lectures: each number as recorded, where it comes from, and what the reasons say."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import pytest

from costmodel.claims import Claim, as_columns, claims, readable_columns, reasons, topics
from costmodel.cli import main
from costmodel.errors import UnknownNameError
from costmodel.published import STATUSES, bundled_table
from costmodel.published.readings import Reading, computed

CLAIMS = claims()

PINNED = (
    # what the statement says, what was printed, what comes out, to how many digits
    ("SqueezeNet has 50x fewer parameters", "50x", "48.83", "exact_other_rounding"),
    ("parameter sizes of SqueezeNet and AlexNet is 1:50", "50", "50.00", "exact"),
    ("compressed to 8 bits", "363x", "363.64", "exact_other_rounding"),
    ("with model compression", "510", "510.64", "exact_other_rounding"),
    ("MAC 861M is about AlexNet's", "861M", "724406816.00", "unexplained"),
    ("12x less parameters than AlexNet", "12x", "8.71", "unexplained"),
    ("5X smaller model complexity than ResNet", "5X", "5.15", "exact"),
    ("~1/9 MACs", "9", "8.56", "exact"),
    ("~1/7 parameters", "7", "6.92", "exact"),
    ("40% fewer FLOPs: as printed", "40%", "0.39", "exact_other_rounding"),
    ("40% fewer FLOPs: as counted", "40%", "0.40", "exact"),
    ("EfficientNet-B7: 8.4x smaller", "8.4x", "8.40", "exact"),
    ("efficient last stage saves 30 million", "30 million", "34317760.00", "explained"),
    ("16 in place of 32 filters in the first layer save 10 million", "10 million", "10436608.00", "exact"),
    ("total #MACs = 112.9M", "112.9M", "112896000.00", "exact"),
    ("total #MACs = 5.3M", "5.3M", "5268480.00", "exact"),
    ("at the least, in the narrowest", "8x", "7.89", "exact"),
    ("at the most, in the widest", "9x", "8.92", "exact"),
    ("alpha * beta^2 * gamma^2", "2", "1.92", "exact"),
    ("off-chip DRAM", "100x", "128.00", "explained"),
    ("residual connections take about 40 %", "40%", "0.40", "exact"),
    ("reduces the peak memory of MobileNetV2 by 8x", "8x", "8.00", "exact"),
    ("increases the overall computation of MobileNetV2", "10%", "0.09", "explained"),
    ("reduces the overhead to only 3%", "3%", "0.03", "exact"),
    ("sent in 283 packets", "283", "283.00", "exact"),
    ("58% faster", "58%", "0.58", "exact"),
    ("63% faster", "63%", "0.63", "exact"),
    ("25% faster", "25%", "0.25", "exact"),
    ("more than two times slower", "2", "3.87", "explained"),
    ("up to 30% slower", "30%", "0.30", "exact"),
    ("1-fragment: in series", "3x", "3.25", "exact"),
    ("1-fragment: in parallel", "3x", "3.54", "exact_other_rounding"),
    ("removed: GPU", "20%", "0.19", "explained"),
    ("removed: ARM", "20%", "0.15", "unexplained"),
    ("~2.6x actual speedup", "2.6x", "2.67", "exact_other_rounding"),
    ("~13x actual speedup", "13x", "13.10", "exact"),
    ("18x: as printed", "18x", "18.00", "exact"),
    ("18x: as counted", "18x", "19.27", "explained"),
    ("6.1x faster", "6.1x", "6.13", "exact"),
    ("over 20% efficiency gain, CPU", "20%", "0.23", "explained"),
    ("over 20% efficiency gain, GPU", "20%", "0.25", "explained"),
    ("output of conv1 (7x7, stride 2) 111x111", "111", "109.00", "explained"),
    ("maxpool8 13x12x512", "12", "13.00", "explained"),
    ("conv10 20% (3x3)", "3", "1.00", "explained"),
    ("typical settings of alpha", "0.6", "0.50", "explained"),
    ("19 residual bottleneck layers", "19", "17.00", "explained"),
    ("MobileNetV3-Small: 1280 features", "1280", "1024.00", "explained"),
    ("ShuffleNet (2x, g=3)", "400", "480.00", "explained"),
    ("17.5B MAdds beside 50.7M", "17.5B", "14680167424.00", "explained"),
)


def saying(words: str) -> Claim:
    """The one claim whose statement has these words."""
    (found,) = [claim for claim in CLAIMS if words in claim.statement]
    return found


def place(claim: Claim) -> str:
    return f"{claim.cell.table}-{claim.cell.row}"


@pytest.mark.parametrize("claim", CLAIMS, ids=place)
def test_every_claim_has_the_status_its_data_states(claim: Claim) -> None:
    assert claim.cell.status == claim.cell.recorded


@pytest.mark.parametrize("claim", CLAIMS, ids=place)
def test_every_claim_is_a_statement_of_a_named_source(claim: Claim) -> None:
    assert claim.statement
    assert claim.cell.printed
    shared = bundled_table(claim.cell.table, "specs/claims").source
    assert claim.source != shared, "each statement names its own source"
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|\(lecture", claim.source), "a paper with its number, or a lecture"


@pytest.mark.parametrize("claim", CLAIMS, ids=place)
def test_what_is_not_exact_or_rests_on_an_inferred_detail_has_a_reason(claim: Claim) -> None:
    if claim.cell.status != "exact" or claim.cell.basis == "inferred_detail":
        assert claim.cell.reason


@pytest.mark.parametrize(("words", "printed", "value", "status"), PINNED, ids=[case[0] for case in PINNED])
def test_known_claims(words: str, printed: str, value: str, status: str) -> None:
    cell = saying(words).cell
    assert cell.computed is not None
    assert (cell.printed, f"{float(cell.computed):.2f}", cell.status) == (printed, value, status)


def test_how_many_claims_hold() -> None:
    counts = Counter(claim.cell.status for claim in CLAIMS)
    assert {status: counts[status] for status in STATUSES} == {
        "exact": 63, "exact_other_rounding": 7, "explained": 27, "unexplained": 7, "not_computed": 5,
    }  # fmt: skip


def test_ratios_of_measured_times_rest_on_arithmetic_alone() -> None:
    """Or on a row or column of a table that the statement does not name, and the reason says so."""
    for claim in claims("speed"):
        reads_networks = claim.cell.convention.startswith("conv_linear")
        chosen = claim.cell.basis == "inferred_detail" and "is not said" in claim.cell.reason
        assert reads_networks or claim.cell.status == "not_computed" or claim.cell.basis == "arithmetic" or chosen


@pytest.mark.parametrize(
    ("words", "table", "slow", "fast", "factors"),
    [
        ("1-fragment: in series", "shufflenet_v2_table3_g3", 3, 1, "3.3 1.7 1.2"),
        ("1-fragment: in parallel", "shufflenet_v2_table3_g3", 5, 1, "3.5 2.2 1.5"),
        ("around 40% faster than ShuffleNet v1", "shufflenet_v2_table7_detection", 2, 4, "24% 72% 43% 45%"),
        ("16% faster than MobileNet v2", "shufflenet_v2_table7_detection", 3, 4, "29% 32% 16% 21%"),
    ],
)
def test_speed_ups_of_every_width(words: str, table: str, slow: int, fast: int, factors: str) -> None:
    """Only one of them is what the statement says, and the reason names the others."""
    found = bundled_table(table)
    columns = [column for name, column in found.columns.items() if name.startswith("gpu_")]
    ratios = []
    for column in columns:
        less, more = found.number(found.row(slow), column), found.number(found.row(fast), column)
        assert less is not None
        assert more is not None
        ratios.append(float(more.value / less.value))
    shown = [f"{ratio - 1:.0%}" if "%" in factors else f"{ratio:.1f}" for ratio in ratios]
    assert shown == factors.split()
    cell = saying(words).cell
    assert cell.basis == "inferred_detail"
    others = [text.removesuffix("%") for text in shown if text not in ("3.3", "16%")]
    assert all(text in cell.reason for text in others)


def test_a_misprint_is_shown_by_a_computation() -> None:
    """Each says what it should be, or that two places contradict each other; and no reason stands alone."""
    for claim in claims("misprints"):
        assert claim.cell.misprint or claim.cell.reason.startswith("a contradiction")
        assert claim.cell.status in ("explained", "exact")


def elements(network: str, *layers: str) -> Fraction:
    return Fraction(computed(Reading(network, convention="int8_output_bytes", layers=layers)))


def test_the_share_of_residual_connections_under_other_definitions() -> None:
    """The numbers in the reason: none of the other definitions gives 40 %."""
    convolutions, additions = "bottleneck_*.conv_?.conv2d", "*.add"
    shares = []
    for network, others in (
        ("resnet50_v1", [convolutions]),
        ("resnet50", [convolutions]),
        ("resnet50_v1", ["bottleneck_*.conv2d"]),
        ("resnet50_v1", ["*.conv2d", "max_pool2d"]),
    ):
        shortcuts = elements(network, additions)
        shares.append(shortcuts / (shortcuts + elements(network, *others)))
    assert [f"{float(share):.1%}" for share in shares] == ["40.0%", "38.5%", "36.1%", "33.8%"]
    reason = saying("residual connections").cell.reason
    assert all(text in reason for text in ("38.5 %", "36.1 %", "33.8 %"))


def params(network: str) -> int:
    return int(computed(Reading(network, convention="all_params")))


def test_what_twelve_times_fewer_parameters_would_need() -> None:
    alexnet, googlenet, classifier = params("alexnet_caffe"), params("googlenet_paper"), 1024 * 1000 + 1000
    assert (alexnet, googlenet) == (60_965_224, 6_998_552)
    assert f"{alexnet / 12 / 1e6:.2f}" == "5.08"
    assert f"{(googlenet - classifier) / 1e6:.2f}" == "5.97"
    assert f"{alexnet / (googlenet - classifier):.1f}" == "10.2"


@pytest.mark.parametrize(("resnet", "ratio"), [("resnet18", "2.8"), ("resnet50", "6.0"), ("resnet101", "10.5")])
def test_other_resnets_are_not_five_times_a_mobilenet(resnet: str, ratio: str) -> None:
    assert f"{params(resnet) / params('mobilenet_v1'):.1f}" == ratio
    assert ratio in saying("5X smaller").cell.reason


def test_what_stages_with_partial_shortcuts_save_on_resnet50() -> None:
    """Beside the claim about CSPPeleeNet, which is not computed."""
    partial, whole = (
        int(computed(Reading(network, parameters=(("resolution", 256),), convention="conv_linear")))
        for network in ("cspresnet50", "resnet50")
    )
    assert f"{1 - partial / whole:.0%}" == "15%"
    assert "15 %" in saying("CSPPeleeNet").cell.reason


def test_columns_for_people_and_for_programs() -> None:
    found = claims("memory_and_energy")
    plain, readable = as_columns(found), readable_columns(found)
    assert (plain["computed"][0], readable["computed"][0]) == (128, "128")
    assert {len(column) for column in (*plain.values(), *readable.values())} == {len(found)}
    assert list(readable_columns(found, with_reasons=True)["reason"]) == plain["reason"]
    assert len(reasons(found)) == sum(map(bool, plain["reason"]))
    assert set(plain["topic"]) == {"memory_and_energy"}
    assert "input 227x227" in as_columns(claims("misprints"))["misprint"]


def test_formulas_are_named_beside_the_arithmetic() -> None:
    assert saying("1/M + 1/K^2").cell.convention == "depthwise_separable_saving: 1 / total"
    assert saying("9x fewer parameters").cell.convention == "standard_convolution_params: three / one"
    assert saying("by 8x").cell.convention == "io_inplace, io_inplace peak_bytes: layers / patches"
    assert saying("58% faster").cell.convention == "ours / other - 1"


def test_topics() -> None:
    assert topics() == ("architecture_arithmetic", "compact_networks", "memory_and_energy", "misprints", "speed")
    assert claims("speed", "misprints") == [*claims("speed"), *claims("misprints")]
    with pytest.raises(UnknownNameError, match="unknown topic of claims 'sped'; did you mean 'speed'"):
        claims("sped")
    with pytest.raises(UnknownNameError, match="unknown topic of claims 'q'; there are architecture_arithmetic, comp"):
        claims("speed", "q")


def test_the_command_lists_and_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "compact_networks", "--status", "unexplained"]) == 0
    printed = capsys.readouterr().out
    assert "GoogLeNet: 12x less parameters than AlexNet" in printed
    assert printed.splitlines()[-1] == "2 claims: 2 unexplained"
