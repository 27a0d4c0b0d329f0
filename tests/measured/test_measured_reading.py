"""Measured and shapes tables of users: what is read, what is refused and in which words."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import SpecError, UnknownNameError
from costmodel.measured import (
    MEASURED_COLUMNS,
    SHAPE_COLUMNS,
    SHAPES_COLUMNS,
    Measured,
    Shapes,
    read_measured,
    read_shapes,
)
from costmodel.measured import content as content_module
from costmodel.measured import rows as rows_module

HEADER = "device,network,latency_seconds\n"
SHAPES_HEADER = "network,op_kind,fused,in_elements,weight_elements,out_elements,macs\n"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], str]:
    def write(content: str | bytes) -> str:
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def refusal(path: str, read: Callable[[str], object] = read_measured) -> str:
    """The message of the refusal, with the file called table.csv."""
    with pytest.raises(SpecError) as caught:
        read(path)
    return str(caught.value).replace(path, "table.csv")


def test_the_smallest_table(file: Callable[[str | bytes], str]) -> None:
    table = read_measured(file(HEADER + "my_board,my_net,0.25\n"))
    assert table.name == "table"
    assert len(table) == 1
    assert list(table.frame.columns) == [*(column.name for column in MEASURED_COLUMNS), "line"]
    row = table.frame.iloc[0]
    assert (row["device"], row["network"], row["latency_seconds"], row["line"]) == ("my_board", "my_net", 0.25, 2)
    assert row["runtime"] == row["note"] == ""
    assert np.isnan(row["batch"])
    assert np.isnan(row["macs"])


def test_canonical_types_whatever_the_columns(file: Callable[[str | bytes], str]) -> None:
    table = read_measured(file("latency_seconds,threads,device,op_kind\n,4,a,conv\n1e-3,,b,linear\n"))
    for column in MEASURED_COLUMNS:
        kind = table.frame[column.name].dtype
        assert (kind.kind == "f") == (column.kind != "text"), column.name
    assert table.frame["latency_seconds"].tolist()[1] == 0.001
    assert np.isnan(table.frame["latency_seconds"][0])
    assert table.frame["threads"].tolist()[0] == 4


def test_columns_come_in_any_order_and_in_capitals(file: Callable[[str | bytes], str]) -> None:
    table = read_measured(file(" Latency_Seconds, NETWORK,Device\n 0.5 ,a net , board\n"))
    assert table.frame[["latency_seconds", "network", "device"]].values.tolist() == [[0.5, "a net", "board"]]


def test_quotes_line_breaks_blank_lines_and_byte_order_marks(file: Callable[[str | bytes], str]) -> None:
    text = '\ufeffdevice,network,latency_seconds,note\r\n\r\n"a, ""b""",n,1,"two\r\nlines"\r\n,,,\r\nc,n,2,\r\n'
    frame = read_measured(file(text)).frame
    assert frame["device"].tolist() == ['a, "b"', "c"]
    assert frame["note"].tolist() == ["two\nlines", ""]
    assert frame["line"].tolist() == [3, 6]


def test_compressed_or_not_is_seen_in_the_file(file: Callable[[str | bytes], str]) -> None:
    text = HEADER + "board,net,1\n"
    assert read_measured(file(gzip.compress(text.encode()))).frame.equals(read_measured(file(text)).frame)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n\n"])
def test_the_last_line_ends_in_any_way(file: Callable[[str | bytes], str], ending: str) -> None:
    assert read_measured(file(HEADER + "board,net,1" + ending)).frame["latency_seconds"].tolist() == [1.0]


def test_numbers_of_many_forms(file: Callable[[str | bytes], str]) -> None:
    words = ["1", "+1.5", ".5", "5.", "1e-3", "2E+2", " 7 "]
    frame = read_measured(file(HEADER + "".join(f"b,n,{word}\n" for word in words))).frame
    assert frame["latency_seconds"].tolist() == [1, 1.5, 0.5, 5, 0.001, 200, 7]


