"""Measured rows as observations: what ran, on which profile, how long it took, and what it is held out by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from costmodel.fusion import fusion_named
from costmodel.hardware import HardwareProfile
from costmodel.latency.families import Family
from costmodel.measured import Measured, note_values
from costmodel.records import record
from costmodel.validation.profiles import CONDITIONS
from costmodel.validation.subjects import Subjects, kernels
from costmodel.workloads import Workload
from costmodel.workloads.tables import joined

if TYPE_CHECKING:
    import pandas

NETWORK, KERNEL, DEVICE, ROW = "network", "kernel", "device", "row"
FOLD_KEYS: Mapping[str, str] = {
    NETWORK: "networks: all sizes and numbers of classes of one are left out together",
    KERNEL: "shapes of single operators, with any batch, layout and number format",
    DEVICE: "devices: all rows of one are left out together",
    ROW: "single rows",
}
"""What may be left out together."""
_SIZE = re.compile(r"(@.*|_classes_\d+)$")
_SHAPE = (
    "op_kind", "operator", "in_channels", "in_height", "in_width", "out_channels", "kernel_height", "kernel_width",
    "stride_height", "stride_width", "groups", "gemm_m", "gemm_n", "gemm_k",
)  # fmt: skip


@record
class Operators:
    """The operators of all observations one after the other; observation i has the rows from `starts[i]`."""

    workload: Workload
    starts: NDArray[Any]

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value per observation as one per operator."""
        return np.repeat(values, self.counts)

    @property
    def counts(self) -> NDArray[Any]:
        """Operators of each observation."""
        return np.diff([*self.starts, len(self.workload.kinds)])

    def total(self, values: NDArray[Any]) -> NDArray[Any]:
        """The sum of a value per operator over each observation, repeats included."""
        return np.add.reduceat(values * self.workload.repeats, self.starts)


@record
class Observations:
    """Measured rows of one profile, either whole networks or single kernels. `own` are their operators under the fold
    rule of the family, `folded` those of the simpler predictors. Seconds of the whole batch."""

    profile: HardwareProfile
    of_kernels: bool
    names: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    seconds: NDArray[Any]
    batch: NDArray[Any]
    own: Operators
    folded: Operators

    @property
    def setting(self) -> str:
        """device:runtime:dtype:condition=value,..., as the profile is selected."""
        return setting_name(self.profile)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<{len(self)} observations of {self.setting}>"


def setting_name(profile: HardwareProfile) -> str:
    """device:runtime:dtype, and the conditions of the calibration."""
    assert profile.calibration is not None
    conditions = ",".join(f"{key}={value}" for key, value in profile.calibration.conditions.items())
    return f"{profile.device.name}:{profile.runtime}:{profile.dtype.name}" + (conditions and f":{conditions}")


def stem(network: str) -> str:
    """A network without its size and its number of classes: what is left out together.

    >>> stem("timm/resnet50@176"), stem("stm32ai/mobilenet_v2_0.35_128_classes_5")
    ('timm/resnet50', 'stm32ai/mobilenet_v2_0.35_128')
    """
    return _SIZE.sub("", network)


def observations(
    tables: Sequence[Measured], family: Family, profile_of: Callable[[Measured, Mapping[str, Any]], Any],
    subjects: Subjects,
) -> list[Observations]:  # fmt: skip
    """The rows of the tables that `profile_of` gives a profile, one entry per profile and kind of row. Rows that failed
    and networks without shapes are left out."""
    found: dict[tuple[str, bool], tuple[HardwareProfile, list[tuple[pandas.DataFrame, int]]]] = {}
    for table in tables:
        usable = table.frame[table.frame["latency_seconds"] > 0].reset_index(drop=True)
        records: list[dict[str, Any]] = [dict(row) for row in usable.to_dict("records")]  # type: ignore[arg-type]
        for at, row in enumerate(records):
            profile = profile_of(table, row)
            if profile is None:
                continue
            of_kernel = row["op_kind"] != ""
            if not of_kernel and _workload(subjects, row["network"], family.fusion, profile) is None:
                continue
            entry = found.setdefault((setting_name(profile), of_kernel), (profile, []))
            entry[1].append((usable, at))
    return [
        _made(profile, _rows(members), of_kernels, family, subjects)
        for (_, of_kernels), (profile, members) in found.items()
    ]


def conditions_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a measured row says of the conditions it ran under, in its columns and its note."""
    stated = {name: row.get(name) for name in CONDITIONS if row.get(name) not in (None, "")}
    stated = {name: value for name, value in stated.items() if value == value}
    return stated | {name: value for name, value in note_values(row["note"]).items() if name in CONDITIONS}


def _rows(members: list[tuple[pandas.DataFrame, int]]) -> pandas.DataFrame:
    import pandas

    by_frame: dict[int, tuple[pandas.DataFrame, list[int]]] = {}
    for frame, at in members:
        by_frame.setdefault(id(frame), (frame, []))[1].append(at)
    return pandas.concat([frame.iloc[rows] for frame, rows in by_frame.values()], ignore_index=True)


def _made(
    profile: HardwareProfile, frame: pandas.DataFrame, of_kernels: bool, family: Family, subjects: Subjects
) -> Observations:
    batch = np.maximum(frame["batch"].fillna(1.0).to_numpy(float), 1.0)
    shapes = [_text(row) for row in frame[list(_SHAPE)].itertuples(index=False)] if of_kernels else []
    names = tuple(str(name) for name in frame["network"])
    stems = tuple([stem(name) or shape for name, shape in zip(names, shapes or names, strict=True)])
    if of_kernels:
        own = folded = Operators(kernels(frame), np.arange(len(frame)))
        names = tuple(shapes)
    else:
        own = _operators(names, family, family.fusion, profile, subjects)
        folded = _operators(names, family, "folded", profile, subjects)
    keys = {
        NETWORK: stems, KERNEL: tuple(shapes) if of_kernels else stems, DEVICE: tuple(frame["device"]),
        ROW: tuple(f"{setting_name(profile)} {at}" for at in range(len(frame))),
    }  # fmt: skip
    return Observations(profile, of_kernels, names, keys, frame["latency_seconds"].to_numpy(float), batch, own, folded)


def _workload(subjects: Subjects, name: str, fusion: str, profile: HardwareProfile) -> Workload | None:
    """A network as it was measured: in the form for deployment where the calibration says so."""
    assert profile.calibration is not None
    deployed = profile.calibration.numbers.get("reparameterised", 0.0) == 1
    return subjects.network(name, fusion_named(fusion), deployed)


def _operators(
    names: Sequence[str], family: Family, fusion: str, profile: HardwareProfile, subjects: Subjects
) -> Operators:
    workloads = [_workload(subjects, name, fusion, profile) for name in names]
    known = [each for each in workloads if each is not None]
    assert len(known) == len(names), "networks without shapes are left out before"
    return Operators(*joined(known, family.facts))


def _text(row: Any) -> str:
    stated = [(name, value) for name, value in zip(_SHAPE, row, strict=True) if value != "" and value == value]
    return " ".join(f"{name}={value:g}" if isinstance(value, float) else str(value) for name, value in stated)
