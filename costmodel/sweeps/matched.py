"""Variants of matched values, one array element each, sorted by structure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costmodel.errors import ParameterError, StructureError
from costmodel.graph import Graph
from costmodel.records import record
from costmodel.specs.catalogue import load

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
