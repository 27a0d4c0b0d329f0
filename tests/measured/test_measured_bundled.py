"""The bundled measured tables, shapes tables and lists: complete, sourced, and consistent with one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import costmodel
from costmodel.assignments import parameters_of
from costmodel.errors import UnknownNameError
from costmodel.files import folder
from costmodel.measured import (
    KINDS,
    MEASURED_COLUMNS,
    BundledNetwork,
    Shapes,
    bundled_devices,
    bundled_measured,
    bundled_networks,
    bundled_shapes,
    bundled_sources,
    note_values,
)
from costmodel.records import fields_of

FOLDER = Path(folder("hardware")) / "measured"
MEASURED = list(bundled_measured())
SHAPES = list(bundled_shapes())


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_table_is_whole(name: str) -> None:
    frame = bundled_measured()[name].frame
    source = bundled_sources()[name]
    assert len(frame) == source.rows
    assert source.source
    assert source.licence
    assert source.statistic
    assert (frame["source"] != "").all()
    assert set(frame["device"]) <= set(bundled_devices())
    assert set(frame["network"]) - {""} <= set(bundled_networks())
    nothing = frame[frame["latency_seconds"].isna() & frame["energy_joules"].isna()]
    assert nothing["note"].str.contains("status=").all()
    assert (frame["batch"].notna() | frame["latency_seconds"].isna() | (frame["op_kind"] != "")).all()


def test_the_tables_are_those_of_the_folder() -> None:
    files = {file.name.split(".")[0] for file in FOLDER.iterdir() if file.is_file()}
    assert files - set(MEASURED) == {
        "README", "sources", "networks", "devices", "deployed_forms", "mlperf_tiny_energy",
    }  # fmt: skip
    assert {file.name.split(".")[0] for file in (FOLDER / "shapes").iterdir()} == set(SHAPES)


def test_compressed_files_are_the_large_ones_and_the_same_everywhere() -> None:
    for file in FOLDER.rglob("*.csv*"):
        assert file.stat().st_size < 1_000_000
        if file.suffix == ".gz":
            assert file.read_bytes()[3:8] == bytes(5), f"{file.name}: compress without name and time (gzip -n)"


def test_every_table_key_and_list_is_described() -> None:
    text = (FOLDER / "README.md").read_text()
    for name in (*MEASURED, *(f"shapes/{name}" for name in SHAPES), "networks", "devices", "deployed_forms", "sources"):
        assert f"`{name}" in text, name
    keys = {
        key
        for name in MEASURED
        for note in bundled_measured()[name].frame["note"].unique()
        for key in note_values(note)
    }
    for key in (
        *keys,
        *(column.name for column in MEASURED_COLUMNS),
        *KINDS,
        *fields_of(BundledNetwork),
    ):
        assert f"`{key}`" in text, key
    for source in bundled_sources().values():
        assert source.commit in text or not source.commit or source.commit == "in every row"


def test_names_that_are_unknown() -> None:
    with pytest.raises(UnknownNameError, match="no measured table is called 'timm_infr'; did you mean 'timm_infer'"):
        bundled_measured()["timm_infr"]
    with pytest.raises(
        UnknownNameError, match="no shapes table is called 'q'; there are guidelines, mobile, ncnn, onn"
    ):
        bundled_shapes()["q"]
    with pytest.raises(UnknownNameError, match="has no network 'timm/resnet18'; did you mean 'timm/resnet18@"):
        bundled_shapes()["timm"].rows_of("timm/resnet18")
    assert "timm_infr" not in bundled_measured()
    assert "timm_infer" in bundled_measured()
    assert len(bundled_measured()) == 14


def test_a_table_is_read_once() -> None:
    assert bundled_measured()["coral_edgetpu"] is bundled_measured()["coral_edgetpu"]
    assert bundled_measured()["coral_edgetpu"].path.endswith("hardware/measured/coral_edgetpu.csv")


def product_of_shape(columns: Any) -> Any:
    """MACs of operators from their shapes alone; NaN where an operator has none."""
    column = {name: np.asarray(columns[name], float) for name in columns}
    spatial = column["out_channels"] * column["out_height"] * column["out_width"]
    per_output = column["in_channels"] / column["groups"] * column["kernel_height"] * column["kernel_width"]
    products = np.nan_to_num(column["groups"], nan=1)
    gemm = column["gemm_m"] * column["gemm_n"] * column["gemm_k"] * products
    return np.where(np.isnan(spatial), gemm, spatial * per_output)


@pytest.mark.parametrize("name", SHAPES)
def test_macs_of_shapes_tables_are_those_of_the_shapes(name: str) -> None:
    table = bundled_shapes()[name]
    macs, operator = table.numbers["macs"], table.frame["operator"]
    expected = product_of_shape({each: table.numbers[each] for each in table.numbers})
    attention = (operator == "scaled_dot_product_attention").to_numpy()
    expected[attention] *= 2
    per_input = operator.str.startswith("Deconvolution").to_numpy()
    expected[per_input] = (
        expected * table.numbers["in_height"] * table.numbers["in_width"]
        / (table.numbers["out_height"] * table.numbers["out_width"])
    )[per_input]  # fmt: skip
    windows = table.numbers["in_elements"] / (
        table.numbers["in_channels"] * table.numbers["in_height"] * table.numbers["in_width"]
    )
    folded = (table.frame["fused"] == 0).to_numpy() & (windows > 1) & (macs == expected * windows)
    assert folded.sum() == (72 if name == "timm" else 0)
    counted = ~np.isnan(expected) & ~folded
    assert (macs[counted] == expected[counted]).all()
    assert (macs[np.isnan(expected)] == 0).all()


@pytest.mark.parametrize("name", ["deepbench_kernels", "local_epyc_machine", "local_epyc_ort_layers"])
def test_macs_of_measured_operators_are_those_of_the_shapes(name: str) -> None:
    frame = bundled_measured()[name].frame
    expected = product_of_shape(frame[[column.name for column in MEASURED_COLUMNS if column.kind == "count"]])
    batch = np.where(frame["gemm_m"].isna(), frame["batch"].fillna(1), 1)
    counted = ~np.isnan(expected)
    assert (frame["macs"][counted] == (expected * batch)[counted]).all()
    assert (frame["macs"][~counted] == 0).all()


def test_kernels_have_the_names_of_their_groups() -> None:
    for name in SHAPES:
        table = bundled_shapes()[name]
        kind, groups = table.frame["op_kind"], table.numbers["groups"]
        assert (groups[kind.isin(["conv", "pointwise_conv"])] == 1).all()
        depthwise = (kind == "depthwise_conv").to_numpy()
        assert (groups[depthwise] == table.numbers["in_channels"][depthwise]).all()
        assert (groups[(kind == "grouped_conv").to_numpy()] > 1).all()


def test_networks_of_shapes_tables_are_listed() -> None:
    listed = {table: {net.network for net in bundled_networks().values() if net.shapes == table} for table in SHAPES}
    assert listed == {table: set(bundled_shapes()[table].rows) for table in SHAPES}
    assert {net.shapes for net in bundled_networks().values()} == {"", *SHAPES}


def test_networks_say_how_their_spec_is_known() -> None:
    for net in bundled_networks().values():
        assert bool(net.basis) == bool(net.spec_name)
        assert not net.parameters or net.spec_name
        assert net.basis in ("", "shapes", "macs", "printed", "name")
        assert (net.basis in ("shapes", "macs")) == bool(net.spec_name and net.shapes)
    assert sum(bool(net.spec_name) for net in bundled_networks().values()) == 531


def named() -> Iterator[list[BundledNetwork]]:
    """Networks with a spec, those of one spec and parameters together."""
    groups: dict[tuple[str, str], list[BundledNetwork]] = {}
    for net in bundled_networks().values():
        if net.spec_name:
            groups.setdefault((net.spec_name, net.parameters), []).append(net)
    yield from groups.values()


def macs_of(table: Shapes, network: str) -> int:
    rows = table.rows_of(network)
    return int((table.numbers["macs"][rows] * table.numbers["repeats"][rows]).sum())


@pytest.mark.parametrize("nets", list(named()), ids=lambda nets: f"{nets[0].spec_name} {nets[0].parameters}".strip())
def test_a_named_spec_is_the_network(nets: list[BundledNetwork]) -> None:
    spec = costmodel.load(nets[0].spec_name, **parameters_of(nets[0].parameters.split()))
    macs = costmodel.cost_table(spec).total("macs")
    size = next(iter(spec.inputs.values())).sizes
    for net in nets:
        pixels = re.search(r"@(\d+)", net.network)
        assert pixels is None or size[1:] == (int(pixels[1]), int(pixels[1]))
        if net.shapes == "onnxruntime_nchwc":
            assert macs <= macs_of(bundled_shapes()[net.shapes], net.network) <= 1.17 * macs
        elif net.shapes:
            assert macs_of(bundled_shapes()[net.shapes], net.network) == macs


def test_networks_in_deploy_form_have_no_shapes_of_the_training_form() -> None:
    frame = bundled_measured()["timm_infer"].frame
    deploy = frame[frame["network"].str.contains("_deploy@")]
    assert len(deploy) == 384
    assert deploy["source_file"].str.contains("pt291").all()
    printed = deploy["note"].map(lambda note: note_values(note)["printed_name"])
    assert (deploy["network"] == "timm/" + printed + "_deploy@" + deploy["resolution"].map("{:.0f}".format)).all()
    assert {bundled_networks()[network].shapes for network in deploy["network"]} == {""}


def test_the_readme_counts_rows_and_networks() -> None:
    """The table of files gives the rows of each."""
    text = (FOLDER / "README.md").read_text()
    for name, source in bundled_sources().items():
        assert re.search(rf"\| `{name}\.csv(?:\.gz)?` \| {source.rows:,} \|", text), name
    for name in SHAPES:
        table = bundled_shapes()[name]
        assert re.search(rf"\| `shapes/{name}\.csv\.gz` \| {len(table):,} \| {len(table.rows)} \|", text), name
