"""The tables that come with the package: measured latencies, shapes of operators, names of networks and devices."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

from costmodel.errors import ParameterError, UnknownNameError, nearest
from costmodel.files import folder
from costmodel.measured.reading import Measured, Shapes, read_measured, read_shapes
from costmodel.records import record

FOLDER = os.path.join("hardware", "measured")
Table = TypeVar("Table", Measured, Shapes)


class Bundled(Mapping[str, Table], Generic[Table]):
    """Bundled tables by name. A table is read when it is first asked for, once."""

    def __init__(self, what: str, paths: Mapping[str, str], read: Callable[[str, str], Table]) -> None:
        self._what, self._paths = what, dict(paths)
        self._read: Callable[[str, str], Table] = read
        self._tables: dict[str, Table] = {}

    def __getitem__(self, name: str) -> Table:
        if name not in self._paths:
            hint = nearest(name, self._paths) or f"there are {', '.join(self._paths)}"
            raise UnknownNameError(f"no {self._what} table is called {name!r}; {hint}")
        if name not in self._tables:
            path = self._paths[name]
            self._tables[name] = self._read(path, os.path.relpath(path, os.path.dirname(folder("hardware"))))
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@record
class Source:
    """Where a measured table comes from, and which statistic of the runs it holds."""

    name: str
    rows: int
    source: str
    commit: str
    licence: str
    statistic: str
    note: str = ""


@record
class BundledNetwork:
    """A network of the measured tables.

    `shapes` is the shapes table that has its operators, "" for none. `spec_name` is the bundled network of the same
    definition and input size, "" for none, and `parameters` what to load it with, in the words of the command line.
    `basis` says how that is known: "shapes" (the MACs are those of the shapes table), "macs" (so they are, but other
    operators run beside them), "printed" (the source prints what it has: resolution, parameters, MACs or bytes of
    weights) or "name" (network and input size by name alone).
    """

    network: str
    shapes: str = ""
    spec_name: str = ""
    parameters: str = ""
    basis: str = ""


@lru_cache(maxsize=1)
def bundled_measured() -> Mapping[str, Measured]:
    """The bundled measured tables by name.

    >>> table = bundled_measured()["coral_edgetpu"]
    >>> len(table), table.frame["device"].iloc[1], float(table.frame["latency_seconds"].iloc[1])
    (52, 'edge_tpu_usb', 0.0033)
    """
    return Bundled("measured", {name: _path(name) for name in bundled_sources()}, read_measured)


def measured_table(data: str | os.PathLike[str] | Measured) -> Measured:
    """A measured table itself, a bundled one by name, or a file.

    >>> measured_table("coral_edgetpu") is bundled_measured()["coral_edgetpu"]
    True

    Raises: ParameterError for what is none of these, SpecError for a file that is not in the layout.
    """
    if isinstance(data, Measured):
        return data
    if not isinstance(data, (str, os.PathLike)):
        raise ParameterError(f"{data!r} is no measured table; give the name of a bundled one, a path, or a Measured")
    name = os.fspath(data)
    return bundled_measured()[name] if name in bundled_measured() else read_measured(name)


@lru_cache(maxsize=1)
def bundled_shapes() -> Mapping[str, Shapes]:
    """The bundled shapes tables by name.

    >>> table = bundled_shapes()["ncnn"]
    >>> int(table.numbers["macs"][table.rows_of("ncnn/alexnet")].sum())
    724406816
    """
    names = sorted(entry.split(".")[0] for entry in os.listdir(_path("shapes")))
    return Bundled("shapes", {name: _path(os.path.join("shapes", name)) for name in names}, read_shapes)


@lru_cache(maxsize=1)
def bundled_sources() -> Mapping[str, Source]:
    """Where each bundled measured table comes from.

    >>> bundled_sources()["ncnn"].statistic
    'minimum of the loops'
    """
    return {row["name"]: Source(rows=int(row.pop("rows")), **row) for row in _rows("sources")}


@lru_cache(maxsize=1)
def bundled_networks() -> Mapping[str, BundledNetwork]:
    """Networks of the sources of the bundled measured tables, by the name the tables use.

    >>> found = bundled_networks()["timm/resnet50@176"]
    >>> found.spec_name, found.parameters, found.basis
    ('resnet50', 'resolution=176', 'printed')
    """
    return {row["network"]: BundledNetwork(**row) for row in _rows("networks")}


@lru_cache(maxsize=1)
def bundled_deployed_forms() -> Mapping[str, str]:
    """How networks change when they are deployed: the name of the form by what the names of its networks begin with.

    >>> bundled_deployed_forms()["repvgg_"]
    'plain'
    """
    return {row["name_prefix"]: row["form"] for row in _rows("deployed_forms")}


@lru_cache(maxsize=1)
def bundled_devices() -> Mapping[str, str]:
    """The devices that the bundled measured tables name, and how their source prints them.

    >>> bundled_devices()["andescore_d25"]
    'AndesCore_d25_tflite_micro_framework'
    """
    return {row["device"]: row["as_printed"] for row in _rows("devices")}


def _rows(name: str) -> Iterator[dict[str, str]]:
    with open(_path(name), encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _path(name: str) -> str:
    path = os.path.join(folder(FOLDER), name)
    return next((path + end for end in (".csv", ".csv.gz") if os.path.isfile(path + end)), path)
