"""Tables of networks before they are reparameterised, rewritten to the form that they are deployed in."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest

from costmodel.costs import cost_table
from costmodel.fusion import FUSIONS
from costmodel.measured import bundled_deployed_forms, bundled_shapes
from costmodel.specs.catalogue import load
from costmodel.validation.subjects import Subjects
from costmodel.workloads import Workload, workload_of
from costmodel.workloads.reparameterised import (
    CONVOLUTIONS,
    REWRITES,
    deployed,
    deployed_name,
    form_of,
    trained_name,
)

EVERY = FUSIONS["none"]


def table(name: str) -> Workload:
    found = Subjects().network(name, EVERY)
    assert found is not None
    return found


def rows(workload: Workload) -> Counter[tuple[str, str, int, int, int]]:
    """How often every kind of row occurs."""
    found: Counter[tuple[str, str, int, int, int]] = Counter()
    sizes = [workload.sizes[name].astype(int) for name in ("input_elements", "output_elements", "macs")]
    for kind, operator, *numbers, repeats in zip(
        workload.kinds, workload.operators, *sizes, workload.repeats, strict=True
    ):
        found[kind, operator, *numbers] += int(repeats)
    return found


def layer_outputs(workload: Workload) -> float:
    """Elements that convolutions and linear layers write."""
    weighted = numpy.isin(workload.kinds, (*CONVOLUTIONS, "linear"))
    return float((workload.sizes["output_elements"] * workload.repeats)[weighted].sum())


@pytest.mark.parametrize(
    ("network", "spec"),
    [
        ("timm/repvgg_a0@224", "repvgg_a0_deploy"), ("timm/repvgg_b1g4@224", "repvgg_b1g4_deploy"),
        ("timm/mobileone_s0@224", "mobileone_s0_deploy"), ("timm/mobileone_s4@224", "mobileone_s4_deploy"),
    ],
)  # fmt: skip
def test_a_rewritten_table_is_the_deployed_network(network: str, spec: str) -> None:
    assert rows(deployed(table(network))) == rows(workload_of(cost_table(load(spec)), EVERY))


@pytest.mark.parametrize("network", ["fastvit_t8", "fastvit_sa12", "fastvit_ma36"])
def test_fastvit_keeps_the_norm_and_the_sum_of_each_block(network: str) -> None:
    ours = rows(deployed(table(f"timm/{network}@256")))
    theirs = rows(workload_of(cost_table(load(f"{network}_deploy")), EVERY))
    apart = {"multiply", "scale", "clone", "attention", "matmul", "softmax"}  # words of a table, or of a spec
    assert {key: n for key, n in ours.items() if key[1] not in apart} == {
        key: n for key, n in theirs.items() if key[1] not in apart
    }


@pytest.mark.parametrize(
    ("network", "million_outputs"),
    [
        # printed for these networks in timm's results of PyTorch 2.9.1, to 0.01 million
        ("timm/repvit_m0_9@224", 6.17), ("timm/repvit_m2_3@224", 21.32), ("timm/repghostnet_200@224", 7.96),
        ("timm/mobileone_s1@224", 6.27), ("timm/fastvit_t12@256", 9.57), ("timm/repvgg_b3g4@224", 7.55),
    ],
)  # fmt: skip
def test_outputs_of_layers_are_those_printed_by_timm(network: str, million_outputs: float) -> None:
    assert layer_outputs(deployed(table(network))) / 1e6 == pytest.approx(million_outputs, abs=0.006)


@pytest.mark.parametrize(
    ("network", "before", "after"),
    [
        # RepGhost: two norms in each of 2 modules of 16 blocks; Next-ViT: one norm in each of 32 convolutional blocks,
        # two in 8 attention blocks, and those of the keys of 7
        ("timm/levit_128@224", 64, 0), ("timm/efficientvit_m0@224", 113, 0), ("timm/repvit_m1_0@224", 108, 0),
        ("timm/repghostnet_100@224", 112, 48), ("timm/nextvit_large@224", 117, 62), ("timm/tiny_vit_5m_224@224", 27, 0),
    ],
)  # fmt: skip
def test_batch_norms_that_go(network: str, before: int, after: int) -> None:
    counts = [sum(n for key, n in rows(each).items() if key[1] == "batch_norm")
              for each in (table(network), deployed(table(network)))]  # fmt: skip
    assert counts == [before, after]


def test_both_classifiers_of_repvit_are_one() -> None:
    made = rows(deployed(table("timm/repvit_m1@224")))
    assert [n for key, n in made.items() if key[0] == "linear"] == [1]
    assert not any(key[1] == "divide" for key in made)


def test_every_other_network_stays_as_it_is() -> None:
    names = list(bundled_shapes()["timm"].rows)
    changed = [name for name in names if form_of(name)]
    assert len(names) == 900
    assert len(changed) == 69
    for name in names[::25]:
        if name not in changed:
            made = table(name)
            assert deployed(made) is made


def test_every_form_of_the_data_has_its_rewrite_and_a_network() -> None:
    forms = bundled_deployed_forms()
    assert set(forms.values()) == set(REWRITES)
    names = [name.rpartition("/")[2] for name in bundled_shapes()["timm"].rows]
    for prefix in forms:
        assert any(name.startswith(prefix) for name in names), prefix
        assert [other for other in forms if other != prefix and other.startswith(prefix)] == []


def test_nothing_grows_and_nothing_is_split() -> None:
    for name in bundled_shapes()["timm"].rows:
        if form_of(name):
            before, after = rows(table(name)), rows(deployed(table(name)))
            assert all(after[key] <= before[key] for key in after), name
            assert (deployed(table(name)).repeats % 1 == 0).all(), name


def test_names_of_deployed_networks() -> None:
    assert deployed_name("timm/repvgg_a0@224") == deployed_name("timm/repvgg_a0_deploy@224")
    assert trained_name("timm/resnet50@224") == "timm/resnet50@224"


def test_subjects_find_deployed_networks_by_name_and_by_calibration() -> None:
    subjects = Subjects()
    by_name = subjects.network("timm/levit_256_deploy@224", EVERY)
    by_flag = subjects.network("timm/levit_256@224", EVERY, reparameterised=True)
    plain = subjects.network("timm/levit_256@224", EVERY)
    assert by_name is not None
    assert by_flag is not None
    assert plain is not None
    assert rows(by_name) == rows(by_flag) == rows(deployed(plain)) != rows(plain)
