"""What networks without multiplications save: by which table, in which number format, and what of it is memory."""

from __future__ import annotations

import pytest

from costmodel import cost_table, load
from costmodel.dtypes import Dtype
from costmodel.energies import EnergyEstimate, energy, work_of

INT32 = Dtype("int32", 32, 32, 32)
"""32-bit fixed point, as the papers on shifts compare it."""


def of(network: str, dtype: str | Dtype = "int8", table: str = "horowitz_45nm") -> EnergyEstimate:
    return energy(work_of(cost_table(load(network)), dtype), table=table)


def saving(network: str, plain: str, dtype: str | Dtype = "int8", table: str = "horowitz_45nm") -> float:
    return float(1 - of(network, dtype, table).compute / of(plain, dtype, table).compute)


@pytest.mark.parametrize(
    ("network", "plain", "dtype", "table", "expected"),
    [
        ("adder_resnet20_cifar", "resnet20_cifar", "int8", "horowitz_45nm", 0.552),
        ("adder_resnet20_cifar", "resnet20_cifar", "float32", "horowitz_45nm", 0.594),
        ("adder_resnet20_cifar", "resnet20_cifar", "float32", "jouppi_7nm", 0.536),
        ("adder_resnet20_cifar", "resnet20_cifar", "float32", "aladdin_40nm", 0.346),
        ("adder_resnet50", "resnet50", "int8", "horowitz_45nm", 0.547),
        ("adder_resnet50", "resnet50", "float32", "horowitz_45nm", 0.588),
        ("shift_resnet20_cifar", "resnet20_cifar", "int8", "horowitz_45nm", 0.578),
        ("shift_add_resnet20_cifar", "resnet20_cifar", "int8", "horowitz_45nm", 0.121),
        ("shift_add_resnet20_cifar", "resnet20_cifar", INT32, "horowitz_45nm", 0.856),
    ],
)
def test_savings_of_compute(network: str, plain: str, dtype: str | Dtype, table: str, expected: float) -> None:
    assert saving(network, plain, dtype, table) == pytest.approx(expected, abs=6e-4)


def test_one_layer_without_its_surroundings() -> None:
    """A product of int8: 0.3 pJ multiplied, 0.13 pJ subtracted, 0.254 pJ shifted and then subtracted."""
    for network, picojoules in (("adder_resnet20_cifar", 0.13), ("shift_add_resnet20_cifar", 0.254)):
        alone = 1 - picojoules / 0.3
        assert alone - 0.035 < saving(network, "resnet20_cifar") < alone


def test_memory_takes_most_of_what_the_arithmetic_saves() -> None:
    """From DRAM the adder network saves 3 % of its energy in int8; the shift-and-add network, which writes a map twice
    for every convolution, needs more than the multiplying one."""
    plain, adder, both = (of(name) for name in ("resnet20_cifar", "adder_resnet20_cifar", "shift_add_resnet20_cifar"))
    assert 1 - adder.joules / plain.joules == pytest.approx(0.032, abs=1e-3)
    assert both.joules / plain.joules == pytest.approx(1.656, abs=2e-3)
    assert adder.memory_joules == pytest.approx(plain.memory_joules, rel=0.01)
