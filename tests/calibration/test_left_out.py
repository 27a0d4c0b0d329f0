"""Rows that cannot be fitted: each is named with its place and the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calibration_made import calibration, family, observed
from devices_made import DEVICE, FAMILY, NAMES, rows_of, run, timings, written

from costmodel.calibration.devices import _priced_at_nothing, calibrate
from costmodel.calibration.left_out import LeftOut, in_words
from costmodel.calibration.parameters import Choice
from costmodel.errors import ParameterError, SpecError
from costmodel.records import replace

COLUMNS = "device,runtime,dtype,network,latency_seconds,threads,op_kind,operator,in_elements,out_elements"


@pytest.fixture
def device(tmp_path: Path) -> str:
    return written(tmp_path, "mine.toml", DEVICE)


def table(folder: Path, hardware: str, *extra: str, count: int = 5) -> str:
    """Timings of networks, and more rows."""
    lines = [line + ",,,," for line in rows_of(timings(folder, hardware, count=count))]
    return written(folder, "mixed.csv", "\n".join([COLUMNS, *lines, *extra]) + "\n")


def test_operators_without_sizes(tmp_path: Path, device: str) -> None:
    start = f"mine,{FAMILY},float32,,0.01,1"
    rows = [f"{start},pool,Pooling,,", f"{start},softmax,Softmax,1000,", f"{start},pool,Mean,,"]
    data = table(tmp_path, device, *rows, count=0)
    with pytest.raises(ParameterError) as error:
        calibrate(data, device=device, runtime=FAMILY)
    assert str(error.value) == (
        "nothing of mine can be calibrated:\n"
        "  2 rows: in_elements, out_elements of the pool are blank; fill in its shape: "
        f"{data}:2 Pooling, {data}:4 Mean\n"
        f"  1 row: out_elements of the softmax is blank; fill in its shape: {data}:3 Softmax"
    )


def test_rows_that_the_family_gives_no_time() -> None:
    free = family([{"name": "all", "set": {"activation_share": 0.0, "weight_share": 0.0}}])
    part = observed(free, calibration(factors={"compute": 1.0}))
    places = tuple(f"t.csv:{at + 2}" for at in range(len(part)))
    sizes = dict(part.own.workload.sizes)
    sizes["macs"] = sizes["macs"].copy()
    sizes["macs"][part.own.starts[2] : part.own.starts[3]] = 0
    own = replace(part.own, workload=replace(part.own.workload, sizes=sizes))
    found = _priced_at_nothing(free, [replace(part, own=own, places=places)], Choice(rules=False))
    reason = "the family made prices it at 0 s; give another --family that knows it"
    assert found == [LeftOut("t.csv:4", part.names[2], reason)]
    assert _priced_at_nothing(free, [], Choice()) == []


def test_what_is_left_out_is_said_and_the_rest_is_fitted(
    tmp_path: Path, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (f"mine,{FAMILY},float32,,0.01,1,copy,Nothing,0,0", f"mine,{FAMILY},float32,{NAMES[0]},0.1,8,,,,")
    data = table(tmp_path, device, *rows)
    assert run(data, "--device", device, "--runtime", FAMILY) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"mine:{FAMILY}:float32:threads=1: 5 rows on the family {FAMILY}\n")
    assert printed.endswith(
        "\nleft out of the fit:\n"
        f"  1 row: the family {FAMILY} prices it at 0 s; give another --family that knows it: {data}:7 copy Nothing\n"
        f"  1 row: 1 row of mine:{FAMILY}:float32:threads=8 is too few; measure 3 or more: {data}:8 {NAMES[0]}\n"
    )
    assert run(data, "--device", device, "--runtime", FAMILY, "--format", "json") == 0
    left = json.loads(capsys.readouterr().out)["left_out"]
    assert [each["row"] for each in left] == [f"{data}:7", f"{data}:8"]


def test_rows_of_one_network_hold_nothing_out(tmp_path: Path, device: str) -> None:
    names = [f"mobile/mobilenet_v2_0.25_224{end}" for end in ("", "_classes_2", "_classes_5")]
    rows = [f"mine,{FAMILY},float32,{name},0.1,2,,,," for name in names]
    found = calibrate(table(tmp_path, device, *rows), device=device, runtime=FAMILY)
    assert {row.reason for row in found[0].left_out} == {
        f"all 3 rows of mine:{FAMILY}:float32:threads=2 are of one network, so that nothing can be held out; measure "
        "another network"
    }
    assert len(found) == 1
    assert [row.subject for row in found[0].left_out] == names


def test_a_misspelt_network_has_a_hint(tmp_path: Path, device: str) -> None:
    found = calibrate(
        table(tmp_path, device, f"mine,{FAMILY},float32,mobilnet_v2,0.1,1,,,,"), device=device, runtime=FAMILY
    )
    (left,) = found[0].left_out
    assert left.subject == "mobilnet_v2 (did you mean 'mobilenet_v2'?)"


def test_a_network_that_cannot_be_loaded_is_an_error(tmp_path: Path, device: str) -> None:
    rows = (f"mine,{FAMILY},float32,resnet18 width=zz,0.1,1,,,,", f"mine,{FAMILY},float32,vgg16 sise=1,0.1,1,,,,")
    with pytest.raises(SpecError) as error:
        calibrate(table(tmp_path, device, *rows, count=3), device=device, runtime=FAMILY)
    assert [problem.line for problem in error.value.problems] == [5, 6]
    assert "width = 'zz' must be a number" in str(error.value)


def test_a_contradicted_network_is_an_error(tmp_path: Path, device: str) -> None:
    head = "device,runtime,dtype,network,latency_seconds,resolution\n"
    data = written(tmp_path, "t.csv", head + f"mine,{FAMILY},float32,mobilenet_v2,0.1,160\n" * 3)
    with pytest.raises(SpecError, match=r"t.csv:2:\d+: resolution = 160 contradicts network = 'mobilenet_v2'"):
        calibrate(data, device=device, runtime=FAMILY)


def test_long_lists_are_shortened() -> None:
    rows = [LeftOut(f"t.csv:{at}", "x", "why") for at in range(2, 1007)]
    assert in_words(rows) == ["1,005 rows: why: t.csv:2 x, t.csv:3 x, t.csv:4 x and 1,002 more"]


def test_many_reasons_are_shortened() -> None:
    lines = in_words([LeftOut(f"t.csv:{at}", "x", f"reason {at}") for at in range(2, 32)])
    assert lines[19:] == ["1 row: reason 21: t.csv:21 x", "and 10 reasons more"]


def test_slower_runs_of_a_network_are_named(tmp_path: Path, device: str) -> None:
    data = table(tmp_path, device, f"mine,{FAMILY},float32,{NAMES[1]},9.0,1,,,,")
    (found,) = calibrate(data, device=device, runtime=FAMILY)
    reason = "the network was measured faster under the same conditions, which counts"
    assert found.left_out == (LeftOut(f"{data}:7", NAMES[1], reason),)
    assert found.calibration.n == 5
