"""``@record``: a small immutable class, defined for a twentieth of what a dataclass costs.

A hundred frozen dataclasses take 50 ms to define, most of a start, and most of them are not used in a run. A record makes
its constructor when it is first called. That nothing assigns to a record's attributes is for the type checker to see.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Gives a class whose annotations are its fields a constructor, comparison by value, a hash and a readable form."""
    inherited: tuple[str, ...] = getattr(cls, "__match_args__", ())
    own = (name for name, kind in vars(cls).get("__annotations__", {}).items() if not str(kind).startswith("ClassVar"))
    fields = inherited + tuple(name for name in own if name not in inherited)
    for name, value in (("__match_args__", fields), ("__init__", _first_call), ("__eq__", _equal), ("__hash__", _hash)):
        setattr(cls, name, value)
    if cls.__repr__ is object.__repr__:
        cls.__repr__ = _show  # type: ignore[method-assign]
    return cls


def _first_call(self: Any, *values: Any, **named: Any) -> None:
    cls = type(self)
    arguments = [f"{name}=cls.{name}" if hasattr(cls, name) else name for name in cls.__match_args__]
    body = "; ".join(f"self.{name} = {name}" for name in cls.__match_args__) or "pass"
    scope: dict[str, Any] = {"cls": cls}
    exec(f"def __init__({', '.join(['self', *arguments])}): {body}", scope)
    cls.__init__ = scope["__init__"]
    cls.__init__(self, *values, **named)


def values(self: Any) -> tuple[Any, ...]:
    """The fields of a record, in order."""
    return tuple(getattr(self, name) for name in self.__match_args__)


def _equal(self: Any, other: object) -> bool:
    return values(self) == values(other) if type(self) is type(other) else NotImplemented


def _hash(self: Any) -> int:
    return hash((type(self), values(self)))


def _show(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__match_args__)})"


def changed(self: T, **changes: object) -> T:
    """A copy of a record with other values in some of its fields."""
    return type(self)(**dict(zip(self.__match_args__, values(self), strict=True)) | changes)  # type: ignore[attr-defined]
