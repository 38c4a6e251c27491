"""The invented market behind the synthetic feed: which names there are, how they differ, how a day goes.

Calibrated on real A-share days: realised volatility of a session 2.1 % in the median and 3.8 % at
the 95th percentile, volume high at the open and the close, one snapshot of each name every three seconds.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dfp.market.instruments import classify
from dfp.market.phases import SECOND_NS, midnight_ns
from dfp.market.rules import price_limits

LARGEST = 5_551
"""Listed A-shares."""

BOARDS = (
    ("SH", 600_000, 0.305),
    ("SH", 688_000, 0.106),
    ("SZ", 0, 0.268),
    ("SZ", 300_000, 0.250),
    ("BJ", 920_000, 0.071),
)
"""Market, number before the first, and about which part of the names is listed there."""

WAVE_NS = 3_000_000_000
WAVE_SHARE = 2_900 / 5_551
"""Part of the names whose snapshots all carry one instant, measured on SZSE; the others are spread over the wave."""

SLOT_NS = 100_000_000
"""The others come in slots of this length: a collector's source call returns what arrived meanwhile."""

VOLATILITY_MEDIAN, VOLATILITY_FACTOR = 0.0187, 1.50
"""Volatility of a session in the median, and by which factor one standard deviation of the names lies above it.

Rounding to 0.01 yuan and bursts add what is missing to the measured 2.1 %. Of 5,551 names 0.8 to 1.0 % come out above
5 % (1.9 % of 258 real symbol-days did).
"""

UNITS = 10_000
"""1/10,000 yuan, the unit of the market's rules."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Market:
    """The names, in the order in which their snapshots come within a wave; arrays have one value a name.

    Attributes:
        offset: nanoseconds behind the wave's instant.
        volatility: standard deviation of a session's return.
        shares: traded in an average session.
        first_close: yuan, before the first session.
    """

    symbols: tuple[str, ...]
    offset: Ints
    volatility: Floats
    shares: Floats
    first_close: Floats


def invent(names: int, seed: int) -> Market:
    """A market of `names` names, spread over the boards as the real ones are."""
    counts = [round(names * share) for _, _, share in BOARDS]
    counts[0] += names - sum(counts)
    listed = [
        f"{base + number:06d}.{market}"
        for (market, base, _), count in zip(BOARDS, counts, strict=True)
        for number in range(1, count + 1)
    ]
    rng = np.random.default_rng((seed, 0))
    together = round(names * WAVE_SHARE)
    slot = np.concatenate((np.zeros(together, np.int64), 1 + np.arange(names - together) % (WAVE_NS // SLOT_NS - 1)))
    slot.sort()
    symbols = tuple(listed[index] for index in rng.permutation(names).tolist())
    spread = rng.standard_normal((3, names))
    return Market(
        symbols,
        slot * SLOT_NS,
        VOLATILITY_MEDIAN * _powers(VOLATILITY_FACTOR, spread[0]),
        4e6 * _powers(2.5, spread[1]),
        np.round(12.0 * _powers(2.0, spread[2].clip(-2, 3)), 2),
    )


def _powers(base: float, exponents: Floats) -> Floats:
    # Python's power, because numpy's vector kernels differ in the last bit between processors.
    return np.array([base**exponent for exponent in exponents.tolist()])


AUCTION, MATCH, CONTINUOUS, CLOSING, LAST = range(5)


@dataclass(frozen=True, slots=True)
class Day:
    """The waves of any session, one after the other.

    Attributes:
        second: seconds after midnight at the exchange.
        kind: one of AUCTION, MATCH (the open), CONTINUOUS, CLOSING, LAST (the close).
        activity: part of the session's volume traded in the wave; sums to 1.
        variance: part of the session's variance; 1 in all for continuous trading, auctions come on top.
    """

    second: Ints
    kind: Ints
    activity: Floats
    variance: Floats

    def __len__(self) -> int:
        return len(self.second)


def _clock(text: str) -> int:
    moment = dt.time.fromisoformat(text)
    return moment.hour * 3600 + moment.minute * 60


def _day() -> Day:
    parts = [
        (AUCTION, "09:15", "09:25", 9),
        (MATCH, "09:25", "09:26", 60),
        (CONTINUOUS, "09:30", "11:30", 3),
        (CONTINUOUS, "13:00", "14:57", 3),
        (CLOSING, "14:57", "15:00", 9),
        (LAST, "15:00", "15:01", 60),
    ]
    waves = [np.arange(_clock(start), _clock(end), step) for _, start, end, step in parts]
    second = np.concatenate(waves)
    kind = np.repeat([kind for kind, *_ in parts], [len(times) for times in waves])
    continuous = kind == CONTINUOUS
    part_of_day = np.cumsum(continuous) / continuous.sum()
    activity = np.where(continuous, 0.5 + 6 * (part_of_day - 0.55) ** 2, 0.0)
    activity *= 0.96 / activity.sum()
    activity[kind == MATCH], activity[kind == LAST] = 0.02, 0.02
    per_wave = np.array([10.0, 0.0, 1.0, 0.0, 10.0])  # the price stands still while the closing call gathers orders
    return Day(second, kind, activity, per_wave[kind] / continuous.sum())


DAY = _day()


def wave_times(session: int) -> Ints:
    """UTC nanoseconds of each wave of a session."""
    return midnight_ns(session) + DAY.second * SECOND_NS


def limit_prices(symbols: tuple[str, ...], session: int, pre_close: Floats) -> tuple[Floats, Floats]:
    """Upper and lower price limits of a session, yuan."""
    whole = np.rint(pre_close * UNITS).astype(np.int64).tolist()
    limits = [price_limits(classify(symbol), price, session) for symbol, price in zip(symbols, whole, strict=True)]
    up, down = np.array([limit or (0, 0) for limit in limits]).T / UNITS
    return up, down
