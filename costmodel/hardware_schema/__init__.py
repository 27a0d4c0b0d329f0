"""The layout of a hardware file, checked with pydantic. Imported for users' files and by the tests, not for bundled
files: importing pydantic costs as much time as everything else a prediction does."""

from costmodel.hardware_schema.checks import check_device, device_problems
from costmodel.hardware_schema.words import in_order, in_words, type_problem

__all__ = ["check_device", "device_problems", "in_order", "in_words", "type_problem"]
