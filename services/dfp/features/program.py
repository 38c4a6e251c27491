"""A feature set as a program for the kernel: one row of numbers per step, with the place of its state.

State is three tables with one row a symbol. Prices are kept as integers relative to the symbol's first fit price of the
session, so rolling sums are exact: they never drift, never need a rebuild, and cannot depend on how ticks were batched.
Features of the same window share one pair of sums.
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
OP, OUT, WINDOW, INTS, FLOATS, INDICES = range(6)

# The first integers of every symbol's row; the price ring follows them.
SESSION, COUNT, BASE, RING = range(4)

BUCKETS = 60
"""One-second volumes of the last minute of trading time."""

# Integers of VOLUME_RATIO: second of the newest bucket, volume of the window, volume of the session, then the buckets.
NEWEST, IN_WINDOW, IN_SESSION, FIRST_BUCKET = range(4)

_OPS = {kind: Op[kind.name] for kind in Kind}
_SUMMED = (Kind.MEAN, Kind.STD, Kind.ZSCORE)


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled feature set.

    Attributes:
        steps: one row a step, int64 [steps, 6]: op, output column or −1, window, and where its integers, floats and
            deque indices begin in a symbol's row.
        ring: prices that are kept, the longest window; at least 1.
        ints, floats, indices: numbers that a symbol's row has of each type (int64, float64, int32).
    """

    features: tuple[Feature, ...]
    steps: npt.NDArray[np.int64]
    ring: int
    ints: int
    floats: int
    indices: int


def compile_program(features: Sequence[Feature]) -> Program:
    """Lay the state of a feature set out. `features` are in the order of their columns."""
    ring = max((feature.window for feature in features), default=1) or 1
    ints, floats, indices = RING + ring, 0, 0
    sums: dict[int, int] = {}
    steps: list[tuple[Any, ...]] = []
    for window in sorted({feature.window for feature in features if feature.kind in _SUMMED}):
        sums[window] = ints
        steps.append((Op.SUMS, -1, window, ints, 0, 0))
        ints += 2
    for column, feature in enumerate(features):
        kind, window = feature.kind, feature.window
        place = sums[window] if kind in _SUMMED else ints
        steps.append((_OPS[kind], column, window, place, floats, indices))
        match kind:
            case Kind.EMA:
                ints += 1  # sum of the first prices
                floats += 1
            case Kind.RSI:
                floats += 2
            case Kind.RANGE_HIGH | Kind.RANGE_LOW:
                indices += 2 + window  # head, length, and a ring of tick indices
            case Kind.VWAP:
                ints += 1
                floats += 1
            case Kind.VOLUME_RATIO:
                ints += FIRST_BUCKET + BUCKETS
            case _:
                pass
    return Program(tuple(features), np.array(steps, np.int64).reshape(-1, 6), ring, ints, floats, indices)
