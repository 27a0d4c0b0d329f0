"""A hardware file as a whole: its tables, and names that point from one to another."""

from __future__ import annotations

from pydantic import ValidationError

from costmodel.errors import Problem, SpecError
from costmodel.files import Document
from costmodel.hardware_schema.figures import figure_problems
from costmodel.hardware_schema.names import name_problems
from costmodel.hardware_schema.tables import (
    COMPRESSION_TABLES,
    BaselinesTable,
    CalibrationTable,
    CompressionTable,
    DeviceTable,
    HardwareFile,
    MemoryTable,
    PeakTable,
    RidgeTable,
    RuntimeTable,
    Table,
)
from costmodel.hardware_schema.words import in_order, in_words
from costmodel.positions import KeyPath


def check_device(document: Document) -> None:
    """Check a hardware document.

    Raises: SpecError with every mistake: missing or unknown keys, wrong types, numbers without a source, names that
    point nowhere, a peak whose scope is not that of the bandwidth, figures of a calibration that contradict each other.
    """
    problems = device_problems(document)
    if problems:
        raise SpecError(problems)


def device_problems(document: Document) -> list[Problem]:
    """Every mistake of a hardware document, by place."""
    problems: list[Problem] = []
    try:
        HardwareFile.model_validate(document.data)
    except ValidationError as error:
        problems = [in_words(document, dict(each), _fields_at(each["loc"])) for each in error.errors()]
    return in_order([*problems, *name_problems(document), *figure_problems(document)])


def _fields_at(path: KeyPath) -> list[str]:
    """The names that a table has in which a key was found."""
    tables: dict[str, type[Table]] = {
        "device": DeviceTable, "memory": MemoryTable, "peak": PeakTable, "runtime": RuntimeTable,
        "published_ridge": RidgeTable, "compression": CompressionTable,
    }  # fmt: skip
    table = tables.get(str(path[0]), HardwareFile) if len(path) > 1 else HardwareFile
    if table is CompressionTable and len(path) > 2:
        table = COMPRESSION_TABLES[str(path[1])]
    if table is RuntimeTable and "calibration" in path[3:-1]:
        table = BaselinesTable if path[-2] == "baselines" else CalibrationTable
    return [field.alias or name for name, field in table.model_fields.items()]
