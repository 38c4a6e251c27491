"""The features in plain Python, written for reading: the definition that `kernel.py` must equal bit for bit.

One object a symbol and session, whole histories in lists, no cleverness. It shares nothing with the kernel but the
catalogue.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dfp.contracts.flags import UNFIT
from dfp.contracts.frame import Frame
from dfp.features.catalog import (
    MACD_FAST,
    MACD_SIGNAL,
    MACD_SLOW,
    MAX_MOVE,
    MAX_PRICE,
    MAX_TURNOVER,
    MAX_VOLUME,
    Feature,
    Kind,
)
from dfp.market.phases import DAY_NS, SECOND_NS, Phase, midnight_ns, session_open_ns

SCALE = 10_000.0
PRICES = ("last", "bid1", "ask1", "limit_up", "limit_down")
VOLUMES = ("volume", "bid1_volume", "ask1_volume")
LEVELS = range(1, 6)


@dataclass(frozen=True, slots=True)
class Tick:
    """A fit tick.

    Attributes:
        second: whole seconds after midnight.
        last, bid, ask, limit_up, limit_down: 1/10,000 yuan.
        volume, turnover: with those of the unfit ticks before it.
        bid_depth, ask_depth: volume of five levels, None if it is unknown.
    """

    second: int
    last: int
    volume: int
    turnover: float
    bid: int
    ask: int
    bid_volume: int
    ask_volume: int
    limit_up: int
    limit_down: int
    bid_depth: int | None
    ask_depth: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a feature has seen of a symbol's session.

    Attributes:
        base: first price of the session; prices are taken relative to it.
        whole: whether that is the whole session so far.
    """

    ticks: Sequence[Tick]
    base: int
    whole: bool

    @property
    def prices(self) -> list[int]:
        """Prices relative to the first, oldest first."""
        return [tick.last - self.base for tick in self.ticks]

    @property
    def changes(self) -> list[int]:
        """From each price to the next."""
        return [after.last - before.last for before, after in itertools.pairwise(self.ticks)]

    @property
    def squares(self) -> list[float]:
        """Squares of the simple returns from each price to the next."""
        returns = [(after.last - before.last) / before.last for before, after in itertools.pairwise(self.ticks)]
        return [change * change for change in returns]


@dataclass(slots=True)
class History:
    """Everything that one symbol did in one session.

    Attributes:
        partial: the session may have begun before.
        before: feature that was added later -> ticks that it did not see.
        volume, turnover: of unfit ticks since the last one that was fit.
    """

    session: int
    partial: bool
    ticks: list[Tick] = field(default_factory=list)
    before: dict[Feature, int] = field(default_factory=dict)
    volume: int = 0
    turnover: float = 0.0

    def take(self, row: Mapping[str, Any]) -> bool:
        """Take a plausible row; whether it is a fit tick."""
        fit = row["phase"] == Phase.CONTINUOUS and not row["flags"] & UNFIT and row["last"] > 0
        near = not self.ticks or abs(row["last"] - self.ticks[0].last) <= MAX_MOVE
        if fit and near:
            self.ticks.append(self._tick(row))
            self.volume, self.turnover = 0, 0.0
            return True
        self.volume += row["volume"]
        self.turnover += row["turnover"]
        return False

    def _tick(self, row: Mapping[str, Any]) -> Tick:
        return Tick(
            (row["time"] - midnight_ns(self.session)) // SECOND_NS,
            row["last"],
            row["volume"] + self.volume,
            row["turnover"] + self.turnover,
            *(row[name] for name in ("bid1", "ask1", "bid1_volume", "ask1_volume", "limit_up", "limit_down")),
            *(_depth(row, side) for side in ("bid", "ask")),
        )

    def value(self, feature: Feature) -> float:
        """The feature at the newest tick, NaN while it is absent."""
        missed = self.before.get(feature, 0)
        seen = Seen(self.ticks[missed:], self.ticks[0].last, whole=not self.partial and not missed)
        return _FORMULAS[feature.kind](seen, feature.window)


class Twin:
    """Computes a feature set as `dfp.features.table.Table` does."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = features
        self.symbols: dict[int, History] = {}
        self.partial = 0
        self.after_hole = False

    def take(self, frame: Frame) -> list[list[float]]:
        """Features of each row of a frame: [feature][row]."""
        out = [[math.nan] * frame.rows for _ in self.features]
        columns = {name: column.tolist() for name, column in frame.columns.items()}
        if self.after_hole:
            began = columns["time"][0] >= session_open_ns(frame.session)
            self.partial, self.after_hole = frame.session if began else 0, False
        for index in range(frame.rows):
            row = {name: values[index] for name, values in columns.items()}
            if not _is_plausible(row, frame.session):
                continue
            history = self._history(row["symbol"], frame.session)
            if history.session == frame.session and history.take(row):
                for place, feature in enumerate(self.features):
                    out[place][index] = history.value(feature)
        return out

    def hole(self) -> None:
        """Ticks are missing from here on."""
        self.symbols.clear()
        self.after_hole = True

    def change(self, features: Sequence[Feature]) -> None:
        """Compute another set from here on."""
        for history in self.symbols.values():
            for feature in features:
                if feature not in self.features:
                    history.before[feature] = len(history.ticks)
        self.features = features

    def _history(self, symbol: int, session: int) -> History:
        """The symbol's newest session."""
        history = self.symbols.get(symbol)
        if history is None or history.session < session:
            history = self.symbols[symbol] = History(session, session == self.partial)
        return history


