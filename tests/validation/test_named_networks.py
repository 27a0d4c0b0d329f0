"""Rows that name a bundled network or a spec file instead of a network of the bundled tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy
import pytest

from costmodel import cost_table, load, load_hardware, predict
from costmodel.errors import SpecError
from costmodel.files import names_in
from costmodel.fusion import FUSIONS
from costmodel.measured import bundled_networks
from costmodel.validation import rows, validate
from costmodel.validation.predictors import predicted_rows
from costmodel.validation.subjects import Subjects
from costmodel.workloads.reparameterised import deployed_name

HEAD = "device,runtime,dtype,batch,network,width,resolution,latency_seconds\n"
SPEC = """name = "mine"
source = "by hand"
input = [3, "side", "side"]
layers = [ { conv = "channels", kernel = 3, stride = 2, act = "relu" }, "global_avg_pool", { linear = 10 } ]
[parameters]
side = 32
channels = 8
"""


def table(folder: Path, *networks: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(HEAD + "".join(f"pixel_1,tflite,float32,1,{network},0.05\n" for network in networks))
    return path


def seconds(network: str, **parameters: float) -> float:
    profile = load_hardware("pixel_1:tflite:float32")
    return float(predict(cost_table(load(network, **parameters)), profile).latency_seconds)


def test_a_bundled_network_by_its_name(tmp_path: Path) -> None:
    names = "mobilenet_v2,,", "mobilenet_v2 width=0.5 resolution=160,,", "mobilenet_v2_0.5_160,,"
    found = validate(table(tmp_path, *names))
    assert not found.skipped
    half = seconds("mobilenet_v2", width=0.5, resolution=160)
    assert found.columns["full"] == pytest.approx([seconds("mobilenet_v2"), half, half], rel=1e-9)
    assert half < 0.5 * seconds("mobilenet_v2")


def test_a_spec_file_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    spec = tmp_path / "nets" / "my net.toml"
    spec.write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    local = os.path.join("nets", "my net.toml")
    found = validate(table(tmp_path, f"{spec},,", f"{local} channels=16 side=64,,"))
    assert not found.skipped
    assert found.columns["full"] == pytest.approx([seconds(str(spec)), seconds(local, channels=16, side=64)])


def test_tables_come_before_bundled_networks(tmp_path: Path) -> None:
    shapes = tmp_path / "shapes.csv"
    shapes.write_text(
        "network,op_kind,fused,gemm_m,gemm_n,gemm_k,in_elements,weight_elements,out_elements,macs\n"
        "mobilenet_v2,linear,1,1,10,10,10,100,10,100\n"
    )
    found = validate(table(tmp_path, "mobilenet_v2,,"), shapes=shapes)
    assert found.columns["full"][0] < 0.1 * seconds("mobilenet_v2")


def test_a_spec_says_itself_which_form_it_is_in() -> None:
    subjects, fusion = Subjects(), FUSIONS["folded"]
    for name in ("repvgg_a0_train", "repvgg_a0_deploy"):
        made = [subjects.network(name, fusion, reparameterised=flag) for flag in (True, False)]
        assert made[0] is not None
        assert made[1] is not None
        assert made[0].operators == made[1].operators


def test_rows_that_would_take_no_time_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A latency of 0 s is no prediction."""

    def without_time(frame: Any, *others: Any) -> dict[str, Any]:
        made = predicted_rows(frame, *others)
        return made | {"full": numpy.where(frame["network"] == "alexnet", 0.0, made["full"])}

    monkeypatch.setattr(rows, "predicted_rows", without_time)
    found = validate(table(tmp_path, "mobilenet_v2,,", "alexnet,,", "mobilenet_v2,,"), by=["network"])
    assert dict(found.skipped) == {"the profile has no time for what ran": 1}
    assert [(group.accuracy["full"].n, group.skipped) for group in found.groups] == [(2, 0), (0, 1)]
    assert found.columns["line"] == [2, 4]


def test_a_name_of_an_origin_is_no_path() -> None:
    subjects = Subjects()
    assert subjects.network("mine/resnet50", FUSIONS["folded"]) is None
    assert subjects.network("coral/deeplab_v3@513", FUSIONS["folded"]) is None, "listed without shapes and spec"
    assert not subjects.unknown


