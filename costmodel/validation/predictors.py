"""The four predictors on rows of one profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costmodel.fusion import FUSIONS, Fusion, fusion_named
from costmodel.hardware import HardwareProfile
from costmodel.latency import family_named, network_seconds_of_rows, workload_times
from costmodel.roofline import layer_bytes
from costmodel.validation.profiles import Match, datasheet
from costmodel.validation.subjects import Subjects, kernels
from costmodel.workloads import Workload, joined

if TYPE_CHECKING:
    import pandas


def predicted_rows(frame: pandas.DataFrame, found: Match, subjects: Subjects) -> dict[str, Any]:
    """Seconds of every row by each predictor, NaN where one has no numbers. All rows have the same profile."""
    import numpy

    seconds = {name: numpy.full(len(frame), numpy.nan) for name in ("macs", "eq1_datasheet", "two_fitted", "full")}
    single = (frame["op_kind"] != "").to_numpy()
    for rows, of_kernels in ((single, True), (~single, False)):
        if rows.any():
            for name, values in _predicted(frame[rows], found, subjects, of_kernels).items():
                seconds[name][rows] = values
    return seconds


def _predicted(frame: pandas.DataFrame, found: Match, subjects: Subjects, of_kernels: bool) -> dict[str, Any]:
    import numpy

    profile = found.profile
    assert profile is not None
    batch = numpy.maximum(frame["batch"].fillna(1.0).to_numpy(float), 1.0)
    folded = _rows(frame, subjects, FUSIONS["folded"], profile, of_kernels)
    plain = _Plain(*folded, batch)
    sheet = datasheet(profile.device, profile.dtype.name)
    result = {"eq1_datasheet": plain.eq1(sheet, sheet.macs_per_second, sheet.bytes_per_second)} if sheet else {}
    if profile.calibration is None:
        return result | {"full": plain.eq1(profile, profile.macs_per_second, profile.bytes_per_second)}
    baselines, family = profile.calibration.baselines, family_named(profile.calibration.family)
    if "macs_macs_per_second" in baselines:
        result["macs"] = plain.total("macs") * batch / baselines["macs_macs_per_second"]
    if "two_macs_per_second" in baselines:
        two = baselines["two_macs_per_second"], baselines["two_bytes_per_second"]
        result["two_fitted"] = plain.eq1(profile, *two)
    workload, starts = _rows(frame, subjects, fusion_named(family.fusion), profile, of_kernels, family.facts)
    times = workload_times(workload, profile, _each(batch, starts, workload))
    result["full"] = times.latency_seconds if of_kernels else network_seconds_of_rows(workload, times, profile, starts)
    return result


def _rows(
    frame: pandas.DataFrame, subjects: Subjects, fusion: Fusion, profile: HardwareProfile, of_kernels: bool,
    facts: Sequence[str] = (),
) -> tuple[Workload, Any]:  # fmt: skip
    """The operators of all rows as one workload, and where each row begins in it."""
    import numpy

    if of_kernels:
        return kernels(frame), numpy.arange(len(frame))
    numbers = profile.calibration.numbers if profile.calibration is not None else {}
    deployed = numbers.get("reparameterised", 0.0) == 1
    found = [subjects.network(name, fusion, deployed) for name in frame["network"]]
    workloads = [each for each in found if each is not None]
    assert len(workloads) == len(found), "rows without shapes are skipped before"
    return joined(workloads, facts)


def _each(batch: Any, starts: Any, workload: Workload) -> Any:
    """The batch of every operator."""
    import numpy

    return numpy.repeat(batch, numpy.diff([*starts, len(workload.kinds)]))


class _Plain:
    """Eq. 1 on the operators of many rows at once."""

    def __init__(self, workload: Workload, starts: Any, batch: Any) -> None:
        self._workload, self._starts = workload, starts
        self._batch = _each(batch, starts, workload)

    def total(self, name: str) -> Any:
        """The sum of a size over the operators of each row, repeats included."""
        import numpy

        return numpy.add.reduceat(self._workload.sizes[name] * self._workload.repeats, self._starts)

    def eq1(self, profile: HardwareProfile, macs_per_second: float, bytes_per_second: float) -> Any:
        """The sum over operators of max(MACs/P, bytes/B) (MobileNetV4, arXiv:2404.10518, Eq. 1)."""
        import numpy

        sizes = self._workload.sizes
        activations = (sizes["input_elements"] + sizes["output_elements"]) * self._batch
        moved = layer_bytes(activations, sizes["weight_elements"], profile.dtype)
        seconds = numpy.maximum(sizes["macs"] * self._batch / macs_per_second, moved / bytes_per_second)
        return numpy.add.reduceat(seconds * self._workload.repeats, self._starts)
