"""What the spec language can say: each construct on a small network whose layers can be written down by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
from spec_texts import HEAD, build, channels, names, spec

from costmodel import cost_table, load
from costmodel.errors import UnknownNameError
from costmodel.graph import Graph
from costmodel.operators.activation import Activation
from costmodel.operators.convolution import Conv2d
from costmodel.shapes import infer_shapes
from costmodel.specs.catalogue import families
from costmodel.specs.listing import listing


def wiring(graph: Graph) -> dict[str, tuple[str, ...]]:
    """What each layer reads."""
    return {layer.name: layer.inputs for layer in graph.layers}


def sizes(graph: Graph) -> list[str]:
    """The output shape of each layer."""
    shapes = infer_shapes(graph)
    return [str(shapes[layer.outputs[0]]) for layer in graph.layers]


# ---- parameters and derived values


def test_defaults_are_expressions_over_earlier_parameters(tmp_path: Path) -> None:
    text = spec('  { conv2d = "b" },', '[parameters]\na = 4\nb = { default = "2*a + 1", min = 1 }')
    assert channels(build(tmp_path, text)) == [9]
    assert channels(build(tmp_path, text, a=5)) == [11]
    assert channels(build(tmp_path, text, b=3)) == [3]


def test_parameters_of_every_kind(tmp_path: Path) -> None:
    rest = (
        '[parameters]\nn = [8, 16]\nb = true\nact = { default = "relu", choices = ["relu", "none", "swish"] }\n'
        "k = { default = 3, choices = [3, 5] }"
    )
    text = spec('  { conv2d = "n[1]", kernel = "k", bias = "b" },\n  { activation = "act" },', rest)
    graph = build(tmp_path, text)
    assert graph.layers[0].operator == Conv2d(16, kernel=(3, 3), bias=True)
    assert graph.parameters == {"n": (8, 16), "b": True, "act": "relu", "k": 3}
    graph = build(tmp_path, text, n=[1, 2], b=False, act="none", k=5)
    assert graph.layers[0].operator == Conv2d(2, kernel=(5, 5), bias=False)
    assert len(graph.layers) == 1


def test_where_and_lookups(tmp_path: Path) -> None:
    rest = (
        "[parameters]\ngroups = { default = 1, choices = [1, 2, 3] }\n"
        '[where]\nc = { by = "groups", of = [1, 2, 3], is = [24, 32, 48] }\nwide = "2*c"'
    )
    text = spec('  { conv2d = "c" },\n  { conv2d = "wide", groups = "groups" },', rest)
    assert channels(build(tmp_path, text)) == [24, 48]
    assert channels(build(tmp_path, text, groups=3)) == [48, 96]


def test_named_variants_and_patterns(tmp_path: Path) -> None:
    rest = (
        "[parameters]\nwidth = 1.0\nresolution = 32\n"
        '[variants]\nsmall = { width = 0.5 }\n"net_{width}_{resolution}" = {}\n"wide{width}" = { resolution = 64 }'
    )
    head = HEAD.replace("32, 32", '"resolution", "resolution"')
    text = spec('  { conv2d = "8*width" },', rest, head)
    assert sizes(build(tmp_path, text)) == ["8x32x32"]
    assert sizes(build(tmp_path, text, variant="small")) == ["4x32x32"]
    assert sizes(build(tmp_path, text, variant="net_0.5_16")) == ["4x16x16"]
    assert sizes(build(tmp_path, text, variant="wide2")) == ["16x64x64"]
    assert sizes(build(tmp_path, text, variant="small", width=3)) == ["24x32x32"]


def test_a_variant_named_like_the_file_is_its_default(tmp_path: Path) -> None:
    text = spec('  { conv2d = "c" },', "[parameters]\nc = 8\n[variants]\nnet = { c = 5 }")
    assert channels(build(tmp_path, text)) == [5]


def test_variant_with_passes(tmp_path: Path) -> None:
    text = spec("  { conv = 8 },", '[variants]\nfolded = { passes = ["fold_norm"] }')
    assert names(build(tmp_path, text)) == ["conv.conv2d", "conv.batch_norm", "conv.activation"]
    graph = build(tmp_path, text, variant="folded")
    assert names(graph) == ["conv.conv2d", "conv.activation"]
    assert graph.layers[0].operator == Conv2d(8, bias=True, kernel=(1, 1), stride=(1, 1), dilation=(1, 1))


def test_a_pattern_holds_numbers_and_listed_words(tmp_path: Path) -> None:
    rest = """
