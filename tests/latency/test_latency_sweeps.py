"""A sweep on calibrated profiles is the loop of single predictions: for every runtime, and where structure differs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from costmodel import cost_table, load, predict, sweep
from costmodel.hardware import HardwareProfile, calibrated_profiles, load_hardware
from costmodel.sweeps import totals
from costmodel.workloads.facts import FACTS, SUMS
from costmodel.workloads.variants import found_one_by_one

OF_EACH_RUNTIME = {profile.calibration.family: profile for profile in calibrated_profiles() if profile.calibration}


def swept_and_single(
    network: str, profiles: list[HardwareProfile], **parameters: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Profile, seconds and bytes of every variant: by a sweep, and by loading and predicting one after the other."""
    frame = sweep(network, hardware=profiles, **parameters)
    single = []
    for values in itertools.product(*parameters.values()):
        costs = cost_table(load(network, **dict(zip(parameters, values, strict=True))))
        single += [predict(costs, profile) for profile in profiles]
    swept = {name: frame[name].tolist() for name in ("hardware", "latency_seconds", "bytes")}
    return swept, {
        "hardware": [each.profile.name for each in single],
        "latency_seconds": pytest.approx([each.latency_seconds for each in single], rel=1e-12),
        "bytes": pytest.approx([each.bytes for each in single], rel=1e-12),
    }


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("mobilenet_v1", {"width": [0.25, 0.3, 1.0], "resolution": [128, 192]}),
        ("efficientnet_b0", {"width": [0.5, 2.0]}),  # weights that fit into a near memory, and that do not
        ("alexnet_caffe", {"groups": [1, 2]}),  # a convolution that is grouped in one variant only
        ("vit_base_patch16_224", {"resolution": [128, 224]}),
    ],
)
def test_every_runtime(network: str, parameters: dict[str, list[Any]]) -> None:
    assert len(OF_EACH_RUNTIME) > 30
    swept, single = swept_and_single(network, list(OF_EACH_RUNTIME.values()), **parameters)
    assert swept == single


def test_blocks_of_channels_that_several_layers_share() -> None:
    profiles = [load_hardware("epyc_zen4:onnxruntime_nchwc")]
    swept, single = swept_and_single("nasnet_a_mobile", profiles, resolution=[160, 224])
    assert swept == single


def test_a_probability_is_a_size_like_others() -> None:
    swept, single = swept_and_single("i3d_encoder", [load_hardware("pixel_1:tflite")], executed=[10, 20, 36])
    assert swept == single


def test_pieces_of_a_few_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load_hardware("rtx_4090:torch_compile")
    for points in (1, 2, 1000):
        monkeypatch.setattr(totals, "POINTS_WITH_FACTS", points)
        swept, single = swept_and_single("ghostnet", [profile], width=[0.5, 1.0, 1.3], resolution=[128, 224])
        assert swept == single


def test_facts_that_are_found_one_by_one() -> None:
    assert found_one_by_one(FACTS).count("kernel_share") == 1
    assert not {*SUMS, "normalises_weight"} & set(found_one_by_one(FACTS))
