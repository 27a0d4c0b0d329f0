"""The layout of a hardware file, checked with pydantic. Imported for users' files and by the tests, not for bundled
files: importing pydantic costs as much time as everything else a prediction does."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from costmodel.accuracy import grade_of
from costmodel.dtypes import DTYPES
from costmodel.errors import Problem, SpecError, nearest
from costmodel.files import Document
from costmodel.fusion import FUSIONS
from costmodel.positions import KeyPath

Text = Annotated[str, Field(min_length=1)]
Rate = Annotated[float, Field(ge=1e-3, lt=1e21, allow_inf_nan=False)]
Scope = Literal["core", "chip"]
Deviation = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
"""A part of the number it belongs to."""


class Table(BaseModel):
    """A table of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DeviceTable(Table):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    title: Text
    kind: Annotated[Literal["CPU", "GPU", "EdgeTPU", "DSP", "NPU", "MCU"], Field(alias="class")]
    memory: Text
    runtime: Text
    dtype: Text
    source: Text
    note: Text | None = None


class MemoryTable(Table):
    capacity_bytes: Annotated[int, Field(gt=0, lt=2**63)] | None = None
    capacity_source: Text | None = None
    bytes_per_second: Rate | None = None
    scope: Scope | None = None
    source: Text | None = None
    formula: Text | None = None
    holds: Annotated[list[Literal["activations", "weights"]], Field(min_length=1, max_length=2)] | None = None
    estimated: bool = False
    fitted: bool = False
    note: Text | None = None

    @model_validator(mode="after")
    def every_number_has_a_source(self) -> MemoryTable:
        if self.capacity_bytes is None and self.bytes_per_second is None:
            raise ValueError("a memory level needs capacity_bytes or bytes_per_second")
        if self.capacity_bytes is not None and self.capacity_source is None:
            raise ValueError("capacity_bytes needs capacity_source")
        if self.bytes_per_second is not None and (self.scope is None or self.source is None):
            raise ValueError("bytes_per_second needs scope and source")
        return self


class PeakTable(Table):
    macs_per_second: Rate
    scope: Scope
    accumulate: Text
    source: Text
    formula: Text | None = None
    estimated: bool = False
    fitted: bool = False
    note: Text | None = None


Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Constant = Annotated[float, Field(ge=0, le=1e21, allow_inf_nan=False)]


class CalibrationTable(Table):
    conditions: dict[Text, Text | int] = {}
    factors: dict[Text, Constant] = {}
    numbers: dict[Text, Constant] = {}
    levels: list[Annotated[list[Constant], Field(min_length=2, max_length=2)]] = []
    baselines: dict[Text, Constant] = {}
    calibrated_on: Text
    n: Annotated[int, Field(gt=0)]
    date: datetime.date
    held_out_by: Text
    held_out_median_ape: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    held_out_within_20: Part
    held_out_low: Ratio
    held_out_high: Ratio
    grade: Literal["A", "B", "C"]

    @model_validator(mode="after")
    def the_grade_is_that_of_the_error(self) -> CalibrationTable:
        grade = grade_of(self.held_out_median_ape)
        if self.grade != grade:
            raise ValueError(f"a held-out median error of {self.held_out_median_ape:.1%} is grade {grade}")
        return self


class RuntimeTable(Table):
    threads: Annotated[int, Field(gt=0)] | None = None
    fusion: Text = "folded"
    family: Text | None = None
    calibration: list[CalibrationTable] = []
    source: Text | None = None
    note: Text | None = None
    accelerator: Text | None = None
    active_watts: Annotated[float, Field(ge=1e-9, le=1e6, allow_inf_nan=False)] | None = None
    active_watts_networks: Annotated[int, Field(gt=0, le=10**6)] | None = None
    active_watts_deviation: Deviation | None = None
    active_watts_held_out_deviation: Deviation | None = None
    active_watts_source: Text | None = None

    @model_validator(mode="after")
    def a_power_has_a_source_and_deviations_have_networks(self) -> RuntimeTable:
        values = {name: getattr(self, name) for name in type(self).model_fields if name.startswith("active_watts")}
        missing = [name for name in ("active_watts", "active_watts_source") if values[name] is None]
        if missing and any(value is not None for value in values.values()):
            raise ValueError(f"an active power also needs {', '.join(missing)}")
        deviations = [name for name in values if name.endswith("deviation") and values[name] is not None]
        if deviations and (self.active_watts_networks or 0) < 2:
            raise ValueError(f"{deviations[0]} needs active_watts_networks of 2 or more: one network has no deviation")
        return self