def _is_plausible(row: Mapping[str, Any], session: int) -> bool:
    return (
        row["symbol"] != 0
        and 0 <= row["time"] - midnight_ns(session) < DAY_NS
        and all(0 <= row[name] <= MAX_PRICE for name in PRICES)
        and all(0 <= row[name] <= MAX_VOLUME for name in VOLUMES)
        and 0 <= row["turnover"] <= MAX_TURNOVER
    )


def _depth(row: Mapping[str, Any], side: str) -> int | None:
    volumes = [row.get(f"{side}{level}_volume", -1) for level in LEVELS]
    return sum(volumes) if all(0 <= volume <= MAX_VOLUME for volume in volumes) else None


def _return(seen: Seen, window: int) -> float:
    ticks = seen.ticks
    return ticks[-1].last / ticks[-1 - window].last - 1.0 if len(ticks) > window else math.nan


def _moments(seen: Seen, window: int) -> tuple[float, float]:
    """Mean and population standard deviation, both NaN until the window is full.

    The deviation is taken from squares around the floored mean. They are whole numbers.
    """
    prices = seen.prices[-window:]
    if len(prices) < window:
        return math.nan, math.nan
    floored, rest = divmod(sum(prices), window)
    squares = float(sum((price - floored) ** 2 for price in prices))
    return sum(prices) / window, math.sqrt(max(squares / window - (rest / window) * (rest / window), 0.0))


def _mean(seen: Seen, window: int) -> float:
    return (_moments(seen, window)[0] + seen.base) / SCALE


def _std(seen: Seen, window: int) -> float:
    return _moments(seen, window)[1] / SCALE


def _zscore(seen: Seen, window: int) -> float:
    mean, deviation = _moments(seen, window)
    return (seen.prices[-1] - mean) / deviation if deviation > 0 else math.nan


def _bollinger_upper(seen: Seen, window: int) -> float:
    mean, deviation = _moments(seen, window)
    return (mean + seen.base + 2.0 * deviation) / SCALE


def _bollinger_lower(seen: Seen, window: int) -> float:
    mean, deviation = _moments(seen, window)
    return (mean + seen.base - 2.0 * deviation) / SCALE


def _averages(values: Sequence[float], window: int) -> list[float]:
    """Exponential moving averages from the value `window` on, the first of them the mean of those before."""
    if len(values) < window:
        return []
    average = _sum(values[:window]) / window
    averages = [average]
    for value in values[window:]:
        average += 2.0 / (window + 1) * (value - average)
        averages.append(average)
    return averages


def _sum(values: Sequence[float]) -> float:
    """The sum in this order. Python's own `sum` compensates for rounding since 3.12."""
    total = 0.0
    for value in values:
        total += value
    return total


def _ema(seen: Seen, window: int) -> float:
    averages = _averages(seen.prices, window)
    return (averages[-1] + seen.base) / SCALE if averages else math.nan


def _macd_lines(seen: Seen) -> tuple[float, float]:
    """The line and its signal, relative to 1/10,000 yuan; both NaN until there is a signal."""
    prices = seen.prices
    fast, slow = _averages(prices[MACD_SLOW - MACD_FAST :], MACD_FAST), _averages(prices, MACD_SLOW)
    lines = [quick - lazy for quick, lazy in zip(fast, slow, strict=False)] if slow else []
    signals = _averages(lines, MACD_SIGNAL)
    return (lines[-1], signals[-1]) if signals else (math.nan, math.nan)


def _macd(seen: Seen, window: int) -> float:
    return _macd_lines(seen)[0] / SCALE


def _macd_signal(seen: Seen, window: int) -> float:
    return _macd_lines(seen)[1] / SCALE


def _macd_histogram(seen: Seen, window: int) -> float:
    line, signal = _macd_lines(seen)
    return (line - signal) / SCALE


def _wilder(values: Sequence[float], window: int) -> float:
    """Wilder's moving average, the mean of the first `window` values at the start."""
    average = _sum(values[:window]) / window
    for value in values[window:]:
        average = (average * (window - 1) + value) / window
    return average


def _rsi(seen: Seen, window: int) -> float:
    changes = seen.changes
    if len(changes) < window:
        return math.nan
    rise = _wilder([max(change, 0) for change in changes], window)
    fall = _wilder([max(-change, 0) for change in changes], window)
    return 100.0 * rise / (rise + fall) if rise + fall > 0 else 0.0


