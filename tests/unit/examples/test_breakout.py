"""The shipped breakout strategy: when it speaks, and when it keeps silent."""

from dataclasses import replace
from pathlib import Path

from conftest import ROOT
from dfp.contracts.flags import Flag
from dfp.contracts.signal import Direction, Signal
from dfp.engine.loader import load
from feature_log import Item, Row, clock, engine, log, rows, run, signals

CODE = f"file:{Path(ROOT, 'examples', 'breakout', 'breakout.py')}:Breakout"
INSIDE = {"range_high_400": 10.0, "volume_ratio": 3.0, "room_to_limit_up": 0.05}
WARM: list[Item] = list(rows(400, start="09:30:00", features=INSIDE))


def tick(n: int, last: float, **features: float) -> Row:
    return Row(n=400 + n, last=last, features={**INSIDE, **features})


def said(*ticks: Item, **parameters: object) -> list[Signal]:
    strategy = load(CODE).kind(**parameters)
    return signals(run(engine(strategy), log([*WARM, *ticks])))


def test_a_price_above_its_range_on_unusual_volume_is_up() -> None:
    (signal,) = said(tick(1, 10.05))
    assert signal.direction is Direction.UP
    assert signal.reason == "10.05 above range 10"
    assert (signal.confidence, signal.strength) == (0.6, 60.0)
    assert signal.horizon_ns == 600 * 10**9


def test_strength_follows_volume_up_to_100() -> None:
    (signal,) = said(tick(1, 10.05, volume_ratio=30.0))
    assert signal.strength == 100.0


def test_within_the_range_on_usual_volume_or_near_the_limit_it_keeps_silent() -> None:
    assert said(tick(1, 10.0)) == []
    assert said(tick(1, 10.05, volume_ratio=2.0)) == []
    assert said(tick(1, 10.05, room_to_limit_up=0.004)) == []


def test_outside_continuous_trading_it_keeps_silent() -> None:
    assert said(replace(tick(1, 10.05), flags=int(Flag.CROSSED))) == []


def test_it_speaks_once_and_ends_its_view_two_percent_below_entry() -> None:
    up, flat = said(tick(1, 10.05), tick(2, 10.10), tick(3, 9.85), tick(4, 9.84))
    assert (up.n, flat.n) == (401, 404)
    assert flat.direction is Direction.FLAT


def test_the_view_is_forgotten_before_the_close() -> None:
    first, second = said(tick(1, 10.05), clock("14:55:00"), tick(2, 9.0), tick(3, 10.06))
    assert [first.direction, second.direction] == [Direction.UP, Direction.UP]


def test_features_that_are_not_there_yet_say_nothing() -> None:
    nan = float("nan")
    assert said(tick(1, 10.05, range_high_400=nan), tick(2, 10.05, volume_ratio=nan)) == []


def test_the_volume_that_counts_as_unusual_is_a_parameter() -> None:
    assert said(tick(1, 10.05), min_ratio=4.0) == []
