"""Does a network fit a device, and what would make it fit."""

from costmodel.deployment.checks import Check
from costmodel.deployment.limits import Limit, Limits
from costmodel.deployment.needs import Needs
from costmodel.deployment.remedy import Remedy
from costmodel.deployment.verdict import Fit, fits

__all__ = ["Check", "Fit", "Limit", "Limits", "Needs", "Remedy", "fits"]
