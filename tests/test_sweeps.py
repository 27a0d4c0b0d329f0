"""Sweeps: every combination of values on every device, equal to a loop of single calls."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy
import pytest

import costmodel
from costmodel.assignments import swept_parameters_of
from costmodel.costs import COLUMNS, cost_table
from costmodel.errors import CountOverflowError, ParameterError, PredictionError, UnknownNameError
from costmodel.hardware import load_hardware
from costmodel.model_size import flash_size
from costmodel.roofline import predict
from costmodel.specs.catalogue import load
from costmodel.sweeps import grid

WIDTHS, RESOLUTIONS = [0.2, 0.25, 0.75, 1.0], [96, 129, 224]
"""Below width 0.27 MobileNetV2 has one more shortcut: another structure."""


def loop(network: str, hardware: tuple[str, ...], batch: int = 1, prediction: dict[str, Any] | None = None,
         **parameters: Any) -> list[dict[str, Any]]:  # fmt: skip
    """The rows of a sweep, by single calls."""
    rows = []
    for values in itertools.product(*parameters.values()):
        chosen = dict(zip(parameters, values, strict=True))
        costs = cost_table(load(network, **chosen), batch)
        totals = {name: costs.total(name) for name in COLUMNS}
        for device in hardware or (None,):
            row = {"network": network} | chosen
            if device is not None:
                predicted = predict(costs, device, **(prediction or {}))
                row |= {"hardware": predicted.profile.name}
            row |= totals
            if device is not None:
                row |= {"bytes": predicted.bytes, "latency_seconds": predicted.latency_seconds}
            rows.append(row)
    return rows


def assert_equal(frame: Any, rows: list[dict[str, Any]]) -> None:
    assert list(frame.columns) == list(rows[0])
    assert len(frame) == len(rows)
    for name in frame.columns:
        expected = [row[name] for row in rows]
        if name == "latency_seconds" or any(isinstance(value, float) for value in expected):
            assert frame[name].tolist() == pytest.approx(expected, rel=1e-12)
        else:
            assert frame[name].tolist() == expected, name


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        ("mobilenet_v1", {"width": [0.25, 0.5, 0.75, 1.0], "resolution": [128, 160, 192, 224]}),
        ("mobilenet_v2", {"width": WIDTHS, "resolution": RESOLUTIONS}),
        ("mobilenet_v2", {"resolution": RESOLUTIONS, "depth": [1, 2], "width": WIDTHS}),
        ("vgg", {"resolution": [64, 97, 224], "unit": ["plain", "normalised"]}),
        ("resnet", {"unit": ["basic", "bottleneck"], "resolution": [64, 224]}),
        ("vit_base_patch16_224", {"dim": [192, 384], "heads": [3, 6]}),
        ("shufflenet_v1", {"groups": [1, 3], "classes": [10, 20]}),
        ("i3d_encoder", {"executed": [9, 18.5, 36], "frames": [100, 1000]}),
    ],
)
@pytest.mark.parametrize("hardware", [(), ("pixel_6",), ("ridge_5", "ridge_500")])
def test_a_sweep_is_the_loop_of_single_calls(
    network: str, parameters: dict[str, Any], hardware: tuple[str, ...]
) -> None:
    assert_equal(costmodel.sweep(network, hardware=hardware, **parameters), loop(network, hardware, **parameters))


@pytest.mark.parametrize(
    ("prediction", "batch"),
    [({"fusion": "none"}, 1), ({"overlap": "sum"}, 3), ({"fusion": "none", "overlap": "sum"}, 2)],
)
def test_the_prediction_can_be_chosen(prediction: Any, batch: int) -> None:
    frame = costmodel.sweep("mobilenet_v2", hardware="ridge_5", batch=batch, **prediction, width=WIDTHS)
    assert_equal(frame, loop("mobilenet_v2", ("ridge_5",), batch, prediction, width=WIDTHS))


def test_cutting_into_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = costmodel.sweep("mobilenet_v2", hardware="ridge_5", width=WIDTHS, resolution=RESOLUTIONS)
    for points in (1, 2, 5):
        monkeypatch.setattr(grid, "POINTS_AT_ONCE", points)
        cut = costmodel.sweep("mobilenet_v2", hardware="ridge_5", width=WIDTHS, resolution=RESOLUTIONS)
        assert cut.equals(whole)


def test_several_networks_and_single_values() -> None:
    frame = costmodel.sweep(["mobilenet_v1", "mobilenet_v2"], hardware="ridge_5", width=0.5, resolution=[128, 224])
    rows = [row for name in ("mobilenet_v1", "mobilenet_v2")
            for row in loop(name, ("ridge_5",), width=[0.5], resolution=[128, 224])]  # fmt: skip
    assert_equal(frame, rows)
    assert_equal(costmodel.sweep("lenet5"), loop("lenet5", ()))


def test_arrays_and_ranges_are_values() -> None:
    frame = costmodel.sweep("mobilenet_v1", width=numpy.array([0.5, 1.0]), resolution=range(128, 193, 32))
    assert_equal(frame, loop("mobilenet_v1", (), width=[0.5, 1.0], resolution=[128, 160, 192]))


def test_parameters_that_are_lists(tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text(
        'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'
        'layers = [ { branches = [ { conv2d = "c", kernel = "k" } ], for = "k", in = "kernels" } ]\n'
        "[parameters]\nkernels = [1, 3]\nc = 4\n"
    )
    path = str(tmp_path / "net.toml")
    frame = costmodel.sweep(path, c=[4, 8], kernels=[[1, 3], [3, 5, 7]])
    assert frame.macs.tolist() == [16 * 16 * 8 * c * taps for c in (4, 8) for taps in (1 + 9, 9 + 25 + 49)]
    assert frame.kernels.tolist() == ["[1, 3]", "[3, 5, 7]"] * 2


@pytest.mark.parametrize("hardware", [(), ("pixel_6",)])
def test_expectations_of_fixed_probabilities_on_swept_sizes(tmp_path: Path, hardware: tuple[str, ...]) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'
        'layers = [ { conv2d = "c", probability = 0.3 }, { conv2d = 8, probability = "p" }, "global_avg_pool" ]\n'
        "[parameters]\np = 0.5\nc = 8\n"
    )
    sizes: Any = {"p": [0.25, 0.3, 0.5], "c": [7, 10, 16]}
    assert_equal(costmodel.sweep(str(path), hardware=hardware, **sizes), loop(str(path), hardware, **sizes))
    cost_table(load(path, c=numpy.array([7, 10]), p=numpy.array([0.25, 0.5]))).by("op")


def test_expected_costs_in_a_sweep(tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text(
        'name = "net"\nsource = "none"\ninput = [8, 16, 16]\n'
        'layers = [ { conv2d = 8, probability = "p" }, { conv2d = "c" } ]\n[parameters]\np = 1.0\nc = 8\n'
    )
    frame = costmodel.sweep(str(tmp_path / "net.toml"), p=[0.25, 1.0], c=[8, 16])
    assert frame.macs.tolist() == [16 * 16 * 8 * (p * 8 + c) for p in (0.25, 1.0) for c in (8, 16)]


BIG = (
    'name = "net"\nsource = "none"\ninput = [3, "size", "size"]\n'
    'layers = [ { conv2d = "c", kernel = 3 }, { conv2d = "c", kernel = 3 } ]\n[parameters]\nsize = 8\nc = 8\n'
)


def test_large_counts_are_right_or_refused(tmp_path: Path) -> None:
    """Beyond what surely fits, the checked way is taken; beyond 64 bits it refuses."""
    path = tmp_path / "net.toml"
    path.write_text(BIG)
    frame = costmodel.sweep(str(path), size=[8, 20_000], c=[8, 10_000])
    assert_equal(frame, loop(str(path), (), size=[8, 20_000], c=[8, 10_000]))
    assert frame.macs.max() > 2**58
    with pytest.raises(CountOverflowError):
        costmodel.sweep(str(path), size=[8, 2_000_000], c=[8, 10_000])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"width": []}, ParameterError, "width has no values to sweep"),
        ({"widht": [1.0]}, ParameterError, "did you mean 'width'"),
        ({"width": [1.0, 9.0]}, ParameterError, "9.0 is outside 0.1 .. 4"),
        ({"width": list(range(5000)), "resolution": list(range(5000))}, ParameterError, "25,000,000 rows, at most"),
        ({"hardware": "pixel_99"}, UnknownNameError, "pixel_9"),
        ({"hardware": "pixel_6", "overlap": "min"}, PredictionError, "is not max or sum"),
        ({"batch": 0}, ParameterError, "batch = 0"),
        ({"batch": numpy.array([1, 8])}, ParameterError, "must be a whole number"),
        ({"resolution": range(10**12)}, ParameterError, "1,000,000,000,000 rows, at most"),
        ({"width": numpy.ones((2, 2))}, ParameterError, "an array of the shape"),
        ({"width": {0.5, 1.0}}, ParameterError, "cannot be swept; give a list, a range or an array"),
        ({"dtype": "int8"}, ParameterError, "belong to a prediction; give hardware"),
        ({"fusion": "xx", "hardware": "pixel_6"}, UnknownNameError, "unknown fusion"),
        ({"hardware": load_hardware("pixel_6"), "dtype": "float32"}, PredictionError, "is a profile for int8"),
        ({"hardware": 5}, UnknownNameError, "5 is not"),
    ],
)
def test_mistakes(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        costmodel.sweep("mobilenet_v2", **arguments)


@pytest.mark.parametrize("network", [None, 5, [5], b"lenet5", ["lenet5", None]])
def test_what_is_no_network(network: Any) -> None:
    with pytest.raises(UnknownNameError, match="is not the name of a network"):
        costmodel.sweep(network)


def test_no_network() -> None:
    with pytest.raises(ParameterError, match="at least one network"):
        costmodel.sweep([])


def test_without_hardware_there_is_no_latency() -> None:
    frame = costmodel.sweep("lenet5", hardware=None)
    assert "latency_seconds" not in frame.columns


def test_a_parameter_called_as_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(BIG.replace("c = 8", "macs = 8").replace('"c"', '"macs"'))
    assert load(path).layers
    with pytest.raises(ParameterError, match="'macs' has the name of a column of the sweep"):
        costmodel.sweep(str(path), macs=[8, 16])


def test_adder_layers_have_no_latency_in_a_sweep() -> None:
    with pytest.raises(PredictionError, match="gives no rate for the additions and shifts"):
        costmodel.sweep("adder_resnet20_cifar", hardware="ridge_5")
    assert costmodel.sweep("adder_resnet20_cifar").filter_adds[0] > 0


def test_numpy_numbers_are_numbers() -> None:
    frame = costmodel.sweep("mobilenet_v1", width=[numpy.float64(0.5), 1.0], resolution=list(numpy.array([128, 160])))
    assert_equal(frame, loop("mobilenet_v1", (), width=[0.5, 1.0], resolution=[128, 160]))
    assert [frame[name].dtype.kind for name in ("width", "resolution")] == ["f", "i"]


def test_groups_bound_a_count_from_below(tmp_path: Path) -> None:
    """More groups mean fewer MACs: the bound takes the fewest. Here it decides whether 64 bits hold the counts."""
    path = tmp_path / "net.toml"
    path.write_text(BIG.replace("kernel = 3 }", 'kernel = 3, groups = "g" }', 2).replace("[3,", "[256,") + "g = 1\n")
    sizes: Any = {"g": [1, 256], "c": [256, 6400], "size": [8, 100_000]}
    with pytest.raises(CountOverflowError):
        costmodel.sweep(str(path), batch=3, **sizes)
    assert_equal(costmodel.sweep(str(path), **sizes), loop(str(path), (), **sizes))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("width=0.25,0.5", [0.25, 0.5]),
        ("resolution=128..224:32", [128, 160, 192, 224]),
        ("resolution=128..200:32", [128, 160, 192]),
        ("resolution=3..5", [3, 4, 5]),
        ("width=0.1..0.3:0.1", [0.1, 0.2, 0.3]),
        ("r=96,128..160:16,224", [96, 128, 144, 160, 224]),
        ("n=[1,2],[3,4]", [[1, 2], [3, 4]]),
        ("unit=basic,bottleneck", ["basic", "bottleneck"]),
        ("norm=true,false", [True, False]),
        ("width=1e-1..2e-1:0.05", [0.1, 0.15, 0.2]),
        ("n=[1,2],7..8", [[1, 2], 7, 8]),
    ],
)
def test_values_on_the_command_line(text: str, values: list[Any]) -> None:
    assert list(swept_parameters_of([text]).values()) == [values]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r=5..3", "a range goes upwards"),
        ("r=1..5:0", "a range goes upwards"),
        ("r=1..99999999", "has more than 1,000,000 values"),
        ("r=0.25..1.0", "needs a step; write 0.25..1.0:0.25"),
        ("r=128...224", "is no range; write first..last"),
        ("r=0.5,,1", "write values between commas"),
        ("r=[0.5", "lists in brackets"),
        ("r=[1,2]3", "lists in brackets"),
        ("r=", "write values between commas"),
        ("=3", "write name=value"),
        ("r", "write name=value"),
    ],
)
def test_values_that_make_no_sweep(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        swept_parameters_of([text])


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2"])
def test_depthwise_kernels_of_mixconv(network: str) -> None:
    """arXiv:1907.09595, Fig. 1: kernels 3x3 to 13x13; k*k weights for each channel of every depthwise convolution."""
    frame = costmodel.sweep(network, kernel=[3, 5, 7, 9, 11, 13])
    assert_equal(frame, loop(network, (), kernel=[3, 5, 7, 9, 11, 13]))
    costs = cost_table(load(network))
    depthwise = [row for row, op in enumerate(costs.columns["op"]) if op == "depthwise_conv2d"]
    weights = sum(costs.columns["weight_params"][row] for row in depthwise)
    macs = sum(costs.columns["macs"][row] for row in depthwise)
    for row, kernel in enumerate((3, 5, 7, 9, 11, 13)):
        assert frame.params[row] - frame.params[0] == weights // 9 * (kernel * kernel - 9)
        assert frame.macs[row] - frame.macs[0] == macs // 9 * (kernel * kernel - 9)


def test_memory_is_that_of_single_networks() -> None:
    """With devices in their number formats; MobileNetV2 has another structure below width 0.27."""
    frame = costmodel.sweep(
        "mobilenet_v2", width=WIDTHS, resolution=RESOLUTIONS, hardware=["pixel_6:idealised:float32", "stm32f746"],
        memory="inplace",
    )  # fmt: skip
    assert list(frame.columns)[-4:] == ["bytes", "latency_seconds", "peak_activation_bytes", "flash_bytes"]
    for row in frame.itertuples():
        dtype = str(row.hardware).rpartition(":")[2]
        net = load("mobilenet_v2", width=row.width, resolution=row.resolution)
        assert row.peak_activation_bytes == costmodel.peak_memory(net, dtype, "inplace").bytes
        assert row.flash_bytes == flash_size(net, dtype).bytes


@pytest.mark.parametrize(("dtype", "factor"), [(None, 1), ("int16", 2)])
def test_memory_without_devices_is_in_the_number_format_given(dtype: str | None, factor: int) -> None:
    frame = costmodel.sweep("mobilenet_v1", width=[0.25, 1.0], memory="single", dtype=dtype)
    assert frame.peak_activation_bytes.tolist() == [112 * 112 * 16 * factor, 112 * 112 * 64 * factor]
    one = costmodel.sweep("lenet5", memory="fused")
    assert one.peak_activation_bytes.tolist() == [6 * 28 * 28 + 6 * 14 * 14]


def test_a_definition_of_memory_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown definition of memory 'fussed'; did you mean 'fused'"):
        costmodel.sweep("mobilenet_v1", memory="fussed")
