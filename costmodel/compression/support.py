"""What a device does with compressed weights itself, and why it does not do the rest: data of its hardware file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from costmodel.arithmetic import ceil_div
from costmodel.compression.codings import CodedWeights
from costmodel.errors import ParameterError
from costmodel.hardware import CompressionFeature, HardwareProfile
from costmodel.records import record


@record
class Use:
    """Whether a device uses something that compression gives it, and the reason.

    `what` is storage, weight bits, zeros in traffic, zeros in multiply-accumulates, or activation bits. `source` is
    that of the hardware file; `is_estimated` where no document confirms it, or where another coding stands for that of
    the device.
    """

    what: str
    is_used: bool
    reason: str
    source: str = ""
    is_estimated: bool = False


@record
class Support:
    """A profile, and the features of its device by name."""

    profile: HardwareProfile
    features: Mapping[str, CompressionFeature]

    @property
    def weight_bits(self) -> int:
        """The width of a weight in the number format."""
        return self.profile.dtype.weight_bits

    @property
    def has_decoder(self) -> bool:
        """Whether it reads weights compressed without loss."""
        return "weight_decoder" in self.features

    def read_bits(self, asked: int, kind: str = "weight_bits") -> int:
        """The width in which a value of so many bits is read: the next wider one that the device reads."""
        dtype = self.profile.dtype
        widest = dtype.weight_bits if kind == "weight_bits" else dtype.activation_bits
        widths = self.features[kind].bits if kind in self.features else ()
        return min((width for width in widths if asked <= width <= widest), default=widest)

    def reads_structure(self, weights: CodedWeights) -> bool:
        """Whether it multiplies the weights in their 2:4 pattern, in this number format."""
        feature = self.features.get("structured_2_4")
        patterned = weights.coding.name == "structured_2_4"
        return patterned and feature is not None and self.profile.dtype.name in feature.dtypes

    def read_weight_bits(self, weights: CodedWeights) -> int:
        """Bits that it reads for the weights of a layer, once."""
        if self.has_decoder:
            return min(weights.bits, weights.weights * self.weight_bits)
        if weights.coding.has_codebook:  # numbers of shared values, which nothing looks up
            return weights.weights * self.weight_bits
        width = self.read_bits(weights.weight_bits)
        if self.reads_structure(weights):
            assert weights.index_bits is not None
            return weights.entries * (width + weights.index_bits)
        return weights.weights * width

    def executed_part(self, weights: CodedWeights) -> float:
        """The part of a layer's multiply-accumulates that takes time."""
        if self.reads_structure(weights):
            return 1 / self.features["structured_2_4"].peak_factor
        return weights.kept / weights.weights if "zero_skipping" in self.features else 1.0

    def stored_bytes(self, layers: Iterable[CodedWeights]) -> int:
        """What the weights occupy where the device reads them: unpacked, unless it reads them as they are stored."""
        return sum(ceil_div(self.read_weight_bits(weights), 8) for weights in layers)


def support_of(profile: HardwareProfile) -> Support:
    """What a device does with compressed weights, in one number format."""
    return Support(profile, {feature.name: feature for feature in profile.device.compression})


def refuse_wider(layers: Mapping[str, CodedWeights], profile: HardwareProfile) -> None:
    """Raise: ParameterError where weights are wider than the number format of a device."""
    dtype = profile.dtype
    for name, weights in layers.items():
        if weights.weight_bits > dtype.weight_bits:
            raise ParameterError(
                f"weight_bits = {weights.weight_bits} of {name!r} are more than the {dtype.weight_bits} of "
                f"{dtype.name}, in which {profile.device.name} computes; give at most {dtype.weight_bits} ('*' = "
                f"{dtype.weight_bits} for layers that no other pattern names), or a wider number format"
            )


def uses_of(support: Support, layers: Iterable[CodedWeights], activation_bits: int | None) -> tuple[Use, ...]:
    """Everything that the compression gives, each with whether the device uses it."""
    layers = list(layers)
    found = [Use("storage", True, "the stored size is that of the coding, whatever the device does with the weights")]
    if any(weights.weight_bits < support.weight_bits for weights in layers):
        found.append(_narrow_weights(support, layers))
    if any(weights.kept < weights.weights for weights in layers):
        found += [_zeros_in_traffic(support, layers), _zeros_in_macs(support, layers)]
    if activation_bits is not None and activation_bits < support.profile.dtype.activation_bits:
        found.append(_narrow_activations(support, activation_bits))
    return tuple(found)


