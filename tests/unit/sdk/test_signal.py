"""Signals as a strategy writes them."""

import math

import pytest

from dfp.sdk import Down, Flat, Signal, StrategyError, Up


def test_a_direction_is_enough() -> None:
    signal = Signal(Flat)
    assert (signal.confidence, signal.strength, signal.horizon_ns) == (0.5, 50.0, 600 * 10**9)


def test_numbers_become_floats_so_that_equal_signals_have_equal_bytes() -> None:
    signal = Signal(Up, confidence=1, strength=100)
    assert (repr(signal.confidence), repr(signal.strength)) == ("1.0", "100.0")


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("confidence", 1.01, "a number from 0 to 1"),
        ("confidence", -0.01, "a number from 0 to 1"),
        ("confidence", math.nan, "a number from 0 to 1"),
        ("confidence", "high", "a number from 0 to 1"),
        ("confidence", True, "a number from 0 to 1"),
        ("strength", 100.5, "a number from 0 to 100"),
        ("strength", None, "a number from 0 to 100"),
        ("reason", 5, "500 characters"),
        ("reason", "x" * 501, "500 characters"),
    ],
)
def test_a_value_out_of_range_is_refused_with_field_value_and_what_is_allowed(
    field: str, value: object, allowed: str
) -> None:
    with pytest.raises(StrategyError, match=rf"Signal\.{field} = .* is not allowed; expected {allowed}"):
        Signal(Down, **{field: value})  # type: ignore[arg-type]


def test_a_symbol_is_taken_in_its_one_spelling() -> None:
    assert Signal(Up, symbol=" 600000.sh ").symbol == "600000.SH"
    assert Signal(Up).symbol is None


@pytest.mark.parametrize("symbol", ["600000", "", 600000])
def test_what_is_no_symbol_is_refused(symbol: object) -> None:
    with pytest.raises(StrategyError, match=r"Signal\.symbol: symbol .* is not allowed; expected six digits with"):
        Signal(Up, symbol=symbol)  # type: ignore[arg-type]


def test_a_direction_of_another_kind_is_refused() -> None:
    with pytest.raises(
        StrategyError, match=r"Signal\.direction = 'Sideways' is not allowed; expected Up, Down or Flat"
    ):
        Signal("Sideways")  # type: ignore[arg-type]


@pytest.mark.parametrize("horizon", ["soon", "", "10 parsecs", "-5m", 600])
def test_a_horizon_that_is_no_duration_is_refused(horizon: object) -> None:
    with pytest.raises(StrategyError, match=r"Signal\.horizon"):
        Signal(Up, horizon=horizon)  # type: ignore[arg-type]
