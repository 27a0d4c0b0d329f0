"""Tables that contradict themselves: multiply-accumulates against sizes, a network listed twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from costmodel.errors import SpecError
from costmodel.measured import read_measured, read_shapes

ENERGY = "device,network,latency_seconds,energy_joules\n"
CONVOLUTION = (
    "stride_height,stride_width,network,index,op_kind,operator,fused,in_channels,in_height,in_width,out_channels,out_height,out_width,"
    "kernel_height,kernel_width,groups,in_elements,weight_elements,out_elements,macs\n"
)
PRODUCT = (
    "network,index,op_kind,operator,fused,groups,gemm_m,gemm_n,gemm_k,in_elements,weight_elements,out_elements,macs\n"
)
KERNEL = (
    "device,op_kind,operator,batch,in_channels,in_height,in_width,out_channels,out_height,out_width,kernel_height,"
    "kernel_width,macs,latency_seconds\n"
)


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[str, Callable[[str], object]], str]:
    """The message about a table with this text; "" where it is read."""

    def message(text: str, read: Callable[[str], object]) -> str:
        path = tmp_path / "table.csv"
        path.write_text(text)
        try:
            read(str(path))
        except SpecError as error:
            return str(error).replace(str(path), "table.csv")
        return ""

    return message


Refusal = Callable[[str, Callable[[str], object]], str]


def convolution(macs: int, operator: str = "Conv2D", fused: int = 1, groups: str = "1") -> str:
    """3x3 from 4x8x8 to 6x4x4: 6 * 4 * 4 * 4 * 9 = 3456; 64 positions of the input: 13824."""
    return CONVOLUTION + f"2,2,a,0,conv,{operator},{fused},4,8,8,6,4,4,3,3,{groups},1024,216,96,{macs}\n"


def test_macs_of_a_convolution_are_those_of_its_sizes(refusal: Refusal) -> None:
    assert refusal(convolution(3456), read_shapes) == ""
    assert refusal(convolution(3456, groups=""), read_shapes) == ""
    assert refusal(convolution(1728, groups="2"), read_shapes) == ""
    assert refusal(convolution(6912), read_shapes).startswith(
        "table.csv:2:53: macs = 6912 contradicts the sizes, which give 3456; mend one of them: macs is out_channels x "
        "out_height x out_width x in_channels / groups x kernel_height x kernel_width, times the batch"
    )


def test_what_may_be_counted_otherwise(refusal: Refusal) -> None:
    """Positions of the input; four windows folded into the batch: 1024 = 4 * 4 * 8 * 8 elements."""
    assert refusal(convolution(13824, "ConvTranspose2d"), read_shapes) == ""
    assert refusal(convolution(13824, "Deconvolution"), read_shapes) == ""
    assert refusal(convolution(13824, fused=0), read_shapes) == ""
    assert "contradicts" in refusal(convolution(13824), read_shapes)
    assert "contradicts" in refusal(convolution(13825, "Deconvolution", 0), read_shapes)


def test_macs_of_products(refusal: Refusal) -> None:
    assert refusal(PRODUCT + "a,0,matmul,bmm,1,5,2,3,4,1,0,1,120\n", read_shapes) == ""
    assert refusal(PRODUCT + "a,0,matmul,attention,1,5,2,3,4,1,0,1,240\n", read_shapes) == ""
    assert refusal(PRODUCT + "a,0,linear,addmm,1,,2,3,4,1,0,1,24\n", read_shapes) == ""
    assert refusal(PRODUCT + "a,0,linear,addmm,1,,2,3,4,1,0,1,48\n", read_shapes).startswith(
        "table.csv:2:33: macs = 48 contradicts the sizes, which give 24; mend one of them: macs is groups x gemm_m"
    )


def test_an_operator_without_the_sizes_of_its_kind(refusal: Refusal) -> None:
    assert refusal(PRODUCT + "a,0,softmax,softmax,1,,,,,1,0,1,0\n", read_shapes) == ""
    message = refusal(PRODUCT + "a,0,linear,addmm,1,,2,,,1,0,1,7\na,1,depthwise_conv,c,1,,,,,1,9,1,9\n", read_shapes)
    assert [line for line in message.splitlines() if line.startswith("table.csv")] == [
        "table.csv:2:5: op_kind = 'linear' without gemm_n, gemm_k; fill them: a size is not guessed",
        "table.csv:3:5: op_kind = 'depthwise_conv' without in_channels, in_height, in_width, out_channels, out_height, "
        "out_width, kernel_height, kernel_width, stride_height, stride_width, groups; fill them: a size is not guessed",
    ]


def test_a_blank_cell_is_said_once(refusal: Refusal) -> None:
    message = refusal(PRODUCT + "a,0,linear,addmm,1,,2,3,4,1,0,1,\n", read_shapes)
    assert [line.partition(";")[0] for line in message.splitlines() if line.startswith("table.csv")] == [
        "table.csv:2:33: macs is blank"
    ]


def test_macs_of_a_measured_convolution_are_those_of_the_batch(refusal: Refusal) -> None:
    row = "b,conv,Conv,{},4,8,8,6,4,4,3,3,{},1\n"
    assert refusal(KERNEL + row.format(2, 6912) + row.format("", 3456), read_measured) == ""
    assert "table.csv:2:31: macs = 3456 contradicts the sizes, which give 6912" in refusal(
        KERNEL + row.format(2, 3456), read_measured
    )


def test_cells_that_are_wrong_already_are_not_compared(refusal: Refusal) -> None:
    message = refusal(convolution(3456).replace(",4,8,8,", ",4,0,x,").replace("3456", "-1"), read_shapes)
    assert "contradicts" not in message
    assert len([line for line in message.splitlines() if line.startswith("table.csv")]) == 3


def test_a_size_of_zero_divides_nothing(refusal: Refusal) -> None:
    message = refusal(convolution(3456, "Deconvolution", 0).replace(",6,4,4,", ",6,0,4,"), read_shapes)
    assert message.startswith("table.csv:2:38: out_height = 0 is too small; leave it blank where it is not known")
    assert len([line for line in message.splitlines() if line.startswith("table.csv")]) == 1


def test_a_network_is_listed_once(refusal: Refusal) -> None:
    header = "network,index,op_kind,fused,in_elements,weight_elements,out_elements,macs\n"
    row = "{},{},pool,1,8,0,2,0\n"
    assert refusal(header + row.format("a", 0) + row.format("b", 0) + row.format("a", 1), read_shapes) == ""
    assert refusal(header + row.format("a", "") * 2, read_shapes) == ""
    message = refusal(header + row.format("a", 3) + row.format("b", 3) + row.format("a", 3) * 2, read_shapes)
    assert [line for line in message.splitlines() if line.startswith("table.csv")] == [
        f"table.csv:{line}:3: a row of network 'a' with index = 3 stands above; list a network once and number its "
        "rows in order; repeats says how often an operator occurs"
        for line in (4, 5)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b,n,5 ms,\n", "latency_seconds = '5 ms' is no number; write the number of seconds alone, e.g. 0.005"),
        ("b,n,1,2 mJ\n", "energy_joules = '2 mJ' is no number; write the number of joules alone, e.g. 0.005"),
    ],
)
def test_a_number_with_its_unit(refusal: Refusal, text: str, message: str) -> None:
    assert message in refusal(ENERGY + text, read_measured)
    width = refusal("device,network,latency_seconds,width,batch\nb,n,1,half,two\n", read_measured)
    assert "width = 'half' is no number; write a number alone, e.g. 0.5" in width
    assert "batch = 'two' is no number; write a whole number alone, or leave it blank" in width
