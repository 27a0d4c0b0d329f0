"""Compound scaling, and the largest network within budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from costmodel.costs import cost_table
from costmodel.errors import CostmodelError, ParameterError, SpecError, UnknownNameError
from costmodel.graph import Graph
from costmodel.operators.convolution import Conv2d
from costmodel.scaling import (
    CompoundCoefficients,
    LargestNetwork,
    compound_coefficients,
    compound_scale,
    largest_within,
)
from costmodel.specs.catalogue import load

TOY = """name = "toy"
source = "none"
input = [3, "resolution", "resolution"]
layers = [
  { conv2d = "STEM", kernel = 3, stride = 2 },
  { conv2d = "make_divisible(24*width)", kernel = 3, repeat = "ceil(2*depth)" },
  "global_avg_pool", { linear = 10 },
]
[parameters]
width      = { default = 1.0, min = 0.5, max = 2 }
depth      = { default = 1.0, min = 0.5 }
resolution = { default = 32, min = 24, max = 48 }
classes    = 10
"""


def toy(folder: Path, stem: str = "make_divisible(16*width)") -> Path:
    path = folder / "toy.toml"
    path.write_text(TOY.replace("STEM", stem).replace("linear = 10", 'linear = "classes"'))
    return path


def macs(graph: Graph) -> int:
    return int(cost_table(graph).total("macs"))


# ---- coefficients (arXiv:1905.11946, Eq. 3)


def test_coefficients_of_the_paper() -> None:
    assert compound_coefficients(0) == CompoundCoefficients(0, 1.0, 1.0, 1.0, 1.0)
    one = compound_coefficients(1)
    assert (one.depth, one.width, one.resolution) == (1.2, 1.1, 1.15)
    assert one.macs == pytest.approx(1.2 * 1.1**2 * 1.15**2) == pytest.approx(1.920270)  # "approximately 2"
    assert compound_coefficients(3).macs == pytest.approx(one.macs**3)
    half = compound_coefficients(-1, alpha=2, beta=4, gamma=1)
    assert (half.depth, half.width, half.resolution, half.macs) == (0.5, 0.25, 1, 1 / 32)


@pytest.mark.parametrize("phi", ["1", True, float("nan"), 101, -101])
def test_phi_must_be_a_number(phi: Any) -> None:
    with pytest.raises(ParameterError) as raised:
        compound_coefficients(phi)
    assert str(raised.value) == f"phi = {phi!r} must be a number from -100 to 100"


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
@pytest.mark.parametrize("value", [0.99, 101, "2", None])
def test_coefficients_are_at_least_1(name: str, value: Any) -> None:
    with pytest.raises(ParameterError) as raised:
        compound_coefficients(1, **{name: value})
    assert str(raised.value) == f"{name} = {value!r} must be a number from 1 to 100"


# ---- scaling a family


def test_scaled_by_hand() -> None:
    """phi = 2: width 1.21, depth 1.44, resolution 224*1.3225 = 296.24."""
    graph = compound_scale("efficientnet_b0", 2)
    assert graph.inputs["input"].sizes == (3, 296, 296)
    assert graph == load("efficientnet", width=1.1**2, depth=1.2**2, resolution=296)
    stem = next(layer.operator for layer in graph.layers if isinstance(layer.operator, Conv2d))
    assert stem.out_channels == 40  # 32*1.21 = 38.7
    blocks = {layer.path[0] for layer in graph.layers if layer.path[0].startswith("inverted_residual")}
    assert len(blocks) == sum((2, 3, 3, 5, 5, 6, 2))  # ceil of 1.44 times 1, 2, 2, 3, 3, 4, 1


def test_macs_grow_nearly_as_predicted() -> None:
    base = macs(load("efficientnet_b0"))
    for phi in (1, 2, 3):
        predicted = compound_coefficients(phi).macs
        assert macs(compound_scale("efficientnet_b0", phi)) / base == pytest.approx(predicted, rel=0.35)


def test_phi_0_is_the_network_itself() -> None:
    assert compound_scale("efficientnet_b3", 0) == load("efficientnet_b3")


def test_a_variant_is_scaled_from_its_own_parameters() -> None:
    scaled = compound_scale("efficientnet_b3", 1, classes=10)
    assert scaled == load("efficientnet", width=1.2 * 1.1, depth=1.4 * 1.2, resolution=345, classes=10)
    assert compound_scale("efficientnet", 1, width=1.2, depth=1.4, resolution=345, classes=10) == scaled


def test_the_resolution_can_be_given_and_is_rounded_halves_up(tmp_path: Path) -> None:
    assert compound_scale("efficientnet_b0", 1, resolution=240).inputs["input"].sizes == (3, 240, 240)
    assert compound_scale(toy(tmp_path), 1, gamma=33.5 / 32).inputs["input"].sizes == (3, 34, 34)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("vgg16", "vgg16 has no parameter width and no depth: compound scaling needs width, depth, resolution"),
        ("resnet50", "resnet50 has no parameter depth: compound scaling needs width, depth, resolution"),
        ("lenet5", "lenet5 has no parameter width and no depth and no resolution: compound scaling needs width, depth, "
                   "resolution"),
    ],
)  # fmt: skip
def test_a_family_without_the_parameters_is_refused(network: str, message: str) -> None:
    for function in (lambda: compound_scale(network, 1), lambda: largest_within(network, macs=10**9)):
        with pytest.raises(ParameterError) as raised:
            function()
        assert str(raised.value) == message


def test_a_parameter_that_is_a_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(TOY.replace("STEM", "8*width[0]").replace("24*width", "24*width[1]")
                    .replace("width      = { default = 1.0, min = 0.5, max = 2 }", "width = [1, 1]")
                    .replace("classes    = 10\n", ""))  # fmt: skip
    with pytest.raises(ParameterError) as raised:
        compound_scale(path, 1)
    assert str(raised.value) == f"width of {path} is not one number: compound scaling cannot multiply it"


def test_a_family_takes_no_more_than_its_range() -> None:
    with pytest.raises(ParameterError, match=r"width = 17.4\d* is outside 0.1 .. 8"):
        compound_scale("efficientnet", 30)


def test_repeats_of_mobilenet_v2_round_up() -> None:
    """Depth 1.2: of 1, 2, 3, 4, 3, 3, 1 units become 2, 3, 4, 5, 4, 4, 2."""
    names = {layer.path[0] for layer in compound_scale("mobilenet_v2", 1).layers}
    assert sum(name.startswith("inverted_residual") for name in names) == 24


def test_a_family_of_whole_depths_says_so(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        'name = "net"\nsource = "none"\ninput = [3, "resolution", "resolution"]\n'
        'layers = [ { conv2d = "ceil(8*width)", repeat = "2*depth" } ]\n'
        "[parameters]\nwidth = 1.0\nresolution = 32\ndepth = 1\n"
    )
    with pytest.raises(SpecError, match=r"gives 2.4: a repeat count must be one whole number"):
        compound_scale(str(path), 1)
    assert compound_scale(str(path), 1, alpha=2).layers


# ---- the largest network within budgets (Eq. 2)


Spent = dict[float, dict[str, int]]


def whole_ray(network: Path) -> Spent:
    """What every phi costs at which the network loads."""
    spent: Spent = {}
    for step in range(-1000, 1001):
        try:
            costs = cost_table(compound_scale(network, step / 100))
        except ParameterError:
            continue
        spent[step / 100] = {"macs": costs.total("macs"), "memory_bytes": 4 * costs.total("params")}
    return spent


def brute_force(spent: Spent, budgets: dict[str, int]) -> tuple[float, tuple[str, ...]] | None:
    """The greatest phi of all that fit, and what the next one exceeds."""
    exceeded = [(phi, tuple(name for name in budgets if cost[name] > budgets[name])) for phi, cost in spent.items()]
    fitting = [at for at, (_, names) in enumerate(exceeded) if not names]
    if not fitting:
        return None
    return exceeded[fitting[-1]][0], exceeded[fitting[-1] + 1][1] if fitting[-1] + 1 < len(exceeded) else ()


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Spent:
    """What the toy network costs."""
    return whole_ray(toy(tmp_path_factory.mktemp("ray")))


@pytest.mark.parametrize(
    "budgets",
    [
        {"macs": 1_500_000},
        {"macs": 3_000_000},
        {"memory_bytes": 60_000},
        {"macs": 6_000_000, "memory_bytes": 120_000},
        {"macs": 20_000_000, "memory_bytes": 110_000},
        {"macs": 10**12},
        {"macs": 100},
    ],
)  # fmt: skip
def test_the_largest_is_what_trying_all_finds(tmp_path: Path, ray: Spent, budgets: dict[str, int]) -> None:
    network, expected = toy(tmp_path), brute_force(ray, budgets)
    for exhaustive in (False, True):
        try:
            found = largest_within(network, exhaustive=exhaustive, **budgets)  # type: ignore[arg-type]
        except ParameterError:
            assert expected is None
        else:
            assert (found.phi, found.binds) == expected


def test_the_largest_efficientnet() -> None:
    found = largest_within("efficientnet_b0", macs=2 * 10**9, memory_bytes=32_000_000, dtype="float16", classes=100)
    costs = cost_table(found.graph)
    assert (found.macs, found.params) == (costs.total("macs"), costs.total("params"))
    assert found.memory_bytes == 2 * found.params <= 32_000_000
    assert found.macs <= 2 * 10**9
    assert found.coefficients == compound_coefficients(found.phi)
    assert found.graph == compound_scale("efficientnet_b0", found.phi, classes=100)
    larger = compound_scale("efficientnet_b0", found.phi + 0.01, classes=100)
    assert found.binds == (("macs",) if macs(larger) > 2 * 10**9 else ("memory_bytes",))


def test_costs_of_the_bundled_families_never_fall_as_phi_grows() -> None:
    """What halving relies on, at every tenth phi that it may try."""
    for network in ("efficientnet_b0", "efficientnet_lite"):
        spent = [cost_table(compound_scale(network, step / 10)) for step in range(-30, 21)]
        for name in ("macs", "params"):
            values = [costs.total(name) for costs in spent]
            assert values == sorted(values)


def test_both_budgets_may_bind(tmp_path: Path) -> None:
    """At phi = 0.01 the second layer is repeated once more."""
    network = toy(tmp_path)
    base = cost_table(load(network))
    found = largest_within(network, macs=base.total("macs"), memory_bytes=4 * base.total("params"), gamma=1, beta=1)
    assert (found.phi, found.binds) == (0.0, ("macs", "memory_bytes"))


def test_nothing_binds_at_the_end_of_the_range(tmp_path: Path) -> None:
    """32*1.15^2.97 = 48.46 is 48, the most; 0.01 more would be 49."""
    found = largest_within(toy(tmp_path), macs=10**12)
    assert (found.phi, found.binds) == (2.97, ())
    assert found.graph.inputs["input"].sizes == (3, 48, 48)


def test_a_budget_that_nothing_keeps_names_the_least(tmp_path: Path) -> None:
    network = toy(tmp_path)
    smallest = cost_table(load(network, width=1.1**-2.2, depth=1.2**-2.2, resolution=24))  # 32*1.15**-2.2 = 23.53
    for exhaustive in (False, True):
        with pytest.raises(ParameterError) as raised:
            largest_within(network, macs=1000, memory_bytes=10, dtype="int8", exhaustive=exhaustive)
        assert str(raised.value) == (
            f"no phi from -2.2 to 2.97 keeps the budgets of macs and memory_bytes: the least that {network} "
            f"reaches are {smallest.total('macs'):,} MACs and {smallest.total('params'):,} bytes of int8 parameters"
        )


def test_costs_that_fall_as_phi_grows_are_noticed(tmp_path: Path) -> None:
    """A stem that is wide where the side of the image is even: halving would go astray, and says so."""
    network = toy(tmp_path, "16 + 64*((resolution + 1) % 2)")
    with pytest.raises(ParameterError) as raised:
        largest_within(network, macs=5_000_000)
    assert str(raised.value) == (
        "costs fall from 4,826,544 MACs and 99,496 bytes at phi = -0.92 to 2,322,672 MACs and 37,288 bytes at "
        "phi = -0.27; exhaustive = True tries every phi"
    )
    spent = whole_ray(network)
    found = largest_within(network, macs=5_000_000, exhaustive=True)
    assert (found.phi, found.binds) == brute_force(spent, {"macs": 5_000_000})
    least = min(costs["macs"] for costs in spent.values())
    assert least < spent[-2.2]["macs"]
    with pytest.raises(ParameterError, match=f" reaches are {least:,} MACs"):
        largest_within(network, macs=least - 1, exhaustive=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give a budget: macs, memory_bytes or both"),
        ({"macs": 0}, "macs = 0 must be a whole number, at least 1"),
        ({"macs": 1e9}, "macs = 1000000000.0 must be a whole number, at least 1"),
        ({"macs": 10**9, "memory_bytes": True}, "memory_bytes = True must be a whole number, at least 1"),
        ({"macs": 10**9, "beta": 0.5}, "beta = 0.5 must be a number from 1 to 100"),
        ({"macs": 10**9, "dtype": "int7"}, "unknown number format 'int7'; did you mean 'int8'?"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(CostmodelError) as raised:
        largest_within("efficientnet_b0", **arguments)
    assert str(raised.value) == message
    assert isinstance(raised.value, UnknownNameError if "dtype" in arguments else ParameterError)


def test_the_answer_is_a_record(tmp_path: Path) -> None:
    found = largest_within(toy(tmp_path), macs=10**7)
    assert isinstance(found, LargestNetwork)
    with pytest.raises(AttributeError, match="LargestNetwork is frozen"):
        found.phi = 1  # type: ignore[misc]
