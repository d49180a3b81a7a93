"""Records: what dataclasses would do, for less."""

from __future__ import annotations

from typing import ClassVar

import pytest

from dtrace_py.record import changed, record, values


@record
class Point:
    shape: ClassVar[str] = "point"

    x: int
    y: int = 7


@record
class Named(Point):
    name: str = "?"


def test_fields_in_order_defaults_and_names() -> None:
    assert values(Point(1)) == (1, 7)
    assert values(Named(1, name="a")) == (1, 7, "a")
    assert repr(Named(1, 2)) == "Named(x=1, y=2, name='?')"
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, z=2)  # type: ignore[call-arg]


def test_equal_by_value_and_of_the_same_kind() -> None:
    assert Point(1) == Point(1, 7) != Point(2)
    assert Point(1) != Named(1)
    assert len({Point(1), Point(1, 7), Point(2), Named(1)}) == 3


def test_a_changed_copy() -> None:
    point = Named(1, 2, "a")
    assert changed(point, y=3) == Named(1, 3, "a")
    assert point.y == 2


def test_patterns() -> None:
    match Named(1, 2, "a"):
        case Point(x, y=2):
            assert x == 1
        case _:
            pytest.fail("no match")
