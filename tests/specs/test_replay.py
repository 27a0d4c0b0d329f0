"""Blocks that are expanded once and replayed make the same graphs as blocks that are expanded every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from spec_texts import build, spec, told

from costmodel import cost_table, load
from costmodel.graph import Graph
from costmodel.specs import walk
from costmodel.specs.listing import listing
from costmodel.specs.replay import Recording

HEAD = '[blocks.head]\nneeds = ["out"]\n'

TEXTS = {
    "share inside a block": (
        '  { conv2d = 8 },\n  { head = 8, repeat = 3 },',
        HEAD + 'steps = [ { conv2d = "out", kernel = 3, share = "w" }, "relu" ]',
    ),
    "share of a structure inside a block": (
        '  { conv2d = 8 },\n  { head = 8, repeat = 3 },',
        HEAD + 'steps = [ { steps = [ { conv2d = "out" }, "relu", { conv2d = "out" } ], share = "w" } ]',
    ),
    "shared blocks that hold blocks": (
        '  { conv2d = 8 },\n  { head = 8, share = "w" },\n  { head = 8, share = "w" },\n  { head = 8, repeat = 2 },',
        HEAD + 'steps = [ { inner = "out", repeat = 2 } ]\n'
        '[blocks.inner]\nneeds = ["out"]\nsteps = [ { conv2d = "out" }, { conv = "out" } ]',
    ),
    "several inputs, the same tensor twice": (
        '  { conv2d = 8, name = "a" },\n  { conv2d = 8, name = "b" },\n'
        '  { head = 8, from = ["a", "b"] },\n  { head = 8, from = ["a", -1] },\n'
        '  { head = 8, from = [-1, -1] },\n  { head = 8, from = [-1, "a"] },',
        '[blocks.head]\nneeds = ["out"]\ninputs = ["left", "right"]\n'
        'steps = [ { conv2d = "out", from = "right" }, { add = [-1, "left"] } ]',
    ),
    "several outputs": (
        '  { conv2d = 8 },\n  { head = 4 },\n  { branches = [[], []], join = "concat" },\n'
        '  { head = 4 },\n  { branches = [["relu"], []], join = "concat" },',
        HEAD + 'steps = [ { conv2d = "2*out" }, { split = 2 } ]',
    ),
    "names and references": (
        '  { conv2d = 8, name = "stem" },\n  { head = 8, name = "first" },\n  { head = 8 },\n'
        '  { head = 8 },\n  { add = [-1, -2, "first", "stem"] },',
        HEAD + 'steps = [ { conv2d = "out", name = "one" }, { conv2d = "out", kernel = 3 }, '
        '{ add = [-1, -2, "input"] }, { multiply = [-1, "one"] } ]',
    ),
    "local and shared blocks in one another": (
        "  { conv = 8, repeat = 2 },\n  { head = 8, repeat = 3 },\n  { conv = 8 },",
        HEAD + 'steps = [ { residual = [ { conv = "out", kernel = 3 } ] }, '
        '{ steps = [ { inverted_residual = "out", expansion = 2, stride = 1 } ] } ]',
    ),
    "a block that passes its input on": (
        "  { conv2d = 8 },\n  { head = 8, repeat = 3 },\n  { conv2d = 8 },\n  { head = 8 },\n  { add = [-1, -2, -3] },",
        HEAD + 'steps = [ { conv2d = "out", if = "in_channels > 8" } ]',
    ),
    "flags and numbers in lists": (
        "  { conv2d = 4 },\n  { head = [1, 0] },\n  { head = [true, false] },\n  { head = [1.0, 0] },",
        '[blocks.head]\nneeds = ["list"]\nsteps = [ { conv2d = 4, if = "list[0]" } ]',
    ),
}  # fmt: skip


def expanded_without_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "key_of", lambda block, arguments, flow: None)


@pytest.mark.parametrize("name", TEXTS)
def test_replayed_blocks_equal_expanded_ones(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = spec(*TEXTS[name])
    replayed = build(tmp_path, text)
    expanded_without_replay(monkeypatch)
    assert build(tmp_path, text) == replayed


def test_replayed_networks_equal_expanded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    names = listing()["name"]
    replayed = {name: load(name) for name in names}
    expanded_without_replay(monkeypatch)
    for name in names:
        assert load(name) == replayed[name], name


def test_blocks_are_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above compare two ways only as long as there are two."""
    calls: list[str] = []
    replay = Recording.replay

    def noted(self: Recording, prefix: str, *rest: Any) -> Any:
        calls.append(prefix)
        return replay(self, prefix, *rest)

    monkeypatch.setattr(Recording, "replay", noted)
    build(tmp_path, spec(*TEXTS["share inside a block"]))
    assert calls == ["head_2.", "head_3."]


def test_weights_shared_inside_a_block_stay_shared_when_it_is_replayed(tmp_path: Path) -> None:
    graph: Graph = build(
        tmp_path, spec("  { head = 8, repeat = 3 },", HEAD + 'steps = [ { conv2d = "out", kernel = 3, share = "w" } ]',
                       head='name = "net"\nsource = "none"\ninput = [8, 32, 32]\n'),
    )  # fmt: skip
    assert [layer.weights for layer in graph.layers] == ["w", "w", "w"]
    assert cost_table(graph).total("params") == 576


def test_true_is_not_one_in_a_list(tmp_path: Path) -> None:
    layers = "  { head = [[1, 0], 2] },\n  { head = [[true, false], 2] },"
    blocks = (
        '[blocks.head]\nneeds = ["list"]\nsteps = [ { inner = "list[0]" } ]\n'
        '[blocks.inner]\nneeds = ["list"]\nsteps = [ { conv2d = "list[0]" } ]'
    )
    (message,) = told(tmp_path, spec(layers, blocks))
    assert "gives true: it must be a whole number" in message
