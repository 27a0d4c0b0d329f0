"""Networks as they are deployed: parallel branches that were trained apart merged, batch norms folded away.

A table of shapes lists what a framework runs before a network is reparameterised, and has no edges. Which rows go is
told by family, from counts at equal numbers of elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from costmodel.measured import bundled_deployed_forms
from costmodel.records import replace
from costmodel.workloads.rows import Workload
from costmodel.workloads.tables import rows_taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIX = "_deploy"
CONVOLUTIONS = ("conv", "pointwise_conv", "depthwise_conv", "grouped_conv")


class _Rows:
    """The rows of a workload while some of them go: how often each occurs, found by what it is."""

    def __init__(self, workload: Workload) -> None:
        import numpy

        self.kind, self.operator = numpy.array(workload.kinds), numpy.array(workload.operators)
        self.sizes = workload.sizes
        self.repeats: NDArray[Any] = workload.repeats.astype(float).copy()
        self.read, self.written = workload.sizes["input_elements"], workload.sizes["output_elements"]
        self.kernel = numpy.maximum(workload.sizes["kernel_height"], workload.sizes["kernel_width"])
        self.is_convolution = numpy.isin(self.kind, CONVOLUTIONS)
        self.is_image = workload.sizes["out_height"] * workload.sizes["out_width"] > 1
        self.is_norm, self.is_sum = self.operator == "batch_norm", self.operator == "add"

    def count(self, rows: NDArray[Any], by: NDArray[Any] | None = None) -> dict[float, float]:
        """How often these rows occur, by their numbers of written (or other) elements."""
        found: dict[float, float] = {}
        for size, repeats in zip((self.written if by is None else by)[rows], self.repeats[rows], strict=True):
            found[size] = found.get(size, 0.0) + repeats
        return found

    def remove(self, rows: NDArray[Any], gone: Mapping[float, float]) -> None:
        """Let so many of these rows go, by their numbers of written elements."""
        for size, number in gone.items():
            for row in (rows & (self.written == size)).nonzero()[0]:
                less = min(number, self.repeats[row])
                self.repeats[row] -= less
                number -= less

    def drop(self, rows: NDArray[Any]) -> None:
        """Let all of these rows go."""
        self.repeats[rows] = 0.0


def _merge_branches(rows: _Rows) -> float:
    """Parallel convolutions of one tensor as one: the smaller kernel of two goes, the larger occurs once per block.

    Blocks are counted by their smaller kernel. Gives in how many equal branches the larger one occurred.
    """
    branches = 1.0
    names = ("in_channels", "in_height", "in_width", "out_channels", "out_height", "out_width", "groups")
    members: dict[tuple[float, ...], list[int]] = {}
    for row in (rows.is_convolution & rows.is_image).nonzero()[0]:
        members.setdefault(tuple(rows.sizes[name][row] for name in names), []).append(row)
    for twins in members.values():
        twins.sort(key=lambda row: rows.kernel[row])
        pointwise = [row for row in twins if rows.kernel[row] == 1]
        if len(twins) < 2 or (len(twins) > 2 and not pointwise):
            continue
        small, large = twins[:2]
        if not pointwise and rows.sizes["stride_height"][small] == 1:
            continue
        branches = max(branches, rows.repeats[large] / rows.repeats[small])
        rows.repeats[large] = rows.repeats[small]
        rows.repeats[small] = 0.0
    return branches


def _plain(rows: _Rows) -> None:
    """RepVGG (arXiv:2101.03697, Fig. 4), MobileOne (arXiv:2206.04040, Sec. 3.2): blocks of one convolution each, no
    norm and no sum stays."""
    branches = _merge_branches(rows)
    rows.repeats[(rows.kind == "pointwise_conv") & rows.is_image] /= branches
    rows.drop(rows.is_norm | rows.is_sum)


def _norms_folded(rows: _Rows) -> None:
    """LeViT (arXiv:2104.01136), EfficientViT-M (arXiv:2305.07027), TinyViT (arXiv:2207.10666): every batch norm stands
    beside a convolution or linear layer, which takes it in."""
    rows.drop(rows.is_norm)


def _repvit(rows: _Rows) -> None:
    """RepViT (arXiv:2307.09283, Sec. 3.2): 3x3 + 1x1 + identity per block; both classifiers are one."""
    blocks = rows.count(_scales(rows))
    _merge_branches(rows)
    rows.drop(rows.is_norm)
    rows.remove(rows.is_sum, {size: 2 * number for size, number in blocks.items()})
    head = (rows.kind == "linear") & (rows.repeats == 2)
    rows.repeats[head] = 1.0
    for size in rows.written[head]:
        rows.drop((rows.kind == "elementwise") & (rows.written == size))


def _repghost(rows: _Rows) -> None:
    """RepGhost (arXiv:2211.06088, Fig. 3): the identity's norm, the sum and the cheap convolution's norm go. There are
    as many identities as norms beyond one per convolution."""
    convolutions = rows.count(rows.is_convolution & rows.is_image)
    norms = rows.count(rows.is_norm)
    identities = {size: max(0.0, number - convolutions.get(size, number)) for size, number in norms.items()}
    rows.remove(rows.is_norm, {size: 2 * number for size, number in identities.items()})
    rows.remove(rows.is_sum, identities)


def _fastvit(rows: _Rows) -> None:
    """FastViT (arXiv:2303.14189, Sec. 3.2): token mixers, large kernels, position encodings and stem are one
    convolution each. What stays is one norm and one residual sum of each feed-forward network and attention."""
    narrows = (rows.kind == "pointwise_conv") & (rows.sizes["in_channels"] > rows.sizes["out_channels"])
    stays = rows.count((narrows & rows.is_image) | (rows.operator == "attention"))
    mixers = rows.count(rows.operator == "subtract")
    _merge_branches(rows)
    rows.drop(rows.operator == "subtract")
    rows.remove(rows.operator == "multiply", mixers)
    rows.drop(rows.is_sum & (rows.read < 2 * rows.written))
    for these in (rows.is_norm, rows.is_sum):
        rows.remove(these, {size: number - stays.get(size, 0.0) for size, number in rows.count(these).items()})


def _nextvit(rows: _Rows) -> None:
    """Next-ViT (arXiv:2207.05501): norms before a feed-forward network, an attention and its keys go; those after a
    convolution stay. A feed-forward network is a 1x1 convolution and its mirror."""
    pointwise = ((rows.kind == "pointwise_conv") & rows.is_image).nonzero()[0]
    mirrors = {(rows.written[row], rows.read[row]) for row in pointwise}
    gone: dict[float, float] = {}
    for row in pointwise:
        if rows.read[row] < rows.written[row] and (rows.read[row], rows.written[row]) in mirrors:
            gone[rows.read[row]] = gone.get(rows.read[row], 0.0) + rows.repeats[row]
    for row in (rows.operator == "attention").nonzero()[0]:
        keys = (rows.read[row] - rows.written[row]) / 2
        for size in {rows.written[row], keys}:
            gone[size] = gone.get(size, 0.0) + rows.repeats[row]
    rows.remove(rows.is_norm, gone)


def _scales(rows: _Rows) -> NDArray[Any]:
    """Depthwise convolutions 1x1: the scale branches of blocks."""
    found: NDArray[Any] = (rows.kind == "depthwise_conv") & (rows.kernel == 1) & rows.is_image
    return found


REWRITES: Mapping[str, Callable[[_Rows], None]] = {
    "plain": _plain,
    "norms_folded": _norms_folded,
    "repvit": _repvit,
    "repghost": _repghost,
    "fastvit": _fastvit,
    "nextvit": _nextvit,
}
"""What becomes of a table of framework operators in each form; `deployed_forms.csv` says which networks have which."""


def form_of(network: str) -> str:
    """The form that a network is deployed in, by its name in a measured table; "" where it has no other.

    >>> form_of("timm/resnet50@224"), form_of("timm/levit_128@224")
    ('', 'norms_folded')
    """
    stem = network.rpartition("/")[2]
    return next((form for prefix, form in bundled_deployed_forms().items() if stem.startswith(prefix)), "")


def deployed(workload: Workload) -> Workload:
    """The workload of framework operators of a network in the form that it is deployed in; unchanged where it has no
    other. Merged convolutions keep the sizes of the largest.

    >>> import numpy
    >>> from costmodel.workloads import SIZES
    >>> sizes = {name: numpy.zeros(2) for name in SIZES} | {"output_elements": numpy.array([8.0, 8.0])}
    >>> table = Workload("levit_128", ("", ""), ("conv", "norm"), ("conv2d", "batch_norm"), numpy.ones(2), sizes)
    >>> deployed(table).kinds
    ('conv',)
    """
    form = form_of(workload.name)
    if not form:
        return workload
    rows = _Rows(workload)
    REWRITES[form](rows)
    stays = rows.repeats > 0
    return rows_taken(replace(workload, repeats=rows.repeats), stays)


def trained_name(network: str) -> str:
    """The name without the suffix of a deployed form, or the name itself.

    >>> trained_name("timm/repvgg_a0_deploy@224")
    'timm/repvgg_a0@224'
    """
    stem, at, pixels = network.partition("@")
    return stem.removesuffix(SUFFIX) + at + pixels


def deployed_name(network: str) -> str:
    """The name of the deployed form of a network.

    >>> deployed_name("timm/repvgg_a0@224")
    'timm/repvgg_a0_deploy@224'
    """
    stem, at, pixels = trained_name(network).partition("@")
    return stem + SUFFIX + at + pixels
