"""The value of whatever a mistake leaves unknown, so that the walk over a wrong file can look for further mistakes."""

from __future__ import annotations

from typing import Any

from costmodel.graph import IMAGE, Shape


class Unknown:
    """A number that nobody knows: arithmetic gives it back, every comparison is false, so no check fails on it."""

    __slots__ = ()
    __array_ufunc__ = None  # arrays leave arithmetic with it to its own methods

    def _same(self, *_: object) -> Unknown:
        return self

    def _false(self, *_: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _same
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = __floor__ = __ceil__ = __round__ = _same
    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _false

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "?"

    def __format__(self, specification: str) -> str:
        return "?"


UNKNOWN: Any = Unknown()


def is_unknown(value: object) -> bool:
    """Whether a value, or a part of it, is unknown."""
    return isinstance(value, Unknown) or (isinstance(value, tuple) and any(is_unknown(part) for part in value))


def unknown_shape(like: Shape | None = None) -> Shape:
    """A shape of unknown sizes, with the axes of another (of an image when there is none)."""
    axes = IMAGE if like is None else like.axes
    return Shape(axes, (UNKNOWN,) * len(axes))
