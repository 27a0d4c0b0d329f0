"""A whole spec file, read and checked once: parameters, derived values, variants, steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from costmodel.arithmetic import is_array, structural
from costmodel.errors import ParameterError, Problem, SpecError, nearest
from costmodel.expressions import ExpressionError
from costmodel.files import Document
from costmodel.graph import IMAGE, TOKENS, VECTOR
from costmodel.operators import ACTIVATION_VERBS, OPERATORS
from costmodel.passes import PASSES
from costmodel.positions import KeyPath
from costmodel.specs.blocks import PLAIN_NAME, check_parameter_name, check_recursion, is_name, read_body, signature
from costmodel.specs.names import Names, mentioned
from costmodel.specs.parameters import PLACEHOLDER, Lookup, Parameter, Variant, is_plain_number
from costmodel.specs.reader import StepReader
from costmodel.specs.steps import STEP_KEYS, STRUCTURES, StepList
from costmodel.specs.unknown import UNKNOWN, is_unknown
from costmodel.specs.values import FLOW_NAMES, WORDS, BadValueError, Value, read_free, read_number, shown, unknown

FILE_KEYS = ("name", "source", "input", "layers", "outputs", "parameters", "where", "variants", "tables", "blocks")
AXES = {1: VECTOR, 2: TOKENS, 3: IMAGE}
"""What an input of that many sizes is."""
RESERVED_PARAMETERS = (
    "network", "hardware", "batch", "dtype", "fusion", "overlap", "memory",
    "definition", "workspace", "storage", "weight_bits", "sram_bytes", "flash_bytes", "latency_seconds",
    "energy_joules", "search",
)  # fmt: skip
"""What `costmodel.sweep` and `costmodel.fits` take beside the parameters of a file."""
MAXIMUM_CHOICES = 100
MAXIMUM_ENTRIES = 1000
"""Parameters, blocks, variants, ... of one file."""


class Program:
    """A spec file that was read. `problems` holds every mistake seen so far; `can_expand` says that the walk ends.

    Raises (when made): SpecError when there are more mistakes than anybody reads.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        data = document.data
        self.reader = StepReader(document, self.problems, {})
        self.reader.check_keys(data, (), FILE_KEYS, "a spec file")
        self.name = self._text("name")
        self.source = self._text("source")
        self.parameters = self._parameters(self._table("parameters"))
        choices = {p.name: p.choices for p in self.parameters.values() if p.choices}
        words = {name: all_words for name, all_words in choices.items() if all(isinstance(w, str) for w in all_words)}
        names = Names(self.parameters, words, ("input",))
        self.where = self._where(self._table("where"), names)
        self.reader.tables = self._table("tables")
        self._blocks(self._table("blocks"), names)
        self.input = self._input(data.get("input"), names)
        if "layers" not in data:
            self.reader.report((), "the file has no layers", "add layers = [ ... ]")
        layer_names = names.below(FLOW_NAMES)
        self.layers: StepList = self.reader.steps(data.get("layers", []), ("layers",), layer_names)
        self.outputs = self._outputs(data.get("outputs"), layer_names)
        self.variants = self._variants(self._table("variants"))
        self._named: list[tuple[str, dict[str, Any]]] | None = None
        self.can_expand = not check_recursion(self.reader)
        self._check_unused()

    # ---- reading

    def _text(self, key: str) -> str:
        value = self.document.data.get(key)
        if value is None:
            self.reader.report((), f"the file has no {key}", f'add {key} = "..."')
        elif not isinstance(value, str) or not value.strip():
            self.reader.report((key,), f"{key} = {shown(value)} must be a text", f'write {key} = "..."')
        elif key == "name" and not is_name(value):
            self.reader.report((key,), f"name = {shown(value)} {PLAIN_NAME}", "use the name of the file")
        return value if isinstance(value, str) else ""

    def _table(self, key: str) -> dict[str, Any]:
        table = self.document.data.get(key, {})
        if not isinstance(table, dict):
            self.reader.report((key,), f"{key} must be a table", f"write [{key}]")
            return {}
        if len(table) > MAXIMUM_ENTRIES:
            self.reader.report((key,), f"[{key}] has {len(table):,} entries, at most {MAXIMUM_ENTRIES:,} are allowed")
            raise SpecError(self.problems)
        return table

    def _parameters(self, table: dict[str, Any]) -> dict[str, Parameter]:
        parameters: dict[str, Parameter] = {}
        for name, raw in table.items():
            parameters[name] = self._parameter(name, raw, parameters)
        return parameters

    def _parameter(self, name: str, raw: Any, above: dict[str, Parameter]) -> Parameter:
        path: KeyPath = ("parameters", name)
        check_parameter_name(self.reader, name, path, (), RESERVED_PARAMETERS)
        entry = raw if isinstance(raw, dict) else {"default": raw}
        self.reader.check_keys(entry, path, ("default", "min", "max", "choices"), f"parameter {name!r}")
        choices = self._choices(entry, path)
        bounds: dict[str, Any] = {}
        for bound in ("min", "max"):
            limit = entry.get(bound)
            if limit is not None and not is_plain_number(limit):
                self.reader.report((*path, bound), f"{bound} = {shown(limit)} must be a number", "or leave it out")
                limit = None
            bounds[bound] = limit
        if "default" not in entry:
            self.reader.report(path, f"parameter {name!r} has no default", "write { default = 1.0, min = 0.1 }", True)
            return Parameter(name, unknown(), bounds["min"], bounds["max"], choices)
        value = None
        default, place = entry["default"], (*path, "default") if isinstance(raw, dict) else path
        if isinstance(default, str) and not choices and self._is_word(default, above):
            problem = f"parameter {name!r} is the word {default!r}: a parameter that takes words declares them"
            self.reader.report(place, problem, f'write {{ default = "{default}", choices = ["{default}", ...] }}')
        else:
            value = self.reader.value(place, read_free, default, set(above), choices)
        read = unknown() if value is None else value
        parameter = Parameter(name, read, bounds["min"], bounds["max"], choices)
        if value is not None and value.constant:
            constant = value.compute({})
            try:
                parameter.check(constant, constant)
            except ParameterError as error:
                self.reader.report(place, f"the default is not allowed: {error}")
        return parameter

    def _is_word(self, text: str, above: dict[str, Parameter]) -> bool:
        if not is_name(text) or text in above:
            return False
        return text in WORDS or text in self._table("blocks") or self.reader.is_verb(text)

    def _choices(self, entry: dict[str, Any], path: KeyPath) -> tuple[Any, ...]:
        choices = entry.get("choices", [])
        place = (*path, "choices")
        if not isinstance(choices, list) or ("choices" in entry and not choices):
            self.reader.report(place, f"choices = {shown(choices)} must be a list with elements", "or leave it out")
            return ()
        if len(choices) > MAXIMUM_CHOICES:
            self.reader.report(place, f"there are {len(choices)} choices, at most {MAXIMUM_CHOICES} are allowed")
            return ()
        for index, choice in enumerate(choices):
            if not isinstance(choice, str) and not is_plain_number(choice):
                self.reader.report((*place, index), f"{shown(choice)} is neither a word nor a number", "remove it")
                return ()
            if choice in choices[:index]:
                self.reader.report((*place, index), f"{shown(choice)} stands twice in choices", "remove one")
        name = path[-1]
        is_verb = name in OPERATORS or name in ACTIVATION_VERBS or name in STRUCTURES or name in STEP_KEYS
        if is_verb and any(isinstance(choice, str) for choice in choices):
            problem = f"a parameter with words cannot be called {name!r}: that is an operator or a key of steps"
            self.reader.report(path, problem, "rename the parameter", True)
        return tuple(choices)

    def _where(self, table: dict[str, Any], names: Names) -> dict[str, Value | Lookup]:
        where: dict[str, Value | Lookup] = {}
        for name, raw in table.items():
            path: KeyPath = ("where", name)
            check_parameter_name(self.reader, name, path, names.values)
            derived: Value | Lookup | None
            if isinstance(raw, dict):
                derived = self._lookup(name, raw, path, names)
            else:
                derived = self.reader.value(path, read_free, raw, names.values)
            where[name] = unknown() if derived is None else derived
            names.values.add(name)
        return where

    def _lookup(self, name: str, raw: dict[str, Any], path: KeyPath, names: Names) -> Lookup | None:
        before = len(self.problems)
        self.reader.check_keys(raw, path, ("by", "of", "is"), f"the lookup {name!r}")
        if len(self.problems) > before:
            return None
        keys, values = raw.get("of"), raw.get("is")
        sample = 'write { by = "groups", of = [1, 2], is = [144, 200] }'
        missing = next((key for key in ("by", "of", "is") if key not in raw), None)
        if missing is not None:
            self.reader.report(path, f"the lookup {name!r} has no {missing!r}", sample)
            return None
        by = self.reader.value((*path, "by"), read_free, raw["by"], names.values)
        if not isinstance(keys, list) or not isinstance(values, list) or len(keys) != len(values):
            self.reader.report(path, f"the lookup {name!r} needs lists of and is of equal length", sample)
            return None
        for index, value in enumerate(values):
            if not is_plain_number(value) and not isinstance(value, str):
                self.reader.report((*path, "is", index), f"{shown(value)} is neither a number nor a word")
                return None
        return Lookup(by, tuple(keys), tuple(values)) if by is not None else None

    def _blocks(self, table: dict[str, Any], names: Names) -> None:
        for name, raw in table.items():
            self.reader.blocks[name] = signature(self.reader, name, raw, ("blocks", name), local=True)
        for name, block in self.reader.blocks.items():
            read_body(self.reader, block, table[name], names)

    def _input(self, raw: Any, names: Names) -> tuple[Value, ...]:
        if not isinstance(raw, list) or len(raw) not in AXES:
            what = "the file has no input" if raw is None else f"input = {shown(raw)} is not a shape"
            self.reader.meant |= mentioned(raw)
            self.reader.report(
                ("input",) if raw is not None else (), what,
                'write input = [3, "resolution", "resolution"] (channels, height, width), [49, 10] (steps, features) '
                "or [640] (features)",
            )  # fmt: skip
            return ()
        values = [
            self.reader.value(("input", at), read_number, item, names.values, "input") for at, item in enumerate(raw)
        ]
        return tuple(unknown() if value is None else value for value in values)

    def _outputs(self, raw: Any, names: Names) -> tuple[str, ...]:
        if raw is None:
            return ()
        if not isinstance(raw, list) or not raw or not all(isinstance(name, str) for name in raw):
            problem = f"outputs = {shown(raw)} must be a list of names of steps"
            self.reader.report(("outputs",), problem, 'write outputs = ["scores"]')
            return ()
        labels = names.labels - {"input"}
        for index, name in enumerate(raw):
            if name not in labels:
                hint = nearest(name, labels) or 'give the step a name = "..."'
                self.reader.report(("outputs", index), f"no step is called {shown(name)}", hint)
            elif name in raw[:index]:
                self.reader.report(("outputs", index), f"{name!r} stands twice in outputs", "remove one")
        return tuple(raw)

    def _variants(self, table: dict[str, Any]) -> dict[str, Variant]:
        variants: dict[str, Variant] = {}
        for name, raw in table.items():
            path: KeyPath = ("variants", name)
            if not isinstance(raw, dict):
                self.reader.report(path, f"variant {name!r} must be a table of parameters", "write { width = 0.5 }")
                continue
            settings = {key: value for key, value in raw.items() if key not in ("passes", "listed")}
            self._check_pattern(name, path, settings)
            for key, value in settings.items():
                self._check_setting(key, value, (*path, key))
            passes = raw.get("passes", [])
            if not isinstance(passes, list):
                problem = f"passes = {shown(passes)} must be a list of names"
                self.reader.report((*path, "passes"), problem, 'write passes = ["fold_norm"]')
                passes = []
            for index, word in enumerate(passes):
                if not isinstance(word, str) or word not in PASSES:
                    hint = nearest(str(word), PASSES) or f"there are {', '.join(PASSES)}"
                    self.reader.report((*path, "passes", index), f"unknown pass {shown(word)}", hint)
            listed = self._listed(name, raw, path) if "listed" in raw else None
            variants[name] = Variant(name, settings, tuple(str(word) for word in passes), path, listed)
        return variants

    def _listed(self, name: str, raw: Mapping[str, Any], path: KeyPath) -> dict[str, tuple[Any, ...]] | None:
        """The published values of a pattern's parameters."""
        listed, place = raw["listed"], (*path, "listed")
        holes = PLACEHOLDER.findall(name)
        if not holes:
            remedy = 'remove it, or name the variant "net_{width}"'
            self.reader.report(place, f"listed belongs to a pattern, {name!r} is none", remedy)
            return None
        lists = list(listed.values()) if isinstance(listed, dict) else []
        if not lists or set(listed) != set(holes) or not all(isinstance(each, list) and each for each in lists):
            example = ", ".join(f"{hole} = [...]" for hole in holes)
            self.reader.report(place, f"listed gives values for each parameter in {name!r}", f"write {{ {example} }}")
            return None
        for hole, values in listed.items():
            for index, value in enumerate(values):
                self._check_setting(hole, value, (*place, hole, index))
        return {hole: tuple(listed[hole]) for hole in holes}

    def name_of(self, parameters: Mapping[str, Any]) -> str:
        """The published name of these parameters: a variant's, the family's for its defaults, or a pattern filled in.

        The family's name stands for everything else, arrays included.
        """
        if any(is_array(value) for value in parameters.values()):
            return self.name
        if self._named is None:
            presets = [each for each in self.variants.values() if not each.is_pattern and not each.passes]
            self._named = [(each.name, self.resolve(each.settings, [])[0]) for each in presets]
            self._named.append((self.name, self.resolve({}, [])[0]))
        for name, named in self._named:
            if named == parameters:
                return name
        for pattern in self.variants.values():
            if pattern.is_pattern and not pattern.passes:
                shown_as = {hole: self._like_default(hole, parameters[hole]) for hole in pattern.holes}
                name = pattern.filled(shown_as)
                matched = pattern.match(name)
                if matched is not None and self.resolve(matched, [])[0] == parameters:
                    return name
        return self.name

    def _like_default(self, name: str, value: Any) -> Any:
        """A number as names write it: with a point where the default has one."""
        default = self.parameters[name].default
        return float(value) if default.constant and isinstance(default.compute({}), float) else value

    def _check_pattern(self, name: str, path: KeyPath, settings: Mapping[str, Any]) -> None:
        holes = PLACEHOLDER.findall(name)
        for hole in holes:
            if hole not in self.parameters:
                hint = nearest(hole, self.parameters) or f"parameters: {', '.join(self.parameters) or 'none'}"
                self.reader.report(path, f"variant {name!r} names {hole!r}, which is not a parameter", hint, True)
            elif hole in settings or holes.count(hole) > 1:
                self.reader.report(path, f"variant {name!r} gives {hole!r} twice", "give it once", True)
        if "}{" in name:
            problem = f"variant {name!r}: nothing tells where one parameter ends and the next begins"
            self.reader.report(path, problem, 'write text between them: "net_{width}_{resolution}"', True)
        if "{" in PLACEHOLDER.sub("", name) or "}" in PLACEHOLDER.sub("", name):
            self.reader.report(path, f"variant {name!r}: braces hold the name of a parameter", "write {width}", True)

    def _check_setting(self, key: str, value: Any, path: KeyPath) -> None:
        if key not in self.parameters:
            hint = nearest(key, self.parameters) or f"parameters: {', '.join(self.parameters) or 'none'}"
            self.reader.report(path, f"{key!r} is not a parameter", hint, True)
            return
        parameter = self.parameters[key]
        default = parameter.default.compute({}) if parameter.default.constant else 1
        try:
            parameter.check(value, default)
        except ParameterError as error:
            self.reader.report(path, str(error))

    def _check_unused(self) -> None:
        """Report what is declared and read nowhere; what a faulty part mentions counts as read."""
        reader, data = self.reader, self.document.data
        used = reader.used | reader.meant
        if self.problems:
            declared = [parameter.get("default") for parameter in self._table("parameters").values()
                        if isinstance(parameter, dict)]  # fmt: skip
            blocks = [block.get(key) for block in self._table("blocks").values() if isinstance(block, dict)
                      for key in ("defaults", "steps")]  # fmt: skip
            derived = list(self._table("where").values())
            used |= mentioned([data.get("layers"), data.get("input"), data.get("tables"), declared, blocks, derived])
        for name in self.parameters:
            if name not in used:
                reader.report(("parameters", name), f"parameter {name!r} is not used", "remove it", True)
        for name in self.where:
            if name not in used:
                reader.report(("where", name), f"{name!r} is not used", "remove it", True)
        chosen = {choice for parameter in self.parameters.values() for choice in parameter.choices}
        called = reader.called | chosen | (used if self.problems else set())
        for name in reader.blocks:
            if name not in called:
                reader.report(("blocks", name), f"block {name!r} is not used", "remove it", True)
        for name in reader.tables:
            if name not in reader.read_tables and not (self.problems and name in chosen):
                reader.report(("tables", name), f"the rows {name!r} are not used", "remove them", True)

    # ---- values

    def resolve(self, given: Mapping[str, Any], problems: list[Problem]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters as the user sees them, and the scope of the file's expressions.

        What cannot be computed is noted in `problems` and unknown.

        Raises: ParameterError for unknown parameters or values out of range, all of them.
        """
        wrong: list[str] = []
        for name in given:
            if name not in self.parameters:
                has = f"{self.name} has: {', '.join(self.parameters) or 'no parameters'}"
                wrong.append(f"unknown parameter {name!r}; {nearest(str(name), self.parameters) or has}")
        parameters: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            path = ("parameters", name)
            try:
                default = parameter.default.compute(parameters)
            except ExpressionError as error:
                default = UNKNOWN
                if name not in given and not wrong:
                    problems.append(self.document.problem(path, error.problem, error.remedy))
            parameters[name] = UNKNOWN
            try:
                parameters[name] = parameter.check(given.get(name, default), default)
            except ParameterError as error:
                if name in given:
                    wrong.append(f"{error} ({self.document.place(path)})")
                elif not wrong and not parameter.default.constant:
                    problems.append(self.document.problem(path, f"the default is not allowed: {error}"))
        sizes = {name: value.shape for name, value in parameters.items() if is_array(value)}
        if not wrong and not _broadcast(sizes.values()):
            listed = ", ".join(f"{name} has {'x'.join(map(str, shape))}" for name, shape in sizes.items())
            wrong.append(f"the arrays differ in length: {listed}; give one element per variant in each")
        if wrong:
            raise ParameterError("\n".join(wrong))
        scope = dict(parameters)
        for name, derived in self.where.items():
            try:
                scope[name] = self._look_up(derived, scope) if isinstance(derived, Lookup) else derived.compute(scope)
            except (ExpressionError, BadValueError) as error:
                scope[name] = UNKNOWN
                problems.append(self.document.problem(("where", name), error.problem, error.remedy))
        return parameters, scope

    def _look_up(self, lookup: Lookup, scope: Mapping[str, Any]) -> Any:
        key = structural(lookup.by.compute(scope), "the key of a lookup")
        if is_unknown(key):
            return UNKNOWN
        for candidate, value in zip(lookup.keys, lookup.values, strict=True):
            if candidate == key:
                return value
        raise BadValueError(f"the lookup has no entry for {shown(key)}", f"it has {', '.join(map(str, lookup.keys))}")


def _broadcast(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether arrays of these shapes stand for the same variants, element by element or as axes of a grid."""
    for lengths in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        if len(set(lengths) - {1}) > 1:
            return False
    return True
