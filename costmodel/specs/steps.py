"""The checked form of a spec file's steps: what the reader makes and the expansion walks."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeAlias

from costmodel.files import Document
from costmodel.operators import Operator
from costmodel.positions import KeyPath
from costmodel.records import record
from costmodel.specs.values import Value

STEP_KEYS = (
    "name", "from", "repeat", "first", "if", "columns", "rows", "share", "merge", "probability", "active",
)  # fmt: skip
"""Keys that any step may carry beside the fields of its operator or block."""
STRUCTURES = ("residual", "branches", "steps", "pass")
"""Verbs that arrange other steps."""
JOINS = ("add", "subtract", "multiply", "concat")
"""Operators that may join branches."""

Given: TypeAlias = "dict[str, tuple[Any, KeyPath]]"
"""What a step was given: key -> (value as written, where)."""
Reference: TypeAlias = "tuple[str, int | None] | int"
"""(name, part) of an earlier step, or -1, -2, ... for the outputs above in the same list."""


@record
class Argument:
    """A value given for a field or parameter, and where it stands."""

    name: str
    value: Value
    path: KeyPath


@record
class OperatorCall:
    """A step that applies an operator. `ready` is the operator itself when no field has to be computed."""

    operator: type[Operator]
    arguments: tuple[Argument, ...]
    ready: Operator | None


@record
class BlockCall:
    """A step that expands a block with these arguments."""

    block: Block
    arguments: tuple[Argument, ...]


@record
class Identity:
    """The step `pass`: its input is its output."""


Target: TypeAlias = "OperatorCall | BlockCall | Identity"


@record
class Call:
    """A step whose verb is an operator or block; `choice` names the word parameter that picks among `targets`."""

    targets: dict[str, Target]
    choice: str | None


@record
class Residual:
    """out = add(body(x), x); `projection` runs on x where the shape changes, None drops the shortcut there."""

    body: StepList
    projection: StepList | None
    may_drop: bool


@record
class Branches:
    """Parallel branches joined by `join`; with `element`, one branch per element of the list `elements`."""

    branches: tuple[StepList, ...]
    join: str
    element: str | None = None
    elements: Argument | None = None
    split: bool = False


@record
class Group:
    """Steps under one name, one `from` or one `if`."""

    body: StepList


@record
class Broken:
    """A step with a mistake that leaves open what it does."""


@record
class RowsByWord:
    """Rows picked by a word parameter from [tables]."""

    parameter: str
    tables: dict[str, StepList]


Action: TypeAlias = "Call | Residual | Branches | Group | RowsByWord | Broken"


@record
class StepMarks:
    """What a step says of all its layers: merged by `reparameterize`, run with a probability, partly active."""

    merge: Value | None
    probability: Value | None
    active: Value | None


@record
class Step:
    """One step of a list. `rest` is what the repetitions after the first do.

    `doubtful` marks a step with a mistake that leaves its output unknown; `marks` are what its layers carry along.
    """

    document: Document
    path: KeyPath
    action: Action
    rest: Action
    name: str | None
    references: tuple[Reference, ...] | None
    repeat: Value | None
    condition: Value | None
    share: str | None
    columns: tuple[Argument, ...]
    doubtful: bool = False
    marks: StepMarks | None = None

    @property
    def calls_block(self) -> bool:
        """Whether the step expands a block."""
        return isinstance(self.action, Call) and any(isinstance(t, BlockCall) for t in self.action.targets.values())


class StepList:
    """Steps in execution order; `plural` are the names that occur more than once below one naming root."""

    __slots__ = ("plural", "steps")

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        counter: Counter[str] = Counter()
        count_names(self, counter)
        self.plural = frozenset(name for name, count in counter.items() if count > 1)


class Block:
    """A named list of steps with parameters. `body` is filled once all blocks of a file are known."""

    __slots__ = ("body", "document", "inputs", "local", "name", "parameters", "path", "required")

    def __init__(
        self, name: str, document: Document, path: KeyPath, local: bool, inputs: tuple[str, ...],
        required: tuple[str, ...], parameters: dict[str, BlockParameter],
    ) -> None:  # fmt: skip
        self.name, self.document, self.path, self.local = name, document, path, local
        self.inputs, self.required, self.parameters = inputs, required, parameters
        self.body: StepList = StepList(())

    @property
    def main(self) -> str | None:
        """The parameter that a step writes as the value of the block's name."""
        return next(iter(self.parameters), None)


@record
class BlockParameter:
    """A parameter of a block: its default (None when it must be given) and the words it may be."""

    name: str
    default: Argument | None
    choices: tuple[str, ...]


def count_names(steps: StepList, counter: Counter[str], times: int = 1) -> None:
    """Count how often each name part would be given below one naming root, when `steps` run `times` times."""
    for step in steps.steps:
        own = times * (2 if step.repeat is not None else 1)
        for action in {id(step.action): step.action, id(step.rest): step.rest}.values():
            match action:
                case Call(targets=targets) if step.name is not None:
                    counter[step.name] += own * any(not isinstance(target, Identity) for target in targets.values())
                case Call(targets=targets):
                    for name, target in targets.items():
                        counter[name] += own * (not isinstance(target, Identity))
                case Residual(body=body, projection=projection):
                    count_names(body, counter, own)
                    counter["add"] += own
                    counter["projection"] += own * (projection is not None)
                case Branches(join=join, split=split):
                    counter["branches"] += own
                    counter[join] += own
                    counter["split"] += own * split
                case Group(body=body):
                    count_names(body, counter, own)
                case RowsByWord(tables=tables):
                    most: Counter[str] = Counter()
                    for table in tables.values():
                        rows: Counter[str] = Counter()
                        count_names(table, rows, own)
                        most |= rows
                    counter.update(most)
            if step.rest is not step.action:
                break
