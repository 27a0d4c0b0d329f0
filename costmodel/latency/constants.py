"""The constants of the terms: what each is, what it is when its term is off, and which values it may have."""

from __future__ import annotations

from costmodel.records import record


@record
class Term:
    """A term by its name: what it says, its formula, where that comes from."""

    name: str
    meaning: str
    formula: str
    source: str


TERMS: dict[str, Term] = {
    term.name: term
    for term in (
        Term(
            "fusion", "which operators the runtime executes together; off: batch norm, activation and dropout folded",
            "bytes of a kernel = tensors that enter and leave it",
            "fold rules of costmodel.fusion, named in the runtime's file",
        ),
        Term(
            "efficiency", "the part of peak and bandwidth that operators of a class reach",
            "t_c = MACs / (P * compute), t_m = bytes / (B * bandwidth)",
            "achievable peaks of the roofline (Williams, Waterman, Patterson 2009), here per class of operators",
        ),
        Term(
            "traffic", "bytes that stay in registers and caches, or that move more than once",
            "bytes = activation_share * activations + weight_share * weights + score_share * attention scores",
            "fused neighbours of compiled graphs; repacked weights; scores of an attention in several kernels",
        ),
        Term(
            "batch", "what depends on weights alone is done once for all samples",
            "batch -> 1 + batch_share * (batch - 1)",
            "weight standardisation (arXiv:1903.10520), networks of relative positions (arXiv:2111.09883)",
        ),
        Term(
            "arithmetic", "what elements without MACs cost in arithmetic: GELU, softmax, layer norm",
            "t_c = MACs / ... + elements * element_seconds",
            "vector rate beside the matrix rate, as in Calculon (arXiv:2310.10510)",
        ),
        Term(
            "saturation", "short dimensions use the machine badly: half of the rate at `half`",
            "t_c * (1 + half_m/M) * (1 + half_n/N) * (1 + half_k/K) * (1 + (half_mn/(M*N))^s)^(1/s), likewise width "
            "and products; bytes * (1 + half_channels/C) * (1 + half_positions/(H*W))",
            "r_inf and n_half (Hockney, Jesshope, Parallel Computers 2, 1988) per dimension; s is half_mn_exponent",
        ),
        Term(
            "padding", "dimensions are filled up to what the hardware computes at once",
            "t_c * (1 + padded * (ceil(n/w)*w/n - 1)) for each of M, N, K",
            "utilisation of ANNETTE's refined roofline (arXiv:2105.03176), softened",
        ),
        Term(
            "overlap", "compute and transfer overlap in part; off: the larger of the two",
            "t = (t_c^p + t_m^p)^(1/p)",
            "p = 1 adds the two, p -> infinity is Eq. 1 (MobileNetV4, arXiv:2404.10518)",
        ),
        Term(
            "tiers", "bytes that fit into a nearer memory move at its rate; what does not fit spills",
            "bytes * (share + spill * f(size/capacity)); or capacity after capacity at the rate of each level",
            "cache-aware roofline (Ilic, Pratas, Sousa 2014); parameter cache of the Edge TPU (coral.ai documentation)",
        ),
        Term(
            "overhead", "dispatch and synchronisation of every operator, added or as the least time of a launch",
            "max(t, launch_seconds) + overhead_seconds",
            "measured kernel overheads, as in LLMCompass (ISCA 2024); launches hide behind long kernels of a queue",
        ),
        Term(
            "inference", "what one inference costs beside its operators, alone or as a part of them",
            "T = inference_seconds + network_factor * sum(t)", "the intercept of measured latencies over work",
        ),
    )
}  # fmt: skip
"""The switches of a prediction, in the order in which an explanation turns them on."""


@record
class Constant:
    """A constant of a row. `neutral` switches it off; `least` and `most` bound what a file may say."""

    name: str
    term: str
    neutral: float
    least: float
    most: float
    unit: str
    meaning: str


INFINITE = float("inf")
WINOGRAD_MOST = 2.5
"""A 3x3 convolution of stride 1 needs 16 multiplications for 4 outputs of 9 each: up to 2.25 times fewer than MACs."""
EFFICIENCY_MOST = 1.2
"""Peaks of data sheets are at a nominal clock, which boost clocks exceed."""

