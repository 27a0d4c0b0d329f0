"""Mistakes found while a network is expanded: noted where the user can mend them, and the walk goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costmodel.errors import Problem
from costmodel.expressions import ExpressionError
from costmodel.files import Document
from costmodel.graph import Layer
from costmodel.positions import KeyPath
from costmodel.specs.flow import Flow, flow_sizes, is_doubtful
from costmodel.specs.marks import UNMARKED
from costmodel.specs.program import Program
from costmodel.specs.reader import MAXIMUM_PROBLEMS
from costmodel.specs.replay import Recording
from costmodel.specs.sharing import Sharing
from costmodel.specs.steps import Step
from costmodel.specs.unknown import UNKNOWN
from costmodel.specs.values import FLOW_NAMES, BadValueError, Value

FLOW = frozenset(FLOW_NAMES)


def entry_at(document: Document, path: KeyPath) -> Any:
    """What stands at a key path of a document."""
    given: Any = document.data
    for part in path:
        given = given[part]
    return given


class TooLargeError(Exception):
    """The network has more layers than are expanded."""


class TooManyMistakesError(Exception):
    """There are more mistakes than anybody reads."""


class Mistakes:
    """What one walk over a program has found wrong, and the state that says where it is."""

    def __init__(self, program: Program, scope: dict[str, Any], problems: list[Problem]) -> None:
        self.program, self.file_scope = program, scope
        self.layers: list[Layer] = []
        self.used: set[str] = set()
        self.taken: set[str] = set()
        self.problems: dict[tuple[object, ...], Problem] = {("values", at): each for at, each in enumerate(problems)}
        self.loose_ends = bool(problems)
        self.calls: list[Step] = []
        self.origin: tuple[str, KeyPath] | None = None
        self.sharing: Sharing | None = None
        self.marks = UNMARKED
        self.first_uses: dict[str, tuple[Step, Sharing]] = {}
        self.steps_walked, self.times = 0, 1
        self.recordings: dict[object, Recording] = {}

    # ---- mistakes

    def report(self, step: Step, path: KeyPath, problem: str, remedy: str = "") -> None:
        """Note a mistake where the user can mend it: in the user's file, with the chain of blocks that led there."""
        document, own = step.document, self.program.document
        key: tuple[object, ...] = (document.label, path)
        chain = [call for call in self.calls if call is not step and call.calls_block]
        inside = ""
        if document is not own:
            inside = f"{document.place(path)}: {document.line_at(path)}"
            above = [call for call in chain if call.document is own]
            if above:
                user, chain = above[-1], above[:-1]
                given = entry_at(own, user.path)
                field = path[-1] if path else 0
                path = (*user.path, field) if isinstance(given, dict) and field in given else user.path
                document, key = own, (*key, user.path)
        if key in self.problems:
            return
        users = dict.fromkeys(call.path for call in reversed(chain) if call.document is own)
        used_at = tuple([f"{own.place(user)}: {own.line_at(user)}" for user in list(users)[:5]])
        self.problems[key] = document.problem(path, problem, remedy, inside=inside, used_at=used_at)
        if len(self.problems) >= MAXIMUM_PROBLEMS:
            raise TooManyMistakesError

    def compute(self, step: Step, value: Value, path: KeyPath, scope: Mapping[str, Any], flow: Flow) -> Any:
        """A value in a scope; unknown after noting why it cannot be computed."""
        if value.is_known:
            return value.known
        if value.name is not None and value.name in scope:
            return scope[value.name]
        if value.names & FLOW:
            scope = {**scope, **flow_sizes(flow)}
        try:
            return value.compute(scope)
        except KeyError as error:
            if not is_doubtful(flow):
                shape = " and ".join(str(shape) for _, shape in flow) or "nothing"
                axes = ", ".join(flow[0][1].axes) if flow else ""
                self.report(
                    step, path, f"{error.args[0]} is not known here", f"the input of this step is {shape} ({axes})"
                )
        except (ExpressionError, BadValueError) as error:
            self.report(step, path, error.problem, error.remedy)
        self.loose_ends = True
        return UNKNOWN
