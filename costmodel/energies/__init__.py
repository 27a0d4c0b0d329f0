"""Energy of an inference, by named models: operations and bytes by a table of energies, or power x time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from costmodel.costs import CostTable
from costmodel.energies.estimate import ENERGY_COLUMNS, EnergyEstimate, estimate
from costmodel.energies.hierarchy import hierarchy_of
from costmodel.energies.tables import DEFAULT, EnergyTable, load_table, tables
from costmodel.energies.work import LayerWork, NetworkWork, work_of
from costmodel.errors import ParameterError, PredictionError, nearest

if TYPE_CHECKING:
    from costmodel.hardware import HardwareProfile

Model: TypeAlias = Literal["per_operation", "relative", "power_time"]
"""per_operation: operations and bytes by a table in joules; relative: the same by a table in multiples of one
multiply-accumulate; power_time: active power x latency."""

__all__ = [
    "ENERGY_COLUMNS", "EnergyEstimate", "EnergyTable", "LayerWork", "Model", "NetworkWork", "energy", "load_table",
    "tables", "work_of",
]  # fmt: skip


def energy(
    costs: CostTable | NetworkWork,
    hardware: str | os.PathLike[str] | HardwareProfile | None = None,
    table: str | os.PathLike[str] | EnergyTable | None = None,
    dtype: str | None = None,
    fusion: str | None = None,
    *,
    model: Model | None = None,
    latency_seconds: float | None = None,
    sram_bytes: int | None = None,
    activation_level: str | None = None,
    weight_level: str | None = None,
) -> EnergyEstimate:
    """The energy of one inference, per layer and in all.

    By a `table` (default: horowitz_45nm):
    E = sum over layers of (operations x energy of each) + sum over memories of (bytes x energy per byte)
    (Horowitz 2014, Computing's energy problem, ISSCC; with a relative table in units of one multiply-accumulate, as
    Chen, Emer, Sze 2016, Eyeriss, ISCA). A multiply-accumulate multiplies in the operands' number format and adds in
    the accumulator's; comparisons count as additions; what the table has no energy for is listed in `uncounted`.
    Each byte counts once, at the memory that serves it: activations come from the smallest memory of `hardware` (or of
    `sram_bytes`) that holds all that is alive, weights from the smallest that holds them all beside the activations'
    peak, else from DRAM. `activation_level` and `weight_level` name a memory instead. Registers are not counted.

    By `model="power_time"`: E = active power x latency, of a runtime with a published active power, for
    `latency_seconds`; without it for the roofline's latency, and then a lower bound.

    `dtype` is by default the hardware's, else int8; `fusion` the fold rule of `costmodel.predict`. A `NetworkWork`
    (`costmodel.energies.work_of`) has both already.

    >>> from costmodel import cost_table, load
    >>> estimate = energy(cost_table(load("mobilenet_v1")), table="han_45nm", dtype="float32")
    >>> row = estimate.columns["layer"].index("conv_1.conv2d")
    >>> round(estimate.columns["compute_joules"][row] * 1e6, 3)          # 10,838,016 MACs of 3.7 + 0.9 pJ
    49.855
    >>> moved = 4 * (3 * 224 * 224 + 32 * 112 * 112 + 864)               # bytes, 640 pJ for 4
    >>> round(estimate.columns["memory_joules"][row] * 1e6, 3) == round(moved * 160e-12 * 1e6, 3)
    True

    Raises: UnknownNameError, PredictionError where the table lacks an energy that the work needs or a runtime has no
    active power, ParameterError for arguments of another model.
    """
    chosen = _model_of(model, table)
    if chosen == "power_time":
        if hardware is None:
            raise ParameterError("power x time needs hardware with an active power, such as nucleo_l4r5zi:tflm")
        _refuse(chosen, table=table, sram_bytes=sram_bytes, activation_level=activation_level,
                weight_level=weight_level)  # fmt: skip
        from costmodel.energies.power import power_estimate
        from costmodel.roofline import profile_for

        own = costs.dtype if isinstance(costs, NetworkWork) else None
        profile = profile_for(hardware, dtype or own)
        return power_estimate(_work(costs, profile.dtype.name, fusion or profile.fusion, dtype, fusion), profile,
                              latency_seconds)  # fmt: skip
    _refuse(chosen, latency_seconds=latency_seconds)
    energies = load_table(DEFAULT if table is None else table)
    if model is not None and energies.model != chosen:
        raise ParameterError(f"model = {model!r} needs another table: {energies.name} is for {energies.model}")
    device, default_dtype, default_fusion = None, "int8", "folded"
    if hardware is not None:
        from costmodel.roofline import profile_for

        profile = profile_for(hardware, None)
        device, default_dtype, default_fusion = profile.device, profile.dtype.name, profile.fusion
    work = _work(costs, dtype or default_dtype, fusion or default_fusion, dtype, fusion)
    return estimate(work, energies, hierarchy_of(device, sram_bytes), activation_level, weight_level)


def _model_of(model: str | None, table: object) -> str:
    """The model that is asked for: by a table unless power x time is named.

    Raises: ParameterError for a word that is no model.
    """
    if model is not None and model not in get_args(Model):
        hint = nearest(model, get_args(Model)) or f"there are {', '.join(get_args(Model))}"
        raise ParameterError(f"model = {model!r} is no model of energy; {hint}")
    if model == "relative" and table is None:
        raise ParameterError('the relative model needs a relative table: table = "eyeriss_relative"')
    return model or "per_operation"


def _refuse(model: str, **given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise ParameterError(f"{name} does not belong to the model {model}")


def _work(
    costs: CostTable | NetworkWork, dtype: str, fusion: str, given_dtype: str | None, given_fusion: str | None
) -> NetworkWork:
    if not isinstance(costs, NetworkWork):
        return work_of(costs, dtype, fusion)
    if given_fusion not in (None, costs.fusion) or given_dtype not in (None, costs.dtype):
        raise PredictionError(
            f"the work is of {costs.dtype} with fusion {costs.fusion}; dtype and fusion belong to work_of"
        )
    return costs
