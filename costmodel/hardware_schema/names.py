"""Names in a hardware file that point from one table to another, and the scopes that must agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from costmodel.dtypes import DTYPES
from costmodel.errors import Problem, nearest
from costmodel.files import Document
from costmodel.fusion import FUSIONS

IDEALISED = "idealised"
SEPARATORS = ":,="
"""What stands between the parts of a profile's name: device:runtime:dtype:condition=value,..."""


def name_problems(document: Document) -> Iterator[Problem]:
    """Names that point nowhere or cannot be selected. What has the wrong type is passed over: its layout is wrong."""
    tables = {key: value for key, value in document.data.items() if isinstance(value, dict)}
    head, levels, peaks, runtimes = (tables.get(key, {}) for key in ("device", "memory", "peak", "runtime"))
    device = {key: value for key, value in head.items() if isinstance(value, str)}
    yield from _level_problems(document, device, levels)
    yield from _peak_problems(document, peaks, levels.get(device.get("memory")))
    if device.get("dtype") is not None and device["dtype"] not in peaks:
        yield document.problem(("device", "dtype"), f"there is no [peak.{device['dtype']}]", f"peaks: {_all(peaks)}")
    structured = tables.get("compression", {}).get("structured_2_4", {})
    formats = structured.get("dtypes", ()) if isinstance(structured, dict) else ()
    for at, name in enumerate(formats if isinstance(formats, list) else ()):
        if isinstance(name, str) and name not in peaks:
            path = ("compression", "structured_2_4", "dtypes", at)
            yield document.problem(path, f"there is no [peak.{name}]", f"peaks: {_all(peaks)}")
    if device.get("runtime") not in (None, IDEALISED, *runtimes):
        problem = f"there is no [runtime.{device['runtime']}]"
        yield document.problem(("device", "runtime"), problem, f"runtimes: {_all([IDEALISED, *runtimes])}")
    for name, formats in runtimes.items():
        yield from _runtime_problems(document, name, formats, peaks)


def _all(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _level_problems(document: Document, device: Mapping[str, str], levels: Mapping[str, Any]) -> Iterator[Problem]:
    level = levels.get(device.get("memory", ""))
    if "memory" in device and not isinstance(level, dict):
        problem = f"there is no [memory.{device['memory']}]"
        yield document.problem(("device", "memory"), problem, f"levels: {_all(levels)}")
    elif isinstance(level, dict) and "bytes_per_second" not in level:
        path = ("memory", device["memory"])
        yield document.problem(path, "the level of the roofline has no bytes_per_second", "add it")


def _peak_problems(document: Document, peaks: Mapping[str, Any], level: Any) -> Iterator[Problem]:
    for name, peak in peaks.items():
        if name not in DTYPES:
            hint = nearest(name, DTYPES) or f"there are {_all(DTYPES)}"
            yield document.problem(("peak", name), f"unknown number format {name!r}", hint, of_key=True)
        if isinstance(level, dict) and isinstance(peak, dict) and peak.get("scope") != level.get("scope"):
            yield document.problem(
                ("peak", name, "scope"),
                f"peak.{name} is of a {peak.get('scope')}, the bandwidth of a {level.get('scope')}",
                "a one-core peak needs a one-core bandwidth",
            )


def _runtime_problems(document: Document, name: str, formats: Any, peaks: Mapping[str, Any]) -> Iterator[Problem]:
    if name == IDEALISED:
        problem = f"every device has a runtime {IDEALISED!r} already"
        yield document.problem(("runtime", name), problem, "give this one another name")
    elif any(letter in name for letter in SEPARATORS):
        problem = f"the runtime {name!r} cannot be selected: {SEPARATORS} separate the parts of a profile's name"
        yield document.problem(("runtime", name), problem, "leave them out of its name")
    if formats == {}:
        problem = f"runtime {name!r} has no number format"
        yield document.problem(("runtime", name), problem, f"add [runtime.{name}.int8]")
    for dtype, settings in formats.items() if isinstance(formats, dict) else ():
        path = ("runtime", name, dtype)
        known = DTYPES.get(dtype)
        peak = dtype if known is None else known.peak
        if dtype not in peaks and peak not in peaks:
            yield document.problem(path, f"there is no [peak.{peak}] for this runtime", f"peaks: {_all(peaks)}")
        fusion = settings.get("fusion", "folded") if isinstance(settings, dict) else "folded"
        if isinstance(fusion, str) and fusion not in FUSIONS:
            hint = nearest(fusion, FUSIONS) or f"there are {_all(FUSIONS)}"
            yield document.problem((*path, "fusion"), f"unknown fusion {fusion!r}", hint)
