"""costmodel: what a neural network costs on a device, from a one-page spec file.

>>> import costmodel
>>> net = costmodel.load("mobilenet_v2", width=0.75, resolution=192)
>>> costmodel.cost_table(net).total("macs")
153941888
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costmodel import claims as claims
    from costmodel import formulas as formulas
    from costmodel import latency as latency
    from costmodel import measured as measured
    from costmodel import memory as memory
    from costmodel import patches as patches
    from costmodel import plots as plots
    from costmodel import published as published
    from costmodel import scaling as scaling
    from costmodel import sweeps as sweeps
    from costmodel.calibration import calibrate as calibrate
    from costmodel.compression import compress as compress
    from costmodel.costs import CostTable as CostTable
    from costmodel.costs import cost_table as cost_table
    from costmodel.deployment import fits as fits
    from costmodel.energies import energy as energy
    from costmodel.errors import CostmodelError as CostmodelError
    from costmodel.explanation import explain as explain
    from costmodel.graph import Graph as Graph
    from costmodel.hardware import HardwareProfile as HardwareProfile
    from costmodel.hardware import load_hardware as load_hardware
    from costmodel.memory import peak_memory as peak_memory
    from costmodel.model_size import flash_size as flash_size
    from costmodel.model_size import model_bytes as model_bytes
    from costmodel.published import compare as compare
    from costmodel.published.accuracy import accuracy_and_cost as accuracy_and_cost
    from costmodel.roofline import Prediction as Prediction
    from costmodel.roofline import predict as predict
    from costmodel.specs.catalogue import load as load
    from costmodel.sweeps import sweep as sweep
    from costmodel.tracing import trace_claim as trace_claim
    from costmodel.validation import validate as validate

_HOMES = {
    "CostTable": "costs",
    "CostmodelError": "errors",
    "Graph": "graph",
    "HardwareProfile": "hardware",
    "Prediction": "roofline",
    "accuracy_and_cost": "published.accuracy",
    "calibrate": "calibration",
    "claims": "",
    "compare": "published",
    "compress": "compression",
    "cost_table": "costs",
    "energy": "energies",
    "explain": "explanation",
    "fits": "deployment",
    "flash_size": "model_size",
    "formulas": "",
    "load": "specs.catalogue",
    "latency": "",
    "load_hardware": "hardware",
    "measured": "",
    "memory": "",
    "model_bytes": "model_size",
    "patches": "",
    "peak_memory": "memory",
    "plots": "",
    "predict": "roofline",
    "scaling": "",
    "published": "",
    "sweep": "sweeps",
    "sweeps": "",
    "trace_claim": "tracing",
    "validate": "validation",
}
__version__ = "0.1.0"
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Public names are imported on first use, so that `import costmodel` costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'costmodel' has no attribute {name!r}")
    from importlib import import_module

    home = _HOMES[name]
    value = getattr(import_module(f"costmodel.{home}"), name) if home else import_module(f"costmodel.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
