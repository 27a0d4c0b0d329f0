"""TOML data to checked steps. Every mistake that can be seen without shapes is found here, all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from costmodel.errors import Problem, SpecError, closest, nearest
from costmodel.files import Document, names_in
from costmodel.operators import ACTIVATION_VERBS, OPERATORS
from costmodel.positions import KeyPath
from costmodel.specs.blocks import MAXIMUM_NESTING, PLAIN_NAME, SHARED_BLOCKS, find_block, is_name
from costmodel.specs.calls import block_call, main_field, operator_call, read_references
from costmodel.specs.names import Names, mentioned
from costmodel.specs.rows import read_rows
from costmodel.specs.steps import (
    JOINS,
    STEP_KEYS,
    STRUCTURES,
    Action,
    Argument,
    Block,
    Branches,
    Broken,
    Call,
    Given,
    Group,
    Identity,
    OperatorCall,
    Residual,
    Step,
    StepList,
    StepMarks,
    Target,
)  # fmt: skip
from costmodel.specs.values import (
    BadValueError,
    Value,
    read_condition,
    read_free,
    read_number,
    shown,
    unknown,
)  # fmt: skip

MAXIMUM_PROBLEMS = 100
MAXIMUM_STEPS_READ = 10_000
SURE = 0.8
"""Likeness from which a misspelt word is read as the nearest known one, to find the mistakes that stand behind it."""
STRUCTURE_FIELDS = {"residual": {"projection"}, "branches": {"join", "for", "in", "feed"}}


class StepReader:
    """Reads the steps of one document.

    `problems` collects every mistake, `used` every name that was read, `meant` names that a mistake may have meant.
    """

    def __init__(self, document: Document, problems: list[Problem], blocks: dict[str, Block]) -> None:
        self.document, self.problems, self.blocks = document, problems, blocks
        self.used: set[str] = set()
        self.meant: set[str] = set()
        self.called: set[str] = set()
        self.tables: dict[str, Any] = {}
        self.read_tables: set[str] = set()
        self.reported: set[tuple[KeyPath, str]] = set()
        self.steps_read = 0

    # ---- problems

    def report(self, path: KeyPath, problem: str, remedy: str = "", of_key: bool = False) -> None:
        """Note a mistake at a key path, once.

        Raises: SpecError when there are more mistakes than anybody reads.
        """
        if (path, problem) in self.reported:
            return
        self.reported.add((path, problem))
        self.problems.append(self.document.problem(path, problem, remedy, of_key))
        if len(self.problems) >= MAXIMUM_PROBLEMS:
            raise SpecError(sorted(self.problems, key=lambda each: (each.line, each.column)))

    def value(self, path: KeyPath, read: Callable[..., Value], *arguments: Any) -> Value | None:
        """Read a value, noting what is wrong with it."""
        try:
            value = read(*arguments)
        except BadValueError as error:
            self.report((*path, *error.below), error.problem, error.remedy)
            self.meant.update(error.meant)
            return None
        self.used |= value.names
        return value

    def check_keys(self, table: Mapping[str, Any], path: KeyPath, allowed: Collection[str], owner: str) -> None:
        """Report keys that a table does not have."""
        for key, value in table.items():
            if key not in allowed:
                self.meant |= mentioned(value)
                hint = nearest(key, allowed) or f"it has: {', '.join(allowed)}"
                self.report((*path, key), f"unknown key {key!r} in {owner}", hint, True)

    def block(self, name: str) -> Block | None:
        """The block of that name: the file's own, else a shared one."""
        return find_block(self, name)

    # ---- steps

    def steps(self, raw: Any, path: KeyPath, names: Names, depth: int = 0) -> StepList:
        """A list of steps; names given in it are visible to the steps below."""
        if not isinstance(raw, list):
            self.meant |= mentioned(raw)
            self.report(path, f"{shown(raw)} is not a list of steps", "write [ { conv2d = 64 }, ... ]")
            return StepList((self.broken_step(path),))
        if depth > MAXIMUM_NESTING:
            self.report(path, f"lists of steps are nested more than {MAXIMUM_NESTING} deep", "use blocks")
            return StepList((self.broken_step(path),))
        steps: list[Step] = []
        own: set[str] = set()
        for index, item in enumerate(raw):
            for step in self.step(item, (*path, index), names, depth):
                if step.name is not None:
                    if step.name in own:
                        place = (*step.path, "name")
                        self.report(place, f"the name {step.name!r} is already taken in this list", "choose another")
                    own.add(step.name)
                    names.labels.add(step.name)
                steps.append(step)
        return StepList(tuple(steps))

    def step(self, raw: Any, path: KeyPath, names: Names, depth: int) -> list[Step]:
        """One entry of a list: one step, or one per row."""
        self.count_step(path)
        if isinstance(raw, str):
            return self.known(raw, {raw: (True, path)}, path, names, depth)
        if not isinstance(raw, dict) or not raw:
            remedy = 'write { conv2d = 64, kernel = 3 } or "relu"'
            self.report(path, f"{shown(raw)} is not a step", remedy)
            return self.broken(raw, path, names)
        given: Given = {key: (value, (*path, key)) for key, value in raw.items()}
        verb = next(iter(raw))
        if "columns" in raw or "rows" in raw:
            return read_rows(self, verb, given, path, names, depth)
        return self.known(verb, given, path, names, depth)

    def count_step(self, path: KeyPath) -> None:
        """Refuse files that would take minutes to read."""
        self.steps_read += 1
        if self.steps_read > MAXIMUM_STEPS_READ:
            self.report(path, f"the file has more than {MAXIMUM_STEPS_READ:,} steps", "use repeat and blocks")
            raise SpecError(self.problems)

    def known(self, verb: str, given: Given, path: KeyPath, names: Names, depth: int) -> list[Step]:
        """The step of a verb that may be misspelt."""
        found = self.known_verb(verb, given, names)
        if found is None:
            return self.broken([raw for raw, _ in given.values()], path, names, given)
        if found not in given:
            given = {found if key == verb else key: item for key, item in given.items()}
        return self.one(found, given, path, names, depth, ())

    def broken(self, raw: Any, path: KeyPath, names: Names, given: Given | None = None) -> list[Step]:
        """The step that stands for one with a mistake: it keeps its name, and counts as reading what it mentions."""
        self.meant |= mentioned(list(raw) if isinstance(raw, tuple) else raw)
        given = given or {}
        name = self.word(given, "name")
        references = read_references(self, *given["from"], names) if "from" in given else None
        return [Step(self.document, path, Broken(), Broken(), name, references, None, None, None, ())]

    def broken_step(self, path: KeyPath) -> Step:
        """A step of which nothing is known."""
        return Step(self.document, path, Broken(), Broken(), None, None, None, None, None, ())

    def one(
        self, verb: str, given: Given, path: KeyPath, names: Names, depth: int, columns: tuple[Argument, ...]
    ) -> list[Step]:
        """One step from its verb, which is known, and everything it was given."""
        accepted = self.accepted_keys(verb, names) or set()
        given, doubtful = self.known_keys(verb, given, accepted, names)
        fields = {key: item for key, item in given.items() if key == verb or key in accepted}
        repeat = condition = references = None
        if "repeat" in given:
            raw, repeat_path = given["repeat"]
            repeat = self.value(repeat_path, read_number, raw, names.values, "repeat") or unknown()
        if "if" in given:
            raw, condition_path = given["if"]
            condition = self.value(condition_path, read_condition, raw, names.values)
        if "from" in given:
            references = read_references(self, *given["from"], names)
            doubtful = doubtful or references is None
            if verb in OPERATORS and OPERATORS[verb].arity != (1, 1) and isinstance(given[verb][0], list):
                remedy = f"remove from, or write {verb} = true"
                self.report(given["from"][1], f"{verb} names its inputs itself", remedy, True)
        name, share = self.word(given, "name"), self.word(given, "share")
        rest_fields = dict(fields)
        if "repeat" in given and "stride" in fields:  # the tables' wording: stride holds for the first of n
            rest_fields["stride"] = (1, fields["stride"][1])
        first_fields = self.first_fields(verb, given, fields, accepted)
        marks = self.marks(given, names)
        action = self.action(verb, first_fields, path, names, depth)
        same = rest_fields == first_fields or "repeat" not in given
        rest = action if same else self.action(verb, rest_fields, path, names, depth)
        if marks is not None and marks.active is not None and not _is_convolution(action):
            problem = f"active belongs to a convolution, {verb} is none"
            self.report(given["active"][1], problem, "a block passes it on: { conv2d = ..., active = ... }", True)
        return [Step(self.document, path, action, rest, name, references, repeat, condition, share, columns, doubtful,
                     marks)]  # fmt: skip

    def marks(self, given: Given, names: Names) -> StepMarks | None:
        """What a step says of its layers beside its fields."""
        if not given.keys() & {"merge", "probability", "active"}:
            return None
        read: dict[str, Value | None] = {}
        for key in ("merge", "probability", "active"):
            raw, path = given.get(key, (None, ()))
            read[key] = None if raw is None else self.value(path, read_free, raw, names.values)
        return StepMarks(**read)

    def first_fields(self, verb: str, given: Given, fields: Given, accepted: Collection[str]) -> Given:
        """The fields of the first repetition: those of the step, overridden by `first`."""
        found = dict(fields)
        if "first" not in given:
            return found
        overrides, path = given["first"]
        if not isinstance(overrides, dict) or "repeat" not in given:
            is_table = isinstance(overrides, dict)
            what = "first goes with repeat" if is_table else f"first = {shown(overrides)} must be a table of fields"
            self.report(path, what, "write { ..., repeat = 3, first = { dilation = 1 } }")
            return found
        main = main_field(self, verb) if overrides else None
        for key, raw in overrides.items():
            place = (*path, key)
            if key in (verb, main):
                found.pop(key, None)
                found[verb] = (raw, place)
            elif key not in accepted:
                hint = nearest(key, accepted) or f"it has: {', '.join(sorted(accepted)) or 'no fields'}"
                self.report(place, f"unknown field {key!r} for {verb}", hint, True)
                self.meant |= mentioned(raw)
            else:
                found[key] = (raw, place)
        return found

    def known_keys(self, verb: str, given: Given, accepted: Collection[str], names: Names) -> tuple[Given, bool]:
        """What was given with misspelt keys mended after reporting them; and whether some could not be."""
        kept: Given = {}
        doubtful = False
        for key, item in given.items():
            if key == verb or key in accepted or key in STEP_KEYS:
                kept[key] = item
                continue
            owner = f"{verb} ({', '.join(names.choices[verb])})" if verb in names.choices else verb
            hint = nearest(key, [*accepted, *STEP_KEYS])
            has = f"it has: {', '.join(sorted(accepted))}" if accepted else "it has no fields of its own"
            self.report(item[1], f"unknown field {key!r} for {owner}", hint or has, True)
            likely = closest(key, [*accepted, *STEP_KEYS], SURE)
            if likely is not None and likely not in given:
                kept[likely] = item
            else:
                self.meant |= mentioned(item[0])
                doubtful = True
        return kept, doubtful

    def word(self, given: Given, key: str) -> str | None:
        """A name given as a plain word."""
        if key not in given:
            return None
        raw, path = given[key]
        if raw == "input" and key == "name":
            self.report(path, "a step cannot be called 'input': that is what enters the list", "choose another name")
        elif not is_name(raw):
            self.report(path, f"{key} = {shown(raw)} {PLAIN_NAME}", f'write {key} = "stem"')
        else:
            return str(raw)
        return None

    # ---- verbs

    def known_verb(self, verb: str, given: Given, names: Names) -> str | None:
        """The verb; after a mistake that was reported, the one that surely was meant, or None."""
        if self.accepted_keys(verb, names) is not None:
            return verb
        path = given[verb][1]
        if verb in names.choices:
            self.used.add(verb)
            wrong = next(word for word in names.choices[verb] if not self.is_verb(word))
            problem = f"{verb!r} may be {wrong!r}, which is neither an operator nor a block"
            self.report(path, problem, nearest(wrong, self.verbs(names)) or f"define it in [blocks.{wrong[:40]}]", True)
            return None
        other = next((key for key in given if key != verb and self.is_verb(key, names)), None)
        owner = next((cls.verb for cls in OPERATORS.values() if any(f.name == verb for f in cls.fields)), None)
        if other is not None:
            self.report(
                path, f"the first key must name an operator or a block, {verb!r} does not",
                f"write {other!r} first: {{ {other} = ..., {verb} = ... }}", True,
            )  # fmt: skip
            return other
        if owner is not None or verb in STEP_KEYS:
            what = f"a field of {owner}" if owner else "a key of steps"
            remedy = f"write {{ {owner or 'conv2d'} = ..., {verb} = ... }}"
            self.report(path, f"the first key must name an operator or a block, {verb!r} is {what}", remedy, True)
            return None
        hint = nearest(verb, self.verbs(names)) or "see the README's list of operators, or define it in [blocks]"
        self.report(path, f"unknown operator or block {shown(verb)}", hint, True)
        likely = closest(verb, self.verbs(names), SURE)
        return likely if likely is not None and self.is_verb(likely, names) and likely not in given else None

    def verbs(self, names: Names) -> list[str]:
        """Every word a step may start with."""
        return [*OPERATORS, *ACTIVATION_VERBS, *self.blocks, *names_in(SHARED_BLOCKS), *STRUCTURES, *names.choices]

    def is_verb(self, word: str, names: Names | None = None) -> bool:
        """Whether a word is an operator, a block, a structure, or a parameter that chooses one."""
        return self.accepted_keys(word, names or Names((), {}, ())) is not None

    def accepted_keys(self, verb: str, names: Names) -> set[str] | None:
        """The fields a verb takes, or None when there is no such verb."""
        if verb in names.choices:
            sets = [self.accepted_keys(word, Names((), {}, ())) for word in names.choices[verb] if word != "pass"]
            known = [keys for keys in sets if keys is not None]
            return set.intersection(*known) if known and len(known) == len(sets) else None
        if verb in STRUCTURES:
            return STRUCTURE_FIELDS.get(verb, set())
        if verb in ACTIVATION_VERBS:
            return set()
        if verb in OPERATORS:
            return {field.name for field in OPERATORS[verb].fields}
        block = self.block(verb)
        return set(block.parameters) if block else None

    def action(self, verb: str, given: Given, path: KeyPath, names: Names, depth: int) -> Action:
        """What a step does."""
        if verb in names.choices:
            self.used.add(verb)
            targets = {}
            for word in names.choices[verb]:
                self.count_step(path)
                renamed = {word if key == verb else key: item for key, item in given.items()}
                targets[word] = Identity() if word == "pass" else self.target(word, renamed, names)
            return Call(targets, verb)
        raw, raw_path = given[verb]
        if verb == "residual":
            return self.residual(raw, raw_path, given, names, depth)
        if verb == "branches":
            return self.branches(raw, raw_path, given, names, depth)
        if verb == "steps":
            return Group(self.steps(raw, raw_path, names.below(), depth + 1))
        return Call({verb: self.target(verb, given, names)}, None)

    def target(self, verb: str, given: Given, names: Names) -> Target:
        """An operator or block with its arguments."""
        if verb == "pass" or verb in ACTIVATION_VERBS:
            if given[verb][0] is not True:
                self.report(given[verb][1], f"{verb} takes no value", f'write "{verb}" or {{ {verb} = true }}')
            return Identity() if verb == "pass" else OperatorCall(OPERATORS["activation"], (), ACTIVATION_VERBS[verb])
        block = None if verb in OPERATORS else self.block(verb)
        if block is not None:
            return block_call(self, block, given, names)
        return operator_call(self, verb, given, names)

    def residual(self, raw: Any, path: KeyPath, given: Given, names: Names, depth: int) -> Residual:
        """A body with a shortcut around it."""
        projection, may_drop = None, False
        if "projection" in given:
            raw_projection, projection_path = given["projection"]
            may_drop = raw_projection == "drop"
            if isinstance(raw_projection, str) and not may_drop:
                remedy = 'write projection = [...] or projection = "drop"'
                self.report(projection_path, f"projection = {shown(raw_projection)} is not a list of steps", remedy)
                may_drop = True
            elif not may_drop:
                projection = self.steps(raw_projection, projection_path, names.below(), depth + 1)
        return Residual(self.steps(raw, path, names.below(), depth + 1), projection, may_drop)

    def branches(self, raw: Any, path: KeyPath, given: Given, names: Names, depth: int) -> Branches | Broken:
        """Parallel branches and how they are joined."""
        join, join_path = given.get("join", ("concat", path))
        if join not in JOINS:
            self.report(join_path, f"join = {shown(join)} is not one of {', '.join(JOINS)}", nearest(str(join), JOINS))
            join = closest(str(join), JOINS) or "concat"
        if "for" not in given:
            extra = next((given[key][1] for key in ("in", "feed") if key in given), None)
            if extra is not None:
                self.report(extra, f"{extra[-1]} goes with for", 'write for = "k", in = "kernels"', True)
            if not isinstance(raw, list) or not all(isinstance(branch, list) for branch in raw) or not raw:
                self.report(path, "branches must be a list of lists of steps", "write branches = [ [...], [...] ]")
                self.meant |= mentioned(raw)
                return Broken()
            branches = [self.steps(b, (*path, at), names.below(), depth + 1) for at, b in enumerate(raw)]
            return Branches(tuple(branches), join)
        element, element_path = given["for"]
        feed, feed_path = given.get("feed", ("copy", path))
        if not is_name(element):
            self.report(element_path, f"for = {shown(element)} must be a name", 'write for = "k", in = "kernels"')
            element = "k"
        if feed not in ("copy", "split"):
            hint = nearest(str(feed), ("copy", "split"))
            self.report(feed_path, f"feed = {shown(feed)} is not one of copy, split", hint)
        source_path = given["in"][1] if "in" in given else element_path
        if "in" not in given:
            self.report(element_path, "for needs the list that it goes through", 'write for = "k", in = "kernels"')
        elements = self.value(source_path, read_free, given["in"][0], names.values) if "in" in given else None
        body = self.steps(raw, path, names.below((element, "parts")), depth + 1)
        value = unknown() if elements is None else elements
        return Branches((body,), join, element, Argument("in", value, source_path), feed == "split")


def _is_convolution(action: Action) -> bool:
    targets = action.targets.values() if isinstance(action, Call) else ()
    kinds = [target.operator.kind if isinstance(target, OperatorCall) else None for target in targets]
    return bool(kinds) and all(kind == "convolution" for kind in kinds)
