"""Files made to hurt: each is refused with an error of ours, in bounded time and memory. Mutations of good files."""

from __future__ import annotations

import random
import re
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_texts import HEAD, spec

from costmodel import load
from costmodel.errors import CostmodelError
from costmodel.files import DATA_FOLDER, Document, parse
from costmodel.specs.catalogue import families, program_of
from costmodel.specs.expansion import expand

SECONDS = 3.0


def chain(body: str, length: int, last: str) -> str:
    """Blocks b1 .. bN, each with `body` around the next."""
    blocks = [
        f'[blocks.b{at}]\nneeds = ["o"]\nsteps = [ {body.replace("NEXT", f"b{at + 1}")} ]' for at in range(1, length)
    ]
    return "\n".join([*blocks, f'[blocks.b{length}]\nneeds = ["o"]\nsteps = [ {last} ]'])


def deep(opening: str, inner: str, closing: str, depth: int) -> str:
    """`inner` inside so many brackets."""
    return opening * depth + inner + closing * depth


LISTS = deep("[", "", "]", 200)
CASES: dict[str, str] = {
    "one huge repeat": spec("  { conv2d = 8, repeat = 1000000000 },"),
    "a repeat beyond 64 bits": spec("  { conv2d = 8, repeat = 99999999999999999999999999 },"),
    "infinite repeat": spec("  { conv2d = 8, repeat = inf },"),
    "huge repeat of nothing": spec('  { pass = true, repeat = 1000000000 },\n  "relu",'),
    "huge repeat of an empty list": spec('  { steps = [], repeat = 1000000000 },\n  "relu",'),
    "huge repeat of a skipped step": spec('  { steps = [ { relu = true, if = "1 > 2" } ], repeat = 1000000000 },'),
    "four nested repeats": spec(
        "{ steps = [ { steps = [ { steps = [ { conv2d = 8, repeat = 100 } ], repeat = 100 } ], repeat = 100 } ], "
        "repeat = 100 }"
    ),
    "four nested repeats of blocks": spec(
        "  { b1 = 8, repeat = 100 },", chain('{ NEXT = "o", repeat = 100 }', 4, '{ conv = "o" }')
    ),
    "many repeats in a row": spec("  { relu = true, repeat = 20000 },\n" * 20),
    "blocks that double": spec("  { b1 = 8 },", chain('{ NEXT = "o" }, { NEXT = "o" }', 30, '{ conv2d = "o" }')),
    "blocks that double and do nothing": spec(
        "  { b1 = 8 },", chain('{ NEXT = "o" }, { NEXT = "o" }', 30, '{ conv2d = "o", if = "o > 100" }')
    ),
    "a chain of 300 blocks": spec("  { b1 = 8 },", chain('{ NEXT = "o" }', 300, '{ conv2d = "o" }')),
    "blocks in nested lists": spec(
        "  { b1 = 8 },", chain(deep("{ steps = [", '{ NEXT = "o" }', "] }", 38), 39, '{ conv2d = "o" }')
    ),
    "lists read twice at every level": spec(
        deep("{ residual = [", '"relu"', '], repeat = 2, first = { projection = "drop" } }', 35)
    ),
    "nested lists": spec(deep("{ steps = [", '"relu"', "] }", 100)),
    "2000 brackets": "a = " + deep("[", "", "]", 2000),
    "2000 open brackets": "a = " + "[" * 2000,
    "500 inline tables": "a = " + deep("{a=", "1", "}", 500),
    "brackets below the parser's limit": spec('"relu"', f"[parameters]\na = {deep('[', '', ']', 450)}"),
    "brackets everywhere": spec(
        "{conv2d=X,kernel=X,padding=X,bias=X,name=X,from=X,if=X,repeat=X,share=X},{activation=X},{reshape=X,axes=X},"
        "{columns=X,rows=X},{residual=X,projection=X},{branches=X,join=X,for=X,in=X,feed=X},"
        "{conv2d=3,repeat=2,first=X}".replace("X", LISTS),
        f"[parameters]\na={LISTS}\n[where]\nb={LISTS}\n[variants]\nc={LISTS}\n[tables]\nd={LISTS}\n"
        f"[blocks]\ne={LISTS}\n[blocks.f]\nneeds={LISTS}\ndefaults={LISTS}\nsteps={LISTS}\ninputs={LISTS}",
    ),
    "5000 digits": spec("  { conv2d = " + "9" * 5000 + " },"),
    "4000 digits": spec("  { conv2d = " + "9" * 4000 + ", repeat = " + "9" * 4000 + " },"),
    "hexadecimal digits": spec("  { conv2d = 0x" + "f" * 20000 + " },"),
    "null byte": spec('  "relu\0",'),
    "empty": "",
    "a large file of steps": spec('"relu",' * 28_000),
    "a large file of mistakes": spec("{zzqqzz=1}," * 17_000),
    "a large file of unknown names": spec('{conv2d="zzqqzz"},' * 10_000),
    "a large file of parameters": spec('"relu"', "[parameters]\n" + "".join(f"p{at} = 1\n" for at in range(16_000))),
    "a large file of rows": spec(
        '{conv2d=true,columns=["out_channels","x"],rows=[' + "[1,2]," * 32_000 + "]},"
    ),
    "one long list": spec("{reshape=[" + "1," * 95_000 + "]},"),
    "many choices": spec(
        '{unit=true},' * 1000, "[parameters]\nunit = { default = \"relu\", choices = [" + '"relu",' * 20_000 + "] }"
    ),
    "many choices of blocks": spec(
        "{unit=8}," * 5_000,
        "[parameters]\nunit = { default = \"b1\", choices = [" + ",".join(f'"b{at}"' for at in range(1, 100)) + "] }\n"
        + "\n".join(f'[blocks.b{at}]\nneeds=["o"]\nsteps=[{{conv2d="o"}}]' for at in range(1, 100)),
    ),
    "many tables": spec(
        '{conv2d=true,columns=["out_channels"],rows="m"},' * 2000,
        '[parameters]\nm = { default = "a", choices = ["a"] }\n[tables]\na = [' + "[1]," * 2000 + "]",
    ),
    "a word times a number": spec(
        '  { conv2d = "unit*4000000000" },\n  { unit = true },',
        '[parameters]\nunit = { default = "relu", choices = ["relu", "gelu"] }',
    ),
    "a list times a number": spec('  { conv2d = "n*4000000000" },', "[parameters]\nn = [1, 2]"),
    "a word that formats": spec(
        '  { conv2d = "w % 1" },', '[parameters]\nw = { default = "%999999999d", choices = ["%999999999d"] }'
    ),
    "sizes that multiply": spec(
        "  { conv2d = 2000000000 },\n  { resize = 2000000000 },\n  \"flatten\",\n  { linear = 2000000000 },"
    ),
    "a split into many parts": spec("  { split = 2000000000, remainder = \"first\" },"),
    "a long name": spec('  { relu = true, name = "' + "a" * 100_000 + '" },'),
    "long strings": spec('  { conv2d = "' + "(" * 100_000 + '" },\n  "' + "z" * 100_000 + '",'),
    "long keys": spec("  { " + "z" * 100_000 + " = 1 },"),
    "pattern with many holes": spec(
        '  { conv2d = "c" },', '[parameters]\nc = 1\n[variants]\n"' + "{c}" * 3000 + '" = {}'
    ),
    "terminal escapes": spec('  { "\\u001b[31m" = 1 },'),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_hostile_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.toml"
    path.write_text(CASES[name], encoding="utf-8")
    started = time.process_time()
    with pytest.raises(CostmodelError) as caught:
        load(path)
    assert time.process_time() - started < SECONDS
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 100_000


def test_memory_of_the_worst_cases(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    for name in ("one huge repeat", "a list times a number", "a word that formats", "a split into many parts"):
        path.write_text(CASES[name], encoding="utf-8")
        tracemalloc.start()
        with pytest.raises(CostmodelError):
            load(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 50_000_000


def test_a_skipped_step_may_repeat_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(spec('  { conv2d = 8, repeat = 1000000000, if = "1 > 2" },\n  "relu",'), encoding="utf-8")
    assert len(load(path).layers) == 1


def test_a_large_network_is_still_allowed(tmp_path: Path) -> None:
    """ResNet-1202, the largest that was published, has 4,209 layers."""
    path = tmp_path / "net.toml"
    path.write_text(spec("  { residual = [ { conv = 3 } ], repeat = 2000 },"), encoding="utf-8")
    assert len(load(path).layers) == 8_000


@pytest.mark.parametrize("name", ["../x", "a/b", "A", "", "x" * 200, "é", "a.b"])
def test_names_that_are_no_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.toml"
    path.write_text(HEAD.replace('"net"', f'"{name}"') + 'layers = [ "relu" ]', encoding="utf-8")
    with pytest.raises(CostmodelError, match=r":1:8: name = "):
        load(path)


# ---- mutations of good files

TEXTS = {name: Path(DATA_FOLDER, "specs", f"{name}.toml").read_text(encoding="utf-8") for name in families()}
TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)
WORDS = sorted({token for text in TEXTS.values() for token in TOKEN.findall(text) if not token.isspace()})
ODD = ["0", "-1", "1.5", "true", "[]", "{}", '""', "inf", "nan", "'", '"', "[", "]", "{", "}", ",", "=", "\n", "#",
       "99999999999", '"in_channels"', '"-"', '"input"', "[[1]]", '"n[9]"', '"1/0"']  # fmt: skip


def assert_answered(text: str) -> None:
    """Read and expand a text: it is a network, or an error of ours."""
    started = time.process_time()
    with suppress(CostmodelError):
        expand(program_of(Document("net.toml", text, parse(text, "net.toml"), bundled=False)), {})
    assert time.process_time() - started < SECONDS


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 2**32), st.integers(1, 4))
def test_mutated_tokens(name: str, seed: int, count: int) -> None:
    chance = random.Random(seed)
    tokens = TOKEN.findall(TEXTS[name])
    for _ in range(count):
        at = chance.randrange(len(tokens))
        match chance.randrange(4):
            case 0:
                del tokens[at]
            case 1:
                tokens[at] = chance.choice(WORDS)
            case 2:
                tokens.insert(at, chance.choice(WORDS + ODD))
            case _:
                tokens[at] = chance.choice(ODD)
    assert_answered("".join(tokens))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 2**32))
def test_mutated_values(name: str, seed: int) -> None:
    """Numbers and quoted words are exchanged, so that the text stays valid TOML and the later checks are reached."""
    chance = random.Random(seed)
    pieces = re.split(r'("[^"\n]*"|\b\d+(?:\.\d+)?\b)', TEXTS[name])
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(pieces) // 2) * 2 + 1
        pieces[at] = chance.choice([chance.choice(pieces[1::2]), *ODD[:7], '"in_channels"', '"-"', "[1, 2]", "[[1]]"])
    assert_answered("".join(pieces))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 10_000), st.text(max_size=3), st.integers(0, 3))
def test_mutated_characters(name: str, at: int, inserted: str, deleted: int) -> None:
    text = TEXTS[name]
    at %= len(text)
    assert_answered(text[:at] + inserted + text[at + deleted :])
