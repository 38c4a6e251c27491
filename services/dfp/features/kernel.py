"""The hot loop: all features of all ticks of a frame in one compiled call.

Plain arithmetic only, no fused or reordered operations, so that its results equal those of `twin.py` bit for bit.
"""

from dfp.features import numba_env  # isort: skip - it must come before numba

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from dfp.contracts.flags import UNFIT
from dfp.features.program import (
    BASE,
    BUCKETS,
    COUNT,
    EXTREME,
    EXTREME_AT,
    FIRST_BUCKET,
    HEAD,
    IN_SESSION,
    IN_WINDOW,
    LENGTH,
    LONG,
    NEWEST,
    OP,
    OUT,
    SESSION,
    WINDOW,
    WORDS,
    Op,
)
from dfp.market.phases import SECOND_NS, SHANGHAI_NS, Phase

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS_FROM: Final = numba_env.__name__

# Numba freezes module globals; enum members must be plain numbers for it.
_CONTINUOUS = int(Phase.CONTINUOUS)
_UNFIT = int(UNFIT)
_SUMS, _RETURN, _MEAN, _STD, _ZSCORE, _EMA, _RSI = (int(op) for op in list(Op)[:7])
_HIGH, _LOW, _VWAP, _SPREAD, _IMBALANCE, _VOLUME_RATIO, _UP, _DOWN = (int(op) for op in list(Op)[7:])
_PRICE_SCALE = 10_000.0
_DAY_S = 86_400
_MORNING_S, _MORNING_END_S = 34_200, 41_400  # 09:30, 11:30
_AFTERNOON_S = 46_800  # 13:00
_MORNING_LENGTH_S = _MORNING_END_S - _MORNING_S
_HASH = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: spreads neighbouring codes over the table


def _compiled(function: F) -> F:
    return cast("F", numba.njit(cache=True, fastmath=False, error_model="numpy", boundscheck=False)(function))


@_compiled
def trading_second(time: int) -> int:
    """Whole seconds of continuous trading since 09:30 at UTC nanosecond `time`; lunch does not count."""
    second = (time + SHANGHAI_NS) // SECOND_NS % _DAY_S
    if second >= _AFTERNOON_S:
        return second - _AFTERNOON_S + _MORNING_LENGTH_S
    if second > _MORNING_END_S:
        return _MORNING_LENGTH_S
    return max(second - _MORNING_S, 0)


@_compiled
def find_row(symbol: np.uint64, places: npt.NDArray[np.uint64], used: npt.NDArray[np.int64]) -> int:
    """The row of a symbol, by open addressing; a new symbol gets the next free row.

    Args:
        places: (symbol, row) pairs, a power of two of them and never full; symbol 0 = free.
        used: one number, the rows in use.
    """
    mask = np.uint64(places.shape[0] - 1)
    place = (symbol * np.uint64(_HASH)) >> np.uint64(32) & mask
    while places[place, 0] != symbol:
        if places[place, 0] == 0:
            places[place, 0] = symbol
            places[place, 1] = used[0]
            used[0] += 1
            break
        place = (place + np.uint64(1)) & mask
    return int(places[place, 1])


