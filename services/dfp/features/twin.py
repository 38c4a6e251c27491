"""The features in plain Python, written for reading: the definition that `kernel.py` must equal bit for bit.

One object a symbol and session, whole histories in lists, no cleverness. It shares nothing with the kernel but the
catalogue.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from dfp.contracts.flags import UNFIT
from dfp.contracts.frame import Frame
from dfp.features.catalog import Feature, Kind
from dfp.market.phases import SECOND_NS, SHANGHAI_NS, Phase

SCALE = 10_000.0


@dataclass(slots=True)
class Tick:
    """A fit tick; prices in 1/10,000 yuan."""

    time: int
    last: int
    volume: int
    turnover: float
    bid: int
    ask: int
    bid_volume: int
    ask_volume: int
    limit_up: int
    limit_down: int


@dataclass(slots=True)
class History:
    """Everything that one symbol did in one session."""

    session: int
    ticks: list[Tick] = field(default_factory=list)

    def value(self, feature: Feature) -> float:
        """The feature at the newest tick, NaN while it is absent."""
        return _FORMULAS[feature.kind](self, feature.window)

    def prices(self) -> list[int]:
        """Prices relative to the first, oldest first."""
        base = self.base
        return [tick.last - base for tick in self.ticks]

    @property
    def base(self) -> int:
        """The first price of the session."""
        return self.ticks[0].last


class Twin:
    """Computes a feature set as `dfp.features.table.Table` does."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = features
        self.symbols: dict[int, History] = {}

    def take(self, frame: Frame) -> list[list[float]]:
        """Features of each row of a frame: [feature][row]."""
        out = [[math.nan] * frame.rows for _ in self.features]
        columns = {name: column.tolist() for name, column in frame.columns.items()}
        for row in range(frame.rows):
            fit = columns["phase"][row] == Phase.CONTINUOUS and not columns["flags"][row] & UNFIT
            if not fit or columns["last"][row] <= 0:
                continue
            symbol = columns["symbol"][row]
            history = self.symbols.get(symbol)
            if history is None or history.session != frame.session:
                history = self.symbols[symbol] = History(frame.session)
            history.ticks.append(
                Tick(
                    *(columns[name][row] for name in ("time", "last", "volume", "turnover", "bid1", "ask1")),
                    *(columns[name][row] for name in ("bid1_volume", "ask1_volume", "limit_up", "limit_down")),
                )
            )
            for index, feature in enumerate(self.features):
                out[index][row] = history.value(feature)
        return out


def _return(history: History, window: int) -> float:
    ticks = history.ticks
    return ticks[-1].last / ticks[-1 - window].last - 1.0 if len(ticks) > window else math.nan


def _mean(history: History, window: int) -> float:
    prices = history.prices()
    return (sum(prices[-window:]) / window + history.base) / SCALE if len(prices) >= window else math.nan


def _moments(history: History, window: int) -> tuple[float, float]:
    prices = history.prices()[-window:]
    mean = sum(prices) / window
    squares = float(sum(price * price for price in prices))
    return mean, math.sqrt(max(squares / window - mean * mean, 0.0))


def _std(history: History, window: int) -> float:
    return _moments(history, window)[1] / SCALE if len(history.ticks) >= window else math.nan


def _zscore(history: History, window: int) -> float:
    if len(history.ticks) < window:
        return math.nan
    mean, deviation = _moments(history, window)
    return (history.prices()[-1] - mean) / deviation if deviation > 0 else math.nan


def _ema(history: History, window: int) -> float:
    prices = history.prices()
    if len(prices) < window:
        return math.nan
    average = sum(prices[:window]) / window
    for price in prices[window:]:
        average += 2.0 / (window + 1) * (price - average)
    return (average + history.base) / SCALE


def _rsi(history: History, window: int) -> float:
    prices = history.prices()
    changes = [float(after - before) for before, after in itertools.pairwise(prices)]
    if len(changes) < window:
        return math.nan
    rises, falls = [max(change, 0.0) for change in changes], [max(-change, 0.0) for change in changes]
    rise, fall = sum(rises[:window]) / window, sum(falls[:window]) / window
    for up, down in zip(rises[window:], falls[window:], strict=True):
        rise = (rise * (window - 1) + up) / window
        fall = (fall * (window - 1) + down) / window
    return 100.0 * rise / (rise + fall) if rise + fall > 0 else 0.0


def _range_high(history: History, window: int) -> float:
    prices = history.prices()
    return (max(prices[-1 - window : -1]) + history.base) / SCALE if len(prices) > window else math.nan


def _range_low(history: History, window: int) -> float:
    prices = history.prices()
    return (min(prices[-1 - window : -1]) + history.base) / SCALE if len(prices) > window else math.nan


def _vwap(history: History, window: int) -> float:
    volume, turnover = 0, 0.0
    for tick in history.ticks:
        volume += tick.volume
        turnover += tick.turnover
    return turnover / volume if volume > 0 else math.nan


def _spread(history: History, window: int) -> float:
    tick = history.ticks[-1]
    return (tick.ask - tick.bid) / ((tick.ask + tick.bid) / 2.0) if tick.bid > 0 and tick.ask > 0 else math.nan


def _imbalance(history: History, window: int) -> float:
    tick = history.ticks[-1]
    both = tick.bid_volume + tick.ask_volume
    return (tick.bid_volume - tick.ask_volume) / both if both > 0 else math.nan


def trading_second(time: int) -> int:
    """Whole seconds of continuous trading since 09:30."""
    second = (time + SHANGHAI_NS) // SECOND_NS % 86_400
    morning = min(max(second - 34_200, 0), 7_200)
    return morning + max(second - 46_800, 0)


def _volume_ratio(history: History, window: int) -> float:
    """A tick that is older than its predecessor counts as of the newest second seen."""
    now = trading_second(history.ticks[-1].time)
    newest, traded = trading_second(history.ticks[0].time), []
    for tick in history.ticks[1:]:
        newest = max(newest, trading_second(tick.time))
        traded.append((newest, tick.volume))
    in_session = sum(volume for _, volume in traded)
    if now < 60 or in_session <= 0:
        return math.nan
    in_window = sum(volume for second, volume in traded if second > newest - 60)
    return in_window / (in_session / (now / 60.0))


def _room_to_limit_up(history: History, window: int) -> float:
    tick = history.ticks[-1]
    return (tick.limit_up - tick.last) / tick.last if tick.limit_up > 0 else math.nan


def _room_to_limit_down(history: History, window: int) -> float:
    tick = history.ticks[-1]
    return (tick.last - tick.limit_down) / tick.last if tick.limit_down > 0 else math.nan


_FORMULAS = {
    Kind.RETURN: _return,
    Kind.MEAN: _mean,
    Kind.STD: _std,
    Kind.ZSCORE: _zscore,
    Kind.EMA: _ema,
    Kind.RSI: _rsi,
    Kind.RANGE_HIGH: _range_high,
    Kind.RANGE_LOW: _range_low,
    Kind.VWAP: _vwap,
    Kind.SPREAD: _spread,
    Kind.IMBALANCE: _imbalance,
    Kind.VOLUME_RATIO: _volume_ratio,
    Kind.ROOM_TO_LIMIT_UP: _room_to_limit_up,
    Kind.ROOM_TO_LIMIT_DOWN: _room_to_limit_down,
}
