"""Measured tables to figures: every row predicted in four ways, grouped, and counted where it could not be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel.accuracy import accuracy_of
from costmodel.errors import ParameterError, Problem, nearest
from costmodel.measured import Measured, bundled_measured, measured_table, read_shapes
from costmodel.records import record, replace
from costmodel.validation.figures import PREDICTORS, Group, grouped_figures
from costmodel.validation.profiles import UNCALIBRATED, devices_of_files
from costmodel.validation.rows import Rows
from costmodel.validation.subjects import Subjects

if TYPE_CHECKING:
    import pandas

KEYS = ("data", "device", "runtime", "dtype", "threads")
"""What rows of one group have in common, unless asked otherwise."""
FURTHER_KEYS = ("runtime_version", "layout", "batch", "network", "op_kind", "operator", "resolution", "width")
"""Columns that rows may be grouped by as well."""
Paths: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@record
class Validation:
    """Predicted against measured. `groups` have the figures of each predictor, `skipped` counts rows by reason;
    `columns` hold one entry per row that was predicted: its key, network, measured and predicted seconds, and
    `calibrated`: whether its profile was fitted under the row's own conditions, the nearest ones, or not at all.
    `warnings` are words of the tables that nothing is known of, each with its first place."""

    groups: tuple[Group, ...]
    skipped: Mapping[str, int]
    columns: Mapping[str, Sequence[Any]]
    warnings: tuple[Problem, ...] = ()

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
    *data: str | os.PathLike[str] | Measured, shapes: Paths = (), by: str | Sequence[str] = KEYS,
    devices: str | Sequence[str] = (), hardware: Paths = (),
) -> Validation:  # fmt: skip
    """Hold predictions against measurements: files in the layout of `hardware/measured`, by default those bundled.

    `shapes` are tables of the operators of networks; they come before the bundled ones. A row of a whole network
    needs one, or names a bundled network or a spec file, with its parameters (`mobilenet_v2 width=0.5`); a row of a
    single operator has its shape itself. `hardware` are hardware files; a row is of their device where its `device` is
    the name that stands in the file, or the path of the file. `by` are the columns to group by, `devices` those whose
    rows are wanted (all). The four predictors see the same rows: `PREDICTORS`.

    >>> result = validate("tflite_phones", by=["device"])
    >>> sorted(figure["predictor"] for figure in figure_rows(result) if figure["device"] == "pixel_1")
    ['eq1_datasheet', 'full', 'macs', 'two_fitted']

    Raises: SpecError for a file that is not in the layout or a network that cannot be loaded, ParameterError for a
    column to group by, a device without rows, or two hardware files of one device.
    """
    by, devices = _several(by), _several(devices)
    checked_keys(by)
    own = devices_of_files(_several(hardware))
    tables = [measured_table(each) for each in data] if data else list(bundled_measured().values())
    _check_devices(devices, tables)
    subjects = Subjects([read_shapes(os.fspath(path)) for path in _several(shapes)])
    parts = [Rows(_of_devices(table, devices), by, own).predicted(subjects) for table in tables]
    columns: dict[str, list[Any]] = {}
    for part in parts:
        for name, values in part.columns.items():
            columns.setdefault(name, []).extend(values)
    keys = [dict(zip(by, key, strict=True)) for key in columns.pop("key", [])]
    groups = grouped_figures(
        keys, columns.get("measured_seconds", []), {name: columns.get(name, []) for name in PREDICTORS},
        columns.get("held_out_median_ape", []), [each == UNCALIBRATED for each in columns.get("calibrated", [])],
    )  # fmt: skip
    skipped = sum((part.skipped for part in parts), Counter[str]())
    unpredicted = sum((part.unpredicted for part in parts), Counter[tuple[Any, ...]]())
    return Validation(
        tuple(_with_skipped(groups, unpredicted, by)), dict(skipped.most_common()), columns,
        tuple(warning for part in parts for warning in part.warnings),
    )  # fmt: skip


def _several(value: Any) -> Sequence[Any]:
    """One word or path as a list of one."""
    values = (value,) if isinstance(value, (str, os.PathLike)) else value
    if not isinstance(values, Sequence) or not all(isinstance(each, (str, os.PathLike)) for each in values):
        raise ParameterError(f"{value!r} is no list of names or paths; give words, or paths of files")
    return values


def _check_devices(devices: Sequence[str], tables: Sequence[Measured]) -> None:
    """Raise: ParameterError for a device that no row is of."""
    if not devices:
        return
    there = {str(name) for table in tables for name in table.frame["device"].unique()}
    for name in devices:
        if name not in there:
            few = f"the rows are of {', '.join(sorted(there))}" if len(there) <= 20 else ""
            hint = nearest(name, there) or few
            raise ParameterError(f"no row is of the device {name!r}" + (hint and f"; {hint}"))


def checked_keys(by: Sequence[str]) -> None:
    """Raise: ParameterError unless rows can be grouped by these columns."""
    known = (*KEYS, *FURTHER_KEYS, "calibrated")
    for name in by:
        if name not in known:
            hint = nearest(str(name), known) or f"there are {', '.join(known)}"
            raise ParameterError(f"rows cannot be grouped by {name!r}; {hint}")
        if list(by).count(name) > 1:
            raise ParameterError(f"{name} is given twice among the columns to group by")
    if not by:
        raise ParameterError("give at least one column to group by")


def figure_rows(validation: Validation) -> list[dict[str, Any]]:
    """One entry per group and predictor: the key, then n, skipped, and the figures."""
    return [
        {
            **group.key, "predictor": name, "n": figures.n, "skipped": group.skipped,
            "uncalibrated": group.uncalibrated, "mape": figures.mape,
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


def _with_skipped(groups: list[Group], unpredicted: Counter[tuple[Any, ...]], by: Sequence[str]) -> list[Group]:
    """The groups with their skipped rows, and groups of which no row was predicted."""
    made = [replace(group, skipped=group.skipped + unpredicted.pop(tuple(group.key.values()), 0)) for group in groups]
    nothing = accuracy_of([], [])
    return made + [
        Group(dict(zip(by, key, strict=True)), count, dict.fromkeys(PREDICTORS, nothing))
        for key, count in unpredicted.items()
    ]
