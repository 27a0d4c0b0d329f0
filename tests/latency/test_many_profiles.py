"""One network on many calibrated profiles together: what each profile says alone."""

from __future__ import annotations

import pytest

from costmodel import cost_table, load, predict
from costmodel.fusion import fusion_named
from costmodel.hardware import calibrated_profiles, load_hardware
from costmodel.latency import latencies
from costmodel.latency import shared as remembered
from costmodel.workloads.layers import rows_of


@pytest.mark.parametrize(("network", "batch"), [("mobilenet_v3_small_1.0_224", 1), ("resnet18", 8)])
def test_every_calibration_says_the_same_alone(network: str, batch: int) -> None:
    costs = cost_table(load(network), batch=batch)
    profiles = calibrated_profiles()
    together = latencies(costs.graph, costs.shapes, profiles, batch)
    assert len(profiles) > 600
    assert together == pytest.approx([predict(costs, profile).latency_seconds for profile in profiles], rel=1e-9)


def test_their_order_and_repetition_do_not_matter() -> None:
    costs = cost_table(load("mobilenet_v2"))
    first, second, third = (
        load_hardware(name) for name in ("pixel_1:tflite", "i7_12700h:torch_compile", "raspberry_pi_4:ncnn")
    )
    a, b, c = latencies(costs.graph, costs.shapes, [first, second, third])
    assert latencies(costs.graph, costs.shapes, [third, first, first, second]) == pytest.approx([c, a, a, b])
    assert latencies(costs.graph, costs.shapes, []) == []


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest results go first; a network that is too large alone is computed every time."""
    profile = load_hardware("i7_12700h:torch_compile")
    plain = {name: predict(cost_table(load(name)), profile).latency_seconds for name in ("resnet50", "mobilenet_v2")}
    for most in (0, 150, 200):
        monkeypatch.setattr(remembered, "MOST_ROWS", most)
        for _ in range(2):
            for name, seconds in plain.items():
                assert predict(cost_table(load(name)), profile).latency_seconds == seconds
        for kept in (remembered._rows, remembered._prepared, remembered._workloads, remembered._applied):
            assert sum(rows for *_, rows in kept._results.values()) == kept._rows <= most


def test_rows_that_fold_rules_share_are_of_the_same_tensors() -> None:
    """A second table of one graph has shapes of its own: what is remembered by their ids must keep them alive."""
    graph = load("mobilenet_v2")
    for name, rule in (("first", "folded"), ("second", "none")):
        costs = cost_table(graph)
        shared = remembered.shared_rows(graph, costs.shapes, fusion_named(rule))
        assert remembered._applied.get(graph)[0] is costs.shapes, name
        assert dict(shared.rows) == rows_of(graph, costs.shapes, fusion_named(rule))


def test_a_result_takes_the_place_of_the_one_before_it() -> None:
    kept = remembered._Kept()
    owner = object()
    for result in ("old", "new"):
        kept.keep(owner, ("key",), result, 10)
    assert kept.get(owner, ("key",)) == "new"
    assert kept.get(owner) is None
    assert kept._rows == 10
