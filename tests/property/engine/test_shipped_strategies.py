"""The shipped strategies keep the laws of an engine on random markets that make them speak."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from dfp.contracts.entry import Entry
from dfp.engine.assembly import assemble
from dfp.engine.core import EngineCore
from dfp.engine.deadline import NoDeadline
from dfp.log.work import Work
from dfp.market.phases import Phase
from feature_log import NAMES, SESSION, Item, Row, clock, log, moment, run, signals

EXAMPLES = Path(ROOT, "examples")
SHIPPED = (
    ("breakout", f"file:{EXAMPLES / 'breakout' / 'breakout.py'}:Breakout"),
    ("mean-reversion", f"file:{EXAMPLES / 'mean_reversion' / 'mean_reversion.py'}:MeanReversion"),
    (
        "orderbook-imbalance",
        f"file:{EXAMPLES / 'orderbook_imbalance' / 'orderbook_imbalance.py'}:OrderbookImbalance",
    ),
)
PARAMETERS = {"orderbook-imbalance": {"ticks_in_row": 1, "enter": 0.3, "max_spread": 0.01}}
"""A random book is not heavy for long."""

SYMBOLS = ("600519.SH", "000001.SZ")


def shipped(name: str, code: str) -> EngineCore:
    parameters = PARAMETERS.get(name, {})
    return assemble(NAMES, name, code=code, parameters=parameters, universe={}, live=True, watch=NoDeadline())


def market(seed: int) -> list[Item]:
    """Two symbols over the last hour and the close; ranges break, prices stray from their mean and come back."""
    dice = random.Random(seed)
    items: list[Item] = []
    for second in range(0, 3_600, 5):
        hour, minute = 14 + second // 3_600, second // 60 % 60
        phase = Phase.CONTINUOUS if minute < 57 else Phase.CLOSING_CALL
        if dice.random() < 0.8:
            items.append(clock(f"{hour}:{minute:02d}:{second % 60:02d}", phase=phase))
        for symbol in SYMBOLS:
            stretch = dice.choice((-3.0, 0.0, 3.0))
            features = {
                "range_high_400": 10.0,
                "volume_ratio": dice.uniform(1, 4),
                "room_to_limit_up": dice.choice((0.001, 0.05)),
                "zscore_100": stretch + dice.uniform(-1, 1),
                "imbalance": -stretch / 3 + dice.uniform(-1, 1),
                "spread": dice.choice((0.0005, 0.002)),
            }
            time = moment("14:00:00") + second * 10**9
            items.append(
                Row(symbol, second // 5 + 1, time, dice.uniform(9.7, 10.1), phase, session=SESSION, features=features)
            )
    return items


def in_batches(core: EngineCore, entries: list[Entry], dice: random.Random, *, restarts: bool) -> Work:
    total = Work()
    rest = entries
    while rest:
        size = dice.randint(1, 30)
        core.process(NAMES.features, rest[:size], total)
        rest = rest[size:]
        if restarts:
            state = core.save()
            core.load(b"")
            core.load(state)
    return total


@pytest.mark.parametrize(("name", "code"), SHIPPED, ids=[name for name, _ in SHIPPED])
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_random_frames_batches_and_restarts_change_no_byte(name: str, code: str, seed: int) -> None:
    dice = random.Random(seed)
    items = market(seed)
    whole, split, restarted = (shipped(name, code) for _ in range(3))
    expected = run(whole, log(items))
    assert len(signals(expected)) > 10, "a market in which the strategy says nothing proves nothing"
    for core, restarts in ((split, False), (restarted, True)):
        found = in_batches(core, log(items, cut=lambda: dice.random() < 0.5), dice, restarts=restarts)
        assert found.digested == expected.digested
        assert found.counts == expected.counts
        assert core.save() == whole.save()
