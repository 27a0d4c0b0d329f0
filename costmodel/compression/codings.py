"""How compressed weights are written down, as data: which of them are stored, and what says where they belong."""

from __future__ import annotations

from fractions import Fraction
from math import expm1, floor, inf, log1p

from costmodel.errors import ParameterError, UnknownNameError, nearest
from costmodel.expressions import parse
from costmodel.records import record

INDEX_BITS = 4
"""Of a relative index unless told otherwise: those of the released file of SqueezeNet. Deep Compression has 8 for
convolutions and 5 for fully connected layers (arXiv:1510.00149, section 2)."""
CODEBOOK_BITS = 32
"""Of a shared weight in a codebook (Deep Compression, arXiv:1510.00149, section 3: 4 effective weights of 32 bits)."""


@record
class Coding:
    """A way to store the weights of one layer.

    `entries`, `position_bits` and `codebook_bits` are arithmetic on `weights`, `kept` (weights that are not zero),
    `fillers`, `index_bits`, `shared` (values that so many bits tell apart) and, in the latter two, `entries`. A layer
    takes entries * weight_bits + position_bits + codebook_bits.

    `index_bits` is what an index takes unless told otherwise, None where there is none; `is_fixed` where it cannot be
    chosen. `sparsity` is the one part of zeros that the coding is for, None where any will do.
    """

    name: str
    meaning: str
    entries: str
    position_bits: str
    codebook_bits: str
    source: str
    index_bits: int | None = None
    is_fixed: bool = True
    sparsity: Fraction | None = None

    @property
    def has_fillers(self) -> bool:
        """Whether long runs of zeros need stored zeros in between."""
        return "fillers" in self.entries

    @property
    def has_codebook(self) -> bool:
        """Whether weights are numbers of entries in a table of shared values."""
        return self.codebook_bits != "0"

    @property
    def formula(self) -> str:
        """The bits of a layer."""
        terms = (f"({self.entries}) * weight_bits", self.position_bits, self.codebook_bits)
        return (
            " + ".join(term for term in terms if term != "0").replace("(weights)", "weights").replace("(kept)", "kept")
        )


CODINGS = {
    coding.name: coding
    for coding in (
        Coding(
            "dense", "every weight, zeros included, in so many bits", "weights", "0", "0",
            "model size = parameters x bits",
        ),
        Coding(
            "codebook", "every weight as the number of a shared value, which stands in a table of the layer",
            "weights", "0", f"shared * {CODEBOOK_BITS}", "Deep Compression, arXiv:1510.00149, Eq. 1",
        ),
        Coding(
            "relative_index",
            "the weights that are not zero, each with the number of zeros before it; a stored zero where they are "
            "2^index_bits or more",
            "kept + fillers", "entries * index_bits", "0", "Deep Compression, arXiv:1510.00149, section 2 and Fig. 2",
            index_bits=INDEX_BITS, is_fixed=False,
        ),
        Coding(
            "deep_compression",
            "relative index, and weights as numbers of shared values of the layer; without Huffman coding, whose "
            "gain depends on the values",
            "kept + fillers", "entries * index_bits", f"shared * {CODEBOOK_BITS}",
            "Deep Compression, arXiv:1510.00149, sections 2 and 3; repo songhan/SqueezeNet-Deep-Compression decode.py",
            index_bits=INDEX_BITS, is_fixed=False,
        ),
        Coding(
            "bitmap", "a bit for every weight, and the weights that are not zero",
            "kept", "weights * index_bits", "0", "NVDLA documentation, In-memory data formats, sparse compression",
            index_bits=1,
        ),
        Coding(
            "structured_2_4",
            "two of every four weights along the input channels, each with its place among the four",
            "kept", "entries * index_bits", "0",
            "NVIDIA A100 Tensor Core GPU Architecture (whitepaper), section 4.3; Mishra et al. 2021, arXiv:2104.08378",
            index_bits=2, sparsity=Fraction(1, 2),
        ),
    )
}  # fmt: skip


def coding_named(name: str) -> Coding:
    """The coding of that name.

    >>> coding_named("deep_compression").formula
    '(kept + fillers) * weight_bits + entries * index_bits + shared * 32'

    Raises: UnknownNameError with the names that exist.
    """
    if not isinstance(name, str) or name not in CODINGS:
        hint = nearest(name, CODINGS) or f"there are {', '.join(CODINGS)}"
        raise UnknownNameError(f"unknown coding {name!r}; {hint}")
    return CODINGS[name]


@record
class CodedWeights:
    """The weights of one layer as a coding stores them; `fillers` is an expected number."""

    coding: Coding
    weights: int
    kept: int
    fillers: int
    weight_bits: int
    index_bits: int | None
    entries: int
    position_bits: int
    codebook_bits: int

    @property
    def bits(self) -> int:
        """All bits."""
        return self.entries * self.weight_bits + self.position_bits + self.codebook_bits


def coded(coding: Coding, weights: int, kept: int, weight_bits: int, index_bits: int | None = None) -> CodedWeights:
    """The weights of one layer, `kept` of them not zero, in a coding.

    >>> coded(CODINGS["relative_index"], 1000, 400, weight_bits=8).bits                     # 400 * (8 + 4)
    4800
    >>> coded(CODINGS["bitmap"], 1000, 400, weight_bits=8).bits                             # 1000 + 400 * 8
    4200
    """
    index = coding.index_bits if index_bits is None else index_bits
    fillers = expected_fillers(weights, kept, index) if coding.has_fillers and index else 0
    scope = {
        "weights": weights, "kept": kept, "fillers": fillers, "index_bits": index or 0, "shared": 2**weight_bits,
    }  # fmt: skip
    entries = parse(coding.entries)(scope)
    scope["entries"] = entries
    positions, codebook = (parse(text)(scope) for text in (coding.position_bits, coding.codebook_bits))
    return CodedWeights(coding, weights, kept, fillers, weight_bits, index, entries, positions, codebook)


def expected_fillers(weights: int, kept: int, index_bits: int) -> int:
    """Stored zeros that a relative index of so many bits needs, on average, where zeros are spread at random.

    An index counts up to 2^index_bits - 1 zeros before a weight; where there are more, a zero is stored in every
    2^index_bits places (Deep Compression, arXiv:1510.00149, Fig. 2). A weight is zero with probability
    q = 1 - kept/weights, independently of the others, so each of the kept ones needs q^m + q^2m + ... = q^m / (1 - q^m)
    of them, m = 2^index_bits. Pruned weights lie in clusters and need more: the released file of SqueezeNet has 6,162
    where 3,400 are expected.

    >>> expected_fillers(1000, 100, index_bits=4), expected_fillers(1000, 1000, index_bits=4)    # 100 * 0.2275
    (23, 0)

    Raises: ParameterError where more weights are kept than there are.
    """
    if not 0 <= kept <= weights:
        raise ParameterError(f"kept = {kept:,} must be from 0 to the {weights:,} weights")
    if kept in (0, weights):
        return 0
    rarer = -log1p(-kept / weights) * 2.0 ** min(index_bits, 64)  # q^m = exp(-rarer)
    filled = kept / expm1(rarer) if rarer < 700 else 0.0
    return min(floor(filled + 0.5), weights - kept) if filled < inf else weights - kept