@pytest.mark.parametrize("word", ["true", "1_000", "0x10", "nan", "ms", "1 ms", "１", "--1", "1e", "NaN", "é"])
def test_what_is_no_number_is_refused(file: Callable[[str | bytes], str], word: str) -> None:
    assert f"table.csv:2:9: latency_seconds = {word!r} is no number" in refusal(file(HEADER + f"board,n,{word}\n"))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("latency_seconds", "-1", "latency_seconds = -1 is negative; leave it blank where it is not known"),
        ("latency_seconds", "-inf", "latency_seconds = -inf is negative; leave it blank where it is not known"),
        (
            "latency_seconds",
            "inf",
            "latency_seconds = inf is too large; write a number up to 9,007,199,254,740,992, or leave",
        ),
        (
            "latency_seconds",
            "1e999",
            "latency_seconds = inf is too large; write a number up to 9,007,199,254,740,992, or leave",
        ),
        ("latency_seconds", "0", "latency_seconds = 0 is too small; leave it blank where it is not known"),
        ("energy_joules", "0", "energy_joules = 0 is too small; leave it blank where it is not known"),
        ("batch", "0", "batch = 0 is too small; leave it blank where it is not known"),
        ("batch", "1.5", "batch = 1.5 is no whole number; it counts: images at once"),
        ("macs", "9007199254740994", "macs = 9.00719925474099e+15 is too large"),
        ("macs", "-3", "macs = -3 is negative; leave it blank where it is not known"),
        ("pad_height", "0.5", "pad_height = 0.5 is no whole number; it counts: rows of padding above and below"),
        ("op_kind", "convv", "op_kind = 'convv' is unknown; did you mean 'conv'?"),
        ("op_kind", "qqq", "op_kind = 'qqq' is unknown; kinds: conv, pointwise_conv, depthwise_conv, grouped_conv"),
        ("device", "", "device is blank; every row needs it: the device: a chip, board, phone or card"),
    ],
)
def test_values_out_of_range(file: Callable[[str | bytes], str], column: str, value: str, message: str) -> None:
    values = {"device": "board", "network": "net", "latency_seconds": "1"} | {column: value}
    text = ",".join(values) + "\n" + ",".join(values.values()) + "\n"
    place = len(",".join(list(values.values())[: list(values).index(column)])) + (2 if column != "device" else 1)
    assert refusal(file(text)).startswith(f"table.csv:2:{place}: {message}")


def test_zero_is_a_count_where_nothing_forbids_it(file: Callable[[str | bytes], str]) -> None:
    frame = read_measured(file("device,op_kind,latency_seconds,pad_width,weight_elements,macs\nb,pool,1,0,0,0\n")).frame
    assert frame[["pad_width", "weight_elements", "macs"]].values.tolist() == [[0, 0, 0]]


def test_every_mistake_is_named_with_its_place(file: Callable[[str | bytes], str]) -> None:
    text = (
        "device,netwrok,op_kind,latency_seconds,latency_seconds,,colour_of_the_case\n"
        "board,,conv,x,,,\n"
        ",,conb,-2,,,\n"
        "board,a,b\n"
        "board\n"
        "board,,conv,1,,,,8\n"
    )
    lines = [line for line in refusal(file(text)).splitlines() if line.startswith("table.csv")]
    assert lines == [
        "table.csv:1:8: column 'netwrok' is unknown; did you mean 'network'?",
        "table.csv:1:40: column latency_seconds stands twice; remove one of the two",
        "table.csv:1:56: a column has no name; name it, or remove it",
        "table.csv:1:57: column 'colour_of_the_case' is unknown; write it into note, as key=value",
        "table.csv:2:13: latency_seconds = 'x' is no number; write the number of seconds alone, e.g. 0.005",
        "table.csv:3:1: device is blank; every row needs it: the device: a chip, board, phone or card",
        "table.csv:3:3: op_kind = 'conb' is unknown; did you mean 'conv'?",
        "table.csv:3:8: latency_seconds = -2 is negative; leave it blank where it is not known",
        "table.csv:4:9: the row has 3 cells, the first line 7; leave cells blank, with their commas",
        "table.csv:5:1: the row has 1 cell, the first line 7; leave cells blank, with their commas",
        'table.csv:6:18: the row has 8 cells, the first line 7; a cell that holds a comma stands in quotes "..."',
    ]


