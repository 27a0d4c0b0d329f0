"""Measured rows as observations: what ran, on which profile, how long it took, and what it is held out by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration.left_out import LeftOut, blank_sizes, place_of, subject_of
from costmodel.errors import ParameterError, Problem, SpecError
from costmodel.fusion import fusion_named
from costmodel.hardware import HardwareProfile
from costmodel.latency.families import Family
from costmodel.measured import Measured
from costmodel.measured.places import Places
from costmodel.records import record, replace
from costmodel.validation.networks import contradiction
from costmodel.validation.profiles import conditions_of_row
from costmodel.validation.subjects import NO_SHAPES, Subjects, kernels
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
REMEDY = "; give --shapes, or name a bundled network, a spec file, or one of hardware/measured/networks.csv"
SLOWER = "the network was measured faster under the same conditions, which counts"
_CLASSES = re.compile(r"_classes_\d+$")
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
    rule of the family, `folded` those of the simpler predictors. Seconds of the whole batch. `places` say where each
    row stands, as file:line."""

    profile: HardwareProfile
    of_kernels: bool
    names: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    seconds: NDArray[Any]
    batch: NDArray[Any]
    own: Operators
    folded: Operators
    places: tuple[str, ...] = ()

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
    """A network without its size, its number of classes and its form for deployment: what is left out together.

    >>> stem("timm/vit_base_patch32_384@384"), stem("timm/repvgg_a0_deploy@224"), stem("ai/mobilenet_v2_128_classes_5")
    ('timm/vit_base_patch32', 'timm/repvgg_a0', 'ai/mobilenet_v2_128')
    """
    name, _, pixels = network.partition("@")
    name = name.removesuffix("_deploy")
    if pixels:
        name = name.removesuffix(f"_{pixels}")
    return _CLASSES.sub("", name)


def observations(
    tables: Sequence[Measured], family: Family, profile_of: Callable[[Measured, Mapping[str, Any]], Any],
    subjects: Subjects, leave: Callable[[LeftOut], None] = lambda row: None,
) -> list[Observations]:  # fmt: skip
    """The rows of the tables that `profile_of` gives a profile, one entry per profile and kind of row. Rows that failed
    are left out; so are, and `leave` is told, networks without shapes, operators without their sizes, and the slower
    ones of several runs.

    Raises: SpecError with every network that is named and cannot be loaded, or that contradicts its row.
    """
    found: dict[tuple[str, bool], tuple[HardwareProfile, list[tuple[pandas.DataFrame, int, str]]]] = {}
    wrong: list[Problem] = []
    for table in tables:
        usable = table.frame[table.frame["latency_seconds"] > 0].reset_index(drop=True)
        records: list[dict[str, Any]] = [dict(row) for row in usable.to_dict("records")]  # type: ignore[arg-type]
        fastest, places = set(fastest_runs(records)), Places(table)
        for at, row in enumerate(records):
            profile = profile_of(table, row)
            if profile is None:
                continue
            if at not in fastest:
                leave(LeftOut(place_of(table, row), subject_of(row), SLOWER))
                continue
            try:
                reason = _reason(row, family, profile, subjects)
            except ParameterError as error:
                wrong.append(places.problem(int(row["line"]), "network", str(error)))
                continue
            except SpecError as error:
                wrong += error.problems
                continue
            if reason:
                leave(LeftOut(place_of(table, row), subject_of(row) + _hint(subjects, row), reason))
                continue
            entry = found.setdefault((setting_name(profile), row["op_kind"] != ""), (profile, []))
            entry[1].append((usable, at, place_of(table, row)))
    if wrong:
        raise SpecError(wrong)
    return [
        replace(
            _made(profile, _rows(members), of_kernels, family, subjects), places=tuple([place for *_, place in members])
        )
        for (_, of_kernels), (profile, members) in found.items()
    ]


def _reason(row: Mapping[str, Any], family: Family, profile: HardwareProfile, subjects: Subjects) -> str:
    """Why a row cannot be an observation; "" for one that can."""
    name = row["network"]
    if row["op_kind"] != "":
        return blank_sizes(row)
    if _workload(subjects, name, family.fusion, profile) is None:
        return NO_SHAPES + REMEDY
    wrong = contradiction(name, row) if subjects.names_spec(name) else None
    if wrong is not None:
        raise ParameterError(f"{wrong[1]}; {wrong[2]}")
    return ""


def fastest_runs(records: Sequence[Mapping[str, Any]]) -> list[int]:
    """The rows, without those of a network that was measured faster under the same conditions: several runs of one
    thing are one observation, the least disturbed of them. Operators of one shape are observations of their own.

    >>> row = {"device": "d", "runtime": "r", "dtype": "int8", "batch": 1, "network": "n", "op_kind": "", "note": ""}
    >>> fastest_runs([row | {"latency_seconds": seconds} for seconds in (0.3, 0.1, 0.2)])
    [1]
    """
    best: dict[tuple[Any, ...], int] = {}
    for at, row in enumerate(records):
        conditions = sorted((name, str(value)) for name, value in conditions_of_row(row).items())
        own = at if row["op_kind"] else -1
        key = (own, *(str(row[name]) for name in ("device", "runtime", "dtype", "batch", "network")), *conditions)
        first = best.setdefault(key, at)
        if row["latency_seconds"] < records[first]["latency_seconds"]:
            best[key] = at
    return sorted(best.values())


def _hint(subjects: Subjects, row: Mapping[str, Any]) -> str:
    """The network that a misspelt name most likely means, in words."""
    hint = subjects.unknown.get(row["network"], "").partition("; ")[2]
    return f" ({hint})" if hint.startswith("did you mean") else ""


def _rows(members: list[tuple[pandas.DataFrame, int, str]]) -> pandas.DataFrame:
    import pandas

    by_frame: dict[int, tuple[pandas.DataFrame, list[int]]] = {}
    for frame, at, _ in members:
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
