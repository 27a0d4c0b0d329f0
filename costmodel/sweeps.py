"""Many variants of a network at once: one axis per parameter, one walk per structure, a long table as the result."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from costmodel.arithmetic import INT64_MAX, is_array
from costmodel.costs import COLUMNS, checked_batch, cost_table, layer_counts
from costmodel.errors import ParameterError, StructureError, UnknownNameError
from costmodel.fusion import Fusion, folded_layers, fusion_named
from costmodel.graph import Graph, Shape
from costmodel.hardware import HardwareProfile
from costmodel.operators.base import Counts
from costmodel.records import fields_of, record, replace, values_of
from costmodel.report import with_prefix
from costmodel.roofline import (
    Overlap,
    checked_overlap,
    layer_bytes,
    predict,
    profile_for,
    refuse_unrated,
    roofline_seconds,
)  # fmt: skip
from costmodel.shapes import infer_shapes
from costmodel.specs.catalogue import load
from costmodel.specs.parameters import plain
from costmodel.specs.values import shown

if TYPE_CHECKING:
    import pandas
    from numpy.typing import NDArray

MAXIMUM_ROWS = 20_000_000
"""Variants times devices; a row takes 200 to 350 bytes."""
POINTS_AT_ONCE = 2**17
"""Variants counted together: few enough that their arrays stay near the processor, many enough to pay for a walk."""
WIDEST_ELEMENT_BITS = 64
RESERVED = ("network", "hardware", *COLUMNS, "bytes", "latency_seconds")
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
    **parameters: Any,
) -> pandas.DataFrame:
    """Every combination of parameter values on every device: one row each, totals and roofline latency.

    `parameters` are the spec's; a list or array is swept, anything else holds for all rows (a parameter that is
    itself a list takes a list of lists). The columns are `network`, the parameters, with devices `hardware`, then the
    totals of `costmodel.costs.COLUMNS`, and with devices `bytes` and `latency_seconds`. Rows are ordered as nested
    loops over network, parameters and devices would be, and hold what a loop of `load`, `cost_table` and `predict`
    gives; variants of one structure are counted together.

    >>> models = sweep("mobilenet_v1", width=[0.25, 1.0], resolution=[128, 224], hardware=["ridge_5", "ridge_500"])
    >>> models[["width", "resolution", "hardware", "macs"]].values.tolist()[-1]
    [1.0, 224, 'ridge_500:idealised:int8', 568740352]

    Raises: ParameterError for an empty list or more than MAXIMUM_ROWS rows; what `load`, `cost_table` and `predict`
    raise.
    """
    import pandas

    arguments = (network, hardware, batch, dtype, fusion, overlap, parameters)
    return pandas.DataFrame(sweep_columns(*arguments))


def sweep_columns(
    network: str | os.PathLike[str] | Sequence[str],
    hardware: str | HardwareProfile | Sequence[str | HardwareProfile] | None,
    batch: int,
    dtype: str | None,
    fusion: str | None,
    overlap: Overlap,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """The same as `sweep`, as one array or list per column."""
    import numpy

    networks = _networks(network)
    devices = _devices(hardware, dtype, fusion, overlap)
    for name in parameters:
        if name in RESERVED:
            raise ParameterError(
                f"the parameter {name!r} has the name of a column of the sweep; rename it in the spec file"
            )
    counts = {name: _length(name, value) for name, value in parameters.items()}
    lengths = list(counts.values())
    variants = math.prod(lengths)
    times = max(1, len(devices))
    rows = variants * len(networks) * times
    if rows > MAXIMUM_ROWS:
        raise ParameterError(f"the sweep has {rows:,} rows, at most {MAXIMUM_ROWS:,} are allowed; sweep fewer values")
    axes = {name: _axis(value) for name, value in parameters.items()}
    costing = Costing(checked_batch(batch), devices)
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
    for name in ("bytes", "latency_seconds") if devices else ():
        stacked = [numpy.stack([table[name, at].ravel() for at in range(times)], axis=1).ravel() for table in tables]
        columns[name] = numpy.concatenate(stacked)
    return columns


def readable_columns(columns: Mapping[str, Any]) -> tuple[dict[str, Sequence[Any]], dict[str, Any]]:
    """The columns a person reads, with their number formats."""
    counts = {"macs": "MACs", "params": "params", "filter_adds": "filter adds"}
    moved = {"bytes": "bytes", "latency_seconds": "time"} if "bytes" in columns else {
        "memory_access_elements": "memory access (elements)"
    }  # fmt: skip
    shown = {}
    for name, values in columns.items():
        if name not in (*COLUMNS, "bytes", "latency_seconds"):
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
    return tuple(Device(profile, fusion_named(fusion or profile.fusion), overlap) for profile in profiles)


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


# ---- one network


@record
class Device:
    """A profile and how its latency is put together."""

    profile: HardwareProfile
    fusion: Fusion
    overlap: Overlap


@record
class Costing:
    """What is computed for every variant."""

    batch: int
    devices: tuple[Device, ...]


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
        for part, graph in _parts(grid, everything):
            place = tuple(part[name] if name in part else numpy.array([chosen[name]]) for name in axes)
            for key, value in _costs(graph, costing).items():
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


@record
class Grid:
    """A network with an axis for every parameter whose values are numbers."""

    network: str
    fixed: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]

    def graph(self, part: Mapping[str, NDArray[Any]]) -> Graph:
        """The graph of a part of the grid: each parameter an array along its own axis."""
        count = len(self.arrays)
        swept = {
            name: values[part[name]].reshape([-1 if at == axis else 1 for at in range(count)])
            for axis, (name, values) in enumerate(self.arrays.items())
        }
        return load(self.network, **self.fixed, **swept)


Part = Mapping[str, Any]
"""Positions along each axis."""


def _parts(grid: Grid, part: Part) -> Iterator[tuple[Part, Graph]]:
    """The part cut up: first until each piece has one structure, then into pieces of POINTS_AT_ONCE at most."""
    try:
        graph = grid.graph(part)
    except StructureError as error:
        axis, groups = _split(error.values, len(part))
        name = list(part)[axis]
        for rows in groups:
            yield from _parts(grid, {**part, name: part[name][rows]})
    else:
        pieces = list(_pieces(part))
        for piece in pieces:
            yield piece, graph if len(pieces) == 1 else grid.graph(piece)


def _split(values: Any, axes: int) -> tuple[int, list[NDArray[Any]]]:
    """An axis along which a value that decides structure differs, and the positions that agree."""
    import numpy

    values = values.reshape((1,) * (axes - values.ndim) + values.shape)
    for axis in range(axes):
        rows = numpy.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
        distinct, group_of = numpy.unique(rows, axis=0, return_inverse=True)
        if len(distinct) > 1:
            return axis, [numpy.flatnonzero(group_of.ravel() == group) for group in range(len(distinct))]
    raise AssertionError("a structure error without a difference")


def _pieces(part: Part) -> Iterator[Part]:
    points = math.prod(len(rows) for rows in part.values())
    if points <= POINTS_AT_ONCE:
        yield part
        return
    name = next(name for name, rows in part.items() if len(rows) > 1)
    rows = part[name]
    step = max(1, POINTS_AT_ONCE * len(rows) // points)
    for start in range(0, len(rows), step):
        yield from _pieces({**part, name: rows[start : start + step]})


# ---- one structure


@record
class MeasuredShape(Shape):
    """A shape that knows its number of elements, which in a sweep is a product of large arrays."""

    known_elements: Any

    @property
    def elements(self) -> Any:
        """Number of elements, computed once."""
        return self.known_elements


def _costs(graph: Graph, costing: Costing) -> dict[Any, Any]:
    """Totals by column, bytes and latency by (column, device), with an array for every value that varies."""
    shapes = infer_shapes(graph)
    if not _surely_fits(graph, shapes, costing.batch):
        return _checked_costs(graph, costing)
    measured = {id(shape): MeasuredShape(shape.axes, shape.sizes, shape.elements) for shape in shapes.values()}
    counts = layer_counts(graph, {name: measured[id(shape)] for name, shape in shapes.items()})
    totals: dict[Any, Any] = {}
    for name, column in COLUMNS.items():
        if column.derived:
            totals[name] = sum(totals[part] for part in column.derived)
        else:
            total = _sum(getattr(count, name) for count in counts)
            totals[name] = total * costing.batch if column.grows_with_batch else total
    for at, device in enumerate(costing.devices):
        refuse_unrated(((layer.name, layer.operator.verb, count.filter_adds)
                        for layer, count in zip(graph.layers, counts, strict=True)), device.profile)  # fmt: skip
        totals["bytes", at], totals["latency_seconds", at] = _latency(graph, counts, costing.batch, device)
    return totals


def _latency(graph: Graph, counts: list[Counts], batch: int, device: Device) -> tuple[Any, Any]:
    """Bytes and seconds of all layers; folded ones move nothing."""
    profile = device.profile
    folded = folded_layers(graph, device.fusion)
    rates = profile.macs_per_second, profile.bytes_per_second, device.overlap
    moved, seconds = [], []
    for layer, count in zip(graph.layers, counts, strict=True):
        activations = batch * (count.input_elements + count.output_elements)
        own = 0 if layer.name in folded else layer_bytes(activations, count.weight_elements, profile.dtype)
        moved.append(own)
        seconds += roofline_seconds([batch * count.macs], [own], *rates)[2]
    return _sum(moved), _sum(seconds)


def _sum(values: Any) -> Any:
    """A sum that adds arrays of one shape in place, and the small ones before the large."""
    by_shape: dict[tuple[int, ...], Any] = {}
    for value in values:
        shape = getattr(value, "shape", ())
        if not shape:
            by_shape[shape] = by_shape.get(shape, 0) + value
        elif shape not in by_shape:
            by_shape[shape] = value.copy()
        elif by_shape[shape].dtype == value.dtype:
            by_shape[shape] += value
        else:
            by_shape[shape] = by_shape[shape] + value
    return sum(by_shape[shape] for shape in sorted(by_shape, key=math.prod))


def _surely_fits(graph: Graph, shapes: Mapping[str, Shape], batch: int) -> bool:
    """Whether no count can wrap around: counted once with the largest size of every array, in unbounded integers.

    Counts grow with every size and field but the groups.
    """
    largest = {name: Shape(shape.axes, tuple(map(_largest, shape.sizes))) for name, shape in shapes.items()}
    bound = 0
    for layer in graph.layers:
        changes = {
            name: int(value.min()) if name == "groups" else _largest(value)
            for name, value in zip(fields_of(layer.operator), values_of(layer.operator), strict=True)
            if is_array(value) or isinstance(value, tuple)
        }
        operator = replace(layer.operator, **changes) if changes else layer.operator
        inputs, outputs = (tuple(largest[name] for name in names) for names in (layer.inputs, layer.outputs))
        bound += sum(values_of(operator.count(inputs, outputs)))
    return bound * batch * WIDEST_ELEMENT_BITS < INT64_MAX


def _largest(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_largest, value))
    return value.max().item() if is_array(value) else value


def _checked_costs(graph: Graph, costing: Costing) -> dict[Any, Any]:
    """The same by way of the cost table, which refuses what does not fit into 64 bits."""
    costs = cost_table(graph, costing.batch)
    totals: dict[Any, Any] = {name: costs.total(name) for name in COLUMNS}
    for at, device in enumerate(costing.devices):
        prediction = predict(costs, device.profile, fusion=device.fusion.name, overlap=device.overlap)
        totals["bytes", at], totals["latency_seconds", at] = prediction.bytes, prediction.latency_seconds
    return totals


# ---- matched values


@record
class StructureGroup:
    """Variants that share one structure: their positions in the sweep, and their graph with arrays as sizes."""

    rows: Any
    graph: Graph


def group_by_structure(network: str, parameters: Mapping[str, Any]) -> list[StructureGroup]:
    """The variants of matched values, grouped so that each group is one graph.

    `parameters` maps names to arrays of one length (one value per variant) or to single values. A value that decides
    structure (a repeat, an `if`, whether a residual has a shortcut) splits the variants wherever it differs.

    >>> import numpy
    >>> groups = group_by_structure("mobilenet_v2", {"width": numpy.array([0.25, 0.5, 0.75, 1.0])})
    >>> [group.rows.tolist() for group in groups]
    [[0], [1, 2, 3]]

    Raises: ParameterError when the arrays differ in length; what `load` raises.
    """
    import numpy

    arrays = {name: numpy.asarray(value) for name, value in parameters.items() if numpy.ndim(value) == 1}
    fixed = {name: value for name, value in parameters.items() if name not in arrays}
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        named = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ParameterError(f"the arrays of a sweep must have one length, got {named}")
    if not arrays:
        raise ParameterError("a sweep needs at least one array of values")
    rows = numpy.arange(next(iter(lengths.values())))
    if not len(rows):
        raise ParameterError("the arrays of a sweep are empty")
    return _groups(network, arrays, fixed, rows)


def _groups(
    network: str, arrays: Mapping[str, NDArray[Any]], fixed: Mapping[str, Any], rows: NDArray[Any]
) -> list[StructureGroup]:
    import numpy

    here = {name: values[rows] for name, values in arrays.items()}
    try:
        return [StructureGroup(rows, load(network, **here, **fixed))]
    except StructureError as error:
        groups = []
        for value in numpy.unique(error.values):
            groups += _groups(network, arrays, fixed, rows[numpy.asarray(error.values) == value])
        return groups
