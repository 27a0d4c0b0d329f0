"""Charts: the roofline, the cost of every operator at several ridge points, published accuracy over computed cost,
activation memory over the steps of an inference, the memory map of an arena, predicted over measured latency.

The charts are plain `matplotlib.figure.Figure` objects made without pyplot: no display, no global state. matplotlib is
imported in this package and nowhere else; `costmodel.plots` is loaded on first use.
"""

from costmodel.plots.accuracy_chart import accuracy_cost
from costmodel.plots.arena_chart import arena
from costmodel.plots.memory_chart import memory
from costmodel.plots.op_cost_chart import op_cost
from costmodel.plots.roofline_chart import roofline
from costmodel.plots.saving import check_path, save
from costmodel.plots.validation_chart import predicted_measured

__all__ = ["accuracy_cost", "arena", "check_path", "memory", "op_cost", "predicted_measured", "roofline", "save"]
