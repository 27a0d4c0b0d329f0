"""Frozen plain data: `@record` gives what `@dataclass(frozen=True, slots=True)` gives.

It exists for start-up time: the standard decorator compiles half a dozen methods per class and imports
`inspect`, together 80 ms for the 60 records of this package, a third of what the command line may use in all.
Here only `__init__` is compiled; equality, hash and text are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


def fields_of(record: Any) -> tuple[str, ...]:
    """The field names of a record or record class, in order."""
    names: tuple[str, ...] = record.__record_fields__
    return names


def values_of(record: Any) -> tuple[Any, ...]:
    """The field values of a record, in order."""
    return tuple(getattr(record, name) for name in record.__record_fields__)


def replace(record: T, **changes: Any) -> T:
    """A copy of `record` with some fields changed."""
    values = {name: getattr(record, name) for name in fields_of(record)}
    unknown = changes.keys() - values.keys()
    if unknown:
        raise TypeError(f"{type(record).__name__} has no field {sorted(unknown)[0]!r}")
    return type(record)(**(values | changes))


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and values_of(self) == values_of(other)


def _hash(self: Any) -> int:
    return hash((type(self), values_of(self)))


def _text(self: Any) -> str:
    arguments = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields_of(self))
    return f"{type(self).__name__}({arguments})"


def _frozen(self: Any, name: str, value: object = None) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: use records.replace to change {name!r}")


def _reduce(self: Any) -> tuple[type, tuple[Any, ...]]:
    return type(self), values_of(self)


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a class with annotated fields a frozen record with slots.

    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1) == Point(1, 0)
    True
    >>> replace(Point(1), y=5)
    Point(x=1, y=5)
    """
    namespace = dict(vars(cls))
    own = [name for name, kind in namespace.get("__annotations__", {}).items() if not _is_class_level(kind)]
    inherited = next((base.__record_fields__ for base in cls.__mro__[1:] if hasattr(base, "__record_fields__")), ())
    defaults = dict(getattr(cls, "__record_defaults__", {}))
    defaults |= {name: namespace.pop(name) for name in own if name in namespace}
    names = (*inherited, *own)
    namespace.pop("__dict__", None)
    namespace.pop("__weakref__", None)
    namespace |= {
        "__slots__": tuple(own),
        "__record_fields__": names,
        "__record_defaults__": defaults,
        "__setattr__": _frozen,
        "__delattr__": _frozen,
        "__reduce__": _reduce,
    }
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _text)):
        if name not in vars(cls) or (name == "__hash__" and vars(cls)[name] is None):
            namespace[name] = method
    made: Any = type(cls.__name__, cls.__bases__, namespace)  # slots can only be given to a class as it is made
    made.__init__ = _initialiser(made, names, defaults)
    frozen: type[T] = made
    return frozen


def _is_class_level(annotation: object) -> bool:
    return str(annotation).startswith(("ClassVar", "typing.ClassVar"))


def _initialiser(cls: type, names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    arguments = ", ".join(f"{name}=_defaults[{name!r}]" if name in defaults else name for name in names)
    body = "".join(f"\n    _set_{name}(self, {name})" for name in names) or "\n    pass"
    scope: dict[str, Any] = {f"_set_{name}": getattr(cls, name).__set__ for name in names} | {"_defaults": defaults}
    # The source is made of the field names of our own classes only, as in the standard library's dataclasses.
    exec(f"def __init__(self, {arguments}):{body}", scope)
    initialiser: Callable[..., None] = scope["__init__"]
    initialiser.__qualname__ = f"{cls.__qualname__}.__init__"
    return initialiser
