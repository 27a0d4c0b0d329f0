"""Names that a calibration would have, and that nobody could select it by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.errors import CostmodelError, ParameterError, Problem, SpecError
from costmodel.hardware import IDEALISED, Device, profile_of
from costmodel.hardware_schema.names import SEPARATORS
from costmodel.measured import Measured, note_values
from costmodel.measured.places import Places
from costmodel.validation.profiles import conditions_of_row

MOST_SHOWN, LONGEST_SHOWN = 20, 60
"""Mistakes that an error lists, and letters of a value."""
_RUNTIME = re.compile(r"[A-Za-z0-9_.+-]+")
_SEPARATORS = re.compile(rf"\s*[{SEPARATORS}]\s*")


def check_runtime(runtime: str) -> None:
    """Whether a profile can be selected by this runtime, as device:runtime:dtype:condition=value,...

    Raises: ParameterError
    """
    if runtime == IDEALISED:
        raise ParameterError(
            f"the runtime {IDEALISED!r} is Eq. 1 on datasheet numbers and takes no calibration; write the runtime that "
            "was measured, in --runtime and in the column runtime"
        )
    if not _RUNTIME.fullmatch(runtime) or ".toml" in runtime:
        other = re.sub(r"[^A-Za-z0-9_.+-]+", "_", runtime.replace(".toml", "")).strip("_") or "my_runtime"
        raise ParameterError(
            f"the runtime {runtime!r} could not be selected as device:runtime:dtype; write a name of letters, digits, "
            f"'_', '.', '+' and '-', such as {other!r}, in --runtime and in the column runtime"
        )


class _Mistakes:
    """What is wrong in the cells of some rows: each mistake once, at the first row that has it."""

    def __init__(self) -> None:
        self._places: dict[int, Places] = {}
        self._seen: set[tuple[str, str]] = set()
        self._found: list[Problem] = []

    def is_new(self, name: str, value: str) -> bool:
        """Whether a value was not looked at before, now it was; never once there are enough mistakes to show."""
        is_new = (name, value) not in self._seen and len(self._found) < MOST_SHOWN
        self._seen.add((name, value))
        return is_new

    def add(self, table: Measured, row: Mapping[str, Any], column: str, problem: str, remedy: str = "") -> None:
        """A mistake in a cell of a row."""
        places = self._places.setdefault(id(table), Places(table))
        self._found.append(places.problem(int(row["line"]), column, problem, remedy))

    def answer(self) -> None:
        """Raise: SpecError with the mistakes, where there are any."""
        if self._found:
            raise SpecError(self._found)


def check_formats(rows: Sequence[tuple[Measured, Mapping[str, Any]]], device: Device) -> None:
    """Whether the device has a peak in the number format of each row.

    Raises: SpecError with the number formats that do not exist or have no peak, each at the first row that has it.
    """
    mistakes = _Mistakes()
    for table, row in rows:
        dtype = row["dtype"] or device.dtype
        if mistakes.is_new("dtype", dtype):
            try:
                profile_of(device, IDEALISED, dtype)
            except CostmodelError as error:
                mistakes.add(table, row, "dtype", str(error))
    mistakes.answer()


def check_conditions(rows: Sequence[tuple[Measured, Mapping[str, Any]]]) -> None:
    """Whether a calibration can be selected by the conditions of each row, as condition=value,...

    Raises: SpecError with the values that cannot be written so, each at the first row that has it.
    """
    mistakes = _Mistakes()
    for table, row in rows:
        for name, value in conditions_of_row(row).items():
            text = str(value)
            if mistakes.is_new(name, text) and not _is_selectable(text):
                column = "note" if name in note_values(row["note"]) else name
                mistakes.add(table, row, column, *_refusal(name, text))
    mistakes.answer()


def _is_selectable(text: str) -> bool:
    return text.isprintable() and ".toml" not in text and not _SEPARATORS.search(text)


def _refusal(name: str, value: str) -> tuple[str, str]:
    """Problem and remedy."""
    value = value[:LONGEST_SHOWN]
    other = "".join(each for each in _SEPARATORS.sub("-", value).replace(".toml", "") if each.isprintable())
    return (
        f"{name} = {value!r} could not be selected as device:runtime:dtype:{name}=value,...",
        f"write it without ',', ':', '=' and '.toml', such as {other!r}",
    )
