"""Constants of runtimes and devices, fitted to measurements: robust, regularised, held out, refused where not told."""

from costmodel.calibration.devices import DeviceFit, calibrate
from costmodel.calibration.fitting import Fit, fit
from costmodel.calibration.held_out import HeldOut, folds_of, held_out_seconds
from costmodel.calibration.identifiability import Refusal
from costmodel.calibration.observations import FOLD_KEYS, Observations, observations
from costmodel.calibration.parameters import PRIORS, Choice, Parameter
from costmodel.calibration.problem import Problem
from costmodel.calibration.refitting import Refit, bundled_observations, refit, write

__all__ = [
    "FOLD_KEYS", "PRIORS", "Choice", "DeviceFit", "Fit", "HeldOut", "Observations", "Parameter", "Problem", "Refit",
    "Refusal", "bundled_observations", "calibrate", "fit", "folds_of", "held_out_seconds", "observations", "refit",
    "write",
]  # fmt: skip
