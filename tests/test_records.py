"""Records: what a frozen dataclass with slots gives."""

from __future__ import annotations

import copy
import pickle
from typing import Any, ClassVar

import pytest

from costmodel.graph import Graph, Layer, Shape, image
from costmodel.operators.base import Counts
from costmodel.operators.convolution import Conv2d
from costmodel.records import fields_of, record, replace, values_of


@record
class Point:
    """A place."""

    x: int
    y: int = 0


@record
class Place(Point):
    """A place with a name."""

    name: str = ""
    unit: ClassVar[str] = "m"

    @property
    def sum(self) -> int:
        """Both numbers."""
        return self.x + self.y


@record
class Nothing:
    """No fields."""


def test_fields_and_values_in_order() -> None:
    assert fields_of(Point) == fields_of(Point(1)) == ("x", "y")
    assert fields_of(Place) == ("x", "y", "name")
    assert values_of(Place(1, 2, "here")) == (1, 2, "here")
    assert (fields_of(Nothing), values_of(Nothing())) == ((), ())


def test_defaults() -> None:
    assert values_of(Point(3)) == (3, 0)
    assert values_of(Place(3)) == (3, 0, "")
    assert values_of(Point(y=4, x=3)) == (3, 4)
    assert values_of(Counts()) == (0,) * 17


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"Point.__init__\(\) missing 1 required positional argument: 'x'"),
        ({"x": 1, "z": 2}, r"Point.__init__\(\) got an unexpected keyword argument 'z'"),
    ],
)
def test_wrong_arguments(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Point(**arguments)
    with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments but 4 were given"):
        Point(1, 2, 3)  # type: ignore[call-arg]


def test_frozen() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match=r"^Point is frozen: use records.replace to change 'x'$"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"^Point is frozen: use records.replace to change 'z'$"):
        point.z = 2  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"^Point is frozen: use records.replace to change 'y'$"):
        del point.y
    assert values_of(point) == (1, 0)


@pytest.mark.parametrize("value", [Point(1), Place(1), Nothing(), Conv2d(3), image(1, 2, 3), Counts()])
def test_slots(value: Any) -> None:
    assert not hasattr(value, "__dict__")


def test_equality() -> None:
    assert Point(1) == Point(1, 0)
    assert Point(1) != Point(2)
    assert Point(1) != Place(1)
    assert Place(1) != Point(1)
    same_values: object = (1, 0)
    assert Point(1) != same_values
    assert Nothing() == Nothing()


def test_hash() -> None:
    assert hash(Point(1)) == hash(Point(1, 0))
    assert len({Point(1), Point(1, 0), Place(1), Point(2), Nothing(), Nothing()}) == 4
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point([1]))  # type: ignore[arg-type]


def test_text() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert repr(Place(1, name="here")) == "Place(x=1, y=0, name='here')"
    assert repr(Nothing()) == "Nothing()"


def test_methods_of_the_class_are_kept() -> None:
    assert str(image(3, 4, 5)) == "3x4x5"
    assert repr(image(3, 4, 5)) == "Shape(axes=('c', 'h', 'w'), sizes=(3, 4, 5))"
    assert Place(1, 2).sum == 3
    assert Place.unit == "m"
    assert Point.__doc__ == "A place."
    assert Point.__init__.__qualname__ == "Point.__init__"


def test_a_hash_of_its_own_is_kept() -> None:
    layers = (Layer("one", Conv2d(3), ("x",), ("one",)),)
    graph = Graph("net", {"x": image(1, 2, 3)}, layers, ("one",), {"width": 1.0})
    assert hash(graph) == hash(("net", layers, ("one",)))
    assert graph == Graph("net", {"x": image(1, 2, 3)}, layers, ("one",), {"width": 1.0})
    assert graph != replace(graph, parameters={"width": 0.5})


def test_replace() -> None:
    point = Point(1, 2)
    assert replace(point, y=5) == Point(1, 5)
    assert replace(point) == point
    assert point == Point(1, 2)
    assert type(replace(Place(1), x=2)) is Place


def test_replace_of_an_unknown_field() -> None:
    with pytest.raises(TypeError, match=r"^Point has no field 'z'$"):
        replace(Point(1), z=3)
    with pytest.raises(TypeError, match=r"^Conv2d has no field 'strides'$"):
        replace(Conv2d(3), strides=2)


@pytest.mark.parametrize(
    "value", [Point(1, 2), Place(1, name="here"), Nothing(), image(3, 4, 5), Conv2d(3, kernel=(1, 7)), Counts(macs=3)]
)
def test_pickle_and_copy(value: Any) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value


def test_shape_properties() -> None:
    shape = Shape(("heads", "tokens", "d"), (2, 9, 8))
    assert (shape.elements, shape.channels, shape.is_image, shape.leading) == (144, 8, False, (2, 9))
    assert shape.with_last(5) == Shape(("heads", "tokens", "d"), (2, 9, 5))
    assert (image(3, 4, 5).channels, image(3, 4, 5).is_image) == (3, True)


def test_path_of_a_layer() -> None:
    assert Layer("stage.block_1.conv2d", Conv2d(3), ("x",), ("y",)).path == ("stage", "block_1", "conv2d")
