"""The compressed sizes of SqueezeNet's Table 2 under a stated coding, beside the printed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel import cost_table, load
from costmodel.compression import compress
from costmodel.errors import SpecError
from costmodel.published import cells_of, find_table, regenerate
from costmodel.published.tables import bundled_table

COMPRESSED = {3: "explained", 4: "unexplained", 6: "explained", 7: "unexplained"}
"""Rows of compressed sizes that are computed, and how well they agree. None is called exact."""
TABLE = "squeezenet_table2_compression"


def test_the_sizes_stand_beside_the_printed_ones() -> None:
    cells = {cell.row: cell for cell in regenerate(TABLE) if cell.column == "compressed_size"}
    assert {row: cells[row].status for row in COMPRESSED} == COMPRESSED
    assert {cell.status for cell in cells.values()} == {"explained", "unexplained", "not_computed"}
    for row in COMPRESSED:
        settings = bundled_table(TABLE).row(row).settings
        asked = dict(settings["cells"]["compressed_size"]["compression"])
        made = compress(cost_table(load(settings["network"])), **asked)
        assert cells[row].computed == made.compressed_bytes
        assert cells[row].convention == asked["coding"]
        assert cells[row].basis == "arithmetic"


def test_a_file_may_ask_for_a_compressed_size(tmp_path: Path) -> None:
    text = (
        'title = "t"\npaper = "p"\nsource = "s"\nkind = "cost"\n[columns.size]\nkind = "cost"\nunit = "byte"\n'
        'multiplier = 1\n[[rows]]\nrow = 1\nlabel = "x"\nnetwork = "lenet_caffe"\nprinted = { size = "217570" }\n'
        'cells.size = { compression = { coding = "dense", weight_bits = 4 } }\n'
    )
    file = tmp_path / "sizes.toml"
    file.write_text(text)
    assert cells_of(find_table(str(file)))[0].status == "exact"  # 430,500 / 2 + 580 * 4
    for old, new, problem in (
        ('"dense"', '"zip"', "the cell cannot be computed: unknown coding 'zip'"),
        ("weight_bits = 4", "bits = 4", "unknown key 'bits'"),
        ("weight_bits = 4", 'weight_bits = "4"', "'weight_bits' must be a number, or numbers by patterns"),
        ("weight_bits = 4", 'weight_bits = 4, gives = "size"', "'size' is none of stored_bytes, kept, fillers"),
        ("weight_bits = 4", 'weight_bits = { "fc" = 4 }', "no layer or block with weights is called 'fc'"),
    ):
        file.write_text(text.replace(old, new))
        with pytest.raises(SpecError) as caught:
            cells_of(find_table(str(file)))
        assert problem in str(caught.value)
