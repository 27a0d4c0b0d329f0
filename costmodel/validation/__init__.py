"""Predicted against measured, for any table of measurements."""

from costmodel.validation.figures import PREDICTORS, Group
from costmodel.validation.comparison import Validation, figure_rows, validate

__all__ = ["PREDICTORS", "Group", "Validation", "figure_rows", "validate"]
