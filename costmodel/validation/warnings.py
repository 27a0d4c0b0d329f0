"""What a measured table says that nothing is known of: each word once, with its first place and the nearest known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from costmodel.dtypes import DTYPES
from costmodel.errors import Problem, nearest
from costmodel.hardware import IDEALISED, Device, devices, load_device
from costmodel.measured import blank_columns, bundled_devices, bundled_networks
from costmodel.measured.places import Places
from costmodel.records import replace
from costmodel.validation.profiles import NO_PEAK, NO_PROFILE, UNCALIBRATED, Match
from costmodel.validation.subjects import NO_KERNEL, NO_SHAPES, Subjects

MAXIMUM_SHOWN = 20
"""Warnings about one table that are placed and said in words."""
EQUATION_1 = "predicted by Eq. 1 on datasheet numbers, which nothing was fitted to"


class Warnings:
    """The warnings about one table; its rows are looked at one by one. `own` are devices that were given."""

    def __init__(self, places: Places, own: Mapping[str, Device], subjects: Subjects) -> None:
        self._places, self._own, self._subjects = places, own, subjects
        self._rows: dict[tuple[str, ...], int] = {}
        self._first: dict[tuple[str, ...], tuple[int, str, str, str]] = {}

    def look_at(self, row: Mapping[str, Any], found: Match, reason: str) -> None:
        """Take note of the words of a row that is predicted without a calibration, or skipped for a reason."""
        about = self._about(row, found, reason)
        if about is None:
            return
        column, *words = about
        key = column, *words
        self._rows[key] = self._rows.get(key, 0) + 1
        if key not in self._first and len(self._first) < MAXIMUM_SHOWN:
            problem, remedy = self._said(column, row)
            self._first[key] = row["line"], column, problem, remedy

    def found(self) -> tuple[Problem, ...]:
        """The first warnings, each at the first row that gave it, with the number of rows; and how many more."""
        made = []
        for key, (line, column, problem, remedy) in self._first.items():
            rows = self._rows[key]
            said = f"{problem} ({rows:,} row{'s'[: rows > 1]})"
            made.append(replace(self._places.problem(line, column, said, remedy), excerpt=""))
        more = len(self._rows) - len(self._first)
        if more:
            made.append(self._places.about_the_file(f"{more:,} more warnings are not shown"))
        return tuple(made)

    def _about(self, row: Mapping[str, Any], found: Match, reason: str) -> tuple[str, ...] | None:
        """The column that a row's warning is about, and the words that make rows alike; None without one."""
        device, runtime, dtype = row["device"], row["runtime"], row["dtype"]
        if reason == NO_PROFILE and device not in bundled_devices():
            return "device", device
        if reason == NO_PEAK:
            return "dtype", dtype if dtype not in DTYPES else f"{device}:{dtype}"
        if reason == NO_SHAPES and row["network"] not in bundled_networks():
            return "network", row["network"]
        if reason == NO_KERNEL:
            return "op_kind", row["op_kind"], *blank_columns(row)
        if not reason and found.calibrated == UNCALIBRATED and runtime not in ("", IDEALISED):
            known = self._device(device).runtimes
            return ("runtime", device, runtime) if runtime not in known else ("dtype", device, runtime, dtype)
        return None

    def _said(self, column: str, row: Mapping[str, Any]) -> tuple[str, str]:
        """Problem and remedy."""
        word = row[column]
        if column == "device":
            known = [*self._own, *devices()]
            return f"device = {word!r} has no profile", _either(word, known, "give its hardware file with --hardware")
        if column == "network":
            known = [*bundled_networks(), *self._subjects.names()]
            said = self._subjects.unknown.get(word, "").partition("; ")[2].partition(" lists them")[0]
            hint = said if said.startswith("did you mean") else nearest(word, known)
            other = "give its operators with --shapes, or name a bundled network or a spec file"
            return f"network = {word!r} is unknown", f"{hint} Else {other}" if hint else other
        if column == "op_kind":
            return f"op_kind = {word!r} without {', '.join(blank_columns(row))}", "fill them: a size is not guessed"
        device = self._device(row["device"])
        if column == "runtime":
            known = list(device.runtimes)
            return f"{device.name} has no runtime {word!r}; {EQUATION_1}", _either(word, known, _it_has(known))
        if word and word not in DTYPES:
            return f"dtype = {word!r} is no number format", _either(word, DTYPES, _it_has(device.peaks, device.name))
        if word and DTYPES[word].peak not in device.peaks:
            return f"{device.name} has no peak in {word}", _it_has(device.peaks)
        formats = device.runtimes[row["runtime"]]
        return f"{device.name}:{row['runtime']} has no calibration in {word}; {EQUATION_1}", _it_has(formats)

    def _device(self, name: str) -> Device:
        return self._own[name] if name in self._own else load_device(name)


def _either(word: str, known: Iterable[str], other: str) -> str:
    """The nearest known word and what else can be done."""
    hint = nearest(word, known)
    return f"{hint} Else {other}" if hint else other


def _it_has(names: Iterable[str], who: str = "it") -> str:
    return f"{who} has {', '.join(names) or 'none'}"
