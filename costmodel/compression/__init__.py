"""Compression what-ifs: fewer bits, zeros and a coding for the weights; sizes, and the effect on a device."""

from costmodel.compression.codings import CODINGS, CodedWeights, Coding, coded, coding_named, expected_fillers
from costmodel.compression.device import DEVICE_COLUMNS, DeviceEffect
from costmodel.compression.sizes import SIZE_COLUMNS
from costmodel.compression.support import Use
from costmodel.compression.whatif import Compression, compress

__all__ = [
    "CODINGS",
    "DEVICE_COLUMNS",
    "SIZE_COLUMNS",
    "CodedWeights",
    "Coding",
    "Compression",
    "DeviceEffect",
    "Use",
    "coded",
    "coding_named",
    "compress",
    "expected_fillers",
]
