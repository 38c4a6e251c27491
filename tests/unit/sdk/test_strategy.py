"""Declarations of a strategy are checked when the class is made, so that the error points at its lines."""

from typing import Any

import pytest

from dfp.sdk import State, Strategy, StrategyError, Symbol, Universe, at
from dfp.sdk.tick import FIELDS, tick_type


def make(**body: Any) -> type[Strategy]:
    return type("Made", (Strategy,), body)


def test_an_empty_strategy_needs_nothing_and_says_nothing() -> None:
    made = make()
    assert made.definition.needs == ()
    assert made.definition.warmup_ticks == 0
    assert made.definition.memory is State
    assert make()().on_tick(None, None) is None  # type: ignore[arg-type]


def test_warm_up_is_counted_in_ticks() -> None:
    assert make(warmup="400 ticks").definition.warmup_ticks == 400


@pytest.mark.parametrize("warmup", ["400", "10m", "-1 ticks", "4.5 ticks", "400  ticks", 400, None])
def test_another_unit_of_warm_up_is_refused_with_what_is_allowed(warmup: object) -> None:
    with pytest.raises(StrategyError, match=r'Made\.warmup is .*; expected "N ticks", for example "400 ticks"'):
        make(warmup=warmup)


@pytest.mark.parametrize("needs", ["range_high_400", ["range_high_400"], (1,), None])
def test_needs_that_are_no_tuple_of_names_are_refused(needs: object) -> None:
    with pytest.raises(StrategyError, match=r"Made\.needs is .*; expected a tuple of names"):
        make(needs=needs)


@pytest.mark.parametrize("needs", [("Range",), ("a b",), ("__class__",), ("vwap", "vwap")])
def test_a_need_that_is_no_feature_name_is_refused(needs: tuple[str, ...]) -> None:
    with pytest.raises(StrategyError, match=r"Made\.needs has .*; expected each feature once, in lower case"):
        make(needs=needs)


def test_a_need_that_every_tick_has_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Made\.needs has 'last', which every tick has"):
        make(needs=("last",))


def test_an_own_constructor_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Made defines __init__; declare parameters with Param"):
        make(__init__=lambda self: None)


def test_a_strategy_is_read_only() -> None:
    with pytest.raises(StrategyError, match=r"Made\.count cannot be assigned: .* keep 'count' in Memory"):
        make()().count = 1


def test_a_scope_is_symbol_or_universe_and_with_universe_there_are_no_batches() -> None:
    assert make().definition.scope is Symbol
    assert make(scope=Universe).definition.scope is Universe
    with pytest.raises(StrategyError, match=r"Made\.scope is 'Universe'; expected Symbol or Universe"):
        make(scope="Universe")
    with pytest.raises(StrategyError, match="ticks of a batch have no order; with scope Universe use on_tick"):
        make(scope=Universe, on_batch=lambda self, ticks, memory: None)


def test_a_timer_of_a_universe_is_not_given_a_symbol() -> None:
    with pytest.raises(StrategyError, match=r"Made\.close must take \(self, memory, now\)"):
        make(scope=Universe, close=at("14:55")(lambda self, symbol, memory, now: None))


def test_a_handler_with_other_arguments_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Made\.on_tick must take \(self, tick, memory\)"):
        make(on_tick=lambda self, tick: None)
    with pytest.raises(StrategyError, match=r"Made\.close must take \(self, symbol, memory, now\)"):
        make(close=at("14:55")(lambda self, symbol: None))


def test_a_handler_that_is_no_method_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"Made\.on_tick is 5; expected a plain method"):
        make(on_tick=5)


def test_a_tick_has_the_needed_features_and_cannot_be_changed() -> None:
    kind = tick_type("Made", ("vwap",))
    tick = kind(*range(len(FIELDS)), 9.5)
    assert tick.vwap == 9.5
    with pytest.raises(AttributeError):
        tick.last = 1.0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        _ = tick.spread
