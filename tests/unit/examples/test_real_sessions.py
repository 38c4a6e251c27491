"""The shipped strategies on real sessions, through the pure cores of the whole chain."""

import functools
import random
from pathlib import Path

import pytest

from conftest import ROOT
from dfp.collector.core import CollectorCore
from dfp.collector.framing import FrameRows
from dfp.collector.replay import ReplayFeed
from dfp.contracts.entry import Entry
from dfp.contracts.signal import Direction, Signal
from dfp.engine.assembly import assemble
from dfp.engine.deadline import NoDeadline
from dfp.features.catalog import DEFAULT
from dfp.features.core import FeatureCore
from dfp.log.work import Work
from feature_log import NAMES, signals

SZ5 = "ashare_sz5_snapshot_20220601.parquet"
SH30 = "ashare_sh30_snapshot_20211201.parquet"
SHIPPED = ("breakout:Breakout", "mean_reversion:MeanReversion", "orderbook_imbalance:OrderbookImbalance")


@functools.cache
def features_of(path: Path, frame_rows: str) -> list[Entry]:
    collector = CollectorCore(NAMES, lambda session: True, FrameRows.parse(frame_rows))
    cleaned = Work()
    for batch in ReplayFeed([path]).batches(0):
        collector.take(batch, cleaned)
    collector.finish(cleaned)
    featured = Work()
    FeatureCore(NAMES, DEFAULT).process(NAMES.clean_ticks, entries_of(cleaned, NAMES.clean_ticks), featured)
    return entries_of(featured, NAMES.features)


def entries_of(work: Work, stream: str) -> list[Entry]:
    return [
        Entry(write.seq, write.kind, write.payload, write.meta)
        for write in work.writes
        if write.stream == stream and write.seq is not None
    ]


def outcome(strategy: str, entries: list[Entry], seed: int | None = None) -> Work:
    """What the strategy leaves behind; with a seed in batches of random size, saved and restored in between."""
    module, _, _ = strategy.partition(":")
    core = assemble(
        NAMES,
        module.replace("_", "-"),
        code=f"file:{ROOT / 'examples' / module / module}.py:{strategy.partition(':')[2]}",
        parameters={},
        universe={},
        live=True,
        watch=NoDeadline(),
    )
    work = Work()
    dice = random.Random(seed)
    rest = entries
    while rest:
        size = len(rest) if seed is None else dice.randint(1, 500)
        core.process(NAMES.features, rest[:size], work)
        rest = rest[size:]
        core.load(core.save())
    return work


@pytest.mark.parametrize("strategy", SHIPPED)
@pytest.mark.parametrize(("file", "ticks"), [(SZ5, 20_980), (SH30, 32_972)])
def test_each_strategy_speaks_on_each_session_and_fails_on_no_tick(
    marketdata: Path, file: str, ticks: int, strategy: str
) -> None:
    work = outcome(strategy, features_of(marketdata / file, "512"))
    said = signals(work)
    assert work.counts["ticks"] == ticks
    assert set(work.counts) <= {"ticks", "signals", "not-warm"}
    assert 3 <= len(said) <= 1_000
    assert len({signal.id for signal in said}) == len(said)
    assert all(signal.as_of <= signal.expires for signal in said)


def test_together_they_give_at_least_fifty_signals(marketdata: Path) -> None:
    said = [
        signal
        for file in (SZ5, SH30)
        for strategy in SHIPPED
        for signal in signals(outcome(strategy, features_of(marketdata / file, "512")))
    ]
    assert len(said) >= 50
    assert {signal.direction for signal in said} == set(Direction)


@pytest.mark.parametrize("strategy", SHIPPED)
def test_frames_of_one_and_of_random_size_batches_and_restarts_change_no_byte(marketdata: Path, strategy: str) -> None:
    expected = outcome(strategy, features_of(marketdata / SZ5, "512"))
    for frame_rows in ("1", "random:7"):
        found = outcome(strategy, features_of(marketdata / SZ5, frame_rows), seed=11)
        assert found.digested == expected.digested
        assert found.counts == expected.counts


def test_a_breakout_cites_a_price_above_the_range_that_stands_in_its_reason(marketdata: Path) -> None:
    ups = [
        signal
        for signal in signals(outcome("breakout:Breakout", features_of(marketdata / SH30, "512")))
        if signal.direction is Direction.UP
    ]
    assert ups
    assert all(_cited(signal) < (signal.reference_price or 0) for signal in ups)


def _cited(signal: Signal) -> float:
    return float(signal.reason.rpartition(" ")[2])
