"""Which features there are: their names, formulas and sources.

A name is a kind, with its window in ticks where the kind has one: `vwap`, `range_high_400`.
"""

import difflib
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dfp.contracts.errors import ContractError

MAX_WINDOW = 4_096

MAX_PRICE = 10**12
"""1/10,000 yuan, as in cleaning."""

MAX_VOLUME = 10**12
"""Shares; the largest company has a third of them. Nine million such ticks can be summed in int64."""

MAX_TURNOVER = 1e15
"""Yuan, as in cleaning."""

MAX_MOVE = 47_000_000
"""Largest distance from the session's first price, 1/10,000 yuan (4,700 yuan; no price moves so far). Squares of it are
summed as exact int64: 4,096 · 47,000,000² < 2^63."""

MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9
"""Appel's standard periods, in ticks."""


class Kind(enum.StrEnum):
    """A family of features."""

    RETURN = "return"
    MEAN = "mean"
    STD = "std"
    ZSCORE = "zscore"
    BOLLINGER_UPPER = "bollinger_upper"
    BOLLINGER_LOWER = "bollinger_lower"
    EMA = "ema"
    MACD = "macd"
    MACD_SIGNAL = "macd_signal"
    MACD_HISTOGRAM = "macd_histogram"
    RSI = "rsi"
    ATR = "atr"
    EWMA_VOLATILITY = "ewma_volatility"
    REALISED_VOLATILITY = "realised_volatility"
    RANGE_HIGH = "range_high"
    RANGE_LOW = "range_low"
    VWAP = "vwap"
    SESSION_TURNOVER = "session_turnover"
    VOLUME_RATIO = "volume_ratio"
    SPREAD = "spread"
    IMBALANCE = "imbalance"
    IMBALANCE_5 = "imbalance_5"
    ROOM_TO_LIMIT_UP = "room_to_limit_up"
    ROOM_TO_LIMIT_DOWN = "room_to_limit_down"


@dataclass(frozen=True, slots=True)
class Description:
    """What a kind computes.

    Attributes:
        formula: P(t) is the last price of the current fit tick, P(t−k) that of k fit ticks before, and
            r(t) = P(t) / P(t−1) − 1.
        window: what the N of the name counts; empty for kinds whose name has none.
        present: from which tick on there is a value, and how a recursion starts.
    """

    formula: str
    unit: str
    source: str
    window: str
    present: str

    @property
    def windowed(self) -> bool:
        """Whether the name carries a window N of 1 to `MAX_WINDOW` ticks."""
        return bool(self.window)


_PRICES, _BEFORE, _CHANGES = "prices", "prices before the current", "changes of price"
_TICK_N, _TICK_N1 = "tick N", "tick N+1"
_WHOLE = "the session was seen from its first fit tick"

