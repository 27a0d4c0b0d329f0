"""What a measured row ran: the operators of a network, from a table of shapes or a spec, or one kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costmodel.costs import cost_table
from costmodel.errors import ParameterError, UnknownNameError
from costmodel.fusion import Fusion
from costmodel.measured import Shapes, bundled_networks, bundled_shapes
from costmodel.records import replace
from costmodel.validation.networks import graph_named, is_of_an_origin
from costmodel.workloads import Workload, workload_of
from costmodel.workloads.reparameterised import deployed, deployed_name, trained_name
from costmodel.workloads.tables import folded_table, workload_of_table

if TYPE_CHECKING:
    import pandas

NO_SHAPES = "no shapes of the network"
NO_KERNEL = "no shape of the operator"
MAXIMUM_NAMED = 1000
"""Bundled networks and spec files that the rows of one validation or calibration may name."""


class Subjects:
    """Workloads by network and fold rule, each made once. Tables that are given come before the bundled ones, these
    before bundled networks and spec files, which a row may name with parameters (`mobilenet_v2 width=0.5`).
    `unknown` says of names that none of these has, in words, which are near."""

    def __init__(self, tables: Sequence[Shapes] = ()) -> None:
        self._tables = tables
        self._bundled: Mapping[str, Shapes] | None = None
        self._made: dict[tuple[str, Fusion, bool], Workload | None] = {}
        self.unknown: dict[str, str] = {}
        self._named: set[str] = set()

    def network(self, name: str, fusion: Fusion, reparameterised: bool = False) -> Workload | None:
        """The workload of a network as a runtime with this fold rule executes it; None without shapes and spec.

        `reparameterised`: in the form that it is deployed in, where it has one. So is a network that a table has
        without the `_deploy` of its name.

        Raises: ParameterError, SpecError for a network that is named and cannot be loaded.
        """
        key = name, fusion, reparameterised
        if key not in self._made:
            self._made[key] = self._network(name, fusion, reparameterised)
        return self._made[key]

    def _network(self, name: str, fusion: Fusion, reparameterised: bool) -> Workload | None:
        tables = (*self._tables, *self._bundled_tables())
        for named, is_deployed in ((name, reparameterised), (trained_name(name), True)):
            for table in tables:
                if named in table.rows:
                    return self._of_table(table, named, fusion, is_deployed)
        networks = bundled_networks()
        in_form = networks.get(deployed_name(name)) if reparameterised else None
        known = networks.get(name)
        if in_form is not None and in_form.spec_name:
            known, reparameterised = in_form, False
        if known is not None:
            named = f"{known.spec_name} {known.parameters}" if known.spec_name else ""
        else:
            named = "" if is_of_an_origin(name) else name
        if known is None and named:
            self._named.add(named)
        if self.is_full:
            raise ParameterError(
                f"the rows name more than {MAXIMUM_NAMED:,} networks that stand in no table; give the operators of "
                "networks with --shapes, or split the table"
            )
        made = self._of_spec(named, fusion) if named else None
        if made is None or known is None or not reparameterised:
            return made
        return deployed(replace(made, name=name))  # a form goes by the name of the measured network

    def names_spec(self, name: str) -> bool:
        """Whether a row with this name of a network means a bundled network or a spec file."""
        if is_of_an_origin(name) or name in bundled_networks():
            return False
        return not any(name in table.rows for table in self._tables)

    @property
    def is_full(self) -> bool:
        """Whether the rows have named more networks than may be loaded."""
        return len(self._named) > MAXIMUM_NAMED

    def names(self) -> list[str]:
        """The networks of the tables that were given."""
        return [name for table in self._tables for name in table.rows]

    def _of_spec(self, name: str, fusion: Fusion) -> Workload | None:
        """The network of a spec, in the form for training or for deployment that its name says."""
        try:
            return workload_of(cost_table(graph_named(name)), fusion)
        except UnknownNameError as error:
            self.unknown[name] = str(error)
            return None

    def _of_table(self, table: Shapes, name: str, fusion: Fusion, is_deployed: bool) -> Workload:
        rows = table.rows_of(name)
        frame = table.frame.iloc[rows]
        numbers = {key: values[rows] for key, values in table.numbers.items()}
        made = workload_of_table(name, list(frame["op_kind"]), list(frame["operator"]), numbers, numbers["repeats"])
        if (frame["fused"] == 1).all():
            return made
        return folded_table(deployed(made) if is_deployed else made, fusion.folded)

    def _bundled_tables(self) -> Sequence[Shapes]:
        if self._bundled is None:
            self._bundled = bundled_shapes()
        return tuple(self._bundled.values())


def kernels(frame: pandas.DataFrame) -> Workload:
    """Rows of single operators as a workload, one sample each; their batches stand in the frame.

    A product whose first operand (m x k) is the weight is a linear layer on gemm_n samples with gemm_m features: rows
    and columns change places. Its layout says which operand is stored transposed.
    """
    import numpy

    batch = frame["batch"].fillna(1.0).to_numpy(float)
    numbers = {name: frame[name].to_numpy(float) for name in frame.columns if frame[name].dtype.kind == "f"}
    per_sample = {name: numbers[name] / batch for name in ("macs", "in_elements", "out_elements") if name in numbers}
    made = workload_of_table(
        "kernels", list(frame["op_kind"]), list(frame["operator"]), numbers | per_sample, numpy.ones(len(frame))
    )
    return _with_operands(made, list(frame["layout"]))


def _with_operands(made: Workload, layouts: Sequence[str]) -> Workload:
    """Measured products with rows, columns and operands as a workload has them."""
    import numpy

    sizes = dict(made.sizes)
    multiplies = numpy.array([kind == "matmul" for kind in made.kinds], bool)
    first = multiplies & (sizes["weight_elements"] == sizes["m"] * sizes["k"])
    sizes["m"], sizes["n"] = numpy.where(first, sizes["n"], sizes["m"]), numpy.where(first, sizes["m"], sizes["n"])
    stored = [numpy.array([text[at : at + 1] == "t" for text in layouts], bool) & multiplies for at in (0, 1)]
    sizes["transposed_weight"] = numpy.where(first, stored[0], stored[1]) * 1.0
    sizes["transposed_input"] = numpy.where(first, stored[1], stored[0]) * 1.0
    return replace(made, sizes=sizes)
