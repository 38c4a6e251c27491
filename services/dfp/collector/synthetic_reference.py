"""Reference data of the invented market, so that rules which ask for sectors and daily bars run without a data vendor.

Like the market itself it is a function of the number of names, the seed and the first session.
"""

from pathlib import Path

import numpy as np

from dfp.collector.synthetic_market import Floats, Ints, Market, invent, limit_prices
from dfp.collector.synthetic_session import FENS, SyntheticSession
from dfp.market.calendar import Calendar
from dfp.market.reference import BAR, PRICES, UNKNOWN, ReferenceData, Table
from dfp.market.reference_file import write

BARS = 20
"""Daily bars before the first session, as many as the draw-down rule looks at."""

SESSIONS = 5
"""Sessions for which a file is written. Behind them nothing is known; the whole market takes 0.3 s each."""

SECTORS = (
    "banks",
    "brokers",
    "cars",
    "chemicals",
    "coal",
    "construction",
    "defence",
    "electronics",
    "food",
    "health",
    "insurance",
    "machinery",
    "media",
    "metals",
    "property",
    "retail",
    "software",
    "telecoms",
    "transport",
    "utilities",
)

LARGEST_STEP = 0.09
"""Return of a day before the first session; within the limits of every board."""

FEN = 100
"""1/10,000 yuan."""

Prices = dict[str, Ints]
"""`PRICES` name -> 1/10,000 yuan, one row a day, one column a name."""


def write_reference(path: Path, symbols: int, seed: int, session: int) -> None:
    """Write the reference data of a synthetic feed with these options to a .parquet or .csv file."""
    write(synthetic_reference(symbols, seed, session, Calendar.shanghai(), SESSIONS), path)


def synthetic_reference(names: int, seed: int, session: int, calendar: Calendar, sessions: int = 1) -> ReferenceData:
    """What is known of the market that `SyntheticFeed(names, seed, session, …)` invents.

    Args:
        session: first trading day, yyyymmdd; the next one when it is none.
        sessions: for so many sessions from the first on, 1 or more.
    """
    first = session if calendar.is_session(session) else calendar.next_session(session)
    market = invent(names, seed)
    rng = np.random.default_rng((seed, 3))
    days = [first]
    for _ in range(BARS):
        days.insert(0, calendar.previous_session(days[0]))
    for _ in range(sessions - 1):
        days.append(calendar.next_session(days[-1]))
    prices: Prices = {name: np.full((len(days), names), UNKNOWN) for name in PRICES}
    volume = np.full((len(days), names), UNKNOWN)
    _past(market, rng, prices, volume)
    _future(market, seed, days[BARS:], prices, volume)
    order = np.argsort(np.array(market.symbols))
    sector = rng.integers(0, len(SECTORS), names)

    def column(values: Ints) -> Ints:
        return values[:, order].T.ravel()

    rows = len(days) * names
    return ReferenceData(
        Table(
            tuple(market.symbols[index] for index in order.tolist()),
            np.arange(0, rows + 1, len(days)),
            np.tile(np.array(days), names),
            {name: column(values) for name, values in prices.items()},
            column(volume),
            np.ones(rows),
            np.zeros(rows, np.int64),
            np.repeat(sector[order], len(days)),
            SECTORS,
        )
    )


def _past(market: Market, rng: np.random.Generator, prices: Prices, volume: Ints) -> None:
    """Bars of the days before the first session; the last one closes where the market begins."""
    names = len(market.symbols)
    close = market.first_close
    for day in reversed(range(BARS)):
        step = (market.volatility * rng.standard_normal(names)).clip(-LARGEST_STEP, LARGEST_STEP)
        gap = (0.3 * market.volatility * rng.standard_normal(names)).clip(-LARGEST_STEP, LARGEST_STEP)
        before = np.maximum(np.round(close / (1 + step), 2), 0.01)
        opened = before * (1 + gap)
        beyond = 1 + 0.5 * market.volatility * np.abs(rng.standard_normal((2, names)))
        high, low = np.maximum(opened, close) * beyond[0], np.minimum(opened, close) / beyond[1]
        _set_bar(prices, day, [_fens(value) for value in (opened, high, low, close)])
        volume[day] = market.shares * (0.4 + 0.6 * rng.standard_exponential(names))
        close = before


def _future(market: Market, seed: int, days: list[int], prices: Prices, volume: Ints) -> None:
    """Facts of the feed's sessions, and the bars of those that have another one behind them."""
    close = market.first_close
    for count, day in enumerate(days):
        row = BARS + count
        up, down = limit_prices(market.symbols, day, close)
        for name, value in (("pre_close", close), ("limit_up", up), ("limit_down", down)):
            prices[name][row] = _fens(value) * FEN
        if day != days[-1]:
            session = SyntheticSession(market, seed + count, day, close)
            *bar, volume[row] = session.bar()
            _set_bar(prices, row, bar)
            close = session.close


def _set_bar(prices: Prices, row: int, fens: list[Ints]) -> None:
    for name, value in zip(BAR, fens, strict=True):
        prices[name][row] = value * FEN


def _fens(yuan: Floats) -> Ints:
    """Whole 0.01 yuan, at least one of them."""
    return np.maximum(np.rint(yuan * FENS), 1).astype(np.int64)
