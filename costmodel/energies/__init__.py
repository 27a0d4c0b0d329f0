"""Energy of an inference, by named models: operations and bytes by a table of energies, or power x time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from costmodel.costs import CostTable
from costmodel.dtypes import DTYPES
from costmodel.energies.estimate import ENERGY_COLUMNS, EnergyEstimate, estimate_by_table
from costmodel.energies.hierarchy import hierarchy_of
from costmodel.energies.runtimes import runtimes_with_power
from costmodel.energies.tables import DEFAULT, FORMATS, EnergyTable, load_table, tables
from costmodel.energies.work import LayerWork, NetworkWork, work_of
from costmodel.errors import ParameterError, nearest

if TYPE_CHECKING:
    from costmodel.hardware import Device, HardwareProfile

Model: TypeAlias = Literal["per_operation", "relative", "power_time"]
"""per_operation: operations and bytes by a table in joules; relative: the same by a table in multiples of one
multiply-accumulate; power_time: active power x latency."""

__all__ = [
    "ENERGY_COLUMNS", "EnergyEstimate", "EnergyTable", "LayerWork", "Model", "NetworkWork", "accumulator_on", "energy",
    "load_table", "runtimes_with_power", "tables", "work_of",
]  # fmt: skip


FLAGS = {
    "table": "--table", "sram_bytes": "--sram", "activation_level": "--activation-level",
    "weight_level": "--weight-level", "latency_seconds": "--latency",
}  # fmt: skip
"""Arguments that belong to one kind of model, and their options on the command line."""


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
    `sram_bytes`) that holds all that is alive (peak memory, definition fused; live with fusion none), weights from the
    smallest that holds them all beside the activations' peak, else from outside the chip: DRAM where the hardware names
    it or none is given. `activation_level` and `weight_level` name a memory instead, which must hold what it serves.
    Registers and the bytes of biases are not counted. This is the energy of arithmetic and traffic in the table's
    technology, not of a device (`EnergyEstimate.meaning`): instructions take many times more.

    By `model="power_time"`: E = active power x latency, of a runtime with a published active power, for
    `latency_seconds`; without it for the roofline's latency: `meaning` says whether that is a lower bound.

    `dtype` is by default the hardware's, else int8; `fusion` the fold rule of `costmodel.predict`; the accumulator that
    of the hardware's peak. A `NetworkWork` (`costmodel.energies.work_of`) has all three already.

    MobileNet's first convolution: 10,838,016 multiply-accumulates of 3.7 + 0.9 pJ; 2,211,200 bytes at 640 pJ for four.

    >>> from costmodel import cost_table, load
    >>> estimate = energy(cost_table(load("mobilenet_v1")), table="han_45nm", dtype="float32")
    >>> round(estimate.columns["compute_joules"][0] * 1e6, 3), round(estimate.columns["memory_joules"][0] * 1e6, 3)
    (49.855, 353.792)

    Raises: UnknownNameError, PredictionError where the table lacks an energy that the work needs or a runtime has no
    active power, ParameterError for arguments of another model.
    """
    _refuse_without_costs(costs)
    chosen = _model_of(model, table)
    if chosen == "power_time":
        _refuse(chosen, table=table, sram_bytes=sram_bytes, activation_level=activation_level,
                weight_level=weight_level)  # fmt: skip
        return _by_power(costs, hardware, dtype, fusion, latency_seconds)
    _refuse(chosen, latency_seconds=latency_seconds)
    energies = load_table(DEFAULT if table is None else table)
    if model is not None and energies.model != chosen:
        raise ParameterError(
            f"model = {model!r} needs another table (--table): {energies.name} is for {energies.model}"
        )
    profile = None if hardware is None else _profile(hardware, None)
    device = None if profile is None else profile.device
    work = _work(costs, profile, dtype, fusion)
    return estimate_by_table(work, energies, hierarchy_of(device, sram_bytes), activation_level, weight_level)


def _refuse_without_costs(costs: object) -> None:
    if not isinstance(costs, CostTable | NetworkWork):
        call = f"cost_table(load({costs!r}))" if isinstance(costs, str) and len(costs) < 60 else "cost_table(graph)"
        raise ParameterError(f"energy needs a CostTable, got {type(costs).__name__}; call {call} first")


def _by_power(
    costs: CostTable | NetworkWork, hardware: Any, dtype: str | None, fusion: str | None, latency_seconds: float | None
) -> EnergyEstimate:
    from costmodel.energies.power import power_estimate

    if hardware is None:
        raise ParameterError("power x time needs hardware with an active power, such as nucleo_l4r5zi:tflm")
    own = costs.dtype if isinstance(costs, NetworkWork) and costs.dtype in DTYPES else None
    profile = _profile(hardware, own if dtype is None else dtype)
    work = _work(costs, profile, dtype, fusion)
    if isinstance(costs, CostTable) and profile.calibration is not None and latency_seconds is None:
        from costmodel.roofline import predict

        return power_estimate(work, profile, prediction=predict(costs, profile, fusion=fusion))
    return power_estimate(work, profile, latency_seconds)


def _profile(hardware: Any, dtype: str | None) -> HardwareProfile:
    from costmodel.roofline import profile_for

    return profile_for(hardware, dtype)


def _model_of(model: str | None, table: object) -> str:
    """The model that is asked for: by a table unless power x time is named.

    Raises: ParameterError for a word that is no model.
    """
    if model is not None and model not in get_args(Model):
        hint = nearest(model, get_args(Model)) or f"there are {', '.join(get_args(Model))}"
        raise ParameterError(f"model = {model!r} is no model of energy; {hint}")
    if model == "relative" and table is None:
        raise ParameterError(
            'the relative model needs a relative table: table = "eyeriss_relative" (--table eyeriss_relative)'
        )
    return model or "per_operation"


def _refuse(model: str, **given: object) -> None:
    """Raise: ParameterError where an argument of another model is given."""
    other = "power_time" if model != "power_time" else "per_operation"
    owners = f'model = "{other}" (--model {other})'
    for name, value in given.items():
        if value is not None:
            raise ParameterError(f"{name} ({FLAGS[name]}) belongs to {owners}, not to {model}")


def _work(
    costs: CostTable | NetworkWork, profile: HardwareProfile | None, dtype: str | None, fusion: str | None
) -> NetworkWork:
    """The work of a cost table in the number format and by the fold rule asked for, else those of the hardware."""
    if isinstance(costs, NetworkWork):
        if fusion not in (None, costs.fusion) or dtype not in (None, costs.dtype):
            raise ParameterError(
                f"the work is of {costs.dtype} with fusion {costs.fusion}; dtype and fusion belong to work_of"
            )
        return costs
    own = ("int8", "folded") if profile is None else (profile.dtype.name, profile.fusion)
    chosen = own[0] if dtype is None else dtype
    rule = own[1] if fusion is None else fusion
    return work_of(costs, chosen, rule, accumulator=None if profile is None else accumulator_on(profile.device, chosen))


def accumulator_on(device: Device, dtype: object) -> str | None:
    """The number format in which a device adds up products of a format; None where its file does not say.

    >>> from costmodel.hardware import load_device
    >>> accumulator_on(load_device("gtx_1080_ti"), "float16"), accumulator_on(load_device("t4"), "float16")
    ('float16', 'float32')
    """
    peak = device.peaks.get(dtype) if isinstance(dtype, str) else None
    return peak.accumulate if peak is not None and peak.accumulate in FORMATS else None