def test_the_mistake_is_shown_under_its_line(file: Callable[[str | bytes], str]) -> None:
    assert refusal(file(HEADER + "board,net,fast\n")).splitlines()[1:] == [
        "    board,net,fast",
        "              ^",
    ]


def test_places_behind_quoted_line_breaks_and_wide_letters(file: Callable[[str | bytes], str]) -> None:
    text = 'device,network,latency_seconds\n"a\nb","é, é",x\nc,n,y\n'
    lines = [line for line in refusal(file(text)).splitlines() if line.startswith("table.csv")]
    assert lines == [
        "table.csv:3:11: latency_seconds = 'x' is no number; write the number of seconds alone, e.g. 0.005",
        "table.csv:4:5: latency_seconds = 'y' is no number; write the number of seconds alone, e.g. 0.005",
    ]


def test_missing_columns(file: Callable[[str | bytes], str]) -> None:
    message = refusal(file("network,batch\nn,1\n"))
    assert "table.csv:1:9: column device is missing; add it: the device: a chip, board, phone or card\n" in message
    assert "table.csv:1:9: column latency_seconds is missing; add it: time of the whole batch" in message


def test_a_row_that_measures_nothing(file: Callable[[str | bytes], str]) -> None:
    message = (
        "table.csv:2:7: the row names neither a network nor an op_kind; fill network, or op_kind and the operator's"
    )
    assert refusal(file(HEADER + "board,,1\n")).startswith(message)
    assert refusal(file("device,latency_seconds\nboard,1\n")).startswith(message.replace(":2:7:", ":2:1:"))


def test_twenty_mistakes_are_shown_and_the_rest_counted(file: Callable[[str | bytes], str]) -> None:
    message = refusal(file(HEADER + "b,n,x\n" * 1000 + ",n,-1\n" * 500))
    assert message.count("is no number") == 20
    assert len(message.splitlines()) == 20 * 3 + 1
    assert message.endswith("table.csv: 1,980 more mistakes are not shown; mend these first")
    header = ",".join(f"column_{number}" for number in range(500))
    message = refusal(file(f"device,network,latency_seconds,{header}\n"))
    assert message.count("is unknown") == 20
    assert "table.csv: 481 more mistakes are not shown" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "table.csv: the file is empty; the first line names the columns, e.g. device,network,latency_seconds"),
        (" \n\n", "table.csv: the file is empty; the first line names the columns"),
        (HEADER, "table.csv: the table has no rows; write one measurement or operator per line"),
        (",,,\n", "table.csv: the file is empty; the first line names the columns"),
        (
            "device;network;latency_seconds\nb;n;1\n",
            "table.csv:1:1: cells are separated by semicolons; separate them by",
        ),
        ("device\tnetwork\nb\tn\n", "table.csv:1:1: cells are separated by tabs; separate them by commas"),
        ("board,net,1\n", "table.csv:1:1: the first line names no column of such a table; begin with a line of column"),
        ("{}", "table.csv:1:1: the first line names no column of such a table"),
        (b"\x89PNG\r\n\x1a\n\x00", "table.csv:1:1: the file is not UTF-8 text; save it as UTF-8"),
        (HEADER.encode() + b"b\xff,n,1\n", "table.csv:2:1: the file is not UTF-8 text; save it as UTF-8"),
        (
            HEADER + "b\0,n,1\n",
            "table.csv:2:1: not a table of text: it holds a zero byte; write a CSV file, or one compr",
        ),
        (b"\x1f\x8b rubbish", "table.csv: the compressed file is damaged; compress it again with gzip"),
        (
            gzip.compress(b"device" * 99)[:-9],
            "table.csv: the compressed file ends too early; compress it again with gzip",
        ),
        (
            gzip.compress(b"a") * 2,
            "table.csv: something follows the compressed table; compress one table alone with gzip",
        ),
        (HEADER + 'a"b,n,1\n', "table.csv:2:2: a quote stands within a cell; put the whole cell in quotes and write"),
        (HEADER + '"a"b,n,1\n', "table.csv:2:3: a quote stands within a cell"),
        (HEADER + 'a,n,1\n"a,n,1\n', "table.csv:3:1: a quote is not closed; close it, or remove it"),
    ],
)
def test_what_is_no_table(file: Callable[[str | bytes], str], content: str | bytes, message: str) -> None:
    assert refusal(file(content)).startswith(message)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "no.csv")).endswith("table.csv: cannot be read: No such file or directory")
    assert refusal(str(tmp_path)).endswith(": cannot be read: Is a directory")
    assert refusal("a\0b").endswith(": cannot be read: not a path")


