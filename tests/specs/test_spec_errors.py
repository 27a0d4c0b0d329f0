"""Every mistake a person can make in a spec file is answered with its place and what to write instead, all at once."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from spec_texts import HEAD, build, first_line, mistakes, spec, told

from costmodel import load
from costmodel.errors import ParameterError, Problem, SpecError, UnknownNameError

TABLE = Path(__file__).with_name("mistakes.txt")


def cases() -> list[Any]:
    """Name, layers, rest and the messages of each case in mistakes.txt."""
    found = []
    for part in TABLE.read_text(encoding="utf-8").split("\n=== ")[1:]:
        name, body = part.split("\n", 1)
        layers, messages = body.split("\n--- told\n")
        layers, _, rest = layers.partition("\n--- rest\n")
        found.append(pytest.param(layers, rest, messages.strip().split("\n"), id=name))
    return found


@pytest.mark.parametrize(("layers", "rest", "messages"), cases())
def test_mistake_is_told(tmp_path: Path, layers: str, rest: str, messages: list[str]) -> None:
    problems = mistakes(tmp_path, spec(layers, rest))
    assert [first_line(problem) for problem in problems] == messages
    lines = spec(layers, rest).split("\n")
    for problem in problems:
        assert problem.file == str(tmp_path / "net.toml")
        assert problem.excerpt == lines[problem.line - 1]
        assert 1 <= problem.column <= len(problem.excerpt) + 1


def test_text_shows_the_line_and_a_caret(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        build(tmp_path, spec("  { conv2d = 8, strides = 2 },"))
    assert str(caught.value) == (
        f"{tmp_path}/net.toml:5:17: unknown field 'strides' for conv2d; did you mean 'stride'?\n"
        "      { conv2d = 8, strides = 2 },\n"
        "                    ^"
    )
    assert (caught.value.line, caught.value.column, caught.value.field) == (5, 17, "strides")
    assert caught.value.problem == "unknown field 'strides' for conv2d"
    assert caught.value.remedy == "did you mean 'stride'?"


def test_errors_can_be_pickled(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        build(tmp_path, spec("  { conv2d = 0 },"))
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_text_and_shape_mistakes_are_told_together(tmp_path: Path) -> None:
    layers = (
        "  { conv2d = 64, kernel = 3, stride = 2 },\n"
        "  { conv2d = 64, groups = 3 },\n"
        "  { con2vd = 32 },\n"
        "  { conv2d = 64, strides = 2 },\n"
        '  { conv2d = "64*widht", kernel = 3 },\n'
        '  { max_pool2d = 50, padding = "valid" },\n'
        "  { conv2d = 64, groups = 7 },\n"
        "  { residual = [ { conv2d = 8 } ] },\n"
        "  { linear = 10 },"
    )
    assert told(tmp_path, spec(layers, "[parameters]\nwidth = 1\nunused = 2")) == [
        "6:27: groups = 3 must divide in_channels = 64 and out_channels = 64",
        "7:5: unknown operator or block 'con2vd'; did you mean 'conv2d'?",
        "8:18: unknown field 'strides' for conv2d; did you mean 'stride'?",
        "9:14: unknown name 'widht' in '64*widht'; did you mean 'width'?",
        "10:3: the result would be 0 high: the input of this step is 8x8, the window spans 50x50; "
        "use a smaller kernel, padding, a larger input, or fewer strides above",
        "11:27: groups = 7 must divide in_channels = ? and out_channels = 64",
        "17:1: parameter 'unused' is not used; remove it",
    ]


def test_one_mistake_has_no_echo(tmp_path: Path) -> None:
    """What follows from a mistake is not reported again."""
    layers = (
        '  { split = "parst", name = "s" },\n'
        '  { conv2d = 8, from = "s.1" },\n'
        '  { branches = [ [], [ "relu" ] ], join = "add" },\n'
        '  "tokens",\n'
        "  { heads = 2 },"
    )
    assert told(tmp_path, spec(layers)) == [
        "5:13: unknown name 'parst'; names here: in_channels, in_height, in_tokens, in_width"
    ]
    assert told(tmp_path, spec('  "toknes",\n  { linear = 8 },\n  { heads = 2 },\n  "merge_heads",')) == [
        "5:3: unknown operator or block 'toknes'; did you mean 'tokens'?"
    ]


def test_same_mistake_in_every_repetition_is_told_once(tmp_path: Path) -> None:
    layers = "  { conv2d = 8, groups = 3, repeat = 5 },\n  { unit = 9, repeat = 3 },"
    blocks = '[blocks.unit]\nneeds = ["out"]\nsteps = [ { conv2d = "out", groups = 2, stride = 2 } ]'
    assert [line.split(":")[0] for line in told(tmp_path, spec(layers, blocks))] == ["5", "10"]


def test_mistake_in_a_shared_block_stands_at_the_users_line(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, spec('  "relu",\n  { conv = 8, kernel = 3, groups = 3 },'))
    assert (problem.line, problem.column, problem.field) == (6, 36, "groups")
    assert problem.inside.startswith("specs/blocks/conv.toml:5: { conv2d = ")
    assert "\n  inside specs/blocks/conv.toml:5" in str(problem)


def test_mistake_in_a_local_block_names_the_steps_that_led_there(tmp_path: Path) -> None:
    blocks = (
        '[blocks.outer]\nneeds = ["out"]\nsteps = [ { unit = "out" } ]\n'
        '[blocks.unit]\nneeds = ["out"]\nsteps = [ { conv2d = "out", groups = 3 } ]'
    )
    (problem,) = mistakes(tmp_path, spec("  { outer = 8 },", blocks))
    assert problem.line == 12
    path = tmp_path / "net.toml"
    assert problem.used_at == (f'{path}:9: steps = [ {{ unit = "out" }} ]', f"{path}:5: {{ outer = 8 }},")


def test_repeats_that_explode_together_are_all_named(tmp_path: Path) -> None:
    blocks = "\n".join(
        f'[blocks.{name}]\nneeds = ["out"]\nsteps = [ {{ {inner} = "out", repeat = 100 }} ]'
        for name, inner in (("a", "b"), ("b", "c"), ("c", "conv2d"))
    )
    (problem,) = mistakes(tmp_path, spec("  { a = 8, repeat = 100 },", blocks))
    assert first_line(problem).startswith("12:33: the network would have more than 20,000 layers")
    assert [place.split(": ")[0].rsplit(":", 1)[1] for place in problem.used_at] == ["9", "5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: the file has no name; add name = \"...\""),
        ('name = "net"\nname = "x"', "2:1: 'name' stands twice in the file; remove one; the first is on line 1"),
        (spec('  "relu",', "[parameters]\na = 1\na = 2"),
         "9:1: 'parameters.a' stands twice in the file; remove one; the first is on line 8"),
        (spec('  "relu",', "[parameters]\n[parameters]"),
         "8:1: 'parameters' stands twice in the file; remove one; the first is on line 7"),
        (spec("  { conv2d = 8, kernel = 3, kernel = 5 },"),
         "5:39: not valid TOML: Duplicate inline table key 'kernel'; remove one of the two"),
        (spec("  { conv2d = 8,\n    kernel = 3 },"),
         "5:16: not valid TOML: Invalid initial character for a key part; "
         "an inline table { } ends on its line; break lines inside [ ] only"),
        (spec("  { activation = relu },"), "5:18: not valid TOML: Invalid value; put words and expressions in quotes"),
        (spec("  { conv2d = 8 kernel = 3 },"),
         "5:16: not valid TOML: Unclosed inline table; "
         "put words and expressions in quotes, a comma between fields; { } ends on its line"),
        (HEAD + "layers = [\n", "4:11: not valid TOML: Invalid value, the file ends here; "
                                "a bracket or a quote is not closed"),
        (HEAD.replace('"net"', '"../x"') + 'layers = [ "relu" ]',
         "1:8: name = '../x' must be lower-case letters, digits and underscores; use the name of the file"),
        (HEAD + "layers = 3", "4:10: 3 is not a list of steps; write [ { conv2d = 64 }, ... ]"),
        (HEAD + "layers = []", "4:10: the network has no layers; add steps"),
        (HEAD, "1:1: the file has no layers; add layers = [ ... ]"),
        (HEAD.replace("[3, 32, 32]", "[3, 1, 2, 4]") + 'layers = [ "relu" ]',
         "3:9: input = [3, 1, 2, 4] is not a shape; write input = [3, \"resolution\", \"resolution\"] "
         "(channels, height, width), [49, 10] (steps, features) or [640] (features)"),
        (HEAD.replace("[3, 32, 32]", "[3, 0, 32]") + 'layers = [ "relu" ]', "3:13: input = 0: it must be at least 1"),
        (HEAD.replace("32]", '"r"]') + 'layers = [ "relu" ]', "3:17: unknown name 'r'; names here: none"),
        (HEAD + 'lyaers = []\nlayers = [ "relu" ]', "4:1: unknown key 'lyaers' in a spec file; did you mean 'layers'?"),
        (HEAD + 'outputs = ["score"]\nlayers = [ { relu = true, name = "scores" } ]',
         "4:12: no step is called 'score'; did you mean 'scores'?"),
        (HEAD + 'outputs = ["a"]\nlayers = [ "relu", { relu = true, name = "a", if = "1 > 2" } ]',
         "4:12: the output 'a' was not executed: its `if` does not hold, or its repeat is 0; remove it from outputs"),
        (HEAD + "outputs = 3\nlayers = [ \"relu\" ]",
         '4:11: outputs = 3 must be a list of names of steps; write outputs = ["scores"]'),
        (HEAD + "blocks = 3\nlayers = [ \"relu\" ]", "4:10: blocks must be a table; write [blocks]"),
    ],
)  # fmt: skip
def test_mistakes_of_the_file_itself(tmp_path: Path, text: str, message: str) -> None:
    assert told(tmp_path, text)[0] == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'name = "\xff"', ":1:1: the file is not UTF-8 text; save it as UTF-8"),
        (b"a" * 200_001, ": the file is larger than 200,000 bytes; use repeat and blocks"),
        (b"a = " + b"9" * 5000, ": a number has too many digits"),
        (b"a = " + b"[" * 2000, ": brackets are nested too deeply; use blocks"),
        (b"a = " + b"{a=" * 500, ": brackets are nested too deeply; use blocks"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert str(caught.value).split("\n")[0] == f"{path}{message}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no.toml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(SpecError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"
    with pytest.raises(SpecError, match="cannot be read: not a path"):
        load("a\0b.toml")


PARAMETERS = """[parameters]
c    = { default = 8, min = 1, max = 10 }
n    = [1, 2]
unit = { default = "basic", choices = ["basic", "wide"] }
flag = true
k    = { default = 3, choices = [3, 5] }
least = { default = 1, min = 1 }
[blocks.basic]
needs = ["o"]
steps = [ { conv2d = "o*n[0]", kernel = "k", bias = "flag" } ]
[blocks.wide]
needs = ["o"]
steps = [ { conv2d = "o*n[1]*least" } ]
"""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"c": 11}, "c = 11 is outside 1 .. 10 ({path}:8)"),
        ({"c": float("nan")}, "c = nan is outside 1 .. 10 ({path}:8)"),
        ({"c": 10**30}, "c = 1000000000000000000000000000000 is outside 1 .. 10 ({path}:8)"),
        ({"c": "8"}, "c = '8' must be a number ({path}:8)"),
        ({"c": True}, "c = true must be a number ({path}:8)"),
        ({"c": None}, "c = None must be a number ({path}:8)"),
        ({"c": [8]}, "c = [8] must be a number ({path}:8)"),
        ({"n": 3}, "n = 3 must be a list of numbers ({path}:9)"),
        ({"n": [1, "a"]}, "n = [1, 'a']: 'a' is not a number ({path}:9)"),
        ({"n": []}, "n = [] has 0 elements: it may have 1 to 1000 ({path}:9)"),
        ({"unit": "wdie"}, "unit = 'wdie' is not one of basic, wide; did you mean 'wide'? ({path}:10)"),
        ({"unit": None}, "unit = None is not one of basic, wide ({path}:10)"),
        ({"flag": 1}, "flag = 1 must be true or false ({path}:11)"),
        ({"k": 4}, "k = 4 is not one of 3, 5 ({path}:12)"),
        ({"k": None}, "k = None is not one of 3, 5 ({path}:12)"),
        ({"least": 0}, "least = 0 must be at least 1 ({path}:13)"),
        ({"cc": 3}, "unknown parameter 'cc'; did you mean 'c'?"),
        ({"zzz": 3}, "unknown parameter 'zzz'; net has: c, n, unit, flag, k, least"),
        ({"c": 11, "k": 4}, "c = 11 is outside 1 .. 10 ({path}:8)\nk = 4 is not one of 3, 5 ({path}:12)"),
    ],
)
def test_parameter_values(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        build(tmp_path, spec('  { unit = "c" },', PARAMETERS), **given)
    assert str(caught.value) == message.format(path=tmp_path / "net.toml")


def test_fraction_that_only_some_values_give(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, spec('  { conv2d = "8*w" },', "[parameters]\nw = 1.0"), w=0.3)
    assert first_line(problem) == (
        "5:14: out_channels = '8*w' gives 2.4: a size must be whole; "
        "round it with floor, ceil, round_to or make_divisible"
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("mobilnet_v2", "unknown network 'mobilnet_v2'; did you mean 'mobilenet_v2'?"),
        ("", "unknown network ''; `costmodel networks` lists them"),
        (3, "3 is not the name of a network or the path of a spec file"),
        (None, "None is not the name of a network or the path of a spec file"),
    ],
)
def test_network_names(network: Any, message: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load(network)
    assert str(caught.value) == message


def test_long_variant_names_are_not_cut() -> None:
    with pytest.raises(UnknownNameError):
        load("mobilenet_v2_" + "1" * 500 + "_224")


def test_variant_of_a_file_that_it_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"net\.toml has no variant 'net_x'; it has: other"):
        build(tmp_path, spec('  "relu",', "[variants]\nother = {}"), variant="net_x")


def test_long_lines_are_cut_around_the_caret() -> None:
    problem = Problem("f", 1, 301, "", "wrong", excerpt="a" * 300 + "b" + "c" * 300)
    _, text, caret = str(problem).split("\n")
    assert text[caret.index("^")] == "b"
    assert len(text) == 164


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in str(Problem("f", 1, 1, "", "wrong", excerpt="a\x1b[31m"))
