"""A feature set as a program for the kernel: one row of numbers per step, with the place of its state.

State is two tables with one row a symbol: 64-bit words (int64, or float64 in the same memory) for what every tick
needs, side by side because most of a tick's time is waiting for memory, and int32 for what is long: the price ring and
the deques. Prices are kept as integers relative to the symbol's first fit price of the session, so rolling sums are
exact: they never drift, never need a rebuild, and cannot depend on how ticks were batched.

Each step with state has a block of its own, which begins with the number of ticks that it has seen. So a step can be
added to a state, or removed, and no other one notices. Features that need the same state share one step.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dfp.features.catalog import Feature, Kind


class Op(enum.IntEnum):
    """Steps of the kernel. WINDOW_SUMS, MACD_LINES and SESSION_SUMS write no column: the steps behind them do."""

    WINDOW_SUMS = 0
    MEAN = 1
    STD = 2
    ZSCORE = 3
    BOLLINGER_UPPER = 4
    BOLLINGER_LOWER = 5
    RETURN = 6
    EMA = 7
    MACD_LINES = 8
    MACD = 9
    MACD_SIGNAL = 10
    MACD_HISTOGRAM = 11
    RSI = 12
    ATR = 13
    EWMA_VOLATILITY = 14
    REALISED_VOLATILITY = 15
    RANGE_HIGH = 16
    RANGE_LOW = 17
    SESSION_SUMS = 18
    VWAP = 19
    SESSION_TURNOVER = 20
    VOLUME_RATIO = 21
    SPREAD = 22
    IMBALANCE = 23
    IMBALANCE_5 = 24
    ROOM_TO_LIMIT_UP = 25
    ROOM_TO_LIMIT_DOWN = 26


# Columns of a program row.
OP, OUT, WINDOW, WORDS, LONG = range(5)

# The first words of every symbol's row. COUNT is the number of fit ticks since the row began; PARTIAL tells that the
# session had begun before it; the last two are what ticks traded that were not fit since the last one that was.
SESSION, COUNT, BASE, PARTIAL, UNFIT_VOLUME, UNFIT_TURNOVER, FIRST_WORD = range(7)

# The first word of every block.
TICKS = 0

# Words of WINDOW_SUMS.
SUM, SQUARES = range(1, 3)

# Words of the recursive ones: the average, or the sum of the first values that it starts from.
AVERAGE = 1
RISE, FALL = range(1, 3)
FAST, SLOW, SIGNAL = range(1, 4)

# Words of SESSION_SUMS.
VOLUME, TURNOVER = range(1, 3)

# Words of RANGE_HIGH and RANGE_LOW: the extreme and its tick index, then head and length of the deque behind it.
EXTREME, EXTREME_AT, HEAD, LENGTH = range(1, 5)

# Words of REALISED_VOLATILITY: the sum of the current block of N changes; then squares of the current block, and behind
# them, of the block before, the sums from there to its end.
IN_BLOCK, FIRST_SQUARE = range(1, 3)

BUCKETS = 60
"""One-second volumes of the last minute of trading time."""

# Words of VOLUME_RATIO: second of the newest bucket, volume of the window, volume of the session, then the buckets.
NEWEST, IN_WINDOW, IN_SESSION, FIRST_BUCKET = range(1, 5)

_SHARED: Mapping[Kind, Op] = {
    Kind.MEAN: Op.WINDOW_SUMS,
    Kind.STD: Op.WINDOW_SUMS,
    Kind.ZSCORE: Op.WINDOW_SUMS,
    Kind.BOLLINGER_UPPER: Op.WINDOW_SUMS,
    Kind.BOLLINGER_LOWER: Op.WINDOW_SUMS,
    Kind.MACD: Op.MACD_LINES,
    Kind.MACD_SIGNAL: Op.MACD_LINES,
    Kind.MACD_HISTOGRAM: Op.MACD_LINES,
    Kind.VWAP: Op.SESSION_SUMS,
    Kind.SESSION_TURNOVER: Op.SESSION_SUMS,
}
"""Whose state a kind reads, if not its own."""

_WORDS: Mapping[Op, int] = {
    Op.WINDOW_SUMS: SQUARES + 1,
    Op.RETURN: TICKS + 1,
    Op.EMA: AVERAGE + 1,
    Op.MACD_LINES: SIGNAL + 1,
    Op.RSI: FALL + 1,
    Op.ATR: AVERAGE + 1,
    Op.EWMA_VOLATILITY: AVERAGE + 1,
    Op.REALISED_VOLATILITY: FIRST_SQUARE,  # and a square for each tick of the window
    Op.RANGE_HIGH: LENGTH + 1,
    Op.RANGE_LOW: LENGTH + 1,
    Op.SESSION_SUMS: TURNOVER + 1,
    Op.VOLUME_RATIO: FIRST_BUCKET + BUCKETS,
}
_LOOKS_BACK = (Op.WINDOW_SUMS, Op.RETURN, Op.RANGE_HIGH, Op.RANGE_LOW)


@dataclass(frozen=True, slots=True)
class Block:
    """State of one step: where it lies in a symbol's row, in words and in int32.

    Attributes:
        name: how a saved state knows it.
    """

    name: str
    op: Op
    window: int
    words: slice
    long: slice


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled feature set.

    Attributes:
        steps: one row a step, int64 [steps, 5]: op, output column or −1, window, and where its words and its deque
            begin in a symbol's row.
        blocks: of the steps that have state, in the order of their places.
        ring: prices that are kept, a power of two and not less than the longest window that looks back at them.
        words, long: how many 64-bit words and how many int32 a symbol's row has; the long part begins with the ring.
    """

    features: tuple[Feature, ...]
    steps: npt.NDArray[np.int64]
    blocks: tuple[Block, ...]
    ring: int
    words: int
    long: int


def compile_program(features: Sequence[Feature]) -> Program:
    """Lay the state of a feature set out. `features` are in the order of their columns."""
    readers: dict[tuple[int, Op, int], list[tuple[int, Feature]]] = {}
    for column, feature in enumerate(features):
        op = _SHARED.get(feature.kind, Op[feature.kind.name])
        size = _WORDS.get(op, 0) + (feature.window if op is Op.REALISED_VOLATILITY else 0)
        readers.setdefault((size, op, feature.window), []).append((column, feature))
    ring = 1 << max((window - 1 for _, op, window in readers if op in _LOOKS_BACK), default=0).bit_length()
    words, long = FIRST_WORD, ring
    steps: list[tuple[Any, ...]] = []
    blocks: list[Block] = []
    # The smallest first: what every tick needs stays together, and what is long and sparsely used comes last.
    for size, op, window in sorted(readers):
        deque = window if op in (Op.RANGE_HIGH, Op.RANGE_LOW) else 0  # tick indices
        at = words if size else 0
        if op in _SHARED.values():
            steps.append((op, -1, window, at, long))
        for column, feature in readers[size, op, window]:
            steps.append((Op[feature.kind.name], column, window, at, long))
        if size:
            name = f"{op.name.lower()}_{window}" if window else op.name.lower()
            blocks.append(Block(name, op, window, slice(words, words + size), slice(long, long + deque)))
        words += size
        long += deque
    return Program(tuple(features), np.array(steps, np.int64).reshape(-1, 5), tuple(blocks), ring, words, long)