def _used(what: str, reason: str, feature: CompressionFeature, is_estimated: bool = False) -> Use:
    return Use(what, True, reason, feature.source, feature.estimated or is_estimated)


def _narrow_weights(support: Support, layers: list[CodedWeights]) -> Use:
    what, name, dtype = "weight bits", support.profile.device.name, support.profile.dtype
    if support.has_decoder:
        return _decoded(what, support, layers)
    if any(weights.coding.has_codebook for weights in layers):
        coded = ", ".join(dict.fromkeys(weights.coding.name for weights in layers if weights.coding.has_codebook))
        unpacked = f"bits of {coded} are numbers of shared values, and the hardware file of {name} names nothing that"
        return Use(
            what, False, f"{unpacked} looks them up; weights are unpacked to the {dtype.weight_bits} of {dtype.name}"
        )
    asked = sorted({weights.weight_bits for weights in layers if weights.weight_bits < dtype.weight_bits})
    read = {bits: support.read_bits(bits) for bits in asked}
    if min(read.values()) == dtype.weight_bits:
        unpacked = f"{name} reads weights in the {dtype.weight_bits} bits of {dtype.name}; others are unpacked first"
        return Use(what, False, unpacked)
    feature = support.features["weight_bits"]
    widened = [f"{bits} are read as {width}" for bits, width in read.items() if width != bits]
    reads = f"{name} reads weights of {', '.join(map(str, feature.bits))} bits"
    return _used(what, "; ".join([reads, *widened]), feature)


def _decoded(what: str, support: Support, layers: list[CodedWeights]) -> Use:
    codings = ", ".join(dict.fromkeys(weights.coding.name for weights in layers))
    reason = (
        f"{support.profile.device.name} decodes weights as it reads them, from a coding of its own whose size depends "
        f"on their values; that of {codings} stands for it"
    )
    return _used(what, reason, support.features["weight_decoder"], is_estimated=True)


def _zeros_in_traffic(support: Support, layers: list[CodedWeights]) -> Use:
    what, name = "zeros in traffic", support.profile.device.name
    if support.has_decoder:
        return _decoded(what, support, layers)
    if any(map(support.reads_structure, layers)):
        return _used(what, f"{name} reads two of every four weights", support.features["structured_2_4"])
    return Use(what, False, f"{_why_no_structure(support)}; zeros are put back before weights are read")


def _zeros_in_macs(support: Support, layers: list[CodedWeights]) -> Use:
    what, name = "zeros in multiply-accumulates", support.profile.device.name
    structured = [weights for weights in layers if support.reads_structure(weights)]
    if structured:
        feature = support.features["structured_2_4"]
        return _used(
            what, f"{name} multiplies weights of this pattern at {feature.peak_factor:g} times its rate", feature
        )
    if "zero_skipping" in support.features:
        return _used(what, f"{name} skips weights that are zero", support.features["zero_skipping"])
    return Use(what, False, f"{_why_no_structure(support)}; every weight is multiplied")


def _why_no_structure(support: Support) -> str:
    name, feature = support.profile.device.name, support.features.get("structured_2_4")
    if feature is None:
        return f"the hardware file of {name} names nothing that skips zeros"
    if support.profile.dtype.name not in feature.dtypes:
        return f"{name} skips zeros in {', '.join(feature.dtypes)}, not in {support.profile.dtype.name}"
    return f"{name} skips zeros in the pattern of coding structured_2_4 alone"


def _narrow_activations(support: Support, asked: int) -> Use:
    what, name, dtype = "activation bits", support.profile.device.name, support.profile.dtype
    read = support.read_bits(asked, "activation_bits")
    if read == dtype.activation_bits:
        return Use(what, False, f"{name} keeps activations in the {read} bits of {dtype.name}")
    widened = "" if read == asked else f"; {asked} are kept as {read}"
    return _used(what, f"{name} keeps activations of {read} bits{widened}", support.features["activation_bits"])
