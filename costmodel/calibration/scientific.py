"""SciPy, which only fitting needs, imported when something is fitted."""

from __future__ import annotations

from typing import Any

from costmodel.errors import PredictionError


def optimize() -> Any:
    """The module scipy.optimize.

    Raises: PredictionError where SciPy is not installed.
    """
    try:
        from scipy import optimize as module  # type: ignore[import-untyped]
    except ImportError:
        raise PredictionError(
            "fitting needs SciPy, which is not installed; install it with: pip install 'nn-costmodel[calibrate]'"
        ) from None
    return module