def test_networks_that_nobody_has_are_said_with_the_nearest(tmp_path: Path) -> None:
    found = validate(table(tmp_path, "mobilnet_v2,,", "mobilnet_v2,,", "ncnn/resnet5O,,", "qqqqqq,,"))
    assert dict(found.skipped) == {"no shapes of the network": 4}
    other = "give its operators with --shapes, or name a bundled network or a spec file"
    assert [str(each).partition("mine.csv:")[2] for each in found.warnings] == [
        f"2:26: network = 'mobilnet_v2' is unknown (2 rows); did you mean 'mobilenet_v2'? Else {other}",
        f"4:26: network = 'ncnn/resnet5O' is unknown (1 row); did you mean 'ncnn/resnet50'? Else {other}",
        f"5:26: network = 'qqqqqq' is unknown (1 row); {other}",
    ]


def test_networks_that_are_named_and_cannot_be_loaded_are_refused_together(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(SPEC.replace("kernel", "kernal"))
    names = "mobilenet_v2 widht=2,,", f"{wrong},,", f"{tmp_path}/none.toml,,", "mobilenet_v2 width=99,,", "alexnet,,"
    with pytest.raises(SpecError) as caught:
        validate(table(tmp_path, *names))
    lines = [line for line in str(caught.value).replace(f"{tmp_path}/", "").splitlines() if not line.startswith(" ")]
    assert lines[0].startswith("mine.csv:2:26: network = 'mobilenet_v2 widht=2': ")
    assert "did you mean 'width'?" in lines[0]
    assert lines[1:3] == [
        "mine.csv:3:26: network = 'wrong.toml' is wrong",
        "wrong.toml:4:33: unknown field 'kernal' for conv; did you mean 'kernel'?",
    ]
    assert lines[3] == "mine.csv:4:26: network = 'none.toml' is wrong"
    assert lines[4].startswith("none.toml: cannot be read")
    assert lines[5].startswith("mine.csv:5:26: network = 'mobilenet_v2 width=99': ")
    assert len(lines) == 6


def test_a_width_or_resolution_that_contradicts_the_network_is_refused(tmp_path: Path) -> None:
    assert not validate(table(tmp_path, "mobilenet_v2 width=0.5,0.5,224", "alexnet,0.5,", "mobilenet_v2,,")).skipped
    with pytest.raises(SpecError) as caught:
        validate(table(tmp_path, "mobilenet_v2,0.5,224", "mobilenet_v2_0.5_160,0.5,192"))
    lines = [line for line in str(caught.value).splitlines() if "mine.csv" in line]
    assert [line.partition("mine.csv:")[2] for line in lines] == [
        "2:39: width = 0.5 contradicts network = 'mobilenet_v2', whose width is 1; write the parameter into network: "
        "mobilenet_v2 width=0.5",
        "3:51: resolution = 192 contradicts network = 'mobilenet_v2_0.5_160', whose resolution is 160; write the "
        "parameter into network: mobilenet_v2_0.5_160 resolution=192",
    ]


def test_bundled_tables_name_networks_of_their_own() -> None:
    """No network of the bundled tables is called as a bundled spec is: what a name means does not depend on both."""
    assert not set(names_in("specs")) & set(bundled_networks())


def test_a_network_with_a_form_for_deployment_has_operators_in_both_or_in_none() -> None:
    """Where the deployed form has no spec of its own, the trained one is rewritten: rows are found before they are
    predicted, and what was found must be there."""
    subjects, networks = Subjects(), bundled_networks()
    names = [name for name in networks if not name.endswith("_deploy") and deployed_name(name) in networks]
    assert len(names) > 40
    for name in names:
        for rule in (FUSIONS["attention"], FUSIONS["folded"]):
            found = [subjects.network(name, rule, form) is not None for form in (False, True)]
            assert found[0] == found[1], name
    trained, in_form = (
        subjects.network("timm/nextvit_large@384", FUSIONS["attention"], form) for form in (False, True)
    )
    assert trained is not None
    assert in_form is not None
    assert len(in_form.kinds) < len(trained.kinds)


def test_names_as_the_source_prints_them_are_predicted_in_both_forms(tmp_path: Path) -> None:
    runtimes = {"rtx_5090": "torch_compile", "rtx_3090": "torch_eager"}
    networks = ("timm/nextvit_large@384", "timm/repvgg_a0@224", "timm/resnet50@224")
    lines = [f"{device},{runtime},amp,256,{name},,,0.1\n" for device, runtime in runtimes.items() for name in networks]
    file = tmp_path / "printed.csv"
    file.write_text(HEAD + "".join(lines))
    found = validate(file)
    assert not found.skipped
    assert len(found.columns["full"]) == 6
