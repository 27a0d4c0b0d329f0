"""Blocks: named lists of steps with parameters, from the file itself or shared in specs/blocks."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from costmodel.expressions import FUNCTIONS
from costmodel.files import names_in, read_bundled
from costmodel.operators import ACTIVATION_VERBS, OPERATORS
from costmodel.positions import KeyPath
from costmodel.specs.names import Names, mentioned
from costmodel.specs.steps import (
    STRUCTURES,
    Argument,
    Block,
    BlockCall,
    BlockParameter,
    Branches,
    Call,
    Group,
    Residual,
    RowsByWord,
    StepList,
)  # fmt: skip
from costmodel.specs.values import FLOW_NAMES, RESERVED_WORDS, fixed, read_free, shown, unknown

if TYPE_CHECKING:
    from costmodel.specs.reader import StepReader

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
PLAIN_NAME = "must be lower-case letters, digits and underscores"
MAXIMUM_NESTING = 40
SHARED_BLOCKS = "specs/blocks"

_shared: dict[str, Block] = {}


def is_name(raw: object) -> bool:
    """Whether a value is a plain name of acceptable length."""
    return isinstance(raw, str) and len(raw) <= 100 and NAME.match(raw) is not None


def find_block(reader: StepReader, name: str) -> Block | None:
    """The block of that name: the file's own, else a shared one."""
    if name in reader.blocks:
        reader.called.add(name)
        return reader.blocks[name]
    if name in _shared:
        return _shared[name]
    return _read_shared(reader, name) if name in names_in(SHARED_BLOCKS) else None


def _read_shared(reader: StepReader, name: str) -> Block:
    document = read_bundled(SHARED_BLOCKS, name)
    own = type(reader)(document, reader.problems, {})
    block = signature(own, name, document.data, (), local=False)
    _shared[name] = block
    read_body(own, block, document.data, Names((), {}, ()))
    return block


def signature(reader: StepReader, name: str, table: Any, path: KeyPath, local: bool) -> Block:
    """Name, inputs and parameters of a block, so that steps above its definition can call it."""
    if not isinstance(table, dict):
        reader.report(path, f"block {name!r} must be a table", f"write [blocks.{name}] with steps = [...]", True)
        table = {"steps": []}
    reader.check_keys(table, path, ("needs", "defaults", "inputs", "steps"), f"block {name!r}")
    if local and (name in OPERATORS or name in ACTIVATION_VERBS or name in STRUCTURES):
        reader.report(path, f"a block cannot be called {name!r}: that is an operator", "give it another name", True)
    elif local and not is_name(name):
        reader.report(path, f"the block name {name!r} {PLAIN_NAME}", "rename the block", True)
    parameters: dict[str, BlockParameter] = {}
    needs = names_list(reader, table, "needs", path)
    for index, parameter in enumerate(needs):
        check_parameter_name(reader, parameter, (*path, "needs", index), ())
        parameters[parameter] = BlockParameter(parameter, None, ())
    defaults = table.get("defaults", {})
    if not isinstance(defaults, dict):
        reader.report((*path, "defaults"), "defaults must be a table", "write defaults = { stride = 1 }")
        defaults = {}
    for parameter, raw in defaults.items():
        place = (*path, "defaults", parameter)
        check_parameter_name(reader, parameter, place, parameters)
        choices: tuple[str, ...] = ()
        if isinstance(raw, dict):
            reader.check_keys(raw, place, ("default", "choices"), f"parameter {parameter!r}")
            choices = tuple(names_list(reader, raw, "choices", place))
            if "default" not in raw:
                remedy = 'write { default = "fit", choices = ["fit", "pass"] }'
                reader.report(place, f"parameter {parameter!r} has no default", remedy)
            raw = raw.get("default", 1)
        parameters[parameter] = BlockParameter(parameter, Argument(parameter, fixed(raw), place), choices)
    inputs = names_list(reader, table, "inputs", path)
    return Block(name, reader.document, path, local, tuple(inputs), tuple(needs), parameters)


def names_list(reader: StepReader, table: dict[str, Any], key: str, path: KeyPath) -> list[str]:
    """A list of names below a key, or nothing and a mistake."""
    names = table.get(key, [])
    if not isinstance(names, list):
        reader.report((*path, key), f"{key} = {shown(names)} must be a list of names", f'write {key} = ["out"]')
        return []
    good: list[str] = []
    for index, name in enumerate(names):
        if not is_name(name):
            reader.report((*path, key, index), f"{shown(name)} in {key} {PLAIN_NAME}", f'write {key} = ["out"]')
        elif name in good:
            reader.report((*path, key, index), f"{name!r} stands twice in {key}", "remove one")
        else:
            good.append(name)
    return good


