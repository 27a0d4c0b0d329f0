"""How a spec file's value for a field is read: at once where it is a constant, later where it is an expression."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from costmodel.arithmetic import INT64_MAX, anywhere, first_where, is_array, is_whole, to_whole
from costmodel.errors import closest, nearest
from costmodel.expressions import Expression, ExpressionError, parse
from costmodel.operators import OPERATORS
from costmodel.operators.base import Field
from costmodel.specs.unknown import UNKNOWN, Unknown

FLOW_NAMES = ("in_channels", "in_height", "in_width", "in_tokens")
"""Sizes of the tensor that enters a step, readable in its expressions."""
MAXIMUM_SIZE = 2**31 - 1
MAXIMUM_ELEMENTS = 1000
MAXIMUM_LIST_DEPTH = 3
EXAMPLES = {
    "size": "64", "count": "1", "index": "0", "pair": "3", "offsets": "1", "padding": "1", "sizes": "2",
    "names": '["tokens", "c"]', "ratio": "0.5", "flag": "true",
}  # fmt: skip
"""What a message shows for a field that is missing."""

WORDS = frozenset(word for cls in OPERATORS.values() for field in cls.fields for word in field.choices)
"""Every word that an operator's field takes."""
RESERVED_WORDS = frozenset(
    word for cls in OPERATORS.values() for field in cls.fields if field.name in ("function", "padding")
    for word in field.choices
)  # fmt: skip
"""Words no parameter may be called, so that a string is never ambiguous."""


class BadValueError(ValueError):
    """A value is not acceptable: what is wrong, what to write instead, and where below the field it stands.

    `meant` are the declared names that the value reads, or seems to: they count as used.
    """

    def __init__(
        self, problem: str, remedy: str = "", below: tuple[str | int, ...] = (), meant: Collection[str] = ()
    ) -> None:
        self.problem, self.remedy, self.below, self.meant = problem, remedy, below, meant
        super().__init__(problem)


class Value:
    """A value of a spec file, to be computed in a scope. `constant` when no name is read; `known` once computed.

    `name` is the one name that stands alone as the whole text: the commonest expression needs no computing.
    """

    __slots__ = ("compute", "constant", "is_known", "known", "name", "names")

    def __init__(self, compute: Callable[[Mapping[str, Any]], Any], names: frozenset[str]) -> None:
        self.compute, self.names, self.constant = compute, names, not names
        self.is_known, self.known = False, None
        self.name: str | None = None


def fixed(value: Any) -> Value:
    """A value that reads no name."""
    made = Value(lambda scope: value, frozenset())
    made.is_known, made.known = True, value
    return made


def unknown() -> Value:
    """What stands for a value that could not be read."""
    return Value(lambda scope: UNKNOWN, frozenset())


def example(field: Field) -> str:
    """A value that a field could have."""
    return f'"{field.choices[-1]}"' if field.reads == "word" else EXAMPLES[field.reads]


def read_field(field: Field, raw: Any, known: Collection[str]) -> Value:
    """The value of an operator's field as written, checked as far as it is a constant.

    Raises: BadValueError.
    """
    value = READERS[field.reads](raw, known, field)
    if value.constant:
        fixed_value = value.compute({})
        return fixed(fixed_value)
    return value


def read_free(raw: Any, known: Collection[str], choices: Collection[str] = (), depth: int = 0) -> Value:
    """The value of a block's parameter: a number, flag, expression, word, or list of these.

    A string is a name in scope, else a word, else an expression.
    """
    if choices and not isinstance(raw, str | list | dict):
        if raw in choices and not isinstance(raw, bool):
            return fixed(raw)
        raise BadValueError(f"{shown(raw)} is not one of {', '.join(map(str, choices))}")
    match raw:
        case bool() | float():
            return fixed(raw)
        case int():
            return fixed(_bounded(raw))
        case str() if choices:
            if raw in choices:
                return fixed(raw)
            if raw in known:
                return _expression(raw, known)
            raise BadValueError(
                f"{shown(raw)} is not one of {', '.join(map(str, choices))}", nearest(raw, map(str, choices))
            )
        case str() if raw not in known and raw in WORDS:
            return fixed(raw)
        case str():
            return _expression(raw, known, words=True)
        case list() if not choices:
            _check_length(raw)
            if depth == MAXIMUM_LIST_DEPTH:
                raise BadValueError(f"the lists are nested more than {MAXIMUM_LIST_DEPTH} deep")
            return _listed([_below(index, read_free, item, known, (), depth + 1) for index, item in enumerate(raw)])
    if choices:
        raise BadValueError(f"{shown(raw)} is not one of {', '.join(map(str, choices))}")
    raise BadValueError(f"{shown(raw)} is not a number, word, expression or list")


