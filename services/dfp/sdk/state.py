"""A strategy's memory: one flat, typed row a symbol, so that the engine can save, restore and roll it back.

Types are checked where a value is assigned: a float field that held an int would be restored as a float, and a re-run
after a restart would no longer give the same bytes.
"""

import functools
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import msgspec

from dfp.sdk.errors import StrategyError, closest

MAX_TEXT = 256
"""Characters in a text field: a row that grew without end would make every snapshot larger than the last."""

_KINDS: Mapping[object, type] = {bool: bool, int: int, float: float, str: str}
_INT64 = range(-(2**63), 2**63)


class State(msgspec.Struct, gc=False):
    """Base of a strategy's `Memory`: annotated fields of type bool, int, float or str, each with a default.

    A new revision starts with fresh memory, unless it has a classmethod `migrate(cls, old)` that makes a row of an old
    one, given as field -> value; whatever fields that had.
    """

    if TYPE_CHECKING:

        def __copy__(self) -> Self: ...

    else:  # out of a type checker's sight, because with it every attribute could be assigned

        def __setattr__(self, name, value):
            """Assign a checked value; raises `StrategyError` for an unknown field or a value of another type."""
            super().__setattr__(name, _checked(type(self), name, value))

        def __delattr__(self, name):
            raise StrategyError(f"{type(self).__qualname__}.{name} cannot be deleted; assign its default instead")


def check_state(kind: type[State]) -> None:
    """Check a `Memory` class.

    Raises:
        StrategyError: a field has no default, or a type that cannot be saved.
    """
    try:
        fields = msgspec.structs.fields(kind)
    except (NameError, TypeError) as error:
        raise StrategyError(f"{kind.__qualname__}: {error}") from None
    if not isinstance(inspect.getattr_static(kind, "migrate", classmethod(lambda cls: None)), classmethod):
        raise StrategyError(f"{kind.__qualname__}.migrate must be a @classmethod that takes (cls, old)")
    for field in fields:
        where = f"{kind.__qualname__}.{field.name}"
        if field.type not in _KINDS:
            raise StrategyError(f"{where} has type {field.type!r}; a State holds bool, int, float and str fields")
        if field.default is msgspec.NODEFAULT:
            raise StrategyError(f"{where} has no default; write for example `{field.name}: float = 0.0`")
        _checked(kind, field.name, field.default)


@functools.cache
def _kinds(state: type[State]) -> dict[str, type]:
    return {field.name: _KINDS[field.type] for field in msgspec.structs.fields(state)}


def _checked(state: type[State], name: str, value: object) -> object:
    kinds = _kinds(state)
    kind = kinds.get(name)
    if kind is None:
        raise StrategyError(f"{state.__qualname__} has no field {name!r}{closest(name, kinds)}")
    if kind is float and isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return int(value)
    if kind is str and isinstance(value, str) and len(value) <= MAX_TEXT and _encodable(value):
        return str(value)
    allowed = {bool: "a bool", int: "an int of 64 bits", float: "a float", str: f"at most {MAX_TEXT} characters"}
    raise StrategyError(f"{state.__qualname__}.{name} = {value!r:.80} is not allowed; expected {allowed[kind]}")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True