def check_parameter_name(
    reader: StepReader, name: str, path: KeyPath, taken: Collection[str], reserved: Collection[str] = ()
) -> None:
    """A parameter's name must be a plain name, not a word, a flow name, reserved, or taken."""
    if not is_name(name):
        reader.report(path, f"the parameter name {name!r} {PLAIN_NAME}", "rename the parameter", True)
    elif name in {*RESERVED_WORDS, *FLOW_NAMES, *FUNCTIONS, *reserved, "input"} or keyword.iskeyword(name):
        problem = f"a parameter cannot be called {name!r}: that word has a meaning of its own"
        reader.report(path, problem, "rename the parameter", True)
    elif name in taken:
        reader.report(path, f"parameter {name!r} is declared twice", "remove one", True)


def read_body(reader: StepReader, block: Block, table: Any, outer: Names) -> None:
    """Read a block's defaults and steps."""
    table = table if isinstance(table, dict) else {"steps": []}
    names = outer.below() if block.local else Names((), {}, ())
    names.values |= set(FLOW_NAMES) | set(block.required)
    for name in block.parameters:
        names.choices.pop(name, None)
    names.labels = {"input", *block.inputs}
    defaults = table.get("defaults")
    own_use, reader.used = reader.used, set()
    before = len(reader.problems)
    for name, parameter in block.parameters.items():
        if parameter.choices:
            names.choices[name] = parameter.choices
        if parameter.default is not None:
            raw = parameter.default.value.compute({})
            value = reader.value(parameter.default.path, read_free, raw, names.values, parameter.choices)
            default = Argument(name, unknown() if value is None else value, parameter.default.path)
            block.parameters[name] = BlockParameter(name, default, parameter.choices)
            names.values.add(name)
    if "steps" not in table:
        reader.report(block.path, f"block {block.name!r} has no steps", "add steps = [...]", True)
    block.body = reader.steps(table.get("steps", []), (*block.path, "steps"), names)
    used = set(reader.used)
    if len(reader.problems) > before:  # what a faulty part mentions counts as read
        used |= mentioned(table.get("steps")) | mentioned(list(defaults.values()) if isinstance(defaults, dict) else [])
    for name, parameter in block.parameters.items():
        if name not in used:
            at = block.required.index(name) if name in block.required else 0
            place = parameter.default.path if parameter.default else (*block.path, "needs", at)
            reader.report(place, f"parameter {name!r} of block {block.name!r} is not used", "remove it", True)
    reader.used = own_use | (used - set(block.parameters))


def check_recursion(reader: StepReader) -> bool:
    """Report each block that contains itself, with the chain, and chains that are too long to expand."""
    reported: set[str] = set()
    depths: dict[str, int] = {}

    def depth(block: Block, chain: tuple[str, ...]) -> int:
        if block.name in chain:
            cycle = (*chain[chain.index(block.name) :], block.name)
            if not reported & set(cycle):
                reader.report(
                    ("blocks", block.name), f"block {block.name!r} contains itself: {' -> '.join(cycle)}",
                    "a block may only use blocks that do not lead back to it", True,
                )  # fmt: skip
            reported.update(cycle)
            return 0
        if block.name not in depths and len(chain) <= MAXIMUM_NESTING:
            inner = {inner.name: inner for inner in called_blocks(block.body)}
            depths[block.name] = 1 + max((depth(each, (*chain, block.name)) for each in inner.values()), default=0)
        return depths.get(block.name, MAXIMUM_NESTING)

    for block in reader.blocks.values():
        if depth(block, ()) > MAXIMUM_NESTING and not reported:
            problem = f"block {block.name!r} leads through more than {MAXIMUM_NESTING} blocks inside each other"
            reader.report(("blocks", block.name), problem, "write some of them in place", True)
            reported.add(block.name)
    return bool(reported)


def called_blocks(steps: StepList) -> list[Block]:
    """Blocks that a list of steps may call."""
    blocks: list[Block] = []
    for step in steps.steps:
        for action in {id(step.action): step.action, id(step.rest): step.rest}.values():
            match action:
                case Call(targets=targets):
                    blocks += [target.block for target in targets.values() if isinstance(target, BlockCall)]
                case Residual(body=body, projection=projection):
                    blocks += called_blocks(body) + (called_blocks(projection) if projection else [])
                case Branches(branches=branches):
                    blocks += [block for branch in branches for block in called_blocks(branch)]
                case Group(body=body):
                    blocks += called_blocks(body)
                case RowsByWord(tables=tables):
                    blocks += [block for table in tables.values() for block in called_blocks(table)]
    return blocks