@_compiled
def compute(
    steps: npt.NDArray[np.int64],
    ring: int,
    places: npt.NDArray[np.uint64],
    used: npt.NDArray[np.int64],
    words: npt.NDArray[np.int64],
    reals: npt.NDArray[np.float64],
    long: npt.NDArray[np.int32],
    session: int,
    symbol: npt.NDArray[np.uint64],
    time: npt.NDArray[np.int64],
    phase: npt.NDArray[np.uint8],
    flags: npt.NDArray[np.uint16],
    last: npt.NDArray[np.int64],
    volume: npt.NDArray[np.int64],
    turnover: npt.NDArray[np.float64],
    bid: npt.NDArray[np.int64],
    ask: npt.NDArray[np.int64],
    bid_volume: npt.NDArray[np.int64],
    ask_volume: npt.NDArray[np.int64],
    limit_up: npt.NDArray[np.int64],
    limit_down: npt.NDArray[np.int64],
    out: npt.NDArray[np.float64],
) -> None:
    """Take the ticks of a frame in order: change the state, and fill `out` [features, ticks] that comes full of NaN.

    Args:
        reals: the memory of `words`, seen as float64.
    """
    for tick in range(symbol.shape[0]):
        if phase[tick] != _CONTINUOUS or flags[tick] & _UNFIT or last[tick] <= 0:
            continue
        row = find_row(symbol[tick], places, used)
        word, real, prices = words[row], reals[row], long[row]
        if word[SESSION] != session:
            word[:] = 0
            prices[:] = 0
            word[SESSION] = session
            word[BASE] = last[tick]
        count = word[COUNT]
        base = word[BASE]
        price = last[tick] - base
        for step in range(steps.shape[0]):
            op, column, window = steps[step, OP], steps[step, OUT], steps[step, WINDOW]
            at = steps[step, WORDS]
            if op == _SUMS:
                word[at] += price
                word[at + 1] += price * price
                if count >= window:
                    gone = np.int64(prices[(count - window) % ring])
                    word[at] -= gone
                    word[at + 1] -= gone * gone
            elif op == _RETURN:
                if count >= window:
                    out[column, tick] = last[tick] / (prices[(count - window) % ring] + base) - 1.0
            elif op == _MEAN:
                if count + 1 >= window:
                    out[column, tick] = (word[at] / window + base) / _PRICE_SCALE
            elif op in (_STD, _ZSCORE):
                if count + 1 >= window:
                    mean = word[at] / window
                    variance = word[at + 1] / window - mean * mean
                    deviation = np.sqrt(max(variance, 0.0))
                    if op == _STD:
                        out[column, tick] = deviation / _PRICE_SCALE
                    elif deviation > 0.0:
                        out[column, tick] = (price - mean) / deviation
            elif op == _EMA:
                if count + 1 < window:
                    word[at] += price
                else:
                    if count + 1 == window:
                        real[at + 1] = (word[at] + price) / window
                    else:
                        real[at + 1] += 2.0 / (window + 1) * (price - real[at + 1])
                    out[column, tick] = (real[at + 1] + base) / _PRICE_SCALE
            elif op == _RSI:
                if count > 0:
                    change = price - prices[(count - 1) % ring]
                    rise, fall = float(max(change, 0)), float(max(-change, 0))
                    if count <= window:
                        real[at] += rise
                        real[at + 1] += fall
                        if count == window:
                            real[at] /= window
                            real[at + 1] /= window
                    else:
                        real[at] = (real[at] * (window - 1) + rise) / window
                        real[at + 1] = (real[at + 1] * (window - 1) + fall) / window
                    if count >= window:
                        moved = real[at] + real[at + 1]
                        out[column, tick] = 100.0 * real[at] / moved if moved > 0.0 else 0.0
            elif op in (_HIGH, _LOW):
                # A monotonic deque of tick indices: each index enters and leaves once, so a tick costs O(1) on average.
                # Its first element is the extreme of the window; it is kept with its price beside the deque.
                head, length, queue = word[at + HEAD], word[at + LENGTH], steps[step, LONG]
                if count >= window:
                    out[column, tick] = (word[at + EXTREME] + base) / _PRICE_SCALE
                    if word[at + EXTREME_AT] == count - window:
                        head = (head + 1) % window
                        length -= 1
                        if length > 0:
                            word[at + EXTREME_AT] = prices[queue + head]
                            word[at + EXTREME] = prices[word[at + EXTREME_AT] % ring]
                while length > 0:
                    newest = prices[prices[queue + (head + length - 1) % window] % ring]
                    if (op == _HIGH and newest > price) or (op == _LOW and newest < price):
                        break
                    length -= 1
                prices[queue + (head + length) % window] = count
                if length == 0:
                    word[at + EXTREME] = price
                    word[at + EXTREME_AT] = count
                word[at + HEAD], word[at + LENGTH] = head, length + 1
            elif op == _VWAP:
                word[at] += volume[tick]
                real[at + 1] += turnover[tick]
                if word[at] > 0:
                    out[column, tick] = real[at + 1] / word[at]
            elif op == _SPREAD:
                if bid[tick] > 0 and ask[tick] > 0:
                    out[column, tick] = (ask[tick] - bid[tick]) / ((ask[tick] + bid[tick]) / 2.0)
            elif op == _IMBALANCE:
                both = bid_volume[tick] + ask_volume[tick]
                if both > 0:
                    out[column, tick] = (bid_volume[tick] - ask_volume[tick]) / both
            elif op == _VOLUME_RATIO:
                second = trading_second(time[tick])
                bucket = at + FIRST_BUCKET
                if count > 0:
                    passed = min(second - word[at + NEWEST], BUCKETS)
                    for ago in range(passed):
                        old = bucket + (second - ago) % BUCKETS
                        word[at + IN_WINDOW] -= word[old]
                        word[old] = 0
                    word[at + NEWEST] = max(second, word[at + NEWEST])
                    word[bucket + word[at + NEWEST] % BUCKETS] += volume[tick]
                    word[at + IN_WINDOW] += volume[tick]
                    word[at + IN_SESSION] += volume[tick]
                else:
                    word[at + NEWEST] = second
                if second >= BUCKETS and word[at + IN_SESSION] > 0:
                    a_minute = word[at + IN_SESSION] / (second / 60.0)
                    out[column, tick] = word[at + IN_WINDOW] / a_minute
            elif op == _UP:
                if limit_up[tick] > 0:
                    out[column, tick] = (limit_up[tick] - last[tick]) / last[tick]
            elif op == _DOWN and limit_down[tick] > 0:
                out[column, tick] = (last[tick] - limit_down[tick]) / last[tick]
        prices[count % ring] = price
        word[COUNT] = count + 1
