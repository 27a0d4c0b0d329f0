"""Where a network comes from: a graph alone, or a name whose parameters can be changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from costmodel.errors import ParameterError
from costmodel.graph import Graph
from costmodel.records import record
from costmodel.specs.catalogue import families, find, load
from costmodel.specs.parameters import Parameter, is_plain_number
from costmodel.specs.program import Program


@record
class Origin:
    """A network, and what it was made of: `name` and `program` are None for a graph that was given as such."""

    graph: Graph
    name: str | None
    parameters: Mapping[str, Any]
    program: Program | None

    @property
    def is_bundled(self) -> bool:
        """Whether it is a bundled network, given by name."""
        return (
            self.name is not None
            and self.program is not None
            and self.program.name in families()
            and (not self.name.endswith(".toml") and os.sep not in self.name)
        )

    def smaller(self, parameter: str) -> Parameter | None:
        """A parameter of the spec that is a single number of this network and can be less than it is."""
        if self.program is None or parameter not in self.program.parameters:
            return None
        found, own = self.program.parameters[parameter], self.graph.parameters[parameter]
        if not is_plain_number(own) or (found.least is not None and found.least >= own):
            return None
        return found


def origin_of(network: str | os.PathLike[str] | Graph, parameters: Mapping[str, Any]) -> Origin:
    """The network of a name or path and values of its parameters, or a graph.

    Raises: ParameterError for parameters of a graph; what `load` raises.
    """
    if isinstance(network, Graph):
        if parameters:
            raise ParameterError(f"a graph has no parameters to set ({', '.join(parameters)}): give the network's name")
        return Origin(network, None, {}, None)
    graph = load(network, **parameters)
    name = os.fspath(network)
    return Origin(graph, name, parameters, find(name)[0])