class RidgeTable(Table):
    dtype: Text
    macs_per_byte: Rate
    source: Text
    note: Text | None = None


class FeatureTable(Table):
    source: Text
    estimated: bool = False
    note: Text | None = None


class WidthsTable(FeatureTable):
    bits: Annotated[list[Annotated[int, Field(ge=1, le=32)]], Field(min_length=1, max_length=32)]


class StructuredTable(FeatureTable):
    peak_factor: Annotated[float, Field(gt=1, le=16, allow_inf_nan=False)]
    dtypes: Annotated[list[Text], Field(min_length=1)]


class CompressionTable(Table):
    weight_bits: WidthsTable | None = None
    activation_bits: WidthsTable | None = None
    structured_2_4: StructuredTable | None = None
    weight_decoder: FeatureTable | None = None
    zero_skipping: FeatureTable | None = None


COMPRESSION_TABLES: dict[str, type[Table]] = {
    "weight_bits": WidthsTable, "activation_bits": WidthsTable, "structured_2_4": StructuredTable,
    "weight_decoder": FeatureTable, "zero_skipping": FeatureTable,
}  # fmt: skip


class HardwareFile(Table):
    device: DeviceTable
    memory: dict[str, MemoryTable]
    peak: dict[str, PeakTable]
    runtime: dict[str, dict[str, RuntimeTable]] = {}
    compression: CompressionTable | None = None
    published_ridge: list[RidgeTable] = []


def check_device(document: Document) -> None:
    """Check a hardware document.

    Raises: SpecError with every mistake: missing or unknown keys, wrong types, numbers without a source, names that
    point nowhere, and a peak whose scope is not that of the bandwidth.
    """
    problems: list[Problem] = []
    try:
        HardwareFile.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(document, dict(mistake)) for mistake in error.errors()]
    problems += _cross_checks(document)
    if problems:
        unique = {(p.line, p.column, p.problem): p for p in problems}
        raise SpecError(sorted(unique.values(), key=lambda p: (p.line, p.column)))


EXAMPLES = {
    "memory": ("sram",), "peak": ("int8",), "runtime": ("tflm", "int8"), "operation": ("add", "int8"),
}  # fmt: skip
"""What stands behind the first word in the header of a table, where any name may."""


def type_problem(document: Document, mistake: dict[str, Any]) -> Problem | None:
    """A value that is no table, or no whole number, in words of the file; None for other mistakes."""
    path: KeyPath = tuple(mistake["loc"])
    kind, value = mistake["type"], mistake["input"]
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        names = [str(part) for part in path if isinstance(part, str)]
        header = ".".join([*names, *EXAMPLES.get(names[0], ())[len(names) - 1 :]])
        if len(names) == len(path):
            return document.problem(path, f"{'.'.join(names)} must be a table", f"write [{header}]")
        return document.problem(path, f"{names[-1]} must be tables", f"write [[{header}]]")
    if kind in ("int_type", "int_from_float"):
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**63
        return document.problem(path, f"{path[-1]} must be a whole number", f"write {value:.0f}" if whole else "")
    return None


def _problem(document: Document, mistake: dict[str, Any]) -> Problem:
    path: KeyPath = tuple(mistake["loc"])
    kind, text = mistake["type"], str(mistake["msg"]).removeprefix("Value error, ")
    key = path[-1] if path else ""
    of_type = type_problem(document, mistake)
    if of_type is not None:
        return of_type
    if kind == "missing":
        owner = f"[{'.'.join(map(str, path[:-1]))}]" if path[:-1] else "the file"
        remedy = f"add {key} = ..." if path[:-1] else f"add [{key}]"
        return document.problem(path[:-1] or path, f"{owner} has no {key!r}", remedy)
    if kind == "extra_forbidden":
        fields = _fields_at(path)
        hint = nearest(str(key), fields) or f"it has: {', '.join(fields)}"
        return document.problem(path, f"unknown key {key!r}", hint, of_key=True)
    return document.problem(path, f"{key}: {text[:1].lower()}{text[1:]}" if path else text, "")