def test_sizes_are_bounded(file: Callable[[str | bytes], str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(gzip.compress(HEADER.encode() + b"board,net,1\n" * 10_000))
    monkeypatch.setattr(content_module, "MAXIMUM_BYTES", 100_000)
    assert refusal(path) == "table.csv: the table is larger than 100,000 bytes; split it into several files"
    path = file("x" * 100_001)
    assert refusal(path) == "table.csv: the file is larger than 100,000 bytes; split it into several files"
    monkeypatch.setattr(rows_module, "MAXIMUM_LINES", 3)
    assert refusal(file("\n" * 9 + "device")).startswith("table.csv:1:1: the table has more than 3 lines; split it")
    path = file(HEADER + "b" * 60_000 + ",n,1\n")
    assert refusal(path) == "table.csv:2:1: the row is longer than 50,000 bytes; end every row with a line break"
    assert refusal(file(HEADER + "b" * 60_000 + '"')).startswith("table.csv:2:1: a quote stands within a cell")


def test_a_compressed_bomb_is_stopped_early(file: Callable[[str | bytes], str]) -> None:
    bomb = gzip.compress(b"\n" * 100_000_000, 1)
    assert len(bomb) < 1_000_000
    path = file(bomb)
    tracemalloc.start()
    try:
        assert refusal(path) == "table.csv: the table is larger than 16,000,000 bytes; split it into several files"
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("line", ["b,n,x", "b,,1", ",n,-1", "b,n,1,2", "b", "b,n,1.5.2"])
def test_a_large_wrong_table_is_refused_in_bounded_time(file: Callable[[str | bytes], str], line: str) -> None:
    path = file(HEADER + f"{line}\n" * 200_000)
    started = time.process_time()
    refusal(path)
    assert time.process_time() - started < 5


def test_letters_that_move_the_cursor_are_not_printed(file: Callable[[str | bytes], str]) -> None:
    assert "\x1b" not in refusal(file(HEADER + "b,n,\x1b[2J\n"))
    assert "\x1b" not in refusal(file("device,network,latency_seconds,\x1b[2J\nb,n,1,2\n"))


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=9).map(str.strip).filter(bool)


@given(rows=st.lists(st.tuples(WORDS, WORDS, st.floats(1e-9, 1e9)), min_size=1, max_size=9), seed=st.randoms())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float]], seed: object
) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"

    def quoted(word: str) -> str:
        return '"' + word.replace('"', '""') + '"'

    path.write_text(
        HEADER + "".join(f"{quoted(a)},{quoted(b)},{c!r}\n" for a, b, c in rows), encoding="utf-8", newline=""
    )
    frame = read_measured(path).frame
    assert frame["device"].tolist() == [a for a, _, _ in rows]
    assert frame["network"].tolist() == [b for _, b, _ in rows]
    np.testing.assert_allclose(frame["latency_seconds"], [c for _, _, c in rows], rtol=1e-15)
    assert frame["line"].tolist() == list(range(2, len(rows) + 2))


def lines_or_refusal(read: Callable[[str], Measured | Shapes], path: str) -> tuple[list[int], str | None]:
    """Where the rows stand in the file, or what is wrong with it."""
    try:
        return sorted(read(path).frame["line"].tolist()), None
    except SpecError as error:
        return [], str(error)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    for start in (b"", HEADER.encode()):
        path.write_bytes(start + content)
        for read in (read_measured, read_shapes):
            lines, refusal = lines_or_refusal(read, str(path))
            assert (lines == sorted(set(lines))) if refusal is None else str(path) in refusal


