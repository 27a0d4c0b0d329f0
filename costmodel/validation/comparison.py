"""Measured tables to figures: every row predicted in four ways, grouped, and counted where it could not be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.accuracy import accuracy_of
from costmodel.errors import ParameterError, nearest
from costmodel.fusion import FUSIONS, Fusion, fusion_named
from costmodel.hardware import HardwareProfile
from costmodel.latency import family_named
from costmodel.measured import Measured, bundled_measured, note_values, read_measured, read_shapes
from costmodel.records import record, replace
from costmodel.validation.figures import PREDICTORS, Group, grouped_figures
from costmodel.validation.predictors import predicted_rows
from costmodel.validation.profiles import CONDITIONS, Match, match
from costmodel.validation.subjects import NO_SHAPES, Subjects

if TYPE_CHECKING:
    import pandas

KEYS = ("data", "device", "runtime", "dtype", "threads")
"""What rows of one group have in common, unless asked otherwise."""
FURTHER_KEYS = ("runtime_version", "layout", "batch", "network", "op_kind", "operator", "resolution", "width")
"""Columns that rows may be grouped by as well."""
FAILED = "the run failed"


@record
class Validation:
    """Predicted against measured. `groups` have the figures of each predictor, `skipped` counts rows by reason;
    `columns` hold one entry per row that was predicted: its key, network, measured and predicted seconds, and
    `calibrated`: whether its profile was fitted under the row's own conditions, the nearest ones, or not at all."""

    groups: tuple[Group, ...]
    skipped: Mapping[str, int]
    columns: Mapping[str, Sequence[Any]]

    @property
    def rows(self) -> pandas.DataFrame:
        """One row per measurement that was predicted."""
        import pandas

        return pandas.DataFrame(dict(self.columns))

    @property
    def figures(self) -> pandas.DataFrame:
        """One row per group and predictor."""
        import pandas

        return pandas.DataFrame(figure_rows(self))


def validate(
    *data: str | os.PathLike[str] | Measured, shapes: Sequence[str | os.PathLike[str]] = (), by: Sequence[str] = KEYS,
    devices: Sequence[str] = (),
) -> Validation:  # fmt: skip
    """Hold predictions against measurements: files in the layout of `hardware/measured`, by default those bundled.

    `shapes` are tables of the operators of networks; they come before the bundled ones. A row of a whole network
    needs one, or a bundled spec of the same network (`hardware/measured/networks.csv`); a row of a single operator
    has its shape itself. `by` are the columns to group by, `devices` those whose rows are wanted (all). The four
    predictors see the same rows: `PREDICTORS`.

    >>> result = validate("tflite_phones", by=["device"])
    >>> sorted(figure["predictor"] for figure in figure_rows(result) if figure["device"] == "pixel_1")
    ['eq1_datasheet', 'full', 'macs', 'two_fitted']

    Raises: SpecError for a file that is not in the layout, ParameterError for a column to group by.
    """
    checked_keys(by)
    tables = [_table(each) for each in data] if data else list(bundled_measured().values())
    subjects = Subjects([read_shapes(os.fspath(path)) for path in shapes])
    skipped: Counter[str] = Counter()
    unpredicted: Counter[tuple[Any, ...]] = Counter()
    columns: dict[str, list[Any]] = {}
    for table in tables:
        rows = _Rows(_of_devices(table, devices), skipped, unpredicted, by)
        for name, values in rows.predicted(subjects).items():
            columns.setdefault(name, []).extend(values)
    keys = [dict(zip(by, key, strict=True)) for key in columns.get("key", [])]
    groups = grouped_figures(
        keys, columns.get("measured_seconds", []), {name: columns.get(name, []) for name in PREDICTORS},
        columns.get("held_out_median_ape", []),
    )  # fmt: skip
    return Validation(
        tuple(_with_skipped(groups, unpredicted, by)), dict(skipped.most_common()),
        {name: values for name, values in columns.items() if name != "key"},
    )  # fmt: skip


def checked_keys(by: Sequence[str]) -> None:
    """Raise: ParameterError unless rows can be grouped by these columns."""
    known = (*KEYS, *FURTHER_KEYS, "calibrated")
    for name in by:
        if name not in known:
            hint = nearest(str(name), known) or f"there are {', '.join(known)}"
            raise ParameterError(f"rows cannot be grouped by {name!r}; {hint}")
    if not by:
        raise ParameterError("give at least one column to group by")


def figure_rows(validation: Validation) -> list[dict[str, Any]]:
    """One entry per group and predictor: the key, then n, skipped, and the figures."""
    return [
        {
            **group.key, "predictor": name, "n": figures.n, "skipped": group.skipped, "mape": figures.mape,
            "median_ape": figures.median_ape, "within_10": figures.within_10, "within_20": figures.within_20,
            "kendall_tau": figures.kendall_tau,
            "held_out_median_ape": group.held_out_median_ape if name == "full" else None,
        }
        for group in validation.groups
        for name, figures in group.accuracy.items()
    ]  # fmt: skip


