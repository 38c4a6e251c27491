"""Drawdown: how far a value has fallen from its peak, 1 − V / max V.

Price: the peak is the highest price of the last sessions, today included, on today's price level (ex-rights adjusted);
without the daily bars of those sessions it is unknown. Or it is that of a window of trading time that rolls within the
session, in steps of a minute.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from dfp.contracts.errors import ContractError
from dfp.market.reference import ReferenceData
from dfp.risk.grid import points
from dfp.risk.prices import Floats, Ints, Prices, column_of, grown

UNKNOWN = -1
STEP_NS = 60_000_000_000

_NOT_BEGUN = -1

PriorHigh = Callable[[str, int, int], int]
"""(symbol, session, n) -> highest price of the n sessions before it on its price level, 1/10,000 yuan, or `UNKNOWN`."""


def prior_high(reference: ReferenceData) -> PriorHigh:
    """Earlier highs from the daily bars of reference data."""

    def highest(symbol: str, session: int, sessions: int) -> int:
        bars = reference.daily_bars(symbol, session, sessions)
        return UNKNOWN if bars is None else max(bar.high for bar in bars)

    return highest


def fall(value: float, peak: float) -> float:
    """(peak − value) / peak: so written, 92 of 100 is 8 % exactly, which 1 − 92 / 100 is not in floating point."""
    return (peak - value) / peak


def falls(last: Ints, peaks: Ints) -> Floats:
    """`fall` of each price, NaN where there is no price or the peak is not known."""
    known = (last > 0) & (peaks > 0)
    values: Floats = np.full(len(last), np.nan)
    values[known] = (peaks[known] - last[known]) / peaks[known]
    return values


class SavedPeaks(msgspec.Struct, array_like=True, frozen=True):
    """State of one of the two kinds of peaks."""

    point: int
    columns: list[bytes]


class SessionPeaks:
    """Highest prices over sessions.

    Args:
        sessions: how many, today included.
        prior_high: where the earlier ones come from.
    """

    def __init__(self, sessions: int, prior_high: PriorHigh) -> None:
        self._earlier = sessions - 1
        self._prior_high = prior_high
        self._prior: Ints = np.zeros(0, np.int64)

    def begin(self, prices: Prices, session: int) -> None:
        """Start with a session, or in its midst."""
        self._prior = np.zeros(len(prices), np.int64)
        self.enter(prices, session, np.flatnonzero(prices.present))

    def enter(self, prices: Prices, session: int, places: Ints) -> None:
        """Look up symbols that are new in the session."""
        self._prior = grown(self._prior, len(prices))
        if self._earlier:
            self._prior[places] = [
                self._prior_high(prices.symbol(place), session, self._earlier) for place in places.tolist()
            ]

    def advance(self, prices: Prices, recent: Ints, session: int, time: int) -> None:
        """Take the prices at a clock entry; today's highs are those of `prices`."""

    def peaks(self, prices: Prices) -> Ints:
        """The peak of each symbol, `UNKNOWN` where it is; 0 before its first price."""
        peaks: Ints = np.where(self._prior == UNKNOWN, UNKNOWN, np.maximum(self._prior, prices.high))
        return peaks

    def save(self) -> SavedPeaks:
        """Nothing: the earlier highs are looked up again."""
        return SavedPeaks(0, [])

    def load(self, saved: SavedPeaks) -> None:
        """Nothing: reference data that was brought in before a restart is to count at once."""


class RollingPeaks:
    """Highest prices over trading time: the minutes of the window, and the one that runs.

    Args:
        window_ns: rounded up to whole minutes.
    """

    def __init__(self, window_ns: int) -> None:
        self._length = -(-window_ns // STEP_NS)
        self._point = _NOT_BEGUN
        self._minutes: list[Ints] = [np.zeros(0, np.int64)]
        """Highs by minute, the running one last; columns of different length, as symbols came."""

    def begin(self, prices: Prices, session: int) -> None:
        """Start with a session, or in its midst."""
        self._point = _NOT_BEGUN
        self._minutes = [prices.last.copy()]

    def enter(self, prices: Prices, session: int, places: Ints) -> None:
        """Nothing is to be known of symbols that are new in the session."""

    def advance(self, prices: Prices, recent: Ints, session: int, time: int) -> None:
        """Take the prices at a clock entry.

        Args:
            recent: highest prices since the last clock entry.
        """
        running = grown(self._minutes[-1], len(prices))
        self._minutes[-1] = np.maximum(np.maximum(running, recent), prices.last)
        point = points(session, STEP_NS, time)
        passed = 0 if self._point == _NOT_BEGUN else point - self._point
        self._point = max(self._point, point)
        if passed > 0:
            begun = [prices.last.copy() for _ in range(min(passed, self._length + 1))]
            self._minutes = [*self._minutes, *begun][-self._length - 1 :]

    def peaks(self, prices: Prices) -> Ints:
        """The peak of each symbol, 0 before its first price."""
        peaks: Ints = np.zeros(len(prices), np.int64)
        for highs in self._minutes:
            np.maximum(peaks[: len(highs)], highs, out=peaks[: len(highs)])
        return peaks

    def save(self) -> SavedPeaks:
        """The state, bit for bit."""
        return SavedPeaks(self._point, [highs.tobytes() for highs in self._minutes])

    def load(self, saved: SavedPeaks) -> None:
        """Replace the state.

        Raises:
            ContractError: it does not fit.
        """
        if not 1 <= len(saved.columns) <= self._length + 1:
            raise ContractError("risk guard state", len(saved.columns), f"1 to {self._length + 1} minutes of highs")
        self._point = saved.point
        self._minutes = [column_of(highs, np.int64, len(highs) // 8) for highs in saved.columns]