def test_a_shapes_table(file: Callable[[str | bytes], str]) -> None:
    table = read_shapes(file(SHAPES_HEADER + "a,copy,0,1,2,3,4\nb,pool,0,5,0,6,0\na,norm,0,7,8,9,10\n"))
    assert list(table.frame.columns) == [*(column.name for column in SHAPES_COLUMNS), "line"]
    assert table.rows == {"a": slice(0, 2), "b": slice(2, 3)}
    assert table.frame["line"].tolist() == [2, 4, 3]
    assert table.frame["index"].tolist() == [0, 1, 0]
    assert table.frame["fused"].tolist() == [0, 0, 0]
    assert table.numbers["macs"][table.rows_of("a")].tolist() == [4, 10]
    assert table.numbers["repeats"].tolist() == [1, 1, 1]
    assert set(table.numbers) == {"repeats", *(column.name for column in SHAPE_COLUMNS)}
    assert all(values.dtype == np.float64 for values in table.numbers.values())
    assert np.isnan(table.numbers["gemm_m"]).all()
    with pytest.raises(ValueError, match="read-only"):
        table.numbers["macs"][0] = 1
    with pytest.raises(UnknownNameError, match="shapes table table has no network 'c'"):
        table.rows_of("c")


def test_repeats_and_index_are_kept(file: Callable[[str | bytes], str]) -> None:
    header = SHAPES_HEADER.strip() + ",repeats,index\n"
    table = read_shapes(file(header + "a,copy,1,1,2,3,4,5,7\na,copy,1,1,2,3,4,,\n"))
    assert table.numbers["repeats"].tolist() == [5, 1]
    assert table.frame["index"].tolist() == [7, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SHAPES_HEADER + "a,copy,2,1,2,3,4\n",
            "table.csv:2:8: fused = 2 is neither 0 nor 1; write 1 for operators as a runtime executes them, 0",
        ),
        (SHAPES_HEADER + "a,copy,,1,2,3,4\n", "table.csv:2:8: fused is blank; every row needs it: 1: the operators"),
        (
            SHAPES_HEADER + "a,copy,0,1,2,3,\n",
            "table.csv:2:16: macs is blank; every row needs it: multiply-accumulates",
        ),
        (
            SHAPES_HEADER + "a,copy,0,1,2,3,x\n",
            "table.csv:2:16: macs = 'x' is no number; write a whole number alone, or leave it blank\n"
            "    a,copy,0,1,2,3,x\n",
        ),
        (SHAPES_HEADER + ",copy,0,1,2,3,4\n", "table.csv:2:1: network is blank; every row needs it: the network"),
        (SHAPES_HEADER + "a,,0,1,2,3,4\n", "table.csv:2:3: op_kind is blank; every row needs it: the kind of the oper"),
        (
            "network,op_kind\na,conv\n",
            "table.csv:1:9: column fused is missing; add it: 1: the operators that a runtime",
        ),
        (
            SHAPES_HEADER.strip() + ",colour\na,copy,0,1,2,3,4,5\n",
            "table.csv:1:69: column 'colour' is unknown; remove it",
        ),
    ],
)
def test_shapes_that_are_wrong(file: Callable[[str | bytes], str], text: str, message: str) -> None:
    assert refusal(file(text), read_shapes).startswith(message)


def test_tables_are_compared_by_identity(file: Callable[[str | bytes], str]) -> None:
    path = file(HEADER + "b,n,1\n")
    first, second = read_measured(path), read_measured(path)
    assert first == first
    assert first != second
    assert len({first, second, first}) == 2
    assert repr(first) == "Measured('table', 1 rows)"
    shapes = read_shapes(file(SHAPES_HEADER + "a,copy,0,1,2,3,4\n"))
    assert shapes in {shapes}
    assert repr(shapes) == "Shapes('table', 1 networks, 1 rows)"