def _of_devices(table: Measured, devices: Sequence[str]) -> Measured:
    """The rows of some devices."""
    if not devices:
        return table
    return replace(table, frame=table.frame[table.frame["device"].isin(list(devices))].reset_index(drop=True))


def _table(data: str | os.PathLike[str] | Measured) -> Measured:
    """A table itself, a bundled one by name, or a file."""
    if isinstance(data, Measured):
        return data
    name = os.fspath(data)
    return bundled_measured()[name] if name in bundled_measured() else read_measured(name)


def _with_skipped(groups: list[Group], unpredicted: Counter[tuple[Any, ...]], by: Sequence[str]) -> list[Group]:
    """The groups with their skipped rows, and groups of which no row was predicted."""
    made = [replace(group, skipped=group.skipped + unpredicted.pop(tuple(group.key.values()), 0)) for group in groups]
    nothing = accuracy_of([], [])
    return made + [
        Group(dict(zip(by, key, strict=True)), count, dict.fromkeys(PREDICTORS, nothing))
        for key, count in unpredicted.items()
    ]


class _Rows:
    """The rows of one table on their way to predictions."""

    def __init__(
        self, table: Measured, skipped: Counter[str], unpredicted: Counter[tuple[Any, ...]], by: Sequence[str]
    ) -> None:
        self._frame = table.frame
        self._name = table.name
        self._skipped, self._unpredicted, self._by = skipped, unpredicted, by
        self._matches: dict[tuple[Any, ...], Match] = {}

    def predicted(self, subjects: Subjects) -> dict[str, list[Any]]:
        """One list per column, of the rows that could be predicted."""
        import numpy

        frame = self._frame
        records: list[dict[str, Any]] = [dict(row) for row in frame.to_dict("records")]  # type: ignore[arg-type]
        matches = [self._match(row) for row in records]
        keys = [self._key(row, found) for row, found in zip(records, matches, strict=True)]
        usable = []
        for at, (row, found) in enumerate(zip(records, matches, strict=True)):
            reason = _reason(row, found, subjects)
            if reason:
                self._skipped[reason] += 1
                self._unpredicted[keys[at]] += 1
            else:
                usable.append(at)
        by_profile: dict[int, list[int]] = {}
        for at in usable:
            by_profile.setdefault(id(matches[at]), []).append(at)
        seconds = {name: numpy.full(len(records), numpy.nan) for name in PREDICTORS}
        for members in by_profile.values():
            made = predicted_rows(frame.iloc[members], matches[members[0]], subjects)
            for name, values in made.items():
                seconds[name][members] = values
        return {
            "data": [self._name] * len(usable),
            "key": [keys[at] for at in usable],
            "line": [records[at]["line"] for at in usable],
            **{name: [records[at][name] for at in usable] for name in ("device", "runtime", "dtype", "network")},
            "profile": [matches[at].profile.name for at in usable],  # type: ignore[union-attr]
            "calibrated": [matches[at].calibrated for at in usable],
            "held_out_median_ape": [_stated(matches[at].profile) for at in usable],
            "measured_seconds": [records[at]["latency_seconds"] for at in usable],
            **{name: values[usable].tolist() for name, values in seconds.items()},
        }

    def _match(self, row: Mapping[str, Any]) -> Match:
        conditions = {name: row.get(name) for name in CONDITIONS if row.get(name) not in (None, "")}
        conditions |= {name: value for name, value in note_values(row["note"]).items() if name in CONDITIONS}
        key = row["device"], row["runtime"], row["dtype"], *sorted(map(str, conditions.items()))
        if key not in self._matches:
            self._matches[key] = match(row["device"], row["runtime"], row["dtype"], conditions)
        return self._matches[key]

    def _key(self, row: Mapping[str, Any], found: Match) -> tuple[Any, ...]:
        own = {"data": self._name, "calibrated": found.calibrated}
        values = [own[name] if name in own else row[name] for name in self._by]
        return tuple([None if value == "" or value != value else _plain(value) for value in values])


def _stated(profile: HardwareProfile | None) -> float | None:
    """The error that a profile states, on rows left out of its fit."""
    calibration = None if profile is None else profile.calibration
    return None if calibration is None else calibration.held_out_median_ape


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _reason(row: Mapping[str, Any], found: Match, subjects: Subjects) -> str:
    """Why a row is not predicted; empty where it is."""
    if not row["latency_seconds"] > 0:
        return FAILED
    if found.profile is None:
        return found.reason
    if not row["op_kind"] and subjects.network(row["network"], fusion_of(found.profile)) is None:
        return NO_SHAPES
    return ""


def fusion_of(profile: HardwareProfile) -> Fusion:
    """The fold rule of a profile: that of its family where it is calibrated."""
    if profile.calibration is None:
        return FUSIONS["folded"]
    return fusion_named(family_named(profile.calibration.family).fusion)
