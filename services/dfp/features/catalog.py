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
"""Squares of price changes are summed as exact int64: 4,096 · (4,700 yuan · 10,000)² < 2^63. No price moves so far."""


class Kind(enum.StrEnum):
    """A family of features."""

    RETURN = "return"
    MEAN = "mean"
    STD = "std"
    ZSCORE = "zscore"
    EMA = "ema"
    RSI = "rsi"
    RANGE_HIGH = "range_high"
    RANGE_LOW = "range_low"
    VWAP = "vwap"
    SPREAD = "spread"
    IMBALANCE = "imbalance"
    VOLUME_RATIO = "volume_ratio"
    ROOM_TO_LIMIT_UP = "room_to_limit_up"
    ROOM_TO_LIMIT_DOWN = "room_to_limit_down"


@dataclass(frozen=True, slots=True)
class Description:
    """What a kind computes.

    Attributes:
        formula: P(t) is the last price of the current fit tick, P(t−k) that of k fit ticks before.
        windowed: whether the name carries a window N of 1 to `MAX_WINDOW` ticks.
    """

    formula: str
    unit: str
    source: str
    windowed: bool


CATALOG: Mapping[Kind, Description] = {
    Kind.RETURN: Description("P(t) / P(t−N) − 1", "fraction", "TA-Lib ROCP", True),
    Kind.MEAN: Description("mean of P(t−N+1) … P(t)", "yuan", "TA-Lib SMA", True),
    Kind.STD: Description("population standard deviation of P(t−N+1) … P(t)", "yuan", "TA-Lib STDDEV", True),
    Kind.ZSCORE: Description("(P(t) − mean_N) / std_N, absent while std_N = 0", "1", "definition", True),
    Kind.EMA: Description(
        "E(t) = E(t−1) + 2/(N+1) · (P(t) − E(t−1)), E = mean of the first N prices at the start",
        "yuan", "TA-Lib EMA", True,
    ),
    Kind.RSI: Description(
        "100 · G / (G + L), G and L Wilder means of rises and falls over N changes", "0 to 100",
        "Wilder 1978, TA-Lib RSI", True,
    ),
    Kind.RANGE_HIGH: Description("max of P(t−N) … P(t−1): not the current tick", "yuan", "TA-Lib MAX, lagged", True),
    Kind.RANGE_LOW: Description("min of P(t−N) … P(t−1): not the current tick", "yuan", "TA-Lib MIN, lagged", True),
    Kind.VWAP: Description(
        "session turnover / session volume; the first fit tick brings the opening auction's with it", "yuan",
        "Berkowitz, Logue, Noser 1988", False,
    ),
    Kind.SPREAD: Description("(ask1 − bid1) / ((ask1 + bid1) / 2)", "fraction", "definition", False),
    Kind.IMBALANCE: Description(
        "(bid1_volume − ask1_volume) / (bid1_volume + ask1_volume)", "−1 to 1", "Cont, Kukanov, Stoikov 2014", False
    ),
    Kind.VOLUME_RATIO: Description(
        "volume of the last 60 s of trading time / mean volume a minute of the session's continuous trading so far, "
        "both without the opening auction; absent in the first minute", "1", "definition", False,
    ),
    Kind.ROOM_TO_LIMIT_UP: Description(
        "(limit_up − P(t)) / P(t), absent without a limit", "fraction", "definition", False
    ),
    Kind.ROOM_TO_LIMIT_DOWN: Description(
        "(P(t) − limit_down) / P(t), absent without a limit", "fraction", "definition", False
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

_NAME = re.compile(r"([a-z]+(?:_[a-z]+)*?)(?:_([1-9][0-9]*))?")


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One feature of a set; `window` is 0 for kinds without one."""

    kind: Kind
    window: int = 0

    @property
    def name(self) -> str:
        """Its column."""
        return f"{self.kind}_{self.window}" if self.window else str(self.kind)


def parse(name: str) -> Feature:
    """The feature of a name.

    Raises:
        ContractError: names what is wrong and the closest feature there is.
    """
    matched = _NAME.fullmatch(name)
    kind = next((kind for kind in CATALOG if matched and kind == matched[1]), None)
    if matched is None or kind is None:
        stem = re.sub(r"_?[0-9]+$", "", name.lower())
        close = difflib.get_close_matches(stem, [str(kind) for kind in CATALOG], 1)
        hint = f"; did you mean {_example(Kind(close[0]))}?" if close else ""
        raise ContractError("feature", name, f"one of {', '.join(map(_example, CATALOG))}{hint}")
    window = int(matched[2] or 0)
    if CATALOG[kind].windowed and not 0 < window <= MAX_WINDOW:
        raise ContractError("feature", name, f"{kind}_N with a window N of 1 to {MAX_WINDOW} ticks")
    if not CATALOG[kind].windowed and window:
        raise ContractError("feature", name, f"{kind} without a window")
    return Feature(kind, window)


def parse_all(names: Iterable[str]) -> tuple[Feature, ...]:
    """The features of a set, each once, ordered by name: the order of their columns.

    Raises:
        ContractError: see `parse`.
    """
    return tuple(sorted({parse(name) for name in names}, key=lambda feature: feature.name))


def _example(kind: Kind) -> str:
    return f"{kind}_N" if CATALOG[kind].windowed else str(kind)