def _fields_at(path: KeyPath) -> list[str]:
    tables: dict[str, type[Table]] = {
        "device": DeviceTable, "memory": MemoryTable, "peak": PeakTable, "runtime": RuntimeTable,
        "published_ridge": RidgeTable, "compression": CompressionTable,
    }  # fmt: skip
    table = tables.get(str(path[0]), HardwareFile) if len(path) > 1 else HardwareFile
    if table is CompressionTable and len(path) > 2:
        table = COMPRESSION_TABLES[str(path[1])]
    return [field.alias or name for name, field in table.model_fields.items()]


def _cross_checks(document: Document) -> list[Problem]:
    data = document.data
    tables = {key: value for key, value in data.items() if isinstance(value, dict)}
    device, levels, peaks = (tables.get(key, {}) for key in ("device", "memory", "peak"))
    device = {key: value for key, value in device.items() if isinstance(value, str)}  # others are reported already
    problems = []
    level = levels.get(device.get("memory"))
    if "memory" in device and not isinstance(level, dict):
        known = ", ".join(levels) or "none"
        problems.append(
            document.problem(("device", "memory"), f"there is no [memory.{device['memory']}]", f"levels: {known}")
        )
    elif isinstance(level, dict) and "bytes_per_second" not in level:
        path: KeyPath = ("memory", device["memory"])
        problems.append(document.problem(path, "the level of the roofline has no bytes_per_second", "add it"))
    for name, peak in peaks.items():
        if name not in DTYPES:
            hint = nearest(name, DTYPES) or f"there are {', '.join(DTYPES)}"
            problems.append(document.problem(("peak", name), f"unknown number format {name!r}", hint, of_key=True))
        if isinstance(level, dict) and isinstance(peak, dict) and peak.get("scope") != level.get("scope"):
            problems.append(
                document.problem(
                    ("peak", name, "scope"),
                    f"peak.{name} is of a {peak.get('scope')}, the bandwidth of a {level.get('scope')}",
                    "a one-core peak needs a one-core bandwidth",
                )
            )
    if device.get("dtype") is not None and device["dtype"] not in peaks:
        known = ", ".join(peaks) or "none"
        problems.append(
            document.problem(("device", "dtype"), f"there is no [peak.{device['dtype']}]", f"peaks: {known}")
        )
    structured = tables.get("compression", {}).get("structured_2_4", {})
    formats = structured.get("dtypes", ()) if isinstance(structured, dict) else ()
    for at, name in enumerate(formats if isinstance(formats, list) else ()):
        if isinstance(name, str) and name not in peaks:
            path = ("compression", "structured_2_4", "dtypes", at)
            problems.append(
                document.problem(path, f"there is no [peak.{name}]", f"peaks: {', '.join(peaks) or 'none'}")
            )
    runtimes = tables.get("runtime", {})
    if device.get("runtime") not in (None, "idealised", *runtimes):
        known = ", ".join(["idealised", *runtimes])
        problems.append(
            document.problem(("device", "runtime"), f"there is no [runtime.{device['runtime']}]", f"runtimes: {known}")
        )
    for name, formats in runtimes.items():
        if formats == {}:
            problems.append(document.problem(("runtime", name), f"runtime {name!r} has no number format",
                                             f"add [runtime.{name}.int8]"))  # fmt: skip
        for dtype, settings in formats.items() if isinstance(formats, dict) else ():
            path = ("runtime", name, dtype)
            known_format = DTYPES.get(dtype)
            peak = dtype if known_format is None else known_format.peak
            if dtype not in peaks and peak not in peaks:
                problems.append(document.problem(path, f"there is no [peak.{peak}] for this runtime", ""))
            if isinstance(settings, dict) and settings.get("fusion", "folded") not in FUSIONS:
                hint = nearest(str(settings["fusion"]), FUSIONS) or f"there are {', '.join(FUSIONS)}"
                problems.append(document.problem((*path, "fusion"), f"unknown fusion {settings['fusion']!r}", hint))
    return problems
