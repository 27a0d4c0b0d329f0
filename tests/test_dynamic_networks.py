"""Networks whose layers run for a part of the inputs: their costs are expectations."""

from __future__ import annotations

import pytest

from costmodel import cost_table, load


@pytest.mark.parametrize(("network", "executed"), [("i3d_lgp_36", 27.3), ("i3d_ggp_36", 27.2)])
def test_average_number_of_layers_of_i3d(network: str, executed: float) -> None:
    """Table 1 of arXiv:2303.07624: as many of 36 layers run on average, LibriSpeech dev clean."""
    costs, all_layers = (cost_table(load(name)) for name in (network, "speech_transformer_36"))
    blocks = costs.grouped("block")
    runs = [
        run for block, run in zip(blocks["block"], blocks["runs"], strict=True) if block.startswith("encoder_layer_")
    ]
    assert len(runs) == 36
    assert sum(runs) == pytest.approx(executed)
    assert costs.total("params") == all_layers.total("params")


def test_i3d_costs_on_average_what_a_network_of_so_many_layers_costs() -> None:
    """Linear in the number of layers: 27.3 of 36 layers cost 0.3 layers more than the Transformer of 27."""
    dynamic, longer, shorter = (
        cost_table(load(name)).total("macs")
        for name in ("i3d_lgp_36", "speech_transformer_36", "speech_transformer_27")
    )
    assert dynamic == pytest.approx(shorter + 0.3 * (longer - shorter) / 9, rel=1e-12)


@pytest.mark.parametrize("stage", [2, 3, 4, 5])
def test_a_mask_that_keeps_a_tenth_of_the_tiles_leaves_a_tenth_of_the_work(stage: int) -> None:
    sparse, dense = (cost_table(load(f"sbnet_unit_{stage}{kind}")) for kind in ("", "_dense"))
    assert 10 * sparse.total("macs") == dense.total("macs")
    assert sparse.total("params") == dense.total("params")
