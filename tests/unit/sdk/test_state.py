"""Memory: flat and typed, so that what is restored is what was there."""

import copy
import math

import msgspec
import numpy as np
import pytest

from dfp.sdk import State, Strategy, StrategyError
from dfp.sdk.state import MAX_TEXT


class Memory(State):
    price: float = 0.0
    count: int = 0
    open: bool = False
    note: str = ""


def test_values_are_kept_with_the_field_s_own_type() -> None:
    memory = Memory()
    memory.price = 3
    memory.count = 7
    memory.open = True
    memory.note = "x"
    assert repr(memory.price) == "3.0"
    assert (memory.count, memory.open, memory.note) == (7, True, "x")
    memory.price = np.float64(1.5)
    assert type(memory.price) is float


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("price", "1", "a float"),
        ("price", True, "a float"),
        ("price", None, "a float"),
        ("count", 1.0, "an int of 64 bits"),
        ("count", True, "an int of 64 bits"),
        ("count", 2**63, "an int of 64 bits"),
        ("open", 1, "a bool"),
        ("note", 1, f"at most {MAX_TEXT} characters"),
        ("note", "x" * (MAX_TEXT + 1), f"at most {MAX_TEXT} characters"),
        ("note", "\ud800", f"at most {MAX_TEXT} characters"),
    ],
)
def test_a_value_of_another_type_is_refused_where_it_is_assigned(field: str, value: object, allowed: str) -> None:
    memory = Memory()
    with pytest.raises(StrategyError, match=rf"Memory\.{field} = .* is not allowed; expected {allowed}"):
        setattr(memory, field, value)
    assert memory == Memory()


def test_an_unknown_field_is_refused_with_the_closest_one() -> None:
    with pytest.raises(StrategyError, match=r"Memory has no field 'prise'; did you mean 'price'\?"):
        Memory().prise = 1.0  # type: ignore[attr-defined]


def test_a_field_cannot_be_deleted() -> None:
    with pytest.raises(StrategyError, match=r"Memory\.price cannot be deleted"):
        del Memory().price


def test_a_copy_is_independent_and_what_is_saved_comes_back_bit_for_bit() -> None:
    memory = Memory()
    memory.price, memory.note = math.nan, "突破"
    twin = copy.copy(memory)
    memory.count = 1
    assert twin.count == 0
    saved = msgspec.msgpack.encode(memory)
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(saved, type=Memory)) == saved


def test_a_field_that_cannot_be_saved_is_refused_when_the_strategy_is_made() -> None:
    with pytest.raises(StrategyError, match=r"Memory\.prices has type list\[float\]; a State holds bool, int, float"):

        class Lists(Strategy):
            class Memory(State):
                prices: list[float] = []  # noqa: RUF012


def test_a_field_without_default_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Memory\.price has no default"):

        class Bare(Strategy):
            class Memory(State):
                price: float


def test_a_default_of_another_type_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Memory\.price = 'x' is not allowed"):

        class Wrong(Strategy):
            class Memory(State):
                price: float = "x"  # type: ignore[assignment]


def test_an_annotation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"name 'Price' is not defined"):

        class Unknown(Strategy):
            class Memory(State):
                price: "Price" = 0.0  # type: ignore[name-defined]  # noqa: F821


def test_memory_must_be_a_state() -> None:
    with pytest.raises(StrategyError, match=r"Loose\.Memory is .*expected `class Memory\(State\):`"):

        class Loose(Strategy):
            class Memory:
                price: float = 0.0