def read_number(raw: Any, known: Collection[str], what: str) -> Value:
    """A number or an expression that gives one."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise BadValueError(f"{what} = {shown(raw)} is not a number", "give a number or an expression in quotes")
    return _expression(raw, known, what=what) if isinstance(raw, str) else fixed(raw)


def read_condition(raw: Any, known: Collection[str]) -> Value:
    """The condition of an `if`: a flag, or one comparison."""
    if isinstance(raw, bool):
        return fixed(raw)
    if not isinstance(raw, str):
        raise BadValueError(f"if = {shown(raw)} is not a condition", 'write if = "stride > 1"')
    return _expression(raw, known, condition=True, what="if")


def whole_size(value: Any, name: str, text: object, least: int | None = 1) -> Any:
    """A computed number as a size: whole, not below `least`, bounded.

    Raises: BadValueError, naming floor, ceil, round_to and make_divisible for a fraction.
    """
    if type(value) is int and (least is None or value >= least) and -MAXIMUM_SIZE <= value <= MAXIMUM_SIZE:
        return value
    if isinstance(value, Unknown):
        return value
    gives = f"{name} = {shown(text)} gives" if isinstance(text, str) else f"{name} ="
    if isinstance(value, bool) or not (isinstance(value, int | float) or is_array(value)):
        raise BadValueError(f"{gives} {shown(value)}: it must be a whole number", "give a number")
    if not is_whole(value):
        fraction = first_where(value != value // 1, value)
        remedy = "round it with floor, ceil, round_to or make_divisible"
        raise BadValueError(f"{gives} {fraction}: a size must be whole", remedy)
    if least is not None and anywhere(value < least):
        small = to_whole(first_where(value < least, value))
        raise BadValueError(f"{gives} {shown(small)}: it must be at least {least}")
    if anywhere(abs(value) > MAXIMUM_SIZE):  # asked before the array is made one of integers: it might not fit
        large = to_whole(first_where(abs(value) > MAXIMUM_SIZE, value))
        raise BadValueError(f"{gives} {shown(large)}: the largest size is {MAXIMUM_SIZE:,}")
    return to_whole(value)


def _bounded(raw: int) -> int:
    if abs(raw) > INT64_MAX:
        raise BadValueError("the number is beyond 64 bits", "use smaller numbers")
    return raw


def shown(raw: Any) -> str:
    """A value as a spec file would write it, shortened."""
    if isinstance(raw, tuple | list) and len(raw) > 20:
        raw = raw[:20]
    if isinstance(raw, int) and abs(raw) > 10**60:
        return "a number of more than 60 digits"
    if isinstance(raw, tuple | list):
        text = f"[{', '.join(shown(item) for item in raw)}]"
    else:
        text = str(raw).lower() if isinstance(raw, bool) else repr(raw)
    if type(raw).__module__ == "datetime":
        text = str(raw)
    return text if len(text) <= 60 else text[:57] + "..."


def _below(index: int, function: Callable[..., Value], *arguments: Any) -> Value:
    try:
        return function(*arguments)
    except BadValueError as error:
        raise BadValueError(error.problem, error.remedy, (index, *error.below), error.meant) from None


def _check_length(raw: list[Any]) -> None:
    if len(raw) > MAXIMUM_ELEMENTS:
        raise BadValueError(f"the list has {len(raw):,} elements, at most {MAXIMUM_ELEMENTS:,} are allowed")


def _listed(items: list[Value]) -> Value:
    names = frozenset().union(*(item.names for item in items))
    computes = [item.compute for item in items]
    return Value(lambda scope: tuple(compute(scope) for compute in computes), names)


def _expression(
    text: str, known: Collection[str], words: bool = False, condition: bool = False, what: str = ""
) -> Value:
    try:
        expression = parse(text, condition)
    except ExpressionError as error:
        starts_with_text = error.problem[0] in "'\""
        prefix = f"{what}{' =' if starts_with_text else ':'} " if what else ""
        raise BadValueError(prefix + error.problem, error.remedy, meant=NAMES.findall(text)) from None
    check_names(expression, known, words)
    if not expression.names:
        try:
            return fixed(expression({}))
        except ExpressionError as error:
            raise BadValueError(error.problem, error.remedy) from None
    value = Value(expression, expression.names)
    value.name = text if text in expression.names else None
    return value


def check_names(expression: Expression, known: Collection[str], words: bool = False) -> None:
    """Raise BadValueError for the first name that is not in scope."""
    for name in sorted(expression.names):
        if name in known:
            continue
        alone = name == expression.text
        where = "" if alone else f" in {expression.text!r}"
        kind = "name or word" if words and alone else "name"
        likely = closest(name, [*known, *(WORDS if words else ())])
        hint = f"did you mean {likely!r}?" if likely else ""
        if not hint and name in WORDS:
            hint = "that is a word, not a number"
        names = ", ".join(sorted(known)[:20]) + (", ..." if len(known) > 20 else "")
        raise BadValueError(
            f"unknown {kind} {name!r}{where}", hint or f"names here: {names or 'none'}",
            meant=[*expression.names, likely or ""],
        )  # fmt: skip


NAMES = re.compile(r"[a-z][a-z0-9_]*")


def _then(value: Value, check: Callable[[Any], Any]) -> Value:
    if value.constant:
        return fixed(check(value.compute({})))
    compute, name = value.compute, value.name
    if name is not None:
        return Value(lambda scope: check(scope[name]), value.names)
    return Value(lambda scope: check(compute(scope)), value.names)


def _read_integer(least: int | None) -> Callable[[Any, Collection[str], Field], Value]:
    def read(raw: Any, known: Collection[str], field: Field) -> Value:
        if isinstance(raw, str):
            return _then(_expression(raw, known, what=field.name), lambda v: whole_size(v, field.name, raw, least))
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            remedy = "give a whole number or an expression in quotes"
            raise BadValueError(f"{field.name} = {shown(raw)} must be a whole number", remedy)
        return fixed(whole_size(raw, field.name, raw, least))

    return read


def _read_two(least: int) -> Callable[[Any, Collection[str], Field], Value]:
    read_one = _read_integer(least)

    def read(raw: Any, known: Collection[str], field: Field) -> Value:
        if isinstance(raw, list):
            if len(raw) != 2:
                raise BadValueError(f"{field.name} = {shown(raw)} must be one number or two (height, width)")
            return _listed([_below(index, read_one, item, known, field) for index, item in enumerate(raw)])
        if isinstance(raw, str):
            return _then(_expression(raw, known, what=field.name), lambda v: _checked_two(v, field, raw, least))
        value = read_one(raw, known, field)
        return fixed((value.compute({}), value.compute({})))

    return read


def _checked_two(value: Any, field: Field, text: object, least: int) -> Any:
    if type(value) is int and least <= value <= MAXIMUM_SIZE:
        return value, value
    items = value if isinstance(value, tuple) else (value, value)
    if len(items) != 2:
        raise BadValueError(f"{field.name} = {text!r} gives {len(items)} numbers, not one or two")
    return tuple(whole_size(item, field.name, text, least) for item in items)


def _read_padding(raw: Any, known: Collection[str], field: Field) -> Value:
    if not isinstance(raw, str):
        return fixed(_checked_padding(raw, field, raw))
    if raw in field.choices:
        return fixed(raw)
    if raw.isidentifier() and raw not in known:
        words = " or ".join(repr(word) for word in field.choices)
        likely = closest(raw, [*field.choices, *known])
        hint = f"did you mean {likely!r}?" if likely else "or give numbers"
        raise BadValueError(f"padding = {raw!r} is not {words}", hint, meant=[likely or ""])
    return _then(_expression(raw, known, what=field.name), lambda value: _checked_padding(value, field, raw))


def _checked_padding(value: Any, field: Field, text: object) -> Any:
    if isinstance(value, str) and value in field.choices:
        return value
    if not isinstance(value, list | tuple):
        if isinstance(value, str | dict | bool):
            raise _no_padding(value)
        size = whole_size(value, field.name, text, 0)
        return (size, size)
    items = [tuple(item) if isinstance(item, list | tuple) else item for item in value]
    flat = [part for item in items for part in (item if isinstance(item, tuple) else (item,))]
    shaped = len(items) == 2 and all(len(item) == 2 for item in items if isinstance(item, tuple))
    if not shaped or any(isinstance(part, str | bool | list | tuple | dict) for part in flat):
        raise _no_padding(value)
    return tuple(
        tuple(whole_size(part, field.name, None, 0) for part in item)
        if isinstance(item, tuple)
        else whole_size(item, field.name, None, 0)
        for item in items
    )


def _no_padding(value: Any) -> BadValueError:
    return BadValueError(
        f"padding = {shown(value)} is not a padding",
        'write "same", "valid", n, [height, width] or [[top, bottom], [left, right]]',
    )


def _read_sizes(raw: Any, known: Collection[str], field: Field) -> Value:
    least = 0 if field.name == "order" else 1
    read_one = _read_integer(least)
    if isinstance(raw, list):
        if not raw:
            raise BadValueError(f"{field.name} = [] is empty", "list at least one number")
        _check_length(raw)
        return _listed([_below(index, read_one, item, known, field) for index, item in enumerate(raw)])
    if isinstance(raw, str):

        def sizes(value: Any) -> Any:
            items = value if isinstance(value, tuple) else (value,)
            return tuple(whole_size(item, field.name, raw, least) for item in items)

        return _then(_expression(raw, known, what=field.name), sizes)
    return _listed([read_one(raw, known, field)])


def _read_names(raw: Any, known: Collection[str], field: Field) -> Value:
    if not isinstance(raw, list) or not raw or not all(isinstance(item, str) and item.isidentifier() for item in raw):
        remedy = f"write {field.name} = {EXAMPLES['names']}"
        raise BadValueError(f"{field.name} = {shown(raw)} is not a list of names", remedy)
    return fixed(tuple(raw))


def _read_ratio(raw: Any, known: Collection[str], field: Field) -> Value:
    def number(value: Any) -> Any:
        if not isinstance(value, Unknown) and (isinstance(value, bool) or not is_number(value)):
            raise BadValueError(f"{field.name} = {shown(raw)} gives {shown(value)}: it must be a number")
        return value

    return _then(read_number(raw, known, field.name), number)


def is_number(value: object) -> bool:
    """Whether a value is a finite number or an array."""
    return (isinstance(value, int | float) and math.isfinite(value)) or is_array(value)


def _read_flag(raw: Any, known: Collection[str], field: Field) -> Value:
    if isinstance(raw, bool):
        return fixed(raw)
    if not isinstance(raw, str):
        raise BadValueError(f"{field.name} = {shown(raw)} must be true or false")
    if raw not in known:
        likely = closest(raw, known)
        hint = f"did you mean {likely!r}?" if likely else "write true or false without quotes, or the name of a flag"
        problem = f"{field.name} = {shown(raw)} is neither true, false nor a name"
        raise BadValueError(problem, hint, meant=[likely or ""])

    def flag(value: Any) -> Any:
        if not isinstance(value, bool | Unknown):
            raise BadValueError(f"{field.name} = {raw!r} gives {shown(value)}: it must be true or false")
        return value

    return _then(_expression(raw, known), flag)


def _read_word(raw: Any, known: Collection[str], field: Field) -> Value:
    words = ", ".join(field.choices)
    if isinstance(raw, str) and raw in field.choices:
        return fixed(raw)
    if not isinstance(raw, str) or raw not in known:
        likely = closest(raw, [*field.choices, *known]) if isinstance(raw, str) else None
        hint = f"did you mean {likely!r}?" if likely else "write one of these words"
        raise BadValueError(f"{field.name} = {shown(raw)} is not one of {words}", hint, meant=[likely or ""])

    def word(value: Any) -> Any:
        if not isinstance(value, Unknown) and not (isinstance(value, str) and value in field.choices):
            raise BadValueError(f"{field.name} = {raw!r} gives {shown(value)}: it must be one of {words}")
        return value

    return _then(_expression(raw, known), word)


READERS: dict[str, Callable[[Any, Collection[str], Field], Value]] = {
    "size": _read_integer(1),
    "count": _read_integer(0),
    "index": _read_integer(None),
    "pair": _read_two(1),
    "offsets": _read_two(0),
    "padding": _read_padding,
    "sizes": _read_sizes,
    "names": _read_names,
    "ratio": _read_ratio,
    "flag": _read_flag,
    "word": _read_word,
}
