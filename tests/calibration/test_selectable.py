"""Names that no profile could be selected by are refused before anything is fitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from devices_made import DEVICE, FAMILY, NAMES, timings, written

from costmodel.calibration.devices import calibrate
from costmodel.calibration.selectable import check_runtime
from costmodel.errors import ParameterError, SpecError


@pytest.fixture
def device(tmp_path: Path) -> str:
    return written(tmp_path, "mine.toml", DEVICE)


@pytest.mark.parametrize(
    ("runtime", "other"),
    [("a:b", "a_b"), ("a,b=c", "a_b_c"), ("x.toml", "x"), ("", "my_runtime"), ("my runtime", "my_runtime")],
)
def test_runtimes(runtime: str, other: str) -> None:
    with pytest.raises(ParameterError) as error:
        check_runtime(runtime)
    assert str(error.value) == (
        f"the runtime {runtime!r} could not be selected as device:runtime:dtype; write a name of letters, digits, '_', "
        f"'.', '+' and '-', such as {other!r}, in --runtime and in the column runtime"
    )
    check_runtime(other)


def test_the_idealised_runtime_is_taken(tmp_path: Path, device: str) -> None:
    data = timings(tmp_path, device, count=4, runtime="idealised")
    with pytest.raises(ParameterError) as error:
        calibrate(data, device=device, runtime="idealised", family=FAMILY)
    assert str(error.value) == (
        "the runtime 'idealised' is Eq. 1 on datasheet numbers and takes no calibration; write the runtime that was "
        "measured, in --runtime and in the column runtime"
    )


def test_conditions_in_columns_and_notes(tmp_path: Path, device: str) -> None:
    head = "device,runtime,dtype,network,latency_seconds,runtime_version,note\n"
    row = f"mine,{FAMILY},float32,{NAMES[0]},0.1,"
    rows = ['"1.0, beta:x=2",', "1.0+cu124,core=Cortex-A53", '"1.0, beta:x=2",', '1.0,"core=big, fast"']
    data = written(tmp_path, "t.csv", head + "".join(f"{row}{each}\n" for each in rows))
    with pytest.raises(SpecError) as error:
        calibrate(data, device=device, runtime=FAMILY)
    column = len(row) + 1
    first, second = (str(each).split("\n")[0] for each in error.value.problems)
    assert first == (
        f"{data}:2:{column}: runtime_version = '1.0, beta:x=2' could not be selected as "
        "device:runtime:dtype:runtime_version=value,...; write it without ',', ':', '=' and '.toml', such as "
        "'1.0-beta-x-2'"
    )
    assert second == (
        f"{data}:5:{column + 4}: core = 'big, fast' could not be selected as device:runtime:dtype:core=value,...; "
        "write it without ',', ':', '=' and '.toml', such as 'big-fast'"
    )


def test_number_formats_are_found_all_at_once(tmp_path: Path, device: str) -> None:
    head = "device,runtime,dtype,network,latency_seconds\n"
    rows = "".join(f"mine,{FAMILY},{each},{NAMES[0]},0.1\n" for each in ("flot32", "float32", "int8", "flot32"))
    with pytest.raises(SpecError) as error:
        calibrate(written(tmp_path, "t.csv", head + rows), device=device, runtime=FAMILY)
    first, second = (str(each).split("\n")[0] for each in error.value.problems)
    assert first.endswith("t.csv:2:13: unknown number format 'flot32'; did you mean 'float32'?")
    assert second.endswith("t.csv:4:13: mine has no peak for int8; its number formats are float32")


def test_mistakes_without_end_are_cut(tmp_path: Path, device: str) -> None:
    head = "device,runtime,dtype,network,latency_seconds,runtime_version\n"
    rows = [f'mine,{FAMILY},float32,{NAMES[0]},0.1,"{at},{"x" * 900}"' for at in range(100)]
    with pytest.raises(SpecError) as error:
        calibrate(written(tmp_path, "t.csv", head + "\n".join(rows) + "\n"), device=device, runtime=FAMILY)
    assert len(error.value.problems) == 20
    assert error.value.problems[0].problem.startswith(f"runtime_version = '0,{'x' * 58}' could not be selected")
