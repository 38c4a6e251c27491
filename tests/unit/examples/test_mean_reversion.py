"""The shipped mean-reversion strategy: when it speaks, and when it keeps silent."""

from pathlib import Path

import pytest

from conftest import ROOT
from dfp.contracts.signal import Direction, Signal
from dfp.engine.loader import load
from feature_log import Item, Row, clock, engine, log, rows, run, signals

CODE = f"file:{Path(ROOT, 'examples', 'mean_reversion', 'mean_reversion.py')}:MeanReversion"
CALM = {"zscore_100": 0.0, "imbalance": 0.0, "spread": 0.0005}
WARM: list[Item] = list(rows(100, start="09:30:00", features=CALM))


def tick(n: int, **features: float) -> Row:
    return Row(n=100 + n, last=9.9, features={**CALM, **features})


def said(*ticks: Item, **parameters: object) -> list[Signal]:
    strategy = load(CODE).kind(**parameters)
    return signals(run(engine(strategy), log([*WARM, *ticks])))


def test_far_below_the_mean_with_more_bids_than_asks_is_up() -> None:
    (signal,) = said(tick(1, zscore_100=-3.0, imbalance=0.4))
    assert signal.direction is Direction.UP
    assert (signal.confidence, signal.strength) == (0.65, 60.0)
    assert signal.reason == "9.9 is -3.0 deviations from its mean, book imbalance +40%"


def test_far_above_the_mean_with_more_asks_than_bids_is_down() -> None:
    (signal,) = said(tick(1, zscore_100=6.0, imbalance=-0.4))
    assert signal.direction is Direction.DOWN
    assert signal.strength == 100.0
    assert signal.reason == "9.9 is 6.0 deviations from its mean, book imbalance -40%"


@pytest.mark.parametrize(
    "features",
    [
        {"zscore_100": -2.4, "imbalance": 0.4},
        {"zscore_100": -3.0, "imbalance": 0.2},
        {"zscore_100": -3.0, "imbalance": -0.4},
        {"zscore_100": 3.0, "imbalance": 0.4},
        {"zscore_100": -3.0, "imbalance": 0.4, "spread": 0.002},
        {"zscore_100": float("nan"), "imbalance": 0.4},
        {"zscore_100": -3.0, "imbalance": float("nan")},
        {"zscore_100": -3.0, "imbalance": 0.4, "spread": float("nan")},
    ],
)
def test_otherwise_it_keeps_silent(features: dict[str, float]) -> None:
    assert said(tick(1, **features)) == []


@pytest.mark.parametrize("side", [1, -1])
def test_the_view_ends_when_the_price_is_back_near_its_mean(side: int) -> None:
    stretched = {"zscore_100": -3.0 * side, "imbalance": 0.4 * side}
    first, flat = said(
        tick(1, **stretched), tick(2, **stretched), tick(3, zscore_100=-0.6 * side), tick(4, zscore_100=-0.4 * side)
    )
    assert (first.n, flat.n) == (101, 104)
    assert flat.direction is Direction.FLAT


def test_the_view_is_forgotten_before_the_close() -> None:
    stretched = {"zscore_100": -3.0, "imbalance": 0.4}
    said_twice = said(tick(1, **stretched), clock("14:55:00"), tick(2, **stretched))
    assert [signal.direction for signal in said_twice] == [Direction.UP, Direction.UP]


def test_thresholds_are_parameters() -> None:
    stretched = tick(1, zscore_100=-3.0, imbalance=0.4)
    assert said(stretched, entry=3.5) == []
    assert said(stretched, min_imbalance=0.5) == []
    assert said(stretched, max_spread=0.0001) == []