[parameters]
function = { default = "relu", choices = ["relu", "gelu", "tanh"] }
[variants]
"net_{function}_deploy" = { listed = { function = ["relu", "gelu"] } }
"""
    text = spec('{ activation = "function" }', rest)
    (layer,) = build(tmp_path, text, "net_gelu_deploy").layers
    assert layer.operator == Activation("gelu")
    with pytest.raises(UnknownNameError, match="has no variant 'net_tanh_deploy'"):
        build(tmp_path, text, "net_tanh_deploy")


# ---- blocks


def test_block_defaults_read_the_input_and_earlier_parameters(tmp_path: Path) -> None:
    rest = (
        '[blocks.unit]\nneeds = ["out"]\ndefaults = { mid = "2*in_channels", last = "mid + out" }\n'
        'steps = [ { conv2d = "mid" }, { conv2d = "last" } ]'
    )
    text = spec("  { unit = 5 },\n  { unit = 5, mid = 7 },\n  { unit = 5, last = 1 },", rest)
    assert channels(build(tmp_path, text)) == [6, 11, 7, 12, 24, 1]


def test_local_blocks_see_parameters_of_the_file_and_nest(tmp_path: Path) -> None:
    rest = (
        '[parameters]\nc = 4\n[blocks.outer]\nsteps = [ { inner = "c" }, { inner = "2*c" } ]\n'
        '[blocks.inner]\nneeds = ["out"]\nsteps = [ { conv2d = "out + c" }, "relu" ]'
    )
    graph = build(tmp_path, spec('  "outer",', rest))
    assert channels(graph) == [8, 12]
    assert names(graph) == [
        "outer.inner_1.conv2d", "outer.inner_1.relu", "outer.inner_2.conv2d", "outer.inner_2.relu",
    ]  # fmt: skip


def test_block_with_two_inputs_repeated(tmp_path: Path) -> None:
    """Each repetition counts as one output: the second cell reads the first and the stem."""
    rest = (
        '[blocks.cell]\ninputs = ["current", "previous"]\nneeds = ["c"]\n'
        'steps = [ { conv2d = "c", from = "previous", name = "left" }, { conv2d = "c", from = "current" }, '
        '{ add = ["left", -1] } ]'
    )
    graph = build(tmp_path, spec("  { conv2d = 4 },\n  { cell = 8, from = [-1, -2], repeat = 2 },", rest))
    assert wiring(graph) == {
        "conv2d": ("input",),
        "cell_1.left": ("input",),
        "cell_1.conv2d": ("conv2d",),
        "cell_1.add": ("cell_1.left", "cell_1.conv2d"),
        "cell_2.left": ("conv2d",),
        "cell_2.conv2d": ("cell_1.add",),
        "cell_2.add": ("cell_2.left", "cell_2.conv2d"),
    }


def test_block_parameter_that_chooses_a_verb(tmp_path: Path) -> None:
    rest = (
        '[blocks.unit]\nneeds = ["c"]\ndefaults = { way = { default = "fit", choices = ["fit", "pass"] } }\n'
        'steps = [ { way = "c" }, "relu" ]\n[blocks.fit]\nneeds = ["c"]\nsteps = [ { conv2d = "c" } ]'
    )
    graph = build(tmp_path, spec('  { unit = 4 },\n  { unit = 8, way = "pass" },', rest))
    assert names(graph) == ["unit_1.fit.conv2d", "unit_1.relu", "unit_2.relu"]


# ---- repetition


def test_stride_holds_for_the_first_repetition(tmp_path: Path) -> None:
    graph = build(tmp_path, spec("  { conv2d = 4, kernel = 3, stride = 2, repeat = 3 },"))
    assert names(graph) == ["conv2d_1", "conv2d_2", "conv2d_3"]
    assert sizes(graph) == ["4x16x16"] * 3


def test_first_overrides_any_field(tmp_path: Path) -> None:
    graph = build(tmp_path, spec("  { conv2d = 4, kernel = 3, repeat = 3, first = { conv2d = 6, kernel = 5 } },"))
    assert channels(graph) == [6, 4, 4]
    assert [layer.operator.kernel for layer in graph.layers if isinstance(layer.operator, Conv2d)] == [
        (5, 5), (3, 3), (3, 3),
    ]  # fmt: skip


def test_repeat_zero_and_repeat_of_a_group(tmp_path: Path) -> None:
    layers = '  { conv2d = 4, repeat = "n" },\n  { steps = [ { conv2d = 5 }, "relu" ], repeat = 2 },'
    text = spec(layers, "[parameters]\nn = 0")
    assert names(build(tmp_path, text)) == ["conv2d_1", "relu_1", "conv2d_2", "relu_2"]
    assert channels(build(tmp_path, text, n=1)) == [4, 5, 5]


# ---- rows


def test_rows_fill_fields_and_can_be_read(tmp_path: Path) -> None:
    layers = (
        '  { conv2d = "2*c", columns = ["c", "kernel", "repeat", "stride"], rows = [\n'
        '    [4, 3, 1, 1],\n    [8, [1, 5], 2, 2],\n    ["c0", "-", 1, "-"],\n  ] },'
    )
    graph = build(tmp_path, spec(layers, "[parameters]\nc0 = 3"))
    assert channels(graph) == [8, 16, 16, 6]
    assert sizes(graph) == ["8x32x32", "16x16x16", "16x16x16", "6x16x16"]
    assert [layer.operator.kernel for layer in graph.layers if isinstance(layer.operator, Conv2d)] == [
        (3, 3), (1, 5), (1, 5), 1,
    ]  # fmt: skip


def test_rows_of_different_blocks_with_names_and_from(tmp_path: Path) -> None:
    layers = (
        '  { columns = ["block", "kernel", "out_channels", "name", "from"], rows = [\n'
        '    ["conv2d", 3, 4, "a", "-"],\n    ["max_pool2d", 2, "-", "b", "-"],\n'
        '    ["conv2d", "-", 6, "c", "a"],\n    ["conv2d", "-", 7, "d", "b"],\n  ] },'
    )
    graph = build(tmp_path, 'outputs = ["c", "d"]\n' + spec(layers))
    assert wiring(graph) == {"a": ("input",), "b": ("a",), "c": ("a",), "d": ("b",)}
    assert graph.outputs == ("c", "d")
    assert sizes(graph) == ["4x32x32", "4x16x16", "6x32x32", "7x16x16"]


def test_rows_by_word(tmp_path: Path) -> None:
    rest = (
        '[parameters]\nmodel = { default = "in0", choices = ["in0", "in1"] }\n'
        '[tables]\nin0 = [ [4, 1], [8, 2] ]\nin1 = [ [5, 1] ]\n[variants]\nnet_in1 = { model = "in1" }'
    )
    text = spec('  { conv2d = true, columns = ["out_channels", "stride"], rows = "model" },', rest)
    assert channels(build(tmp_path, text)) == [4, 8]
    assert channels(build(tmp_path, text, variant="net_in1")) == [5]


def test_rows_picked_by_a_word_are_steps_of_their_list(tmp_path: Path) -> None:
    rest = """
