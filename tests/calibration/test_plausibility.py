"""Fits that cannot be true are refused in words, and written nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from calibration_made import calibration, exact, family, observed
from devices_made import COLUMNS, DEVICE, FAMILY, NO_ONE, TRUE, rows_of, run, timings, written

from costmodel.accuracy import Accuracy
from costmodel.calibration.devices import calibrate
from costmodel.calibration.fitting import Fit, fit
from costmodel.calibration.held_out import HeldOut
from costmodel.calibration.limits import limits_of
from costmodel.calibration.overview import as_object, columns_of
from costmodel.calibration.parameters import Choice
from costmodel.calibration.plausibility import _errors, at_bound, best_efficiencies, doubts
from costmodel.calibration.problem import Problem
from costmodel.errors import ParameterError
from costmodel.hardware import IDEALISED, load_device, profile_of
from costmodel.latency import family_named
from costmodel.records import replace

UNIT = (
    "Is latency_seconds in seconds, not in milliseconds or microseconds? If so, correct what differs: the networks or "
)
END = UNIT + "shapes of these rows, or the 4e+10 MACs/s and 2e+10 bytes/s of mine"


@pytest.fixture
def device(tmp_path: Path) -> str:
    return written(tmp_path, "mine.toml", DEVICE)


def changed(folder: Path, hardware: str, change: Callable[[int, float], float]) -> str:
    """The timings of the device with other latencies."""
    lines = [line.split(",") for line in rows_of(timings(folder, hardware))]
    for at, cells in enumerate(lines):
        cells[4] = repr(change(at, float(cells[4])))
    return written(folder, "changed.csv", "\n".join([COLUMNS, *map(",".join, lines)]) + "\n")


def refused(data: str, device: str, target: Path) -> str:
    """The message of a calibration that is refused."""
    with pytest.raises(ParameterError) as error:
        run(data, "--device", device, "--runtime", FAMILY, "--write", str(target))
    assert not target.exists()
    text = str(error.value)
    start = f"mine:{FAMILY}:float32:threads=1 is not calibrated, for its numbers cannot be true: "
    places = f". Its 14 rows are {data}:2, {data}:3, {data}:4 and 11 more. "
    assert text.startswith(start)
    assert text.endswith(places + END)
    return text.removeprefix(start).removesuffix(places + END)


def test_times_in_milliseconds(tmp_path: Path, device: str) -> None:
    data = changed(tmp_path, device, lambda at, seconds: seconds * 1e3)
    first, second, *_ = refused(data, device, tmp_path / "new.toml").split("; ")
    assert first.startswith("the times are so long that no operator reaches more than 0.000")
    assert first.endswith(" of the peak")
    assert second.startswith("half of the rows take ")
    assert second.endswith(" times as long as on the family's other devices, for the same peak and bandwidth")


def test_times_in_kiloseconds(tmp_path: Path, device: str) -> None:
    reasons = refused(changed(tmp_path, device, lambda at, seconds: seconds / 1e3), device, tmp_path / "new.toml")
    first, *_, last = reasons.split("; ")
    assert first.startswith("half of the rows run at ")
    assert first.endswith(" times the peak or more, and 3 times are possible")
    assert last.startswith("the median error of rows left out is ")


def test_random_times(tmp_path: Path, device: str) -> None:
    draw = np.random.default_rng(1)
    data = changed(tmp_path, device, lambda at, seconds: float(np.exp(draw.uniform(np.log(1e-3), np.log(1)))))
    (words, band) = refused(data, device, tmp_path / "new.toml").split(", and ")
    assert words.startswith("the median error of rows left out is ")
    assert band.startswith("measured / predicted of four of five lies between 0.0")


def test_random_times_of_one_size(tmp_path: Path, device: str) -> None:
    draw = np.random.default_rng(6)
    data = changed(tmp_path, device, lambda at, seconds: float(np.exp(draw.uniform(np.log(0.01), np.log(0.2)))))
    reasons = refused(data, device, tmp_path / "new.toml")
    assert reasons.endswith("%, with compute at the bound of what is possible")


def test_one_time_for_all_networks(tmp_path: Path, device: str) -> None:
    reasons = refused(changed(tmp_path, device, lambda at, seconds: 0.05), device, tmp_path / "new.toml")
    assert reasons.startswith("the median error of rows left out is ")


@pytest.mark.parametrize(
    ("spread", "error", "times", "is_refused"),
    [(0.35, 0.44, 2.7, True), (0.35, 0.21, 1.3, False), (0.8, 0.55, 1.6, True), (0.35, 0.15, 0.9, False)],
)
def test_one_time_that_is_nearer_to_all_networks(spread: float, error: float, times: float, is_refused: bool) -> None:
    part = observed(
        family([{"name": "all", "set": {"compute": 0.5}}]), calibration(factors={"compute": 1.0}), ridge=2.0
    )
    draw = np.random.default_rng(0)
    part = replace(part, seconds=0.05 * np.exp(spread * draw.standard_normal(len(part))))
    made = fit(Problem(family([{"name": "all", "set": {"compute": 0.5}}]), [part], Choice(rules=False)))
    others = [float(np.median(np.delete(part.seconds, at))) for at in range(len(part))]
    alone = float(np.median(np.abs(np.array(others) / part.seconds - 1)))
    assert error / alone == pytest.approx(times, abs=0.3)
    held = HeldOut(Accuracy(len(part), error, error, 0.0, 0.0, None), 0.5, 1.2, "network", 5)
    end = f"%, but {alone:.1%} where each is predicted by the median of the others, whatever network it is"
    assert [each.endswith(end) for each in _errors(made, held)] == [True] * is_refused


def test_noise_is_no_reason(tmp_path: Path, device: str) -> None:
    draw = np.random.default_rng(2)
    data = changed(tmp_path, device, lambda at, seconds: seconds * float(np.exp(0.25 * draw.standard_normal())))
    (found,) = calibrate(data, device=device, runtime=FAMILY)
    assert found.calibration.grade in "BC"


def fitted(factor: float) -> Fit:
    """A fit to times with this factor on the compute of operators that reach half of the peak."""
    chosen = family([{"name": "all", "set": {"compute": 0.5, "bandwidth": 0.5}}])
    parts = exact(chosen, [observed(chosen, calibration(factors={"compute": factor}), ridge=0.2)], 0.01)
    return fit(Problem(chosen, parts, Choice(rules=False, only=frozenset({"compute"}))))


def test_a_number_at_its_bound_is_known() -> None:
    assert at_bound(fitted(1.0)) == ()
    assert at_bound(fitted(2.4)) == ("compute",)


def test_the_best_efficiency_is_that_of_the_told_numbers() -> None:
    made = fitted(0.4)
    assert best_efficiencies(made, 1.0)["compute"] == pytest.approx(0.2, rel=0.05)
    assert best_efficiencies(made, 4.0)["compute"] == pytest.approx(0.05, rel=0.05)
    assert "bandwidth" not in best_efficiencies(made, 1.0)


def test_an_error_beyond_all_bounds_is_reason_enough() -> None:
    made = fitted(1.0)
    held = HeldOut(Accuracy(18, 1.5, 1.5, 0.0, 0.0, None), 0.4, 0.5, "network", 5)
    assert doubts(made, held, made.problem.parts[0].profile) == ["the median error of rows left out is 150.0%"]


def test_a_number_at_its_bound_is_not_said_to_be_told(tmp_path: Path, device: str) -> None:
    profile = replace(profile_of(load_device(device), IDEALISED), calibration=replace(NO_ONE, factors=TRUE))
    most = limits_of(family_named(FAMILY), profile, ["compute"])["compute"][1]
    slow = written(
        tmp_path, "slow.toml", DEVICE.replace("4e10", repr(4e10 * TRUE["compute"] / (most * 1.2 / 2.5 * 1.05)))
    )
    found = calibrate(timings(tmp_path, device), device=slow, runtime=FAMILY)
    assert dict(zip(*(columns_of(found)[name] for name in ("number", "told")), strict=True)) == {
        "compute": "at its bound", "bandwidth": "yes",
    }  # fmt: skip
    assert as_object(found)["calibrations"][0]["at_bound"] == ["compute"]
    (own,) = [each for each in found[0].fit.problem.parameters if each.name == "compute"]
    assert own.most == pytest.approx(most)
