"""Compound scaling: depth, width and resolution of a network grow together (EfficientNet, arXiv:1905.11946)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from costmodel.arithmetic import round_to
from costmodel.costs import cost_table
from costmodel.errors import ParameterError
from costmodel.graph import Graph
from costmodel.model_size import model_bytes
from costmodel.records import record, replace
from costmodel.specs.catalogue import find, load
from costmodel.specs.parameters import Parameter, is_plain_number

SCALED = ("width", "depth", "resolution")
"""The parameters that a family must have."""
GREATEST_PHI = 10
STEPS_PER_PHI = 100
"""`largest_within` looks at every phi from -GREATEST_PHI to GREATEST_PHI, so many to the unit."""


@record
class CompoundCoefficients:
    """What depth, width and resolution of a network are multiplied by, and what its MACs are before any rounding."""

    phi: float
    depth: float
    width: float
    resolution: float
    macs: float


def compound_coefficients(
    phi: float, alpha: float = 1.2, beta: float = 1.1, gamma: float = 1.15
) -> CompoundCoefficients:
    """The compound coefficients of arXiv:1905.11946, Eq. 3.

    depth d = alpha^phi, width w = beta^phi, resolution r = gamma^phi, where alpha, beta, gamma >= 1 and
    alpha * beta^2 * gamma^2 is about 2: MACs grow with d * w^2 * r^2 = (alpha * beta^2 * gamma^2)^phi. The defaults
    are the paper's, found by grid search on EfficientNet-B0. A negative phi makes a network smaller.

    >>> two = compound_coefficients(2)
    >>> f"{two.depth:.2f} {two.width:.2f} {two.resolution:.4f} {two.macs:.4f}"    # 1.2 * 1.21 * 1.3225 = 1.92027
    '1.44 1.21 1.3225 3.6874'

    Raises: ParameterError for a coefficient below 1 or above 100, or a phi that is no number from -100 to 100.
    """
    if not is_plain_number(phi) or not -100 <= phi <= 100:
        raise ParameterError(f"phi = {phi!r} must be a number from -100 to 100")
    for name, value in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        if not is_plain_number(value) or not 1 <= value <= 100:
            raise ParameterError(f"{name} = {value!r} must be a number from 1 to 100")
    return CompoundCoefficients(phi, alpha**phi, beta**phi, gamma**phi, (alpha * beta**2 * gamma**2) ** phi)


def compound_scale(
    network: str | os.PathLike[str],
    /,
    phi: float,
    *,
    alpha: float = 1.2,
    beta: float = 1.1,
    gamma: float = 1.15,
    resolution: int | None = None,
    **parameters: Any,
) -> Graph:
    """The network with its own width, depth and resolution times the compound coefficients of `phi`.

    How channels and repeats are rounded stands in the family's file (EfficientNet: channels to multiples of 8, repeats
    up). The resolution is rounded to the nearest whole number, halves up, unless it is given. `parameters` are other
    parameters of the family. EfficientNet-B1 to B7 were published with coefficients and resolutions of their own: load
    those by name.

    >>> compound_scale("efficientnet_b0", 1).inputs["input"].sizes    # 224 * 1.15 = 257.6
    (3, 258, 258)

    Raises: ParameterError for a network without the parameters width, depth and resolution, or where they leave its
    ranges; SpecError where a file takes whole depths only; what `load` raises.
    """
    coefficients = compound_coefficients(phi, alpha, beta, gamma)
    scaled = _scaled(_base(network, parameters), coefficients)
    if resolution is not None:
        scaled["resolution"] = resolution
    return load(network, **(parameters | scaled))


@record
class LargestNetwork:
    """What `largest_within` finds. `binds` names the budgets that the next phi exceeds; empty at the end of the ray."""

    phi: float
    coefficients: CompoundCoefficients
    graph: Graph
    macs: int
    params: int
    memory_bytes: int
    binds: tuple[str, ...]


def largest_within(
    network: str | os.PathLike[str],
    /,
    *,
    macs: int | None = None,
    memory_bytes: int | None = None,
    dtype: str = "float32",
    alpha: float = 1.2,
    beta: float = 1.1,
    gamma: float = 1.15,
    exhaustive: bool = False,
    **parameters: Any,
) -> LargestNetwork:
    """The largest network on the compound-scaling ray whose MACs and memory stay within budgets.

    arXiv:1905.11946, Eq. 2 (Memory(N) <= target_memory, FLOPS(N) <= target_flops) on the ray of Eq. 3: the greatest
    phi that keeps both budgets, of all multiples of 0.01 from -10 to 10 at which the parameters stay in the family's
    ranges. The memory is that of the parameters, in bytes of the number format.

    Rounding makes costs a step function of phi, which never falls where the file's expressions never fall
    (make_divisible, ceil, floor and round_to do not; nor do EfficientNet's costs at any of the 2001 phi): then halving
    finds the greatest phi with a dozen networks. Costs that fall between two of these are an error, others go
    unnoticed: `exhaustive` assumes nothing and tries every phi from the greatest down.

    >>> found = largest_within("efficientnet_b0", macs=10**9)
    >>> found.phi, found.macs, found.binds
    (1.03, 993797968, ('macs',))

    Raises: ParameterError without a budget, for one that is not a whole number, or that no phi keeps (it names the
    least costs there are), and when costs fall as phi grows; UnknownNameError for the dtype; what `compound_scale`
    raises.
    """
    budgets = {name: budget for name, budget in (("macs", macs), ("memory_bytes", memory_bytes)) if budget is not None}
    for name, budget in budgets.items():
        if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
            raise ParameterError(f"{name} = {budget!r} must be a whole number, at least 1")
    if not budgets:
        raise ParameterError("give a budget: macs, memory_bytes or both")
    base, ranges = _base(network, parameters), find(os.fspath(network))[0].parameters
    steps = range(-GREATEST_PHI * STEPS_PER_PHI, GREATEST_PHI * STEPS_PER_PHI + 1)
    every = [compound_coefficients(step / STEPS_PER_PHI, alpha, beta, gamma) for step in steps]
    ray = [each for each in every if _in_range(_scaled(base, each), ranges)]
    least: dict[str, int] = {}

    def tried(coefficients: CompoundCoefficients) -> LargestNetwork:
        """The network at one phi; `binds` are the budgets that it exceeds itself."""
        graph = load(network, **(parameters | _scaled(base, coefficients)))
        costs = cost_table(graph)
        spent = {"macs": costs.total("macs"), "memory_bytes": model_bytes(costs, dtype)}
        least.update({name: min(value, least.get(name, value)) for name, value in spent.items()})
        binds = tuple(name for name, budget in budgets.items() if spent[name] > budget)
        return LargestNetwork(coefficients.phi, coefficients, graph, params=costs.total("params"), binds=binds, **spent)

    found, larger = (_from_the_top if exhaustive else _halved)(ray, tried)
    if found is None:
        raise ParameterError(
            f"no phi from {ray[0].phi} to {ray[-1].phi} keeps the budgets of {' and '.join(budgets)}: the least that "
            f"{network} reaches are {least['macs']:,} MACs and {least['memory_bytes']:,} bytes of {dtype} parameters"
        )
    return replace(found, binds=larger.binds if larger is not None else ())


Tried: TypeAlias = Callable[[CompoundCoefficients], LargestNetwork]
Ends: TypeAlias = "tuple[LargestNetwork | None, LargestNetwork | None]"
"""The greatest network that keeps the budgets and the next one, which does not."""


def _halved(ray: Sequence[CompoundCoefficients], tried: Tried) -> Ends:
    """The ends by halving, as if costs never fell along the ray; those of the networks tried are compared."""
    found: dict[int, LargestNetwork] = {}
    fits, exceeds = -1, len(ray)
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        found[middle] = tried(ray[middle])
        if found[middle].binds:
            exceeds = middle
        else:
            fits = middle
    for one, other in pairwise(found[at] for at in sorted(found)):
        if one.macs > other.macs or one.memory_bytes > other.memory_bytes:
            raise ParameterError(
                f"costs fall from {one.macs:,} MACs and {one.memory_bytes:,} bytes at phi = {one.phi} "
                f"to {other.macs:,} MACs and {other.memory_bytes:,} bytes at phi = {other.phi}; "
                "exhaustive = True tries every phi"
            )
    return found.get(fits), found.get(exceeds)


def _from_the_top(ray: Sequence[CompoundCoefficients], tried: Tried) -> Ends:
    """The ends, trying every phi from the greatest down."""
    larger = None
    for coefficients in reversed(ray):
        here = tried(coefficients)
        if not here.binds:
            return here, larger
        larger = here
    return None, larger


def _base(network: str | os.PathLike[str], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Width, depth and resolution of the network as named."""
    own = load(network, **parameters).parameters
    lacking = [name for name in SCALED if name not in own]
    if lacking:
        raise ParameterError(
            f"{network} has no parameter {' and no '.join(lacking)}: compound scaling needs {', '.join(SCALED)}"
        )
    for name in SCALED:
        if not is_plain_number(own[name]):
            raise ParameterError(f"{name} of {network} is not one number: compound scaling cannot multiply it")
    return {name: own[name] for name in SCALED}


def _scaled(base: Mapping[str, Any], coefficients: CompoundCoefficients) -> dict[str, Any]:
    """The three parameters times their coefficients, the resolution as a whole number."""
    return {
        "width": base["width"] * coefficients.width,
        "depth": base["depth"] * coefficients.depth,
        "resolution": round_to(base["resolution"] * coefficients.resolution),
    }


def _in_range(values: Mapping[str, Any], ranges: Mapping[str, Parameter]) -> bool:
    """Whether a family takes these values."""
    return all(
        (ranges[name].least is None or value >= ranges[name].least)
        and (ranges[name].most is None or value <= ranges[name].most)
        for name, value in values.items()
    )
