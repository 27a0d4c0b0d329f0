"""SciPy, which only fitting needs, imported when something is fitted."""

from __future__ import annotations

import importlib
from typing import Any

from costmodel.errors import PredictionError


def optimize() -> Any:
    """The module scipy.optimize.

    Raises: PredictionError where SciPy is not installed.
    """
    return _module("optimize")


def sparse() -> Any:
    """The module scipy.sparse.

    Raises: PredictionError where SciPy is not installed.
    """
    return _module("sparse")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"scipy.{name}")
    except ImportError:
        raise PredictionError(
            "fitting needs SciPy, which is not installed; install it with: pip install 'nn-costmodel[calibrate]'"
        ) from None
