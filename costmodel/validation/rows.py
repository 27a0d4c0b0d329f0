"""The rows of one table on their way to predictions: which are predicted, and why the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.errors import CostmodelError, Problem, SpecError
from costmodel.fusion import fusion_named
from costmodel.hardware import Device, HardwareProfile
from costmodel.measured import Measured, blank_columns
from costmodel.measured.cells import whole_cell
from costmodel.measured.places import Places
from costmodel.records import record
from costmodel.roofline import family_fusion
from costmodel.validation.figures import PREDICTORS
from costmodel.validation.networks import contradiction
from costmodel.validation.predictors import predicted_rows
from costmodel.validation.profiles import Match, conditions_of_row, match
from costmodel.validation.subjects import NO_KERNEL, NO_SHAPES, Subjects
from costmodel.validation.warnings import MAXIMUM_SHOWN, Warnings

FAILED = "the run failed"
NO_TIME = "the profile has no time for what ran"


@record
class Predicted:
    """The rows of a table: `columns` of those that were predicted, the others by reason and by key, and what the
    table says that nothing is known of."""

    columns: Mapping[str, Sequence[Any]]
    skipped: Counter[str]
    unpredicted: Counter[tuple[Any, ...]]
    warnings: tuple[Problem, ...]


class Rows:
    """The rows of one table. `own` are devices of hardware files that were given, by name and path."""

    def __init__(self, table: Measured, by: Sequence[str], own: Mapping[str, Device]) -> None:
        self._frame, self._name, self._by, self._own = table.frame, table.name, by, own
        self._places = Places(table)
        self._matches: dict[tuple[Any, ...], Match] = {}
        self._networks: dict[tuple[Any, ...], bool] = {}
        self._wrong: list[Problem] = []

    def predicted(self, subjects: Subjects) -> Predicted:
        """Every row predicted, or counted with its reason.

        Raises: SpecError with the networks that are named and cannot be loaded, the first MAXIMUM_SHOWN of them.
        """
        records: list[dict[str, Any]] = [dict(row) for row in self._frame.to_dict("records")]  # type: ignore[arg-type]
        matches = [self._match(row) for row in records]
        reasons = [self._reason(row, found, subjects) for row, found in zip(records, matches, strict=True)]
        if self._wrong:
            raise SpecError(self._wrong)
        usable = [at for at, reason in enumerate(reasons) if not reason]
        seconds = self._seconds(usable, matches, subjects)
        for at in usable:
            if seconds["full"][at] == 0:
                reasons[at] = NO_TIME
        usable = [at for at in usable if not reasons[at]]
        keys = [self._key(row, found) for row, found in zip(records, matches, strict=True)]
        warnings = Warnings(self._places, self._own, subjects)
        for row, found, reason in zip(records, matches, reasons, strict=True):
            warnings.look_at(row, found, reason)
        return Predicted(
            self._columns(usable, records, matches, keys, seconds),
            Counter(reason for reason in reasons if reason),
            Counter(key for key, reason in zip(keys, reasons, strict=True) if reason),
            warnings.found(),
        )

    def _columns(
        self, usable: Sequence[int], records: Sequence[Mapping[str, Any]], matches: Sequence[Match],
        keys: Sequence[tuple[Any, ...]], seconds: Mapping[str, Any],
    ) -> dict[str, list[Any]]:  # fmt: skip
        return {
            "data": [self._name] * len(usable),
            "key": [keys[at] for at in usable],
            "line": [records[at]["line"] for at in usable],
            **{name: [records[at][name] for at in usable] for name in ("device", "runtime", "dtype", "network")},
            "profile": [matches[at].profile.name for at in usable],  # type: ignore[union-attr]
            "calibrated": [matches[at].calibrated for at in usable],
            "held_out_median_ape": [_stated(matches[at].profile) for at in usable],
            "measured_seconds": [records[at]["latency_seconds"] for at in usable],
            **{name: values[list(usable)].tolist() for name, values in seconds.items()},
        }

    def _seconds(self, usable: Sequence[int], matches: Sequence[Match], subjects: Subjects) -> dict[str, Any]:
        """Seconds of every row by each predictor, NaN where there are none: rows of one profile at once."""
        import numpy

        by_profile: dict[int, list[int]] = {}
        for at in usable:
            by_profile.setdefault(id(matches[at]), []).append(at)
        seconds = {name: numpy.full(len(matches), numpy.nan) for name in PREDICTORS}
        for members in by_profile.values():
            for name, values in predicted_rows(self._frame.iloc[members], matches[members[0]], subjects).items():
                seconds[name][members] = values
        return seconds

    def _match(self, row: Mapping[str, Any]) -> Match:
        conditions = conditions_of_row(row)
        key = row["device"], row["runtime"], row["dtype"], *sorted(map(str, conditions.items()))
        if key not in self._matches:
            self._matches[key] = match(row["device"], row["runtime"], row["dtype"], conditions, self._own)
        return self._matches[key]

    def _key(self, row: Mapping[str, Any], found: Match) -> tuple[Any, ...]:
        own = {"data": self._name, "calibrated": found.calibrated}
        values = [own[name] if name in own else row[name] for name in self._by]
        return tuple([None if value == "" or value != value else whole_cell(value) for value in values])

    def _reason(self, row: Mapping[str, Any], found: Match, subjects: Subjects) -> str:
        """Why a row is not predicted; empty where it is."""
        if not row["latency_seconds"] > 0:
            return FAILED
        if found.profile is None:
            return found.reason
        if row["op_kind"]:
            return NO_KERNEL if blank_columns(row) else ""
        return "" if self._has_network(row, found.profile, subjects) else NO_SHAPES

    def _has_network(self, row: Mapping[str, Any], profile: HardwareProfile, subjects: Subjects) -> bool:
        name, fusion = row["network"], family_fusion(profile)
        key = name, fusion, *(None if row[column] != row[column] else row[column] for column in ("width", "resolution"))
        if key not in self._networks:
            self._networks[key] = self._loaded(row, fusion, subjects)
            if len(self._wrong) >= MAXIMUM_SHOWN:
                raise SpecError(self._wrong)
        return self._networks[key]

    def _loaded(self, row: Mapping[str, Any], fusion: str, subjects: Subjects) -> bool:
        """Whether the network of a row has operators; one that is named and cannot be loaded is a mistake."""
        name, line = row["network"], row["line"]
        try:
            found = subjects.network(name, fusion_named(fusion)) is not None
            wrong = contradiction(name, row) if found and subjects.names_spec(name) else None
        except SpecError as error:
            self._wrong += [self._places.problem(line, "network", f"network = {name!r} is wrong"), *error.problems]
            return False
        except CostmodelError as error:
            if subjects.is_full:
                raise
            self._wrong.append(self._places.problem(line, "network", f"network = {name!r}: {error}"))
            return False
        if wrong is not None:
            self._wrong.append(self._places.problem(line, *wrong))
        return found


def _stated(profile: HardwareProfile | None) -> float | None:
    """The error that a profile states, on rows left out of its fit."""
    calibration = None if profile is None else profile.calibration
    return None if calibration is None else calibration.held_out_median_ape
