"""Scripted ticks are ticks that the collector takes."""

import msgspec
import pytest

from dfp.collector.raw_tick import RawTick
from dfp.local.scenario import SCENARIOS
from dfp.market.phases import session_open_ns

START = session_open_ns(20261125)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_tick_is_one_that_the_collector_reads(name: str) -> None:
    ticks = list(SCENARIOS[name].ticks("600000.SH", START))
    for tick in ticks:
        msgspec.json.decode(msgspec.json.encode(tick), type=RawTick)
    assert ticks[0].time == START
    assert START < ticks[-1].time <= START + SCENARIOS[name].length_ns


@pytest.mark.parametrize("name", SCENARIOS)
def test_time_and_volume_never_fall_and_the_book_is_not_crossed(name: str) -> None:
    ticks = list(SCENARIOS[name].ticks("600000.SH", START))
    assert [tick.time for tick in ticks] == sorted({tick.time for tick in ticks})
    assert [tick.volume for tick in ticks] == sorted(tick.volume for tick in ticks)
    assert all(tick.bid1 < tick.last < tick.ask1 for tick in ticks)
    assert all(abs(tick.last / tick.pre_close - 1) < 0.1 for tick in ticks)
