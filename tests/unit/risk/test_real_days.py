"""The guard on real days: the figures behind the shipped thresholds, found by the rule itself."""

from pathlib import Path

import pytest

from dfp.collector.replay import ReplayFeed
from dfp.contracts import codec
from dfp.contracts.clock import Clock
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.frame import decode_ticks
from dfp.contracts.policy import Action
from dfp.contracts.risk import Decision
from dfp.log.work import Work, Write
from dfp.market.phases import SECOND_NS, session_of
from dfp.risk.guard import GuardCore
from dfp.risk.prices import Prices
from dfp.risk.volatility import RealisedVolatility
from feature_log import NAMES
from raw_rows import collector, entries, run
from risk_cases import MINUTE, bundle_of, no_prior_high, verdict_entries, volatility

INDEX = "symbol/000001.SH"


def log_of(marketdata: Path, name: str) -> list[Write]:
    """The log of a file of ticks."""
    return entries(run(ReplayFeed([marketdata / name]).batches(0), collector()))


def test_five_percent_of_volatility_are_exceeded_on_one_symbol_day_in_fifty(marketdata: Path) -> None:
    rules = bundle_of(volatility(0.05, action=Action.ALERT))
    core, work = GuardCore(NAMES, no_prior_high), Work()
    core.assume(Conditions(), rules, work)
    for write in log_of(marketdata, "ashare_hikyuu_minline_201812_201902.parquet"):
        kind = Kind.FEATURES if write.kind is Kind.TICKS else write.kind
        core.process(NAMES.features, [Entry(write.seq or 0, kind, write.payload)], work)
    breaches = {
        (one.target, session_of(entry.time))
        for entry in verdict_entries(work)
        for one in entry.verdicts
        if one.decision is Decision.BREACH and one.target != INDEX
    }
    assert work.counts["ticks"] > 60_000
    assert len(breaches) / 258 == pytest.approx(0.019, abs=0.005)


@pytest.mark.parametrize(("grid", "expected"), [(MINUTE, 0.0167), (3 * SECOND_NS, 0.0327)])
def test_the_grid_of_a_minute_is_not_fooled_by_the_bounce(marketdata: Path, grid: int, expected: float) -> None:
    prices, estimator = Prices(), RealisedVolatility(None, grid)
    for write in log_of(marketdata, "ashare_600519_snapshot_20230201.parquet"):
        if write.kind is Kind.TICKS:
            prices.take(decode_ticks(write.payload))
        else:
            estimator.advance(prices, 20230201, codec.decode(write.payload, Clock).time)
    assert estimator.values(1)[0] == pytest.approx(expected, abs=0.0001)
    assert prices.first[0] == 18_549_800  # the match of the opening auction, published at 09:25:01
