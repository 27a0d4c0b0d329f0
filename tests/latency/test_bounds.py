"""Constants within their bounds: by rule with the factors of a device, and on the operators of networks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costmodel import cost_table, load
from costmodel.errors import SpecError
from costmodel.files import folder, names_in, read, read_bundled
from costmodel.fusion import fusion_named
from costmodel.hardware import HardwareProfile, calibrated_profiles
from costmodel.latency.bounds import covers, excesses, may_be_winograd, most_efficient
from costmodel.latency.families import family_named, rule_of
from costmodel.latency.model import rates_of, row_times
from costmodel.latency.predictions import conditions_of
from costmodel.latency.prepared import prepared
from costmodel.latency.schema import check_family
from costmodel.workloads import Workload, joined, workload_of

NETWORKS = (
    "mobilenet_v2", "resnet50", "vgg16", "densenet121", "vit_base_patch16_224", "shufflenet_v2_x1_0",
    "mlperf_tiny_kws_dscnn",
)  # fmt: skip
ROUNDED = 1 + 1e-3


def rules(*tables: dict[str, Any]) -> list[Any]:
    return [rule_of({"name": f"rule_{at}", **table}) for at, table in enumerate(tables)]


def found(own: list[Any], factors: dict[str, float], **more: Any) -> list[tuple[str, str, float]]:
    return [(each.constant, each.rule, round(each.value, 6)) for each in excesses(own, factors, **more)]


def test_only_what_may_be_winograd_may_reach_more_than_the_general_bound() -> None:
    assert most_efficient("compute", True) == 2.5
    assert most_efficient("compute", False) == most_efficient("bandwidth", True) == 1.2
    possible = {"kinds": ["conv"], "where": {"kernel": [1, 3], "stride": [1, 1]}}
    assert may_be_winograd(rules(possible)[0])
    assert may_be_winograd(rules({})[0])
    for table in (
        {"kinds": ["pointwise_conv", "linear"]}, {"kinds": ["conv"], "where": {"stride": [2, 1e9]}},
        {"kinds": ["conv"], "where": {"kernel_height": [5, 7]}}, {"kinds": ["conv"], "where": {"window": [1, 4]}},
    ):  # fmt: skip
        assert not may_be_winograd(rules(table)[0])


def test_a_rule_covers_what_asks_for_more() -> None:
    wide, narrow, other, sides, condition = rules(
        {"kinds": ["conv", "linear"], "where": {"kernel": [1, 5]}},
        {"kinds": ["conv"], "where": {"kernel": [3, 3], "stride": [1, 1]}, "operators": ["conv2d"]},
        {"kinds": ["conv"], "where": {"kernel": [3, 7]}},
        {"kinds": ["conv"], "where": {"kernel_height": [1, 3], "kernel_width": [2, 5]}},
        {"kinds": ["conv"], "where": {"kernel": [3, 3]}, "conditions": {"layout": "nhwc"}, "multiple_of": {"k": 8}},
    )
    assert covers(wide, wide)
    assert covers(wide, narrow)
    assert not covers(narrow, wide)
    assert not covers(wide, other)
    assert covers(wide, sides)
    assert covers(wide, condition)
    assert not covers(condition, narrow)


def test_constants_are_multiplied_out_where_a_rule_holds() -> None:
    own = rules(
        {
            "kinds": ["conv"],
            "where": {"kernel": [3, 3], "stride": [1, 1], "out_height": [1, 8]},
            "times": {"compute": 2},
        },
        {"kinds": ["conv"], "where": {"kernel": [3, 3], "stride": [1, 1]}, "set": {"compute": 0.5}},
        {"kinds": ["conv", "linear"], "set": {"compute": 0.1}},
    )
    assert found(own, {}) == []
    assert found(own, {"compute": 2.0}) == []
    assert found(own, {"compute@rule_2": 4.0}) == [("compute", "rule_0", 4.0)]
    assert found(own, {"compute@rule_2": 13.0}) == [
        ("compute", "rule_0", 13.0), ("compute", "rule_1", 6.5), ("compute", "rule_2", 1.3)  # of linear operators
    ]  # fmt: skip
    assert found(own, {"compute@rule_2": 4.0, "compute@rule_1": 0.5}) == []
    assert found(own, {"compute": 2.0}, time_factor=0.5) == [
        ("bandwidth", "every operator", 2.0), ("compute", "rule_0", 4.0)
    ]  # fmt: skip
    assert found(own, {"compute": 0.0})[0] == ("compute", "rule_0", 0.0)
    assert found(own, {"overlap": 0.01}) == []  # infinite where no rule sets it
    assert found(own, {"bandwidth": 1.3}) == [("bandwidth", "every operator", 1.3)]


def test_rules_of_other_conditions_do_not_count() -> None:
    own = rules({"conditions": {"layout": "nhwc"}, "set": {"bandwidth": 1.0}}, {"set": {"bandwidth": 0.5}})
    assert found(own, {"bandwidth": 2.0}) == [("bandwidth", "rule_0", 2.0)]
    assert found(own, {"bandwidth": 2.0}, conditions={"layout": "nchw"}) == []
    assert [value for *_, value in found(own, {"bandwidth": 2.0}, conditions={"layout": "nhwc"})] == [2.0, 2.0]


def test_a_constant_that_a_size_multiplies_is_not_known_before_there_is_a_network() -> None:
    assert found(rules({"set": {"bandwidth": 1.0}, "times": {"bandwidth": "stride"}}), {"bandwidth": 5.0}) == []


@pytest.mark.parametrize("name", names_in("hardware/runtimes"))
def test_every_bundled_runtime_file_is_right(name: str) -> None:
    check_family(read_bundled("hardware/runtimes", name))


@lru_cache(maxsize=64)
def workload(fusion: str, facts: tuple[str, ...]) -> Workload:
    parts = [workload_of(cost_table(load(name)), fusion_named(fusion)) for name in NETWORKS]
    return joined(parts, facts)[0]


def test_no_bundled_calibration_exceeds_the_efficiencies_on_the_operators_of_networks() -> None:
    profiles = calibrated_profiles()
    assert len(profiles) == 615
    for profile in profiles:
        for batch in (1, 64):
            compute, bandwidth, most = reached(profile, batch)
            assert (compute <= most * ROUNDED).all(), (profile.name, float((compute / most).max()))
            assert (bandwidth <= 1.2 * ROUNDED).all(), (profile.name, float(bandwidth.max()))
            assert (compute > 0).all()
            assert (bandwidth > 0).all()


def reached(profile: HardwareProfile, batch: int) -> tuple[Any, Any, Any]:
    """The parts of peak and bandwidth that operators reach, and the most that the first may be."""
    assert profile.calibration is not None
    family = family_named(profile.calibration.family)
    own = workload(family.fusion, family.facts)
    made = prepared(own, family, conditions_of(profile), batch)
    times = row_times(made.columns, made.base, rates_of(profile), batch, family, frozenset({"efficiency"}))
    has_macs, moves = own.sizes["macs"] > 0, times.bytes > 0
    compute = own.sizes["macs"][has_macs] * batch / profile.macs_per_second / times.compute_seconds[has_macs]
    bandwidth = times.bytes[moves] / profile.bytes_per_second / times.memory_seconds[moves]
    sizes = (("kernel_height", 3), ("kernel_width", 3), ("stride_height", 1), ("stride_width", 1))
    winograd = np.logical_and.reduce([own.sizes[name] == size for name, size in sizes])
    return compute, bandwidth, np.where(winograd[has_macs], 2.5, 1.2)


RUNTIME = (Path(folder("hardware/runtimes")) / "cmsis_nn.toml").read_text()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('kinds = ["cnv"]', "unknown kind 'cnv'; did you mean 'conv'?"),
        ("kinds = 3", "kinds must be a list; write kinds = [...]"),
        ("set = { comput = 1.0 }", "unknown constant 'comput'; did you mean 'compute'?"),
        ("set = { compute = 3.0 }", "compute = 3 is outside 1e-05 to 2.5; it is: part of the peak that the operator"),
        ("set = { compute = nan }", "compute = nan is outside 1e-05 to 2.5"),
        ('set = { compute = "fast" }', "compute must be a number; write 1.0, without quotes"),
        ('kinds = ["linear"]\nset = { compute = 1.3 }', "compute comes to 1.3 where the rule 'mine' holds, outside "
         "1e-05 to 1.2; lower it here, or the factors of the rules that hold with it"),
        ("times = { compute = true }", "a factor must be a number from 0 to 1e21, or the name of a size"),
        ('times = { compute = "strid" }', "unknown size 'strid'; did you mean 'stride'?"),
        ("where = { stride = [1] }", "stride needs 2 entries, it has 1; add what is missing"),
        ("conditions = { layout = [1] }", "a condition must be a text or a whole number"),
        ("wher = { stride = [1, 1] }", "unknown key 'wher'; did you mean 'where'?"),
    ],
)  # fmt: skip
def test_mistakes_in_a_runtime_file_are_answered(tmp_path: Path, rule: str, expected: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(RUNTIME.replace("[[rule]]", f'[[rule]]\nname = "mine"\n{rule}\n\n[[rule]]', 1))
    with pytest.raises(SpecError) as caught:
        check_family(read(str(file)))
    assert [each for each in caught.value.problems if expected in str(each) and each.line > 0], str(caught.value)


def test_all_mistakes_of_a_runtime_file_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    rule = '[[rule]]\nname = 3\nkinds = ["cnv"]\nset = { comput = 1.0 }\n'
    file.write_text(RUNTIME.replace('fusion = "', 'fusion = "x') + rule)
    with pytest.raises(SpecError) as caught:
        check_family(read(str(file)))
    texts = [each.problem for each in caught.value.problems]
    assert len(texts) == 4
    assert texts[1:] == ["name must be a text", "unknown kind 'cnv'", "unknown constant 'comput'"]
