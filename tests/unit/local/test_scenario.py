"""Scripted ticks are ticks that the collector takes."""

import msgspec
import pytest

from dfp.collector.raw_tick import decode
from dfp.local.scenario import SCENARIOS
from dfp.market.phases import session_open_ns

START = session_open_ns(20261125)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_tick_is_one_that_the_collector_reads(name: str) -> None:
    ticks = list(SCENARIOS[name].ticks("600000.SH", START))
    assert [decode(msgspec.json.encode(tick)) for _, tick in ticks] == [(tick, time) for time, tick in ticks]
    assert ticks[0][0] == START
    assert START < ticks[-1][0] <= START + SCENARIOS[name].length_ns


@pytest.mark.parametrize("name", SCENARIOS)
def test_time_and_volume_never_fall_and_the_book_is_not_crossed(name: str) -> None:
    timed = list(SCENARIOS[name].ticks("600000.SH", START))
    times, ticks = [time for time, _ in timed], [tick for _, tick in timed]
    assert times == sorted(set(times))
    assert [tick.volume for tick in ticks] == sorted(tick.volume or 0 for tick in ticks)
    assert all((tick.bid1 or 0) < tick.last < (tick.ask1 or 0) for tick in ticks)
    assert all(abs(tick.last / (tick.pre_close or 1) - 1) < 0.1 for tick in ticks)
