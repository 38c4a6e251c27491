"""The shipped order-book strategy: when it speaks, and when it keeps silent."""

from dataclasses import replace
from pathlib import Path

import pytest

from conftest import ROOT
from dfp.contracts.flags import Flag
from dfp.contracts.signal import Direction, Signal
from dfp.engine.loader import load
from feature_log import PINGAN, Item, Row, clock, engine, log, rows, run, signals

CODE = f"file:{Path(ROOT, 'examples', 'orderbook_imbalance', 'orderbook_imbalance.py')}:OrderbookImbalance"
BALANCED = {"imbalance": 0.0, "spread": 0.0005, "room_to_limit_up": 0.05}
WARM: list[Item] = list(rows(20, features=BALANCED))


def heavy(first: int, count: int, **features: float) -> list[Row]:
    """Consecutive ticks with many more buyers than sellers."""
    return [Row(n=n, features={**BALANCED, "imbalance": 0.8, **features}) for n in range(first, first + count)]


def said(*ticks: Item, **parameters: object) -> list[Signal]:
    strategy = load(CODE).kind(**parameters)
    return signals(run(engine(strategy), log([*WARM, *ticks])))


def test_a_book_that_stays_heavy_on_the_bid_is_up_at_the_fifth_tick() -> None:
    (signal,) = said(*heavy(21, 9))
    assert (signal.direction, signal.n) == (Direction.UP, 25)
    assert (signal.confidence, signal.strength) == (0.62, 80.0)
    assert signal.reason == "book imbalance +80% at a spread of 0.050%"
    assert signal.horizon_ns == 120 * 10**9


def test_an_imbalance_that_does_not_last_is_noise() -> None:
    assert said(*heavy(21, 4), *heavy(25, 1, imbalance=0.6), *heavy(26, 4)) == []


@pytest.mark.parametrize("feature", [{"spread": 0.002}, {"room_to_limit_up": 0.005}, {"imbalance": float("nan")}])
def test_a_wide_spread_the_limit_or_a_missing_feature_keeps_it_silent(feature: dict[str, float]) -> None:
    assert said(*heavy(21, 9, **feature)) == []


def test_a_tick_outside_of_continuous_trading_breaks_the_row() -> None:
    crossed = replace(heavy(25, 1)[0], flags=int(Flag.CROSSED))
    assert said(*heavy(21, 4), crossed, *heavy(26, 4)) == []


def test_the_view_ends_when_the_book_turns_and_may_open_again() -> None:
    said_so = said(*heavy(21, 5), *heavy(26, 1, imbalance=0.1), *heavy(27, 1, imbalance=-0.1), *heavy(28, 5))
    assert [(one.direction, one.n) for one in said_so] == [
        (Direction.UP, 25),
        (Direction.FLAT, 27),
        (Direction.UP, 32),
    ]


def test_symbols_of_one_batch_are_judged_each_by_itself() -> None:
    other = [replace(row, symbol=PINGAN, features=BALANCED) for row in heavy(21, 5)]
    mixed = [row for pair in zip(heavy(21, 5), other, strict=True) for row in pair]
    assert [(one.symbol, one.n) for one in said(*mixed)] == [("600519.SH", 25)]


def test_the_view_is_forgotten_before_the_close() -> None:
    first, second = said(*heavy(21, 5), clock("14:55:00"), *heavy(26, 5))
    assert [first.direction, second.direction] == [Direction.UP, Direction.UP]


def test_how_long_an_imbalance_has_to_last_is_a_parameter() -> None:
    (signal,) = said(*heavy(21, 9), ticks_in_row=7)
    assert signal.n == 27
