"""The steps of the kernel that take more than a few lines; each changes its block of a symbol's row.

`words` and `reals` are the same memory, seen as int64 and as float64. A block lies at `words[row, at:]`.
"""

import numpy as np
import numpy.typing as npt

from dfp.features.catalog import MACD_FAST, MACD_SIGNAL, MACD_SLOW
from dfp.features.compiler import compiled
from dfp.features.program import (
    BUCKETS,
    COUNT,
    EXTREME,
    EXTREME_AT,
    FAST,
    FIRST_BUCKET,
    FIRST_SQUARE,
    HEAD,
    IN_BLOCK,
    IN_SESSION,
    IN_WINDOW,
    LENGTH,
    NEWEST,
    SIGNAL,
    SLOW,
    SQUARES,
    SUM,
)
from dfp.market.phases import SECOND_NS

Words = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Long = npt.NDArray[np.int32]

_MORNING_S, _MORNING_END_S = 34_200, 41_400  # 09:30, 11:30
_AFTERNOON_S = 46_800  # 13:00
_MORNING_LENGTH_S = _MORNING_END_S - _MORNING_S


@compiled
def moments(words: Words, row: int, at: int, window: int) -> tuple[float, float]:
    """Mean and population standard deviation of a full window.

    The deviation comes from squares around the floored mean. They are whole, so equal prices deviate by nothing at all.
    """
    total = words[row, at + SUM]
    floored, rest = total // window, total % window
    apart = words[row, at + SQUARES] - window * floored * floored - 2 * floored * rest
    variance = apart / window - (rest / window) * (rest / window)
    return total / window, np.sqrt(max(variance, 0.0))


@compiled
def exponential(reals: Reals, row: int, place: int, values: int, window: int, value: float) -> None:
    """Take value number `values` into an exponential average, which begins as the mean of the first `window`."""
    if values <= window:
        reals[row, place] += value
        if values == window:
            reals[row, place] /= window
    else:
        reals[row, place] += 2.0 / (window + 1) * (value - reals[row, place])


@compiled
def wilder(reals: Reals, row: int, place: int, values: int, window: int, value: float) -> None:
    """Take value number `values` into an average as Wilder's, which begins as the mean of the first `window`."""
    if values <= window:
        reals[row, place] += value
        if values == window:
            reals[row, place] /= window
    else:
        reals[row, place] = (reals[row, place] * (window - 1) + value) / window


@compiled
def macd_lines(reals: Reals, row: int, at: int, tick: int, price: int) -> None:
    """Take price number `tick`. The fast average starts late, so that it begins at the same tick as the slow one."""
    exponential(reals, row, at + SLOW, tick, MACD_SLOW, price)
    late = tick - (MACD_SLOW - MACD_FAST)
    if late > 0:
        exponential(reals, row, at + FAST, late, MACD_FAST, price)
    lines = tick - (MACD_SLOW - 1)
    if lines > 0:
        exponential(reals, row, at + SIGNAL, lines, MACD_SIGNAL, reals[row, at + FAST] - reals[row, at + SLOW])


@compiled
def add_square(reals: Reals, row: int, at: int, values: int, window: int, square: float) -> float:
    """Take square number `values`; the sum of the last `window`, or of all while there are less.

    Float sums that are subtracted from drift. So squares are kept in blocks of `window`: the sum is that of the current
    block plus that of the end of the block before, and each is made of additions in an order that only the number of
    ticks decides.
    """
    place = (values - 1) % window
    squares = at + FIRST_SQUARE
    reals[row, at + IN_BLOCK] = square if place == 0 else reals[row, at + IN_BLOCK] + square
    total: float = reals[row, at + IN_BLOCK]
    if place < window - 1:
        total += reals[row, squares + place + 1]
    reals[row, squares + place] = square
    if place == window - 1:
        for earlier in range(window - 2, -1, -1):
            reals[row, squares + earlier] += reals[row, squares + earlier + 1]
    return total


@compiled
def add_extreme(
    words: Words, long: Long, row: int, at: int, queue: int, ring: int, window: int, price: int, rising: int, sign: int
) -> None:
    """Take a price into a monotonic deque of tick indices: each enters and leaves once, so it costs O(1) on average.

    Its first element is the extreme of the window; it is kept with its price beside the deque. Its last element is the
    tick before this one.

    Args:
        queue: place of the deque in `long`, behind the ring of prices.
        price: times `sign`, which is 1 for the highest price and −1 for the lowest.
        rising: how far `price` is above the one before.
    """
    count = words[row, COUNT]
    head, length = words[row, at + HEAD], words[row, at + LENGTH]
    if length > 0 and words[row, at + EXTREME_AT] == count - window:
        head = head + 1 if head + 1 < window else 0
        length -= 1
        if length > 0:
            words[row, at + EXTREME_AT] = long[row, queue + head]
            words[row, at + EXTREME] = long[row, words[row, at + EXTREME_AT] & (ring - 1)]
    if length > 0 and rising >= 0:
        length -= 1
        while length > 0 and rising > 0:
            newest = head + length - 1
            newest -= window if newest >= window else 0
            if long[row, long[row, queue + newest] & (ring - 1)] * sign > price:
                break
            length -= 1
    end = head + length
    end -= window if end >= window else 0
    long[row, queue + end] = count
    if length == 0:
        words[row, at + EXTREME] = price * sign
        words[row, at + EXTREME_AT] = count
    words[row, at + HEAD], words[row, at + LENGTH] = head, length + 1


@compiled
def trading_second(since_midnight: int) -> int:
    """Whole seconds of continuous trading since 09:30, so many nanoseconds after midnight; lunch does not count."""
    second = since_midnight // SECOND_NS
    if second >= _AFTERNOON_S:
        return second - _AFTERNOON_S + _MORNING_LENGTH_S
    if second > _MORNING_END_S:
        return _MORNING_LENGTH_S
    return max(second - _MORNING_S, 0)


@compiled
def add_volume(words: Words, row: int, at: int, second: int, volume: int) -> None:
    """Take the volume of a trading second into the sums of the session and of the last minute."""
    bucket = at + FIRST_BUCKET
    passed = min(second - words[row, at + NEWEST], BUCKETS)
    for ago in range(passed):
        old = bucket + (second - ago) % BUCKETS
        words[row, at + IN_WINDOW] -= words[row, old]
        words[row, old] = 0
    words[row, at + NEWEST] = max(second, words[row, at + NEWEST])
    words[row, bucket + words[row, at + NEWEST] % BUCKETS] += volume
    words[row, at + IN_WINDOW] += volume
    words[row, at + IN_SESSION] += volume
