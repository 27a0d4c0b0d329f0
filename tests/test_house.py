"""How the house is built: the public surface, what importing costs, which way imports point, what data files hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import costmodel
from costmodel.files import folder, names_in, read_bundled

PACKAGE = Path(costmodel.__file__).parent

FLOORS = (
    ("records",),
    ("errors",),
    ("arithmetic",),
    ("graph", "dtypes", "positions", "report", "quantities", "accuracy"),
    ("files", "expressions"),
    ("operators", "measured"),
    ("shapes", "fusion", "expectations"),
    ("memory",),
    ("passes",),
    ("specs",),
    ("receptive_field", "hardware_schema", "convention_schema"),
    ("hardware", "costs"),
    ("workloads",),
    ("latency",),
    ("conventions", "roofline", "model_size", "device_memory"),
    ("patches", "energies"),
    ("compression",),
    ("formulas",),
    ("published",),
    ("claims", "tracing"),
    ("validation",),
    ("calibration",),
    ("summary",),
    ("explanation",),
    ("plots", "hardware_listing", "memory_report", "sweeps", "scaling", "assignments"),
    ("deployment",),
    ("cli",),
    ("__main__",),
)
"""Modules and packages from the ground up. A module may import what stands on a floor below its own."""
LATE = {("specs", "costs"), ("hardware", "hardware_schema"), ("hardware", "latency")}
"""Imports inside functions or listing modules that are known and meant."""


def floor_of(module: str) -> int:
    return next(at for at, floor in enumerate(FLOORS) if module in floor)


def imported_parts(file: Path) -> set[str]:
    """First parts of the costmodel modules that a file imports when it is run, type checking apart."""
    found: set[str] = set()

    def walk(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("costmodel"):
                parts = node.module.split(".")
                found.update([parts[1]] if len(parts) > 1 else [alias.name for alias in node.names])
            for inner in ("body", "orelse", "handlers", "finalbody"):
                walk([item for item in getattr(node, inner, []) if isinstance(item, ast.stmt)])

    walk(ast.parse(file.read_text()).body)
    return found


def test_imports_point_one_way() -> None:
    seen = set()
    for file in PACKAGE.rglob("*.py"):
        part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part in ("__init__", "data"):
            continue
        seen.add(part)
        for other in imported_parts(file) - {part, "__version__"}:
            if (part, other) not in LATE:
                assert floor_of(other) < floor_of(part), f"{file.name} imports {other}, which stands above it"
    assert seen == {module for floor in FLOORS for module in floor}


def test_the_public_names_are_sorted_and_importable() -> None:
    assert costmodel.__all__ == sorted(costmodel.__all__)
    assert costmodel.__all__ == [
        "CostTable", "CostmodelError", "Graph", "HardwareProfile", "Prediction", "accuracy_and_cost", "calibrate",
        "claims", "compare", "compress", "cost_table", "energy", "explain", "fits", "flash_size", "formulas",
        "latency", "load", "load_hardware", "measured", "memory", "model_bytes", "patches", "peak_memory", "plots",
        "predict", "published", "scaling", "sweep", "sweeps", "trace_claim", "validate",
    ]  # fmt: skip
    for name in costmodel.__all__:
        assert getattr(costmodel, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'flops'"):
        _ = costmodel.flops


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, costmodel; print(sorted({'numpy', 'pandas', 'matplotlib', 'pydantic'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("name", names_in("specs"))
def test_every_spec_file_has_its_own_name_and_a_source(name: str) -> None:
    data = read_bundled("specs", name).data
    assert data["name"] == name
    assert len(data["source"]) > 10


@pytest.mark.parametrize("name", names_in("specs/published"))
def test_every_published_table_has_a_paper_and_a_source(name: str) -> None:
    data = read_bundled("specs/published", name).data
    assert data["title"]
    assert data["paper"]
    assert data["source"]


@pytest.mark.parametrize("name", names_in("specs/blocks"))
def test_every_shared_block_starts_with_a_comment_that_says_what_it_is(name: str) -> None:
    assert read_bundled("specs/blocks", name).text.startswith("# ")


def test_provenance_of_every_spec_family_is_written_down() -> None:
    text = (Path(folder("specs")) / "README.md").read_text()
    for name in names_in("specs"):
        assert f"`{name}`" in text, name
