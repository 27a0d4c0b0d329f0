"""Names that a calibration would have, and that nobody could select it by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from costmodel.calibration.observations import conditions_of_row
from costmodel.errors import CostmodelError, ParameterError, Problem, SpecError
from costmodel.hardware import IDEALISED, Device, profile_of
from costmodel.hardware_schema.names import SEPARATORS
from costmodel.measured import Measured, note_values
from costmodel.measured.places import Places

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


def check_formats(rows: Sequence[tuple[Measured, Mapping[str, Any]]], device: Device) -> None:
    """Whether the device has a peak in the number format of each row.

    Raises: SpecError with every number format that does not exist or has no peak, at the first row that has it.
    """
    wrong: dict[str, Problem] = {}
    for table, row in rows:
        dtype = row["dtype"] or device.dtype
        try:
            profile_of(device, IDEALISED, dtype)
        except CostmodelError as error:
            if dtype not in wrong:
                wrong[dtype] = Places(table).problem(int(row["line"]), "dtype", str(error))
    if wrong:
        raise SpecError(list(wrong.values()))


def check_conditions(rows: Sequence[tuple[Measured, Mapping[str, Any]]]) -> None:
    """Whether a calibration can be selected by the conditions of each row, as condition=value,...

    Raises: SpecError with every value that cannot be written so, at the first row that has it.
    """
    wrong: dict[tuple[str, str], Problem] = {}
    for table, row in rows:
        noted = note_values(row["note"])
        for name, value in conditions_of_row(row).items():
            text = str(value)
            if (name, text) not in wrong and (_SEPARATORS.search(text) or not text.isprintable() or ".toml" in text):
                column = "note" if name in noted else name
                wrong[name, text] = Places(table).problem(int(row["line"]), column, *_refusal(name, text))
    if wrong:
        raise SpecError(list(wrong.values()))


def _refusal(name: str, value: str) -> tuple[str, str]:
    """Problem and remedy."""
    other = "".join(each for each in _SEPARATORS.sub("-", value).replace(".toml", "") if each.isprintable())
    return (
        f"{name} = {value!r} could not be selected as device:runtime:dtype:{name}=value,...",
        f"write it without ',', ':', '=' and '.toml', such as {other!r}",
    )
