"""A feature set as a program for the kernel: one row of numbers per step, with the place of its state.

State is two tables with one row a symbol: 64-bit words (int64, or float64 in the same memory) for what every tick
needs, side by side because most of a tick's time is waiting for memory, and int32 for what is long: the price ring and
the deques. Prices are kept as integers relative to the symbol's first fit price of the session, so rolling sums are
exact: they never drift, never need a rebuild, and cannot depend on how ticks were batched. Features of the same window
share one pair of sums.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dfp.features.catalog import Feature, Kind


class Op(enum.IntEnum):
    """Steps of the kernel. SUMS writes no column; it keeps Σp and Σp² of a window for the steps behind it."""

    SUMS = 0
    RETURN = 1
    MEAN = 2
    STD = 3
    ZSCORE = 4
    EMA = 5
    RSI = 6
    RANGE_HIGH = 7
    RANGE_LOW = 8
    VWAP = 9
    SPREAD = 10
    IMBALANCE = 11
    VOLUME_RATIO = 12
    ROOM_TO_LIMIT_UP = 13
    ROOM_TO_LIMIT_DOWN = 14


# Columns of a program row.
OP, OUT, WINDOW, WORDS, LONG = range(5)

# The first words of every symbol's row. Its long part begins with the price ring.
SESSION, COUNT, BASE, FIRST_WORD = range(4)

# Words of RANGE_HIGH and RANGE_LOW: the extreme and its tick index, then head and length of the deque behind it.
EXTREME, EXTREME_AT, HEAD, LENGTH = range(4)

BUCKETS = 60
"""One-second volumes of the last minute of trading time."""

# Words of VOLUME_RATIO: second of the newest bucket, volume of the window, volume of the session, then the buckets.
NEWEST, IN_WINDOW, IN_SESSION, FIRST_BUCKET = range(4)

_OPS = {kind: Op[kind.name] for kind in Kind}
_SUMMED = (Kind.MEAN, Kind.STD, Kind.ZSCORE)
_WORDS = {
    Kind.EMA: 2,  # sum of the first prices, then the average
    Kind.RSI: 2,  # mean rise, mean fall
    Kind.RANGE_HIGH: LENGTH + 1,
    Kind.RANGE_LOW: LENGTH + 1,
    Kind.VWAP: 2,  # volume, turnover
    Kind.VOLUME_RATIO: FIRST_BUCKET + BUCKETS,
}


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled feature set.

    Attributes:
        steps: one row a step, int64 [steps, 5]: op, output column or −1, window, and where its words and its deque
            begin in a symbol's row.
        ring: prices that are kept, the longest window; at least 1.
        words, long: how many 64-bit words and how many int32 a symbol's row has.
    """

    features: tuple[Feature, ...]
    steps: npt.NDArray[np.int64]
    ring: int
    words: int
    long: int


def compile_program(features: Sequence[Feature]) -> Program:
    """Lay the state of a feature set out. `features` are in the order of their columns."""
    ring = max((feature.window for feature in features), default=1) or 1
    words, long = FIRST_WORD, ring
    sums: dict[int, int] = {}
    steps: list[tuple[Any, ...]] = []
    for window in sorted({feature.window for feature in features if feature.kind in _SUMMED}):
        sums[window] = words
        steps.append((Op.SUMS, -1, window, words, 0))
        words += 2
    # The sixty buckets of VOLUME_RATIO come last, so that what every tick needs stays together.
    for column, feature in sorted(enumerate(features), key=lambda each: _WORDS.get(each[1].kind, 0)):
        kind, window = feature.kind, feature.window
        steps.append((_OPS[kind], column, window, sums[window] if kind in _SUMMED else words, long))
        words += _WORDS.get(kind, 0)
        if kind in (Kind.RANGE_HIGH, Kind.RANGE_LOW):
            long += window  # tick indices
    return Program(tuple(features), np.array(steps, np.int64).reshape(-1, 5), ring, words, long)
