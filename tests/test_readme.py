"""The README says what is so: its console output, its table of columns, its list of operators."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from costmodel import load
from costmodel.cli import main
from costmodel.costs import COLUMNS, cost_table
from costmodel.operators import ACTIVATION_VERBS, OPERATORS
from costmodel.operators.base import Field

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ costmodel (.*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_console_output_is_what_the_command_prints(
    command: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(command)) == 0
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
