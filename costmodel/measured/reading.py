"""Measured latencies and shapes of operators, read from .csv and .csv.gz files and checked cell by cell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costmodel.errors import UnknownNameError, nearest
from costmodel.measured.columns import MEASURED_COLUMNS, SHAPE_COLUMNS, SHAPES_COLUMNS
from costmodel.records import record

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@record
class Measured:
    """A measured table. `frame` has every column of MEASURED_COLUMNS and `line`, the line of the file.

    Words are str, "" where blank; numbers are float64, NaN where blank. A row without latency_seconds is a run that
    failed, or an energy alone. Tables are shared: copy the frame before changing it.
    """

    name: str
    path: str
    frame: pd.DataFrame

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"Measured({self.name!r}, {len(self)} rows)"


@record
class Shapes:
    """A shapes table. `frame` has every column of SHAPES_COLUMNS and `line`; the rows of a network are together.

    `rows` maps a network to the slice of its rows. `numbers` holds `repeats` and the columns of SHAPE_COLUMNS as
    float64, NaN where not applicable; they are read only.
    """

    name: str
    path: str
    frame: pd.DataFrame
    rows: Mapping[str, slice]
    numbers: Mapping[str, NDArray[np.float64]]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"Shapes({self.name!r}, {len(self.rows)} networks, {len(self)} rows)"

    def rows_of(self, network: str) -> slice:
        """The rows of one network.

        Raises: UnknownNameError for a network that is not in the table.
        """
        if network not in self.rows:
            hint = nearest(network, self.rows)
            raise UnknownNameError(f"shapes table {self.name} has no network {network!r}" + (hint and f"; {hint}"))
        return self.rows[network]


def read_measured(path: str | os.PathLike[str], label: str = "") -> Measured:
    """A measured table from a .csv or .csv.gz file. `label` stands for the path in messages.

    Raises: SpecError with the mistakes of the file, 20 of them listed.
    """
    from costmodel.measured.consistency import check_measured
    from costmodel.measured.tables import read_table

    path = os.fspath(path)
    return Measured(name_of(path), path, read_table(path, label or path, MEASURED_COLUMNS, check_measured))


def read_shapes(path: str | os.PathLike[str], label: str = "") -> Shapes:
    """A shapes table from a .csv or .csv.gz file. `label` stands for the path in messages.

    Rows of one network are brought together in their order. A blank `repeats` is 1, a blank `index` is counted.

    Raises: SpecError with the mistakes of the file, 20 of them listed.
    """
    from costmodel.measured.consistency import check_shapes
    from costmodel.measured.tables import read_table

    path = os.fspath(path)
    frame, rows = _by_network(read_table(path, label or path, SHAPES_COLUMNS, check_shapes))
    frame["repeats"] = frame["repeats"].fillna(1.0)
    if frame["index"].isna().any():
        frame["index"] = frame["index"].fillna(frame.groupby("network", sort=False).cumcount().astype("float64"))
    frame = frame.astype({"index": "int64", "fused": "int64"})
    numbers = {name: frame[name].to_numpy() for name in ("repeats", *(column.name for column in SHAPE_COLUMNS))}
    for values in numbers.values():
        values.flags.writeable = False
    return Shapes(name_of(path), path, frame, rows, numbers)


def _by_network(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, slice]]:
    """The rows sorted by the first appearance of their network, and where each network begins and ends."""
    import numpy as np
    import pandas as pd

    codes, networks = pd.factorize(frame["network"])
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        frame, codes = frame.iloc[order].reset_index(drop=True), codes[order]
    edges = np.concatenate([np.searchsorted(codes, np.arange(len(networks))), [len(codes)]]).tolist()
    starts: list[Any] = edges[:-1]
    return frame, {str(name): slice(a, b) for name, a, b in zip(networks, starts, edges[1:], strict=True)}


def name_of(path: str) -> str:
    """The name of a table: its file's without folder, .csv and .gz.

    >>> name_of("shapes/timm.csv.gz")
    'timm'
    """
    return os.path.basename(path).removesuffix(".gz").removesuffix(".csv")