def _atr(seen: Seen, window: int) -> float:
    changes = seen.changes
    return _wilder([abs(change) for change in changes], window) / SCALE if len(changes) >= window else math.nan


def _ewma_volatility(seen: Seen, window: int) -> float:
    averages = _averages(seen.squares, window)
    return math.sqrt(averages[-1]) if averages else math.nan


def _realised_volatility(seen: Seen, window: int) -> float:
    """The sum is split at the last multiple of the window, and each part is added from there outward."""
    squares = seen.squares
    if len(squares) < window:
        return math.nan
    split = (len(squares) - 1) // window * window
    before = squares[len(squares) - window : split]
    return math.sqrt(_sum(squares[split:]) + _sum(before[::-1]))


def _range_high(seen: Seen, window: int) -> float:
    prices = seen.prices
    return (max(prices[-1 - window : -1]) + seen.base) / SCALE if len(prices) > window else math.nan


def _range_low(seen: Seen, window: int) -> float:
    prices = seen.prices
    return (min(prices[-1 - window : -1]) + seen.base) / SCALE if len(prices) > window else math.nan


def _session_turnover(seen: Seen, window: int) -> float:
    return _sum([tick.turnover for tick in seen.ticks]) if seen.whole else math.nan


def _vwap(seen: Seen, window: int) -> float:
    volume = sum(tick.volume for tick in seen.ticks)
    return _session_turnover(seen, window) / volume if volume > 0 else math.nan


def trading_second(second: int) -> int:
    """Whole seconds of continuous trading since 09:30, `second` after midnight."""
    morning = min(max(second - 34_200, 0), 7_200)
    return morning + max(second - 46_800, 0)


def _volume_ratio(seen: Seen, window: int) -> float:
    """A tick that is older than its predecessor counts as of the newest second seen."""
    now = trading_second(seen.ticks[-1].second)
    newest, traded = trading_second(seen.ticks[0].second), []
    for tick in seen.ticks[1:]:
        newest = max(newest, trading_second(tick.second))
        traded.append((newest, tick.volume))
    in_session = sum(volume for _, volume in traded)
    if now < 60 or in_session <= 0 or not seen.whole:
        return math.nan
    in_window = sum(volume for second, volume in traded if second > newest - 60)
    return in_window / (in_session / (now / 60.0))


def _spread(seen: Seen, window: int) -> float:
    tick = seen.ticks[-1]
    return (tick.ask - tick.bid) / ((tick.ask + tick.bid) / 2.0) if tick.bid > 0 and tick.ask > 0 else math.nan


def _imbalance(seen: Seen, window: int) -> float:
    tick = seen.ticks[-1]
    both = tick.bid_volume + tick.ask_volume
    return (tick.bid_volume - tick.ask_volume) / both if both > 0 else math.nan


def _imbalance_5(seen: Seen, window: int) -> float:
    bid, ask = seen.ticks[-1].bid_depth, seen.ticks[-1].ask_depth
    return (bid - ask) / (bid + ask) if bid is not None and ask is not None and bid + ask > 0 else math.nan


def _room_to_limit_up(seen: Seen, window: int) -> float:
    tick = seen.ticks[-1]
    return (tick.limit_up - tick.last) / tick.last if tick.limit_up > 0 else math.nan


def _room_to_limit_down(seen: Seen, window: int) -> float:
    tick = seen.ticks[-1]
    return (tick.last - tick.limit_down) / tick.last if tick.limit_down > 0 else math.nan


_FORMULAS: Mapping[Kind, Callable[[Seen, int], float]] = {
    Kind.RETURN: _return,
    Kind.MEAN: _mean,
    Kind.STD: _std,
    Kind.ZSCORE: _zscore,
    Kind.BOLLINGER_UPPER: _bollinger_upper,
    Kind.BOLLINGER_LOWER: _bollinger_lower,
    Kind.EMA: _ema,
    Kind.MACD: _macd,
    Kind.MACD_SIGNAL: _macd_signal,
    Kind.MACD_HISTOGRAM: _macd_histogram,
    Kind.RSI: _rsi,
    Kind.ATR: _atr,
    Kind.EWMA_VOLATILITY: _ewma_volatility,
    Kind.REALISED_VOLATILITY: _realised_volatility,
    Kind.RANGE_HIGH: _range_high,
    Kind.RANGE_LOW: _range_low,
    Kind.VWAP: _vwap,
    Kind.SESSION_TURNOVER: _session_turnover,
    Kind.VOLUME_RATIO: _volume_ratio,
    Kind.SPREAD: _spread,
    Kind.IMBALANCE: _imbalance,
    Kind.IMBALANCE_5: _imbalance_5,
    Kind.ROOM_TO_LIMIT_UP: _room_to_limit_up,
    Kind.ROOM_TO_LIMIT_DOWN: _room_to_limit_down,
}
