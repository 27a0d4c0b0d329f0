"""Every bundled network against an independent implementation, layer by layer and in execution order.

The facts in fixtures/layers were traced from torchvision, timm, or a separate implementation of the paper; each file
says which.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import costmodel
from costmodel.arithmetic import product
from costmodel.operators.base import pair
from costmodel.specs.catalogue import families
from costmodel.specs.listing import listing, published_names

NETWORKS = sorted(file.stem for file in (Path(__file__).parent / "fixtures" / "layers").glob("*.json"))
FACT = (
    "kind", "in_channels", "out_channels", "kernel_h", "kernel_w", "stride_h", "stride_w", "dilation", "groups", "in_h",
    "in_w", "out_h", "out_w", "weight_params", "bias_params", "macs",
)  # fmt: skip


def traced(costs: costmodel.CostTable) -> list[tuple[Any, ...]]:
    """Our layers with MACs in the form of the facts."""
    rows = []
    for at, layer in enumerate(costs.graph.layers):
        if not costs.columns["macs"][at]:
            continue
        operator: Any = layer.operator
        shape, output = costs.shapes[layer.inputs[0]], costs.shapes[layer.outputs[0]]
        counted = tuple(costs.columns[name][at] for name in ("weight_params", "bias_params", "macs"))
        if operator.kind == "convolution":
            kernel, stride, (dilation, _) = (pair(getattr(operator, name)) for name in ("kernel", "stride", "dilation"))
            groups = getattr(operator, "groups", shape.channels)
            sizes = (*kernel, *stride, dilation, groups, *shape.sizes[1:], *output.sizes[1:])
            kind = "conv_transpose2d" if operator.verb == "conv_transpose2d" else "conv2d"
            rows.append((kind, shape.channels, output.channels, *sizes, *counted))
        elif operator.kind == "recurrent":
            sizes = (1, 1, 1, 1, 1, 1, shape.sizes[0], 1, shape.sizes[0], 1)  # one row for all steps
            rows.append((operator.verb, shape.channels, output.channels, *sizes, *counted))
        elif operator.verb == "linear":
            count = shape.elements // shape.channels  # every token, also those of windows
            sizes = (1, 1, 1, 1, 1, 1, count, 1, count, 1)
            rows.append(("linear", shape.channels, output.channels, *sizes, *counted))
        else:
            *leading, tokens, columns = output.sizes  # of the product: the first operand may be transposed
            sizes = (1, 1, 1, 1, 1, product(leading), tokens, 1, tokens, 1)
            rows.append(("matmul", counted[-1] // output.elements, columns, *sizes, *counted))
    return rows


@pytest.mark.parametrize("network", NETWORKS)
def test_layers_agree_with_an_independent_implementation(network: str, layer_facts: dict[str, dict[str, Any]]) -> None:
    facts = layer_facts[network]
    costs = costmodel.cost_table(costmodel.load(network))
    assert [str(shape) for shape in costs.graph.inputs.values()] == ["x".join(map(str, facts["input"]))]
    for ours, theirs in zip(traced(costs), facts["layers"], strict=True):
        assert dict(zip(FACT, ours, strict=True)) == dict(zip(FACT, theirs, strict=True))
    for column in ("macs", "params", "weight_params", "bias_params", "norm_params", "other_params"):
        assert costs.total(column) == facts[column], column
    if "norms" in facts:
        norms = [
            [params // 2, costs.shapes[layer.outputs[0]].elements]
            for layer, params in zip(costs.graph.layers, costs.columns["norm_params"], strict=True)
            if params
        ]
        assert norms == facts["norms"]


@pytest.mark.parametrize(
    ("network", "macs", "params"),
    [
        ("mobilenet_v1_1.0_224", 568_740_352, 4_231_976),
        ("mobilenet_v2_1.0_224", 300_774_272, 3_504_872),
        ("resnet50", 4_089_184_256, 25_557_032),
        ("inception_v3", 5_713_216_096, 23_834_568),
        ("vit_base_patch16_224", 17_563_828_224, 86_567_656),
        ("fdmobilenet", 144_489_728, 2_901_288),
    ],
)
def test_known_totals(network: str, macs: int, params: int) -> None:
    costs = costmodel.cost_table(costmodel.load(network))
    assert (costs.total("macs"), costs.total("params")) == (macs, params)


@pytest.mark.parametrize("family", families())
def test_a_family_name_loads_its_default(family: str) -> None:
    assert costmodel.load(family).layers


CHECKED_ELSEWHERE = {
    "adder_resnet18", "adder_resnet50", "adder_resnet20_cifar", "adder_resnet32_cifar", "adder_vgg19_small_cifar",
    "shift_resnet20_cifar", "shift_vgg19_small_cifar", "shift_add_resnet20_cifar", "shift_add_vgg19_small_cifar",
    "i3d_lgp_36", "i3d_ggp_36", "sbnet_unit_2", "sbnet_unit_3", "sbnet_unit_4", "sbnet_unit_5",
}  # fmt: skip
"""Without multiply-accumulates (tests/test_multiplication_free.py), or expectations of networks that have facts."""


def test_every_published_name_has_facts() -> None:
    variants = set(published_names()) - set(families())
    assert variants - set(NETWORKS) == CHECKED_ELSEWHERE


def test_every_variant_that_is_listed_loads() -> None:
    names = [name for name in listing()["name"] if "{" not in name]
    assert len(names) > 30
    for name in names:
        assert costmodel.load(name).outputs


@pytest.mark.parametrize("family", ["mobilenet_v1", "mobilenet_v2"])
def test_keywords_and_variant_name_give_the_same_graph(family: str) -> None:
    for width, resolution in ((1.0, 224), (0.5, 160), (0.35, 96)):
        assert costmodel.load(family, width=width, resolution=resolution) == costmodel.load(
            f"{family}_{width}_{resolution}"
        )
    assert costmodel.load(family) == costmodel.load(f"{family}_1.0_224")
    assert costmodel.load(family, width=0.5) != costmodel.load(family)


@pytest.mark.parametrize(("network", "pixels"), [("resnet50_v1", 483), ("resnet50", 427)])
def test_receptive_field_of_resnet50_before_pooling(network: str, pixels: int) -> None:
    """483 as in Araujo et al., Distill 2019, for the paper's strides; moving them to the 3x3 shrinks it.

    7, pooling 11, then per stage of jump j units of 2j each: 11 + 3*8 + 4*16 + 6*32 + 3*64 = 483, or with the first
    3x3 of stages 3 to 5 still at the jump before it 483 - 8 - 16 - 32 = 427.
    """
    costs = costmodel.cost_table(costmodel.load(network))
    last = costs.columns["layer"].index("global_avg_pool") - 1
    assert costs.columns["receptive_field_height"][last] == pixels
    assert costs.columns["jump_height"][last] == 32


def test_fdmobilenet_has_the_parameters_and_bytes_that_its_users_print() -> None:
    """ST's model library, width 0.25 and 5 classes: 125,477 parameters without norms, 131,400 bytes in int8."""
    costs = costmodel.cost_table(costmodel.load("fdmobilenet", width=0.25, classes=5))
    weights, biases = costs.total("weight_params"), costs.total("norm_params") // 2 + costs.total("bias_params")
    assert weights + biases == 125_477
    assert 131_400 - (weights + 4 * biases) == 4


def test_a_grey_image_has_one_channel() -> None:
    """144 bytes of weights less, as ST's model library prints (219,843 and 219,699): 8 filters of 3x3x2."""
    colour, grey = (
        costmodel.cost_table(costmodel.load("mobilenet_v1", width=0.25, resolution=96, classes=5, channels=count))
        for count in (3, 1)
    )
    assert colour.total("weight_params") - grey.total("weight_params") == 144


def test_params_do_not_depend_on_resolution() -> None:
    for resolution in (96, 160, 320):
        costs = costmodel.cost_table(costmodel.load("mobilenet_v2", resolution=resolution))
        assert costs.total("params") == 3_504_872


def test_stride_on_the_first_1x1_makes_resnet50_v1_cheaper_with_the_same_params() -> None:
    later, paper = (costmodel.cost_table(costmodel.load(name)) for name in ("resnet50", "resnet50_v1"))
    assert later.total("params") == paper.total("params")
    assert later.total("macs") - paper.total("macs") == 231_211_008
