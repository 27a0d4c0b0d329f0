"""Predicted against measured, for any table of measurements."""

from costmodel.validation.comparison import Validation, figure_rows, validate
from costmodel.validation.figures import PREDICTORS, Group

__all__ = ["PREDICTORS", "Group", "Validation", "figure_rows", "validate"]
