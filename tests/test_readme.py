"""The README says what is so: its console output, its table of columns, its list of operators."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest

from costmodel import load
from costmodel.cli import main
from costmodel.costs import COLUMNS, cost_table
from costmodel.files import names_in, read_bundled
from costmodel.operators import ACTIVATION_VERBS, OPERATORS
from costmodel.operators.base import Field

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ costmodel (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_console_output_is_what_the_command_prints(
    command: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    does_not_fit = command.startswith("fits ") and ": does not fit" in output
    assert main(shlex.split(command)) == (1 if does_not_fit else 0)
    printed = iter(capsys.readouterr().out.splitlines())
    for line in output.splitlines():
        if line and line != "...":
            assert line in printed, line  # in order: the iterator is consumed up to the line


def test_the_table_of_columns_is_the_codes_own() -> None:
    for column in COLUMNS.values():
        assert f"| {column.name} | {column.unit} | {column.meaning} |" in README


def shown_default(field: Field) -> str:
    """A default as a spec file would write it; a stride of None stands for the kernel."""
    words = {None: "kernel", (): "[]", True: "true", False: "false"}
    return (
        words.get(field.default, str(field.default))
        if not isinstance(field.default, int) or isinstance(field.default, bool)
        else str(field.default)
    )


def operator_table() -> str:
    """The README's table of operators, from the classes themselves."""
    lines = ["| operator | fields (the first is the value of the verb) | what it is |", "|---|---|---|"]
    for verb, cls in sorted(OPERATORS.items()):
        fields = sorted(cls.fields, key=lambda field: field.name != cls.main)
        shown = [field.name if field.required else f"{field.name} = {shown_default(field)}" for field in fields]
        main_first = ", ".join(shown) if cls.main else (f"-; {', '.join(shown)}" if shown else "-")
        if cls.arity != (1, 1):
            main_first = "inputs" + (f"; {', '.join(shown)}" if shown else "")
        summary = (cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| `{verb}` | {main_first} | {re.sub(r' +', ' ', summary).replace('|', chr(92) + '|')} |")
    lines.append("")
    lines.append(
        "Activations that are verbs of their own: " + ", ".join(f"`{name}`" for name in ACTIVATION_VERBS) + "."
    )
    return "\n".join(lines)


def test_the_list_of_operators_is_the_codes_own() -> None:
    assert operator_table() in README


def test_the_block_in_the_readme_works(tmp_path: Path) -> None:
    """Two uses: 32x32x3 to 16 channels at stride 2, then again; counted by hand."""
    (block,) = re.findall(r"```toml\n(\[blocks\.gated\].*?)```", README, re.DOTALL)
    spec = tmp_path / "net.toml"
    head = 'name = "net"\nsource = "README"\ninput = [3, 32, 32]\n'
    layers = "layers = [ { gated = 16, stride = 2 }, { gated = 16 } ]\n"
    spec.write_text(head + layers + block)
    costs = cost_table(load(spec))
    first = 16 * 16 * (9 * 3 * 16 + 25 * 16 + 16 * 16) + 2 * 16 * 8
    second = 16 * 16 * (9 * 16 * 16 + 16 * 16) + 2 * 16 * 8
    assert costs.grouped("block")["macs"] == [first, second]


def test_the_spec_in_the_readme_is_the_bundled_one() -> None:
    spec = (ROOT / "specs" / "mobilenet_v2.toml").read_text()
    assert f"```toml\n{spec}```" in README


def block_table() -> str:
    """specs/README's table of shared blocks, from the files: parameters with their defaults, the opening comment."""
    lines = ["| block | parameters (the first is the value of the block's name) | what it is |", "|---|---|---|"]
    for name in names_in("specs/blocks"):
        document = read_bundled("specs/blocks", name)
        needs, defaults = document.data.get("needs", []), document.data.get("defaults", {})
        shown = [*needs, *(f"{key} = {json.dumps(value)}" for key, value in defaults.items())]
        inputs = document.data.get("inputs")
        given = ", ".join(shown) + (f"; inputs {', '.join(inputs)}" if inputs else "")
        comment = " ".join(
            line.lstrip("# ") for line in itertools.takewhile(lambda each: each[:1] == "#", document.lines)
        )
        lines.append(f"| `{name}` | {given.replace('|', chr(92) + '|')} | {comment} |")
    return "\n".join(lines)


def test_the_list_of_shared_blocks_is_that_of_the_files() -> None:
    assert block_table() in (ROOT / "specs" / "README.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"^\[blocks\.(\w+)\]", README, re.MULTILINE))
def test_the_blocks_shown_can_be_used(block: str, tmp_path: Path) -> None:
    body = next(text for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if f"[blocks.{block}]" in text)
    path = tmp_path / "net.toml"
    path.write_text(
        f'name = "net"\nsource = "none"\ninput = [8, 32, 32]\nlayers = [ {{ {block} = 16, stride = 2, repeat = 3 }} ]\n'
        f'[variants]\nnet_plain = {{ passes = ["reparameterize"] }}\n{body}'
    )
    costs = cost_table(load(path))
    assert costs.shapes[costs.graph.outputs[0]].sizes == (16, 16, 16)
    if block == "repvgg":
        plain = load(f"{path}:net_plain")
        assert [layer.operator.verb for layer in plain.layers] == ["conv2d", "activation"] * 3
