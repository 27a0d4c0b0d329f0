"""Cost table and hardware profile to latency: the roofline model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from costmodel.arithmetic import anywhere, checked_sum, is_array, maximum
from costmodel.costs import CostTable
from costmodel.dtypes import Dtype
from costmodel.errors import ParameterError, PredictionError, UnknownNameError, nearest
from costmodel.fusion import folded_layers, fusion_named
from costmodel.hardware import HardwareProfile, load_hardware
from costmodel.records import record

if TYPE_CHECKING:
    import pandas

Overlap: TypeAlias = Literal["max", "sum"]
OFF_CHIP = frozenset({"dram", "usb", "pcie"})
"""Main memories beside which a chip has nearer ones: tensors that stay there are faster than Eq. 1 has them."""
BOUNDS = ("compute", "memory", "overhead", "free")

PREDICTION_COLUMNS: dict[str, str] = {
    "layer": "name of the layer",
    "op": "operator",
    "block": "outermost block the layer belongs to",
    "macs": "multiply-accumulates, batch included",
    "bytes": "bytes moved: inputs, outputs and weights; 0 for folded layers and views",
    "compute_seconds": "macs / peak",
    "memory_seconds": "bytes / bandwidth",
    "latency_seconds": "the larger of the two, or their sum; on a calibrated profile with all its terms",
    "operational_intensity_macs_per_byte": "macs / bytes, with the macs of all layers that run in the layer's kernel; "
    "None where no bytes are moved",
    "bound": "which time is the larger: compute (intensity at or above the ridge point) or memory; free: both are 0",
}
OVERHEAD_COLUMN = {"overhead_seconds": "dispatch and launch of the layer's kernel; calibrated profiles only"}


@record
class Prediction:
    """Roofline latency per layer. `layers` is a DataFrame with the columns of `PREDICTION_COLUMNS`, made on first use.

    `fusion` and `overlap` say which fold rule and which combination of compute and memory time were used. On a
    calibrated profile `terms` are those of `costmodel.latency.TERMS` that were on, and `inference_seconds` is what an
    inference takes beside its layers.
    """

    costs: CostTable
    profile: HardwareProfile
    fusion: str
    overlap: str
    columns: Mapping[str, list[Any]]
    terms: tuple[str, ...] = ()
    inference_seconds: Any = 0

    def __repr__(self) -> str:
        return f"<Prediction of {self.costs.graph.name} on {self.profile.name}: .latency_seconds, .layers>"

    @property
    def latency_seconds(self) -> Any:
        """Sum over the layers, and what the inference takes beside them: a float, or one per variant of a sweep."""
        return sum(self.columns["latency_seconds"]) + self.inference_seconds

    @property
    def is_calibrated(self) -> bool:
        """Whether the profile's constants were fitted to measurements, all of its terms are on, and layers are folded
        as they were for the fit."""
        if self.profile.calibration is None or len(self.terms) != len(term_names()):
            return False
        return self.fusion == family_fusion(self.profile)

    @property
    def beyond(self) -> tuple[str, ...]:
        """Why the calibration's error is not that of this network: its batch, its size or its operators are not like
        those that were measured. Empty where they are, and without a calibration."""
        if not self.is_calibrated:
            return ()
        from costmodel.latency.evidence import beyond
        from costmodel.latency.families import family_named
        from costmodel.latency.shared import shared_rows

        calibration = self.profile.calibration
        assert calibration is not None
        shared = shared_rows(self.costs.graph, self.costs.shapes, fusion_named(self.fusion))
        return beyond(shared.rows.values(), self.costs.batch, family_named(calibration.family), calibration)

    @property
    def has_band(self) -> bool:
        """Whether the error of a calibration is that of this prediction."""
        return self.is_calibrated and not self.beyond

    @property
    def latency_low_seconds(self) -> Any:
        """Lower end of the band that held four of five measurements: latency times the tenth percentile of measured /
        predicted on rows that were not fitted. None without a calibration, and beyond what it was fitted to."""
        return self.latency_seconds * self.profile.calibration.held_out_low if self.has_band else None  # type: ignore[union-attr]

    @property
    def latency_high_seconds(self) -> Any:
        """Its upper end: latency times the ninetieth percentile."""
        return self.latency_seconds * self.profile.calibration.held_out_high if self.has_band else None  # type: ignore[union-attr]

    @property
    def bytes(self) -> Any:
        """Bytes moved by all layers."""
        return checked_sum(((moved, 1) for moved in self.columns["bytes"]), "the bytes moved")

    @property
    def layers(self) -> pandas.DataFrame:
        """One row per layer."""
        import pandas

        return pandas.DataFrame(dict(self.columns))

    def share(self, bound: str) -> Any:
        """The part of the latency that `compute`- or `memory`-bound layers take, 0 to 1; an array for a sweep.

        Raises: ParameterError unless `bound` is compute, memory or free.
        """
        if bound not in BOUNDS:
            hint = nearest(bound, BOUNDS) or f"there are {', '.join(BOUNDS)}"
            raise ParameterError(f"bound = {bound!r} is none; {hint}")
        pairs = zip(self.columns["latency_seconds"], self.columns["bound"], strict=True)
        seconds = sum(time * (kind == bound) for time, kind in pairs)
        latency = self.latency_seconds
        return seconds / latency if is_array(latency) or latency else 0.0


def predict(
    costs: CostTable,
    hardware: str | os.PathLike[str] | HardwareProfile,
    dtype: str | None = None,
    fusion: str | None = None,
    overlap: Overlap = "max",
    terms: Iterable[str] | None = None,
) -> Prediction:
    """Latency of every layer on a device.

    latency = sum over layers of max(macs / peak, bytes / bandwidth)      (MobileNetV4, arXiv:2404.10518, Eq. 1)

    on the runtime `idealised`; on a calibrated runtime with the terms of `costmodel.latency.TERMS` on top, and a band
    from the error on measurements that were not fitted. `terms` names those that are on, by default all.

    `fusion` is a fold rule of `costmodel.fusion` ("folded": inference layers; "none": every operator pays; default:
    the runtime's). overlap="sum" adds compute and transfer time instead of taking the larger one: execution time =
    compute time + data transfer time (lecture "Low Complexity Model or Compact Model from Scratch", NYCU EE).
    The batch is the cost table's. Each byte count is elements * bits / 8 with the widths of the number format.

    >>> from costmodel import cost_table, load
    >>> prediction = predict(cost_table(load("mobilenet_v2")), "ridge_5")
    >>> row = prediction.columns["layer"].index("inverted_residual_2.conv_1.conv2d")
    >>> prediction.columns["macs"][row], prediction.columns["bytes"][row]
    (19267584, 1406464)

    Raises: UnknownNameError, PredictionError when the device has no peak in that number format.
    """
    if not isinstance(costs, CostTable):
        raise ParameterError(f"predict needs a CostTable, got {type(costs).__name__}; call cost_table(graph) first")
    profile = profile_for(hardware, dtype)
    checked_overlap(overlap)
    refuse_unrated(zip(*(costs.columns[name] for name in ("layer", "op", "filter_adds")), strict=True), profile)
    if profile.calibration is not None:
        return _calibrated(costs, profile, fusion, overlap, checked_terms(terms))
    if terms is not None:
        raise PredictionError(f"{profile.name} was not calibrated: it has no terms, its latency is Eq. 1")
    rule = fusion_named(fusion or profile.fusion)
    folded = folded_layers(costs.graph, rule)
    names = costs.columns["layer"]
    moved = [
        0 if name in folded else layer_bytes(inputs + outputs, weights, profile.dtype, checked=True)
        for name, inputs, outputs, weights in zip(
            names, *(costs.columns[c] for c in ("input_elements", "output_elements", "weight_elements")), strict=True
        )
    ]
    macs = costs.columns["macs"]
    compute, memory, latency = roofline_seconds(macs, moved, profile.macs_per_second, profile.bytes_per_second, overlap)
    columns: dict[str, list[Any]] = {
        "layer": list(names),
        "op": list(costs.columns["op"]),
        "block": list(costs.columns["block"]),
        "macs": list(macs),
        "bytes": moved,
        "compute_seconds": compute,
        "memory_seconds": memory,
        "latency_seconds": latency,
        "operational_intensity_macs_per_byte": _intensities(macs, moved),
        "bound": [_bound(*seconds) for seconds in zip(compute, memory, strict=True)],
    }
    return Prediction(costs, profile, rule.name, overlap, columns)


def term_names() -> tuple[str, ...]:
    """The terms that a calibrated profile may have, in the order in which an explanation turns them on."""
    from costmodel.latency.constants import TERMS  # late: Eq. 1 needs none of it

    return tuple(TERMS)


def checked_terms(terms: Iterable[str] | None) -> tuple[str, ...]:
    """The terms that are on, in their order.

    Raises: UnknownNameError for a name that is no term.
    """
    known = term_names()
    if terms is None:
        return known
    given = [terms] if isinstance(terms, str) else list(terms)
    for name in given:
        if name not in known:
            hint = nearest(str(name), known) or f"there are {', '.join(known)}"
            raise UnknownNameError(f"unknown term {name!r}; {hint}")
    return tuple(name for name in known if name in given)


def _calibrated(
    costs: CostTable, profile: HardwareProfile, fusion: str | None, overlap: Overlap, terms: tuple[str, ...]
) -> Prediction:
    """The prediction of a calibrated profile: its family's rules, its device's numbers."""
    from costmodel.latency.layers import LayerTimes, layer_times

    if overlap != "max":
        raise PredictionError(f"the overlap of {profile.name} is a term that was fitted; overlap is for idealised")
    rule = fusion_named(fusion) if fusion is not None else None
    times, inference = layer_times(costs.graph, costs.shapes, profile, costs.batch, frozenset(terms), rule)
    nothing = LayerTimes()
    names, macs = costs.columns["layer"], costs.columns["macs"]
    found = [times.get(name, nothing) for name in names]
    own = {field: [layer[at] for layer in found] for at, field in enumerate(LayerTimes._fields)}
    executed = own.pop("macs")
    columns: dict[str, list[Any]] = {
        "layer": list(names),
        "op": list(costs.columns["op"]),
        "block": list(costs.columns["block"]),
        "macs": list(macs),
        **own,
        "operational_intensity_macs_per_byte": _intensities(executed, own["bytes"]),
        "bound": list(map(_bound, own["compute_seconds"], own["memory_seconds"], own["overhead_seconds"])),
    }
    fold = rule.name if rule is not None else family_fusion(profile)
    return Prediction(costs, profile, fold, "calibrated", columns, terms, inference)


def family_fusion(profile: HardwareProfile) -> str:
    """The fold rule of a profile: that of its runtime's family where it is calibrated."""
    if profile.calibration is None:
        return profile.fusion
    from costmodel.latency.families import family_named

    return family_named(profile.calibration.family).fusion


def profile_for(hardware: Any, dtype: str | None) -> HardwareProfile:
    """The profile that a device's name, a path or a profile stands for, in the number format asked for.

    Raises: UnknownNameError, PredictionError when a profile has another number format.
    """
    if not isinstance(hardware, HardwareProfile):
        return load_hardware(hardware, dtype)
    if dtype is None or dtype == hardware.dtype.name:
        return hardware
    raise PredictionError(
        f"{hardware.name} is a profile for {hardware.dtype.name}, not {dtype}; "
        "give the device's name, or costmodel.hardware.profile_of(device, runtime, dtype)"
    )


def checked_overlap(overlap: str) -> None:
    """Raise: PredictionError unless the word says how compute and transfer time combine."""
    if overlap not in get_args(Overlap):
        raise PredictionError(f"overlap = {overlap!r} is not max or sum")


def refuse_unrated(layers: Iterable[tuple[str, str, Any]], profile: HardwareProfile) -> None:
    """Raise where a layer, given as (name, operator, filter_adds), does work that no profile gives a rate for."""
    for name, op, adds in layers:
        if anywhere(adds != 0):
            raise PredictionError(
                f"{profile.name} gives no rate for the additions and shifts of {op} ({name!r}): its latency cannot be "
                "predicted; the cost table counts them"
            )


def bound_text(profile: HardwareProfile) -> str:
    """What Eq. 1 on a device bounds, in words."""
    if profile.estimated:
        return f"no bound: fitted or estimated, {', '.join(profile.estimated)}"
    return f"a lower bound as far as every tensor moves through {profile.device.memory}"


def layer_bytes(activation_elements: Any, weight_elements: Any, dtype: Dtype, checked: bool = False) -> Any:
    """Bytes that a layer moves in a number format; a part of a byte counts only in an expectation.

    >>> layer_bytes(10, 3, Dtype("w4a8", 4, 8, 32)), layer_bytes(10.5, 3, Dtype("w4a8", 4, 8, 32))
    (11, 12.0)

    Raises: CountOverflowError, when `checked`, for arrays whose bits do not fit into 64.
    """
    terms = ((activation_elements, dtype.activation_bits), (weight_elements, dtype.weight_bits))
    if checked and (is_array(activation_elements) or is_array(weight_elements)):
        checked_sum(terms, "the bits that a layer moves")
    if all(bits % 8 == 0 for _, bits in terms):
        return sum([elements * (bits // 8) for elements, bits in terms])
    moved = sum([elements * bits for elements, bits in terms])
    expected = isinstance(moved, float) or (is_array(moved) and moved.dtype.kind == "f")
    return moved / 8 if expected else moved // 8


def roofline_seconds(
    macs: list[Any], bytes_moved: list[Any], macs_per_second: float, bytes_per_second: float, overlap: Overlap = "max"
) -> tuple[list[Any], list[Any], list[Any]]:
    """Compute, memory and latency seconds per layer; counts may be arrays over variants.

    >>> roofline_seconds([10], [4], 5.0, 1.0)
    ([2.0], [4.0], [4.0])
    """
    compute = [work / macs_per_second for work in macs]
    memory = [traffic / bytes_per_second for traffic in bytes_moved]
    pairs = zip(compute, memory, strict=True)
    return compute, memory, [a + b if overlap == "sum" else maximum(a, b) for a, b in pairs]


def _intensities(macs: list[Any], moved: list[Any]) -> list[Any]:
    """MACs per byte of each layer, None where it moves no bytes."""
    return [work / traffic if _nonzero(traffic) else None for work, traffic in zip(macs, moved, strict=True)]


def _nonzero(value: Any) -> bool:
    return bool(value.all()) if is_array(value) else value != 0


def _bound(compute: Any, memory: Any, overhead: Any = 0) -> Any:
    """Which of the times is the largest."""
    if is_array(compute) or is_array(memory) or is_array(overhead):
        import numpy

        own = numpy.where(compute >= memory, "compute", "memory")
        return numpy.where(overhead > maximum(compute, memory), "overhead", own)
    if compute == memory == overhead == 0:
        return "free"
    if overhead > compute and overhead > memory:
        return "overhead"
    return "compute" if compute >= memory else "memory"