CATALOG: Mapping[Kind, Description] = {
    Kind.RETURN: Description("P(t) / P(t−N) − 1", "fraction", "TA-Lib ROCP", _CHANGES, _TICK_N1),
    Kind.MEAN: Description(
        "mean of P(t−N+1) … P(t): the simple moving average (SMA)", "yuan", "TA-Lib SMA", _PRICES, _TICK_N
    ),
    Kind.STD: Description(
        "population standard deviation of P(t−N+1) … P(t)", "yuan", "TA-Lib STDDEV", _PRICES, _TICK_N
    ),
    Kind.ZSCORE: Description(
        "(P(t) − mean_N) / std_N", "1", "definition", _PRICES, "tick N, but not while std_N = 0"
    ),
    Kind.BOLLINGER_UPPER: Description(
        "mean_N + 2 · std_N", "yuan", "Bollinger 2001, TA-Lib BBANDS", _PRICES, _TICK_N
    ),
    Kind.BOLLINGER_LOWER: Description(
        "mean_N − 2 · std_N", "yuan", "Bollinger 2001, TA-Lib BBANDS", _PRICES, _TICK_N
    ),
    Kind.EMA: Description(
        "E(t) = E(t−1) + 2/(N+1) · (P(t) − E(t−1))", "yuan", "TA-Lib EMA", _PRICES,
        "tick N, E = mean of the first N prices",
    ),
    Kind.MACD: Description(
        f"EMA over {MACD_FAST} ticks − EMA over {MACD_SLOW} ticks", "yuan", "Appel 2005, TA-Lib MACD", "",
        f"tick {MACD_SLOW + MACD_SIGNAL - 1}; both start at tick {MACD_SLOW}, each with the mean of as many prices "
        "as it has ticks",
    ),
    Kind.MACD_SIGNAL: Description(
        f"EMA of macd over {MACD_SIGNAL} ticks", "yuan", "Appel 2005, TA-Lib MACD", "",
        f"tick {MACD_SLOW + MACD_SIGNAL - 1}, with the mean of the first {MACD_SIGNAL} values of macd",
    ),
    Kind.MACD_HISTOGRAM: Description(
        "macd − macd_signal", "yuan", "Appel 2005, TA-Lib MACD", "", f"tick {MACD_SLOW + MACD_SIGNAL - 1}"
    ),
    Kind.RSI: Description(
        "100 · G / (G + L), G and L Wilder means of rises and falls; 0 while nothing has moved",
        "0 to 100", "Wilder 1978, TA-Lib RSI", _CHANGES, "tick N+1, G and L = means over the first N changes",
    ),
    Kind.ATR: Description(
        "A(t) = (A(t−1) · (N−1) + |P(t) − P(t−1)|) / N: on a tick high = low = close, so this is the true range",
        "yuan", "Wilder 1978, TA-Lib ATR", _CHANGES, "tick N+1, A = mean over the first N changes",
    ),
    Kind.EWMA_VOLATILITY: Description(
        "sqrt(V(t)), V(t) = λ · V(t−1) + (1−λ) · r(t)², λ = 1 − 2/(N+1) (N = 32.3 is RiskMetrics' 0.94), per tick",
        "fraction", "RiskMetrics 1996, on simple returns", _CHANGES, "tick N+1, V = mean of the first N r²",
    ),
    Kind.REALISED_VOLATILITY: Description(
        "sqrt(r(t−N+1)² + … + r(t)²)", "fraction", "Barndorff-Nielsen, Shephard 2002, on simple returns", _CHANGES,
        _TICK_N1,
    ),
    Kind.RANGE_HIGH: Description(
        "max of P(t−N) … P(t−1): not the current tick", "yuan", "TA-Lib MAX, lagged", _BEFORE, _TICK_N1
    ),
    Kind.RANGE_LOW: Description(
        "min of P(t−N) … P(t−1): not the current tick", "yuan", "TA-Lib MIN, lagged", _BEFORE, _TICK_N1
    ),
    Kind.VWAP: Description(
        "session turnover / session volume; the first fit tick brings the opening auction's with it", "yuan",
        "Berkowitz, Logue, Noser 1988", "", f"{_WHOLE}, and something was traded",
    ),
    Kind.SESSION_TURNOVER: Description(
        "Σ turnover of the session so far, the opening auction's included", "yuan", "definition", "", _WHOLE
    ),
    Kind.VOLUME_RATIO: Description(
        "volume of the last 60 s of trading time / mean volume a minute of the session's continuous trading so far, "
        "both without the opening auction", "1", "definition", "",
        f"{_WHOLE}, its first minute is over, and something was traded",
    ),
    Kind.SPREAD: Description(
        "(ask1 − bid1) / ((ask1 + bid1) / 2)", "fraction", "definition", "", "there is a bid and an ask"
    ),
    Kind.IMBALANCE: Description(
        "(bid1_volume − ask1_volume) / (bid1_volume + ask1_volume)", "−1 to 1", "Cont, Kukanov, Stoikov 2014", "",
        "the book is not empty",
    ),
    Kind.IMBALANCE_5: Description(
        "(Σ bid_volume − Σ ask_volume) / (Σ bid_volume + Σ ask_volume) over five levels", "−1 to 1",
        "Cont, Kukanov, Stoikov 2014", "", "the source has five levels, and the book is not empty",
    ),
    Kind.ROOM_TO_LIMIT_UP: Description(
        "(limit_up − P(t)) / P(t)", "fraction", "definition", "", "there is a limit"
    ),
    Kind.ROOM_TO_LIMIT_DOWN: Description(
        "(P(t) − limit_down) / P(t)", "fraction", "definition", "", "there is a limit"
    ),
}  # fmt: skip

DEFAULT: tuple[str, ...] = (
    "ema_100",
    "imbalance",
    "mean_100",
    "range_high_400",
    "range_low_400",
    "return_20",
    "room_to_limit_down",
    "room_to_limit_up",
    "rsi_100",
    "spread",
    "std_100",
    "volume_ratio",
    "vwap",
    "zscore_100",
)
"""What a pipeline computes even if no strategy asks for it: what people and the API look at."""

_NAME = re.compile(r"([a-z]+(?:_[a-z]+)*?)(?:_([1-9][0-9]{0,8}))?")


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One feature of a set; `window` is 0 for kinds without one."""

    kind: Kind
    window: int = 0

    @property
    def name(self) -> str:
        """Its column."""
        return f"{self.kind}_{self.window}" if self.window else str(self.kind)


_UNWINDOWED = {str(kind): Feature(kind) for kind, described in CATALOG.items() if not described.windowed}


def parse(name: str) -> Feature:
    """The feature of a name.

    Raises:
        ContractError: names what is wrong and the closest feature there is.
    """
    if name in _UNWINDOWED:
        return _UNWINDOWED[name]
    matched = _NAME.fullmatch(name)
    kind = next((kind for kind in CATALOG if matched and kind == matched[1]), None)
    if matched is None or kind is None:
        stem = re.sub(r"_?[0-9]+$", "", name.lower())
        close = difflib.get_close_matches(stem, [str(kind) for kind in CATALOG], 1)
        hint = f"; did you mean {_example(Kind(close[0]))}?" if close else ""
        raise ContractError("feature", name, f"one of {', '.join(map(_example, CATALOG))}{hint}")
    if not CATALOG[kind].windowed:
        raise ContractError("feature", name, f"{kind} without a window")
    window = int(matched[2] or 0)
    if not 0 < window <= MAX_WINDOW:
        raise ContractError("feature", name, f"{kind}_N with a window N of 1 to {MAX_WINDOW} ticks")
    return Feature(kind, window)


def parse_all(names: Iterable[str]) -> tuple[Feature, ...]:
    """The features of a set, each once, ordered by name: the order of their columns.

    Raises:
        ContractError: see `parse`.
    """
    return tuple(sorted({parse(name) for name in names}, key=lambda feature: feature.name))


def _example(kind: Kind) -> str:
    return f"{kind}_N" if CATALOG[kind].windowed else str(kind)
