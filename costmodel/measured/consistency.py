"""What is wrong between the cells of one row, and between the rows of one table."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from costmodel.measured.cells import Cells, Mistakes
from costmodel.measured.columns import NEEDED, SHAPES_COLUMNS

FILLED = frozenset(column.name for column in SHAPES_COLUMNS if column.filled)
"""Blank cells of these are said already."""
_WINDOW = (
    "out_channels x out_height x out_width x in_channels / groups x kernel_height x kernel_width, times the batch in a "
    "measured table"
)
_PRODUCT = "groups x gemm_m x gemm_n x gemm_k, twice that of an attention"
_PER_INPUT = ("deconv", "transpose")
"""Words in the names of operators whose multiply-accumulates may be counted at positions of the input."""


def check_measured(cells: Cells, mistakes: Mistakes) -> None:
    """A measured row names what it measured, and its multiply-accumulates are those of its sizes."""
    described = "the row names neither a network nor an op_kind", "fill network, or op_kind and the operator's shape"
    nameless = ((cells["network"] == "") & (cells["op_kind"] == "")).to_numpy().nonzero()[0]
    mistakes.add("network", nameless.tolist(), described)
    _check_macs(cells, mistakes, np.maximum(np.nan_to_num(cells["batch"], nan=1.0), 1.0))


def check_shapes(cells: Cells, mistakes: Mistakes) -> None:
    """`fused` is a flag, a network has every index once, an operator has the sizes of its kind, and its
    multiply-accumulates are those of the sizes."""
    fused = cells["fused"]
    mistakes.add(
        "fused", (fused > 1).nonzero()[0].tolist(),
        lambda row: (
            f"fused = {fused[row]:.15g} is neither 0 nor 1",
            "write 1 for operators as a runtime executes them, 0 for those of a framework",
        ),
    )  # fmt: skip
    _check_index(cells, mistakes)
    _check_sizes(cells, mistakes)
    _check_macs(cells, mistakes, np.ones(len(fused)))


def _check_index(cells: Cells, mistakes: Mistakes) -> None:
    index, network = cells["index"], cells["network"]
    repeated = pd.DataFrame({"network": np.asarray(network), "index": index}).duplicated().to_numpy() & (index >= 0)
    mistakes.add(
        "index", repeated.nonzero()[0].tolist(),
        lambda row: (
            f"a row of network {network.iloc[row]!r} with index = {index[row]:.0f} stands above",
            "list a network once and number its rows in order; repeats says how often an operator occurs",
        ),
    )  # fmt: skip


def _check_sizes(cells: Cells, mistakes: Mistakes) -> None:
    """Without them nothing tells a convolution of many channels from one of few."""
    kinds = cells["op_kind"]
    for kind, needed in NEEDED.items():
        rows = (kinds == kind).to_numpy()
        blank = {name: np.isnan(cells[name]) & rows for name in needed if name not in FILLED}
        wrong = np.logical_or.reduce(list(blank.values())).nonzero()[0].tolist()
        mistakes.add("op_kind", wrong, partial(_without, kind, blank))


def _without(kind: str, blank: dict[str, NDArray[Any]], row: int) -> tuple[str, str]:
    names = ", ".join(name for name, cells in blank.items() if cells[row])
    return f"op_kind = {kind!r} without {names}", "fill them: a size is not guessed"


def _check_macs(cells: Cells, mistakes: Mistakes, batch: NDArray[Any]) -> None:
    """README of hardware/measured, Shape columns. Where a size is blank there is nothing to compare with."""
    number = {name: _known(values, 1) for name, values in cells.items() if isinstance(values, np.ndarray)}
    groups = np.nan_to_num(number["groups"], nan=1.0)
    kinds = cells["op_kind"].to_numpy()
    is_convolution = np.char.endswith(kinds.astype(str), "conv")
    is_product = np.isin(kinds, ("linear", "matmul")) & (batch == 1)
    spatial = number["out_channels"] * number["out_height"] * number["out_width"]
    window = number["in_channels"] / groups * number["kernel_height"] * number["kernel_width"]
    product = groups * number["gemm_m"] * number["gemm_n"] * number["gemm_k"]
    expected = np.where(is_convolution, spatial * window * batch, np.where(is_product, product, np.nan))
    macs = _known(cells["macs"], 0)
    wrong = [
        row
        for row in np.flatnonzero(np.abs(macs - expected) > 0.5).tolist()
        if not _counted_otherwise(row, macs[row] / expected[row], number, cells)
    ]
    mistakes.add(
        "macs", wrong,
        lambda row: (
            f"macs = {macs[row]:.15g} contradicts the sizes, which give {expected[row]:.15g}",
            f"mend one of them: macs is {_WINDOW if is_convolution[row] else _PRODUCT}",
        ),
    )  # fmt: skip


def _known(values: NDArray[Any], least: int) -> NDArray[Any]:
    """NaN for what was found to be wrong already."""
    return np.where((values >= least) & np.isfinite(values), values, np.nan)


def _counted_otherwise(row: int, ratio: float, number: dict[str, NDArray[Any]], cells: Cells) -> bool:
    """Whether multiply-accumulates are the multiple of the formula that an operator of this name may have: both
    products of an attention, positions of the input, windows that were folded into the batch."""
    word = str(cells["operator"].iloc[row]).lower()
    size = {name: float(values[row]) for name, values in number.items()}
    allowed: list[float] = []
    if "attention" in word:
        allowed.append(2.0)
    if any(part in word for part in _PER_INPUT):
        allowed.append(size["in_height"] * size["in_width"] / (size["out_height"] * size["out_width"]))
    if "fused" in cells and cells["fused"][row] == 0:
        allowed.append(size["in_elements"] / (size["in_channels"] * size["in_height"] * size["in_width"]))
    return any(abs(ratio / each - 1) < 1e-9 for each in allowed if each > 0)
