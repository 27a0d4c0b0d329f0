"""What a step gives to its operator or block: arguments and references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.errors import nearest
from costmodel.operators import OPERATORS
from costmodel.positions import KeyPath
from costmodel.specs.names import Names
from costmodel.specs.steps import Argument, Block, BlockCall, Given, OperatorCall, Reference
from costmodel.specs.values import example, fixed, read_field, read_free, shown, unknown

if TYPE_CHECKING:
    from costmodel.specs.reader import StepReader


def main_field(reader: StepReader, verb: str) -> str | None:
    """The field or parameter that the verb's own value fills."""
    if verb in OPERATORS:
        return OPERATORS[verb].main
    block = reader.block(verb)
    return block.main if block is not None else None


def main_value(reader: StepReader, verb: str, main: str | None, given: Given) -> tuple[Any, KeyPath] | None:
    """What was given for the main field: as the verb's value, or under its own name."""
    raw, verb_path = given[verb]
    by_name = given.get(main) if main is not None and main != verb else None
    if raw is True:
        return by_name
    if by_name is not None:
        reader.report(by_name[1], f"{main} is given twice: the value of {verb!r} is {main}", "remove one", True)
    return raw, verb_path


def operator_call(reader: StepReader, verb: str, given: Given, names: Names) -> OperatorCall:
    """An operator with its arguments; what is missing or wrong is reported and becomes unknown."""
    cls = OPERATORS[verb]
    raw, verb_path = given[verb]
    arguments: list[Argument] = []
    for field in cls.fields:
        main = field.name == cls.main
        item = main_value(reader, verb, field.name, given) if main else given.get(field.name)
        if item is None:
            if field.required:
                sample = f"{{ {verb} = {example(field)} }}" if main else f"{field.name} = {example(field)}"
                reader.report(verb_path, f"{verb} needs {field.name!r}", f"write {sample}", True)
                arguments.append(Argument(field.name, unknown(), verb_path))
            continue
        value = reader.value(item[1], read_field, field, item[0], names.values)
        arguments.append(Argument(field.name, unknown() if value is None else value, item[1]))
    several = cls.arity != (1, 1)
    if several and raw is not True:
        listed = _inputs(reader, cls, raw, verb_path, names)
        arguments.append(Argument("from", fixed(listed), verb_path))
    elif cls.main is None and not several and raw is not True:
        reader.report(verb_path, f"{verb} takes no value", f'write "{verb}" or {{ {verb} = true }}')
    own = tuple(argument for argument in arguments if argument.name != "from")
    ready = None
    if all(argument.value.constant for argument in own):
        ready = cls(**{argument.name: argument.value.compute({}) for argument in own})
    return OperatorCall(cls, tuple(arguments), ready)


def _inputs(reader: StepReader, cls: Any, raw: Any, path: KeyPath, names: Names) -> tuple[Reference, ...] | None:
    verb = cls.verb
    if not isinstance(raw, list):
        reader.report(path, f"{verb} = {shown(raw)} must be a list of inputs", f'write {{ {verb} = ["a", -1] }}')
        return None
    references = read_references(reader, raw, path, names)
    least, most = cls.arity
    if references is not None and not least <= len(references) <= (most or len(references)):
        count = f"{least}" if least == most else f"at least {least}"
        remedy = f'write {{ {verb} = ["a", -1] }}'
        reader.report(path, f"{verb} takes {count} inputs, got {len(references)}", remedy)
        return None
    return references


def block_call(reader: StepReader, block: Block, given: Given, names: Names) -> BlockCall:
    """A block with its arguments; what is missing or wrong is reported and becomes unknown."""
    raw, verb_path = given[block.name]
    arguments: list[Argument] = []
    for name, parameter in block.parameters.items():
        main = name == block.main
        item = main_value(reader, block.name, name, given) if main else given.get(name)
        if item is None:
            if parameter.default is None:
                sample = f"{{ {block.name} = ... }}" if main else f"{name} = ..."
                reader.report(verb_path, f"block {block.name!r} needs {name!r}", f"write {sample}", True)
                arguments.append(Argument(name, unknown(), verb_path))
            continue
        value = reader.value(item[1], read_free, item[0], names.values, parameter.choices)
        arguments.append(Argument(name, unknown() if value is None else value, item[1]))
    if block.main is None and raw is not True:
        reader.report(verb_path, f"block {block.name!r} takes no value", f'write "{block.name}"')
    return BlockCall(block, tuple(arguments))


def read_references(reader: StepReader, raw: Any, path: KeyPath, names: Names) -> tuple[Reference, ...] | None:
    """Tensors named by a step: names of earlier steps, name.part, -1, -2, or "input"; None after a mistake."""
    items = raw if isinstance(raw, list) else [raw]
    if not items:
        reader.report(path, "the list of inputs is empty", 'name a step above, "name.0", -1 or "input"')
        return None
    references: list[Reference] = []
    for index, item in enumerate(items):
        place = (*path, index) if isinstance(raw, list) else path
        if isinstance(item, int) and not isinstance(item, bool) and -(10**6) < item < 0:
            references.append(item)
            continue
        label, _, part = item.partition(".") if isinstance(item, str) else ("", "", "")
        if not label or (part and not part.isdecimal()) or label + "." == item:
            reader.report(place, f"{shown(item)} is not a reference", 'name a step above, "name.0", -1 or "input"')
        elif label not in names.labels:
            reader.meant.add(label)
            hint = nearest(label, names.labels) or 'give the step above a name = "..."'
            reader.report(place, f"no step above is called {label!r}", hint)
        else:
            references.append((label, int(part[:6]) if part else None))
    return tuple(references) if len(references) == len(items) else None
