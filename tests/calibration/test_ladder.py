"""Which term earns its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from calibration_made import calibration, exact, family, observed

from costmodel.calibration.__main__ import main
from costmodel.calibration.ladder import columns_of, ladder, used_terms

RULES = [
    {"name": "depthwise", "kinds": ["depthwise_conv"], "set": {"compute": 0.1}},
    {
        "name": "all",
        "set": {"compute": 0.5, "bandwidth": 0.4, "overhead_seconds": 5e-5, "half_n": 1e-3, "overlap": 2.0},
    },
]


def test_each_term_is_added_and_left_out() -> None:
    chosen = family(RULES)
    parts = exact(chosen, [observed(chosen)], noise=0.01)
    said: list[str] = []
    steps = ladder(chosen, parts, folds=3, progress=said.append)
    names = [step.name for step in steps]
    assert names == [
        "MACs only", "Eq. 1, datasheet", "two fitted numbers", "+ fusion", "+ efficiency", "+ saturation", "+ overlap",
        "full", "- fusion", "- efficiency", "- saturation", "- overlap", "- overhead",
    ]  # fmt: skip
    assert len(said) == len(names)
    error = {step.name: step.accuracy.median_ape or 0.0 for step in steps}
    assert error["full"] < 0.03
    assert error["MACs only"] > error["two fitted numbers"] > error["full"]
    helps = {step.name: step.helps for step in steps}
    assert helps["- overhead"]
    assert not helps["- saturation"]  # of so small a part that it does nothing
    assert helps["full"] is None
    columns = columns_of(steps)
    assert columns["calibration"][:2] == ["all", "ridge_4.5:made:float32"]
    assert {len(values) for values in columns.values()} == {2 * len(steps)}


def test_terms_of_a_family_and_its_devices() -> None:
    plain = family([{"name": "all", "set": {"compute": 0.5}}], fusion="folded")
    assert used_terms(plain, [observed(plain)]) == ["efficiency"]
    own = calibration(numbers={"inference_seconds": 1e-3}, levels=((1e6, 1e11),))
    assert used_terms(plain, [observed(plain, own)]) == ["efficiency", "tiers", "inference"]


@pytest.mark.parametrize("by", ["network", "row"])
def test_what_is_left_out_together_may_be_chosen(by: str) -> None:
    plain = family([{"name": "all", "set": {"compute": 0.5, "bandwidth": 0.3}}], fusion="folded")
    steps = ladder(plain, exact(plain, [observed(plain)], noise=0.02), by=by, folds=2)
    assert [step.name for step in steps][-2:] == ["full", "- efficiency"]


def test_a_folder_that_is_missing_is_named_before_anything_is_fitted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["calibration", "torch_cpu_kernels", "--ladder", str(tmp_path / "no" / "x.csv")])
    assert main() == 2
    assert f"there is no folder {tmp_path / 'no'}; make it first" in capsys.readouterr().err
