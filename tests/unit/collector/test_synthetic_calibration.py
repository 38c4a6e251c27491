"""The invented market at full size against the figures that were measured on the real one."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from dfp.collector.synthetic import SyntheticFeed
from dfp.collector.synthetic_market import LARGEST
from dfp.market.phases import Phase, phases_of
from raw_rows import SESSION, moment

MINUTE_NS = 60 * 10**9
CONTINUOUS_S = (2 * 60 + 117) * 60
"""09:30–11:30 and 13:00–14:57."""


@dataclasses.dataclass
class Day:
    """What a session of 5,551 names showed."""

    grid: np.ndarray
    """Last price of each name: the auction's, then at the end of each minute of continuous trading."""
    times: np.ndarray
    """Times of all rows of continuous trading, each once, ascending."""
    counts: np.ndarray
    """Rows of each of them."""
    crossed: int = 0
    beyond: int = 0
    fallen: int = 0
    far: int = 0


def blocks() -> Iterator[np.ndarray]:
    feed = SyntheticFeed(LARGEST, 1, SESSION, lambda session: session + 1, sessions=1)
    for batch in feed.batches(0):
        yield batch.rows.reshape(-1, LARGEST)


@pytest.fixture(scope="module")
def day() -> Day:
    minute_ends = [moment("09:26:00")]
    for begin, end in (("09:30:00", "11:30:00"), ("13:00:00", "14:57:00")):
        minute_ends += range(moment(begin) + MINUTE_NS, moment(end) + 1, MINUTE_NS)
    grid = np.zeros((len(minute_ends), LARGEST))
    found = Day(grid, np.zeros(0), np.zeros(0))
    times: list[np.ndarray] = []
    volume = np.zeros(LARGEST)
    for rows in blocks():
        for wave in rows:
            minute = int(np.searchsorted(minute_ends, wave["time"][0], side="right"))
            if minute < len(minute_ends) and wave["last"][0] > 0:
                grid[minute] = wave["last"]
            found.fallen += int((wave["volume"] < volume).sum())
            volume = wave["volume"]
        open_ = phases_of(rows["time"]) == Phase.CONTINUOUS
        times.append(rows["time"][open_])
        bid, ask, last, up, down = (rows[name][open_] for name in ("bid1", "ask1", "last", "limit_up", "limit_down"))
        both = (bid > 0) & (ask > 0)
        found.crossed += int((both & (bid >= ask)).sum()) + int(((bid == 0) & (ask == 0)).sum())
        found.far += int((both & (last != bid) & (last != ask)).sum())
        found.beyond += int(((last > up) | (last < down) | (bid > up) | (ask > up)).sum())
    found.times, found.counts = np.unique(np.concatenate(times), return_counts=True)
    return found


def test_the_whole_market_sends_1850_ticks_a_second(day: Day) -> None:
    assert day.counts.sum() / CONTINUOUS_S == pytest.approx(1_850, rel=0.001)


def test_2900_of_5551_names_share_the_instant_of_each_3_seconds(day: Day) -> None:
    together = day.counts[day.times % (3 * 10**9) == moment("09:30:00") % (3 * 10**9)]
    assert set(together.tolist()) == {2_900}
    assert len(together) == CONTINUOUS_S // 3
    assert together.sum() / day.counts.sum() == pytest.approx(2_900 / 5_551)


def test_realised_volatility_is_spread_over_the_names_as_over_real_days(day: Day) -> None:
    assert (day.grid > 0).all()
    assert len(day.grid) == 1 + 237
    volatility = np.sqrt((np.diff(np.log(day.grid), axis=0) ** 2).sum(axis=0))
    assert np.median(volatility) == pytest.approx(0.021, rel=0.1)
    assert np.percentile(volatility, 95) == pytest.approx(0.038, rel=0.1)
    assert 0.005 < (volatility > 0.05).mean() < 0.04


def test_books_are_consistent_and_the_last_price_is_one_of_their_sides(day: Day) -> None:
    assert (day.crossed, day.far) == (0, 0)


def test_price_limits_hold_and_cumulative_volume_never_falls(day: Day) -> None:
    assert (day.beyond, day.fallen) == (0, 0)