CONSTANTS: dict[str, Constant] = {
    constant.name: constant
    for constant in (
        Constant("compute", "efficiency", 1, 1e-5, WINOGRAD_MOST, "", "part of the peak that the operator reaches"),
        Constant("bandwidth", "efficiency", 1, 1e-5, EFFICIENCY_MOST, "", "part of the bandwidth that its bytes reach"),
        Constant("activation_share", "traffic", 1, 0, 32, "", "times that its activations move"),
        Constant("weight_share", "traffic", 1, 0, 32, "", "times that its weights move"),
        Constant("score_share", "traffic", 0, 0, 32, "", "times that the scores of an attention move"),
        Constant("weights_apart", "traffic", 0, 0, 1, "", "1: weights move before the work, not beside it"),
        Constant("batch_share", "batch", 1, 0, 1, "", "part of the samples that it works on: 0 for weights alone"),
        Constant("element_seconds", "arithmetic", 0, 0, 1e-3, "s", "arithmetic per element of the larger side"),
        Constant("half_m", "saturation", 0, 0, 1e7, "", "rows of a product, batch included, at half of the rate"),
        Constant("half_n", "saturation", 0, 0, 1e7, "", "columns at half of the rate"),
        Constant("half_k", "saturation", 0, 0, 1e7, "", "inner size at half of the rate"),
        Constant("half_mn", "saturation", 0, 0, 1e10, "", "elements of all results, batch included, at half the rate"),
        Constant("half_mn_exponent", "saturation", 1, 1, 16, "", "how sharply it sets in: high, all results at once"),
        Constant("half_width", "saturation", 0, 0, 1e7, "", "width of the output at half of the rate"),
        Constant("half_products", "saturation", 0, 0, 1e7, "", "independent products at half of the rate"),
        Constant("half_channels", "saturation", 0, 0, 1e7, "", "channels at half of the bandwidth"),
        Constant("half_positions", "saturation", 0, 0, 1e7, "", "positions of the output map at half of the bandwidth"),
        Constant("width_m", "padding", 1, 1, 4096, "", "rows that the hardware computes at once"),
        Constant("width_n", "padding", 1, 1, 4096, "", "columns that it computes at once"),
        Constant("width_k", "padding", 1, 1, 4096, "", "inner elements that it computes at once"),
        Constant("padded", "padding", 0, 0, 1, "", "part of the padding that is paid for"),
        Constant("tile", "padding", 1, 1, 4096, "", "rows and columns of the output map that are computed at once"),
        Constant("tile_padded", "padding", 0, 0, 1, "", "part of the padding to tiles that is paid for"),
        Constant("overlap", "overlap", INFINITE, 1, INFINITE, "", "exponent p of (t_c^p + t_m^p)^(1/p)"),
        Constant("activation_spill", "tiers", 0, 0, 100, "", "more times that activations move where they do not fit"),
        Constant("weight_spill", "tiers", 0, 0, 100, "", "more times that weights move where a network does not fit"),
        Constant("overhead_seconds", "overhead", 0, 0, 1, "s", "time of an operator beside work and traffic"),
        Constant("launch_seconds", "overhead", 0, 0, 1, "s", "least time of an operator"),
    )
}  # fmt: skip


@record
class Number:
    """A number of a calibration that is no constant of a row, and the bounds of what a file may say."""

    least: float
    most: float
    unit: str
    meaning: str


NUMBERS: dict[str, Number] = {
    "inference_seconds": Number(0, 1000, "s", "time of an inference beside its operators"),
    "time_factor": Number(0.01, 100, "", "times that every operator takes, against the family"),
    "network_factor": Number(0.1, 10, "", "times that a network takes, against the sum of its operators"),
    "activation_capacity_bytes": Number(1, 2**53, "byte", "activations of one operator beyond which they spill"),
    "weight_capacity_bytes": Number(1, 2**53, "byte", "weights of the network beyond which they spill"),
    "reparameterised": Number(0, 1, "", "1: networks that have a form for deployment were measured in it"),
}