[parameters]
kind = { default = "small", choices = ["small"] }
[tables]
small = [[8, "a"], [8, "b"]]
"""
    rows = '{ conv2d = "c", columns = ["c", "name"], rows = "kind" },'
    adds = '{ add = ["a", -1] }, { add = [-1, -2], name = "sum" }'
    graph = build(tmp_path, spec(rows + adds, 'outputs = ["b", "sum"]' + rest))
    assert list(wiring(graph).values()) == [("input",), ("a",), ("a", "b"), ("add", "b")]
    assert graph.outputs == ("b", "sum")


# ---- residual and branches


def test_residual_of_the_same_shape(tmp_path: Path) -> None:
    graph = build(tmp_path, spec('  { residual = [ { conv2d = 3 }, "relu" ] },'))
    assert wiring(graph) == {"conv2d": ("input",), "relu": ("conv2d",), "add": ("relu", "input")}


def test_residual_with_projection_only_where_the_shape_changes(tmp_path: Path) -> None:
    layers = "  { unit = 8, repeat = 2, stride = 2 },"
    rest = (
        '[blocks.unit]\nneeds = ["out"]\ndefaults = { stride = 1 }\n'
        'steps = [ { residual = [ { conv2d = "out", stride = "stride" } ], '
        'projection = [ { conv2d = "out", kernel = 2, stride = "stride" } ] } ]'
    )
    assert wiring(build(tmp_path, spec(layers, rest))) == {
        "unit_1.conv2d": ("input",),
        "unit_1.projection.conv2d": ("input",),
        "unit_1.add": ("unit_1.conv2d", "unit_1.projection.conv2d"),
        "unit_2.conv2d": ("unit_1.add",),
        "unit_2.add": ("unit_2.conv2d", "unit_1.add"),
    }


def test_residual_that_drops_its_shortcut(tmp_path: Path) -> None:
    text = spec('  { residual = [ { conv2d = "c" } ], projection = "drop" },', "[parameters]\nc = 8")
    assert names(build(tmp_path, text)) == ["conv2d"]
    assert names(build(tmp_path, text, c=3)) == ["conv2d", "add"]


@pytest.mark.parametrize(("join", "shape"), [("concat", "11x32x32"), ("add", None)])
def test_branches_join_and_identity(tmp_path: Path, join: str, shape: str | None) -> None:
    out = 8 if join == "concat" else 3
    graph = build(tmp_path, spec(f'  {{ branches = [ [], [ {{ conv2d = {out} }} ] ], join = "{join}" }},'))
    assert graph.layers[-1].inputs == ("input", "branch_2.conv2d")
    assert sizes(graph)[-1] == (shape or "3x32x32")


def test_branches_after_split_take_one_part_each(tmp_path: Path) -> None:
    head = HEAD.replace("[3,", "[8,")
    graph = build(tmp_path, spec('  { split = 2 },\n  { branches = [ [], [ "relu" ] ] },', head=head))
    assert wiring(graph) == {
        "split": ("input",), "branch_2.relu": ("split.1",), "concat": ("split.0", "branch_2.relu"),
    }  # fmt: skip


def test_layers_inside_repeated_structures_are_numbered(tmp_path: Path) -> None:
    layers = (
        '  { residual = [ "relu", { residual = [ "gelu" ] } ], repeat = 2 },\n'
        '  { branches = [ { depthwise_conv2d = "k" } ], for = "k", in = [1, 3], feed = "split", repeat = 2 },'
    )
    graph = build(tmp_path, spec(layers, head=HEAD.replace("[3,", "[4,")))
    assert names(graph) == [
        "relu_1", "gelu_1", "add_1", "add_2", "relu_2", "gelu_2", "add_3", "add_4",
        "split_1", "branches_1.branch_1.depthwise_conv2d", "branches_1.branch_2.depthwise_conv2d", "concat_1",
        "split_2", "branches_2.branch_1.depthwise_conv2d", "branches_2.branch_2.depthwise_conv2d", "concat_2",
    ]  # fmt: skip


def test_generated_branches(tmp_path: Path) -> None:
    head = HEAD.replace("[3,", "[7,")
    text = spec(
        '  { branches = [ { depthwise_conv2d = "k" } ], for = "k", in = "kernels", feed = "split" },',
        "[parameters]\nkernels = [3, 5, 7]", head,
    )  # fmt: skip
    graph = build(tmp_path, text)
    assert names(graph) == [
        "split", "branch_1.depthwise_conv2d", "branch_2.depthwise_conv2d", "branch_3.depthwise_conv2d", "concat",
    ]  # fmt: skip
    assert sizes(graph)[1:] == ["3x32x32", "2x32x32", "2x32x32", "7x32x32"], "the remainder goes to the first"
    assert len(build(tmp_path, text, kernels=[3]).layers) == 1
    copied = text.replace(', feed = "split"', "")
    assert sizes(build(tmp_path, copied))[-1] == "21x32x32"


# ---- groups, conditions, references, outputs


def test_group_with_name_from_and_if(tmp_path: Path) -> None:
    layers = (
        '  { conv2d = 4, name = "stem" },\n  { steps = [ "relu", { conv2d = 5 } ], from = "stem", name = "side" },\n'
        '  { steps = [ "gelu" ], from = "stem", if = "wide > 1", name = "extra" },\n'
        '  { concat = ["side", "stem"] },'
    )
    graph = build(tmp_path, spec(layers, "[parameters]\nwide = 1"))
    assert wiring(graph) == {
        "stem": ("input",), "relu": ("stem",), "conv2d": ("relu",), "concat": ("conv2d", "stem"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "holds"),
    [("true", True), ("false", False), ('"in_channels == 3"', True), ('"in_height < 32"', False),
     ('"flag"', True), ('"c != 8"', False), ('"c"', True)],
)  # fmt: skip
def test_conditions(tmp_path: Path, condition: str, holds: bool) -> None:
    text = spec(
        f'  {{ relu = true, if = {condition} }},\n  {{ conv2d = "c", bias = "flag" }},',
        "[parameters]\nflag = true\nc = 8",
    )
    assert ("relu" in names(build(tmp_path, text))) is holds


def test_verb_chosen_by_a_parameter(tmp_path: Path) -> None:
    rest = (
        '[parameters]\nunit = { default = "plain", choices = ["plain", "normalised"] }\n'
        '[blocks.plain]\nneeds = ["out"]\nsteps = [ { conv2d = "out" } ]\n'
        '[blocks.normalised]\nneeds = ["out"]\nsteps = [ { conv2d = "out" }, "batch_norm" ]'
    )
    text = spec("  { unit = 4, repeat = 2 },", rest)
    assert names(build(tmp_path, text)) == ["plain_1.conv2d", "plain_2.conv2d"]
    assert len(build(tmp_path, text, unit="normalised").layers) == 4


def test_references(tmp_path: Path) -> None:
    layers = (
        '  { split = [1, 2], name = "s" },\n  { conv2d = 4, from = "s.1", name = "a" },\n'
        '  { conv2d = 4, from = "s.0" },\n  { add = [-1, -2] },\n  { concat = ["input", -1, "a"] },'
    )
    assert wiring(build(tmp_path, spec(layers))) == {
        "s": ("input",), "a": ("s.1",), "conv2d": ("s.0",), "add": ("conv2d", "a"), "concat": ("input", "add", "a"),
    }  # fmt: skip


def test_input_inside_a_block_is_what_enters_it(tmp_path: Path) -> None:
    rest = '[blocks.gate]\nsteps = [ "global_avg_pool", "sigmoid", { multiply = ["input", -1] } ]'
    graph = build(tmp_path, spec('  { conv2d = 4 },\n  "gate",', rest))
    assert graph.layers[-1].inputs == ("conv2d", "gate.sigmoid")


def test_several_outputs(tmp_path: Path) -> None:
    layers = '  { conv2d = 4, name = "a" },\n  { conv2d = 8, name = "b" },'
    assert build(tmp_path, 'outputs = ["a", "b"]\n' + spec(layers)).outputs == ("a", "b")
    assert build(tmp_path, spec(layers)).outputs == ("b",)


def test_shared_weights_count_once(tmp_path: Path) -> None:
    """The heads of RetinaNet: one tower over every level of the pyramid."""
    layers = (
        '  { conv = 8, stride = 2, name = "p3" },\n  { conv = 8, stride = 2, name = "p4" },\n'
        '  { head = 6, from = "p3", name = "out3", share = "tower" },\n'
        '  { head = 6, from = "p4", name = "out4", share = "tower" },'
    )
    rest = (
        '[blocks.head]\nneeds = ["out"]\n'
        'steps = [ { conv2d = "in_channels", kernel = 3, repeat = 2 }, { conv2d = "out", bias = true } ]'
    )
    graph = build(tmp_path, 'outputs = ["out3", "out4"]\n' + spec(layers, rest))
    groups = {layer.name: layer.weights for layer in graph.layers if layer.weights}
    assert groups["out3.conv2d_2"] == groups["out4.conv2d_2"] == "tower.conv2d_2"
    costs = cost_table(graph)
    tower = 2 * 8 * 8 * 9 + 8 * 6
    assert costs.total("weight_params") == 3 * 8 + 8 * 8 + tower
    assert costs.total("bias_params") == 6
    assert costs.total("macs") == 256 * 3 * 8 + 64 * 8 * 8 + (256 + 64) * tower


def test_token_networks(tmp_path: Path) -> None:
    head = HEAD.replace("[3, 32, 32]", "[49, 10]")
    layers = '  { lstm = 16 },\n  { linear = "in_channels*2 + in_tokens" },\n  { token = -1 },\n  { linear = 12 },'
    graph = build(tmp_path, spec(layers, head=head))
    assert sizes(graph) == ["49x16", "49x81", "81", "12"]
    assert cost_table(graph).columns["macs"][0] == 49 * 4 * 16 * (10 + 16)


def test_an_input_of_one_size_is_a_vector(tmp_path: Path) -> None:
    graph = build(tmp_path, spec("{ linear = 10 }", head=HEAD.replace("[3, 32, 32]", "[640]")))
    assert cost_table(graph).total("macs") == 640 * 10


# ---- names of layers


def test_layer_names_are_unique_plain_where_unique_numbered_where_plural(tmp_path: Path) -> None:
    layers = (
        '  { conv2d = 4 },\n  "relu",\n  { conv2d = 4, name = "middle" },\n  "relu",\n'
        '  { conv = 4 },\n  { conv = 4 },\n  { residual = [ "gelu" ] },'
    )
    assert names(build(tmp_path, spec(layers))) == [
        "conv2d", "relu_1", "middle", "relu_2",
        "conv_1.conv2d", "conv_1.batch_norm", "conv_1.activation",
        "conv_2.conv2d", "conv_2.batch_norm", "conv_2.activation", "gelu", "add",
    ]  # fmt: skip


@pytest.mark.parametrize("family", families())
def test_layer_names_of_bundled_networks_are_unique(family: str) -> None:
    graph = load(family)
    assert len(set(names(graph))) == len(graph.layers)
    outputs = [output for layer in graph.layers for output in layer.outputs]
    assert len(set(outputs)) == len(outputs)


# ---- bundled networks


def test_parameters_and_variant_names_give_the_same_graph() -> None:
    assert load("mobilenet_v2", width=0.75, resolution=192) == load("mobilenet_v2_0.75_192")
    assert load("resnet", conv4_x=23) == load("resnet101")
    assert hash(load("resnet50")) == hash(load("resnet"))


@pytest.mark.parametrize("family", families())
def test_every_listed_name_loads_a_network_that_is_called_so(family: str) -> None:
    table = listing()
    names = [name for name, of in zip(table["name"], table["family"], strict=True) if of == family]
    assert names[0] == family
    default = load(family).name
    for name in names:
        assert load(name).name in (name, default)
        assert load(name).name == name or load(name) == load(family)


@pytest.mark.parametrize(
    ("network", "parameters", "name"),
    [
        ("resnet", {}, "resnet50"),
        ("resnet", {"conv4_x": 23}, "resnet101"),
        ("resnet50", {"resolution": 256}, "resnet"),
        ("mobilenet_v2", {"width": 1, "resolution": 160}, "mobilenet_v2_1.0_160"),
        ("mobilenet_v2_1.0_224", {}, "mobilenet_v2"),
        ("mobilenet_v2", {"width": 0.33}, "mobilenet_v2_0.33_224"),
        ("mobilenet_v2", {"width": 0.5, "classes": 10}, "mobilenet_v2"),
        ("mobilenet_v1", {"width": numpy.array([0.5, 1.0])}, "mobilenet_v1"),
    ],
)
def test_a_network_is_called_by_the_published_name_of_its_parameters(
    network: str, parameters: dict[str, Any], name: str
) -> None:
    assert load(network, **parameters).name == name


# ---- speed


def test_second_load_reuses_the_checked_program() -> None:
    from costmodel.specs import catalogue

    load("mobilenet_v2")
    assert catalogue.bundled("mobilenet_v2") is catalogue.bundled("mobilenet_v2")
