"""The tables of a hardware file, as pydantic checks them."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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
Error = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Constant = Annotated[float, Field(ge=0, le=1e21, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e21, allow_inf_nan=False)]


def _condition(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError("a condition must be a text or a whole number")
    return value


Condition = Annotated[Any, AfterValidator(_condition)]


class BaselinesTable(Table):
    macs_macs_per_second: Rate | None = None
    two_macs_per_second: Rate | None = None
    two_bytes_per_second: Rate | None = None


Ends = Annotated[list[Positive], Field(min_length=2, max_length=2)]
"""The least and the greatest of something."""


class CalibrationTable(Table):
    conditions: dict[Text, Condition] = {}
    factors: dict[Text, Constant] = {}
    numbers: dict[Text, Constant] = {}
    levels: list[Annotated[list[Positive], Field(min_length=2, max_length=2)]] = []
    baselines: BaselinesTable | None = None
    calibrated_on: Text
    n: Annotated[int, Field(gt=0)]
    batch: Ends | None = None
    macs: Ends | None = None
    date: datetime.date
    held_out_by: Text
    held_out_median_ape: Error
    held_out_within_20: Part
    held_out_low: Ratio
    held_out_high: Ratio
    grade: Literal["A", "B", "C"]
    note: Text | None = None


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
