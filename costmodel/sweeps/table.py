"""The long table of a sweep: one row per variant and device."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from costmodel.arithmetic import is_array
from costmodel.costs import COLUMNS, checked_batch
from costmodel.dtypes import dtype_named
from costmodel.errors import ParameterError, UnknownNameError
from costmodel.fusion import fusion_named
from costmodel.hardware import HardwareProfile
from costmodel.memory.definitions import definition_named
from costmodel.report import with_prefix
from costmodel.roofline import Overlap, checked_overlap, profile_for
from costmodel.specs.parameters import plain
from costmodel.specs.values import shown
from costmodel.sweeps.grid import Grid, costed
from costmodel.sweeps.totals import Costing, Device, Memory, totals_of

if TYPE_CHECKING:
    import pandas
    from numpy.typing import NDArray

MAXIMUM_ROWS = 20_000_000
"""Variants times devices; a row takes 200 to 350 bytes."""
PREDICTED = ("bytes", "latency_seconds")
"""Columns of a sweep over devices."""
STORED = ("peak_activation_bytes", "flash_bytes")
"""Columns of a sweep that looks at memory."""
RESERVED = ("network", "hardware", *COLUMNS, *PREDICTED, *STORED)
"""Columns of a sweep that no parameter may be called."""


def sweep(
    network: str | os.PathLike[str] | Sequence[str],
    /,
    *,
    hardware: str | HardwareProfile | Sequence[str | HardwareProfile] | None = None,
    batch: int = 1,
    dtype: str | None = None,
    fusion: str | None = None,
    overlap: Overlap = "max",
    memory: str | None = None,
    **parameters: Any,
) -> pandas.DataFrame:
    """Every combination of parameter values on every device: one row each, totals and roofline latency.

    `parameters` are the spec's; a list or array is swept, anything else holds for all rows (a parameter that is
    itself a list takes a list of lists). The columns are `network`, the parameters, with devices `hardware`, then the
    totals of `costmodel.costs.COLUMNS`, and with devices `bytes` and `latency_seconds`. `memory` is a definition of
    peak memory (`costmodel.memory.DEFINITIONS`) and adds `peak_activation_bytes` and `flash_bytes`, in the number
    format of the device, without devices in `dtype` (int8). Rows are ordered as nested loops over network, parameters
    and devices would be, and hold what a loop of `load`, `cost_table`, `predict`, `peak_memory` and `flash_size` gives;
    variants of one structure are counted together.

    >>> models = sweep("mobilenet_v1", width=[0.25, 1.0], resolution=[128, 224], hardware=["ridge_5", "ridge_500"])
    >>> models[["width", "resolution", "hardware", "macs"]].values.tolist()[-1]
    [1.0, 224, 'ridge_500:idealised:int8', 568740352]

    Raises: ParameterError for an empty list or more than MAXIMUM_ROWS rows; what `load`, `cost_table`, `predict` and
    `peak_memory` raise.
    """
    import pandas

    return pandas.DataFrame(sweep_columns(network, hardware, batch, dtype, fusion, overlap, memory, parameters))


def sweep_columns(
    network: str | os.PathLike[str] | Sequence[str],
    hardware: str | HardwareProfile | Sequence[str | HardwareProfile] | None,
    batch: int,
    dtype: str | None,
    fusion: str | None,
    overlap: Overlap,
    memory: str | None,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """The same as `sweep`, as one array or list per column."""
    import numpy

    networks = _networks(network)
    devices = _devices(hardware, dtype if memory is None or hardware else None, fusion, overlap)
    stored = _memory(memory, dtype, devices)
    for name in parameters:
        if name in RESERVED:
            raise ParameterError(
                f"the parameter {name!r} has the name of a column of the sweep; rename it in the spec file"
            )
    lengths = [_length(name, value) for name, value in parameters.items()]
    variants = math.prod(lengths)
    times = max(1, len(devices))
    rows = variants * len(networks) * times
    if rows > MAXIMUM_ROWS:
        raise ParameterError(f"the sweep has {rows:,} rows, at most {MAXIMUM_ROWS:,} are allowed; sweep fewer values")
    axes = {name: _axis(value) for name, value in parameters.items()}
    costing = Costing(checked_batch(batch), devices, stored)
    tables = [_variants(name, axes, costing) for name in networks]
    columns: dict[str, Any] = {"network": numpy.repeat(numpy.array(networks, object), variants * times)}
    for at, (name, values) in enumerate(axes.items()):
        each = numpy.repeat(_column(values), math.prod(lengths[at + 1 :]) * times)
        columns[name] = numpy.tile(each, len(networks) * math.prod(lengths[:at]))
    if devices:
        names = numpy.array([device.profile.name for device in devices], object)
        columns["hardware"] = numpy.tile(names, len(networks) * variants)
    for name in COLUMNS:
        total = numpy.concatenate([table[name].ravel() for table in tables])
        columns[name] = total if times == 1 else numpy.repeat(total, times)
    for name in (*(PREDICTED if devices else ()), *(STORED if stored is not None else ())):
        stacked = [numpy.stack([table[name, at].ravel() for at in range(times)], axis=1).ravel() for table in tables]
        columns[name] = numpy.concatenate(stacked)
    return columns


def readable_columns(columns: Mapping[str, Any]) -> tuple[dict[str, Sequence[Any]], dict[str, Any]]:
    """The columns a person reads, with their number formats."""
    counts = {"macs": "MACs", "params": "params", "filter_adds": "filter adds"}
    moved = {"bytes": "bytes", "latency_seconds": "time"} if "bytes" in columns else {
        "memory_access_elements": "memory access (elements, nothing folded)"
    }  # fmt: skip
    moved |= {"peak_activation_bytes": "peak bytes", "flash_bytes": "flash bytes"}
    shown = {}
    for name, values in columns.items():
        if name not in (*COLUMNS, *PREDICTED, *STORED):
            shown[name] = values.tolist()
        elif name in counts and (name != "filter_adds" or values.any()):
            shown[counts[name]] = values.tolist()
        elif name in moved:
            shown[moved[name]] = values.tolist()
    return shown, {"time": lambda seconds: with_prefix(seconds, "s")}


def _networks(network: Any) -> list[str]:
    """The networks of a sweep by name or path."""
    networks = [network] if isinstance(network, str | os.PathLike) else network
    if not isinstance(networks, list | tuple) or not all(isinstance(each, str | os.PathLike) for each in networks):
        raise UnknownNameError(
            f"{shown(network)} is not the name of a network, the path of a spec file, or a list of these"
        )
    if not networks:
        raise ParameterError("a sweep needs at least one network")
    return [os.fspath(each) for each in networks]


def _devices(hardware: Any, dtype: str | None, fusion: str | None, overlap: Overlap) -> tuple[Device, ...]:
    """The devices of a sweep, none when no latency is wanted."""
    alone = hardware is not None and not isinstance(hardware, list | tuple)
    listed = [hardware] if alone else list(hardware or ())
    if not listed and (dtype is not None or fusion is not None or overlap != "max"):
        raise ParameterError("dtype, fusion and overlap belong to a prediction; give hardware")
    checked_overlap(overlap)
    profiles = [profile_for(device, dtype) for device in listed]
    rule = fusion_named(fusion) if fusion is not None else None
    return tuple(Device(profile, rule, overlap) for profile in profiles)


def _memory(definition: str | None, dtype: str | None, devices: tuple[Device, ...]) -> Memory | None:
    """What is wanted of memory, if anything: int8 where neither device nor argument says otherwise."""
    if definition is None:
        return None
    dtypes = tuple(device.profile.dtype for device in devices) or (dtype_named(dtype or "int8"),)
    return Memory(definition_named(definition), dtypes)


def _length(name: str, value: Any) -> int:
    """How many values of a parameter are swept."""
    if isinstance(value, list | tuple | range) or is_array(value):
        if getattr(value, "ndim", 1) != 1:
            raise ParameterError(
                f"{name} is an array of the shape {value.shape}; an axis of a sweep is a list of values"
            )
        if not len(value):
            raise ParameterError(f"{name} has no values to sweep")
        return len(value)
    if hasattr(value, "__iter__") and not isinstance(value, str):
        raise ParameterError(f"{name} = {shown(value)} cannot be swept; give a list, a range or an array")
    return 1


def _axis(value: Any) -> list[Any]:
    """The values of one parameter."""
    listed = list(value) if isinstance(value, list | tuple | range) or is_array(value) else [value]
    return [plain(each) if hasattr(each, "dtype") else each for each in listed]


def _column(values: list[Any]) -> NDArray[Any]:
    import numpy

    if all(_is_number(value) for value in values):
        return numpy.array(values)
    column = numpy.empty(len(values), object)
    column[:] = [str(list(value)) if isinstance(value, list | tuple) else value for value in values]
    return column


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _variants(network: str, axes: Mapping[str, list[Any]], costing: Costing) -> dict[Any, NDArray[Any]]:
    """Totals of a network on the whole grid: by column, and by (column, device)."""
    import numpy

    shape = tuple(len(values) for values in axes.values())
    totals: dict[Any, NDArray[Any]] = {}
    arrays = {name: numpy.array(values) for name, values in axes.items() if _sweeps_as_array(values)}
    looped = {name: values for name, values in axes.items() if name not in arrays}
    for choice in product(*(range(len(values)) for values in looped.values())):
        fixed = {name: looped[name][at] for name, at in zip(looped, choice, strict=True)}
        chosen = dict(zip(looped, choice, strict=True))
        grid = Grid(network, fixed, arrays)
        everything = {name: numpy.arange(len(values)) for name, values in arrays.items()}
        for part, found_totals in costed(grid, everything, partial(totals_of, costing=costing), costing.points_at_once):
            place = tuple(part[name] if name in part else numpy.array([chosen[name]]) for name in axes)
            for key, value in found_totals.items():
                found = numpy.asarray(value)
                if key not in totals:
                    totals[key] = numpy.empty(shape, found.dtype)
                elif totals[key].dtype != found.dtype:  # expectations, of which some are whole
                    totals[key] = totals[key].astype(object)
                totals[key][numpy.ix_(*place)] = _laid_out(found, axes, arrays)
    return totals


def _sweeps_as_array(values: list[Any]) -> bool:
    """Whether the values of a parameter can be one array."""
    return len(values) > 1 and all(_is_number(value) for value in values)


def _laid_out(value: Any, axes: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
    """A total with an axis for every parameter, also those that were looped over."""
    sizes = iter((1,) * (len(arrays) - value.ndim) + value.shape)
    return value.reshape([next(sizes) if name in arrays else 1 for name in axes])
