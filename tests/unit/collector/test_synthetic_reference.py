"""Reference data of the invented market: repeatable, and in agreement with what the feed sends."""

from pathlib import Path

import numpy as np
import pytest

from dfp.collector.synthetic import SyntheticFeed
from dfp.collector.synthetic_market import LARGEST
from dfp.collector.synthetic_reference import BARS, SECTORS, SESSIONS, synthetic_reference, write_reference
from dfp.market.calendar import Calendar
from dfp.market.reference import ReferenceData
from raw_rows import SESSION

CALENDAR = Calendar.shanghai()
NAMES, SEED = 12, 5


@pytest.fixture(scope="module")
def reference() -> ReferenceData:
    return synthetic_reference(NAMES, SEED, SESSION, CALENDAR, sessions=3)


@pytest.fixture(scope="module")
def rows() -> dict[int, np.ndarray]:
    """Rows of three sessions of the feed, waves x names."""
    feed = SyntheticFeed(NAMES, SEED, SESSION, CALENDAR.next_session, sessions=3)
    whole = np.concatenate([batch.rows for batch in feed.batches(0)]).reshape(3, -1, NAMES)
    days = [SESSION]
    for _ in range(2):
        days.append(CALENDAR.next_session(days[-1]))
    return dict(zip(days, whole, strict=True))


def test_every_name_has_its_facts_in_each_session_of_the_feed(
    reference: ReferenceData, rows: dict[int, np.ndarray]
) -> None:
    symbols = SyntheticFeed(NAMES, SEED, SESSION, CALENDAR.next_session).market.symbols
    for session, day in rows.items():
        for symbol, row in zip(symbols, day[0], strict=True):
            facts = reference.facts(symbol, session)
            sent = [round(float(row[name]) * 10_000) for name in ("pre_close", "limit_up", "limit_down")]
            assert [facts.pre_close, facts.limit_up, facts.limit_down] == sent
            assert facts.sector in SECTORS
            assert facts.st is False


def test_twenty_daily_bars_end_at_the_previous_close(reference: ReferenceData, rows: dict[int, np.ndarray]) -> None:
    for symbol in reference.table.symbols:
        for session in rows:
            bars = reference.daily_bars(symbol, session)
            assert bars is not None
            assert bars[-1].close == reference.facts(symbol, session).pre_close
            assert len({bar.session for bar in bars}) == BARS
            assert bars[-1].session == CALENDAR.previous_session(session)
            assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
            assert all(bar.volume > 0 for bar in bars)


def test_the_bar_of_a_session_that_the_feed_sent_is_what_it_sent(
    reference: ReferenceData, rows: dict[int, np.ndarray]
) -> None:
    symbols = SyntheticFeed(NAMES, SEED, SESSION, CALENDAR.next_session).market.symbols
    (_, first), (second, _) = list(rows.items())[:2]
    for place, symbol in enumerate(symbols):
        bars = reference.daily_bars(symbol, second)
        assert bars is not None
        sent = np.rint(first["last"][:, place] * 10_000)
        assert bars[-1].close == sent[-1]
        assert bars[-1].volume == first["volume"][-1, place]
        assert sent[sent > 0].min() <= bars[-1].low <= bars[-1].high <= sent.max()


def test_nothing_is_known_of_a_session_that_was_not_asked_for(reference: ReferenceData) -> None:
    later = list(CALENDAR.sessions)[CALENDAR.sessions.index(SESSION) + 3]
    assert reference.facts(reference.table.symbols[0], later).pre_close is None
    assert reference.daily_bars(reference.table.symbols[0], later) is None


def test_it_is_a_function_of_names_seed_and_session(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(4)]
    for path, seed, session in zip(paths, (1, 1, 2, 1), (SESSION, SESSION, SESSION, 20261126), strict=True):
        write_reference(path, NAMES, seed, session)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


def test_a_holiday_means_the_next_trading_day_as_for_the_feed(tmp_path: Path) -> None:
    path = tmp_path / "reference.parquet"
    write_reference(path, 3, SEED, 20261001)
    reference = ReferenceData.load([path])
    assert len(reference) == 3 * (BARS + SESSIONS)
    assert reference.facts(reference.table.symbols[0], 20261008).pre_close is not None


def test_draw_downs_over_twenty_sessions_are_of_a_real_size() -> None:
    """trading.md: median 4.5 %, p90 11.6 % on real shares."""
    reference = synthetic_reference(LARGEST, 1, SESSION, CALENDAR)
    drops = []
    for symbol in reference.table.symbols:
        closes = [bar.close for bar in reference.daily_bars(symbol, SESSION) or ()]
        drops.append(1 - closes[-1] / max(closes))
    assert 0.03 < np.median(drops) < 0.06
    assert 0.09 < np.percentile(drops, 90) < 0.16
