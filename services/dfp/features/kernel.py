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
    FIRST_BUCKET,
    FLOATS,
    IN_SESSION,
    IN_WINDOW,
    INDICES,
    INTS,
    NEWEST,
    OP,
    OUT,
    RING,
    SESSION,
    WINDOW,
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
def find_row(symbol: np.uint64, keys: npt.NDArray[np.uint64], rows: npt.NDArray[np.int64]) -> int:
    """The row of a symbol, by open addressing; a new symbol gets the next free row.

    Args:
        keys: power of two long and never full; 0 = free.
        rows: row of each key; its last element counts the rows in use.
    """
    mask = np.uint64(keys.shape[0] - 1)
    place = (symbol * np.uint64(_HASH)) >> np.uint64(32) & mask
    while keys[place] != symbol:
        if keys[place] == 0:
            keys[place] = symbol
            rows[place] = rows[-1]
            rows[-1] += 1
            break
        place = (place + np.uint64(1)) & mask
    return int(rows[place])


@_compiled
def compute(
    steps: npt.NDArray[np.int64],
    ring: int,
    keys: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.int64],
    ints: npt.NDArray[np.int64],
    floats: npt.NDArray[np.float64],
    indices: npt.NDArray[np.int32],
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
    """Take the ticks of a frame in order: change the state, and fill `out` [features, ticks] that comes full of NaN."""
    for tick in range(symbol.shape[0]):
        if phase[tick] != _CONTINUOUS or flags[tick] & _UNFIT or last[tick] <= 0:
            continue
        row = find_row(symbol[tick], keys, rows)
        state, real, index = ints[row], floats[row], indices[row]
        if state[SESSION] != session:
            state[:] = 0
            real[:] = 0.0
            index[:] = 0
            state[SESSION] = session
            state[BASE] = last[tick]
        count = state[COUNT]
        base = state[BASE]
        price = last[tick] - base
        for step in range(steps.shape[0]):
            op, column, window = steps[step, OP], steps[step, OUT], steps[step, WINDOW]
            at, fat, iat = steps[step, INTS], steps[step, FLOATS], steps[step, INDICES]
            if op == _SUMS:
                state[at] += price
                state[at + 1] += price * price
                if count >= window:
                    gone = state[RING + (count - window) % ring]
                    state[at] -= gone
                    state[at + 1] -= gone * gone
            elif op == _RETURN:
                if count >= window:
                    before = state[RING + (count - window) % ring] + base
                    out[column, tick] = last[tick] / before - 1.0
            elif op == _MEAN:
                if count + 1 >= window:
                    out[column, tick] = (state[at] / window + base) / _PRICE_SCALE
            elif op in (_STD, _ZSCORE):
                if count + 1 >= window:
                    mean = state[at] / window
                    variance = state[at + 1] / window - mean * mean
                    deviation = np.sqrt(max(variance, 0.0))
                    if op == _STD:
                        out[column, tick] = deviation / _PRICE_SCALE
                    elif deviation > 0.0:
                        out[column, tick] = (price - mean) / deviation
            elif op == _EMA:
                if count + 1 < window:
                    state[at] += price
                else:
                    if count + 1 == window:
                        real[fat] = (state[at] + price) / window
                    else:
                        real[fat] += 2.0 / (window + 1) * (price - real[fat])
                    out[column, tick] = (real[fat] + base) / _PRICE_SCALE
            elif op == _RSI:
                if count > 0:
                    change = price - state[RING + (count - 1) % ring]
                    rise, fall = float(max(change, 0)), float(max(-change, 0))
                    if count <= window:
                        real[fat] += rise
                        real[fat + 1] += fall
                        if count == window:
                            real[fat] /= window
                            real[fat + 1] /= window
                    else:
                        real[fat] = (real[fat] * (window - 1) + rise) / window
                        real[fat + 1] = (real[fat + 1] * (window - 1) + fall) / window
                    if count >= window:
                        moved = real[fat] + real[fat + 1]
                        out[column, tick] = 100.0 * real[fat] / moved if moved > 0.0 else 0.0
            elif op in (_HIGH, _LOW):
                # A monotonic deque of tick indices: each index enters and leaves once, so a tick costs O(1) on average.
                head, length = index[iat], index[iat + 1]
                queue = iat + 2
                if count >= window:
                    best = state[RING + index[queue + head] % ring]
                    out[column, tick] = (best + base) / _PRICE_SCALE
                    if index[queue + head] <= count - window:
                        head = (head + 1) % window
                        length -= 1
                while length > 0:
                    newest = state[RING + index[queue + (head + length - 1) % window] % ring]
                    if (op == _HIGH and newest > price) or (op == _LOW and newest < price):
                        break
                    length -= 1
                index[queue + (head + length) % window] = count
                index[iat], index[iat + 1] = head, length + 1
            elif op == _VWAP:
                state[at] += volume[tick]
                real[fat] += turnover[tick]
                if state[at] > 0:
                    out[column, tick] = real[fat] / state[at]
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
                    passed = min(second - state[at + NEWEST], BUCKETS)
                    for ago in range(passed):
                        old = bucket + (second - ago) % BUCKETS
                        state[at + IN_WINDOW] -= state[old]
                        state[old] = 0
                    state[at + NEWEST] = max(second, state[at + NEWEST])
                    state[bucket + state[at + NEWEST] % BUCKETS] += volume[tick]
                    state[at + IN_WINDOW] += volume[tick]
                    state[at + IN_SESSION] += volume[tick]
                else:
                    state[at + NEWEST] = second
                if second >= BUCKETS and state[at + IN_SESSION] > 0:
                    a_minute = state[at + IN_SESSION] / (second / 60.0)
                    out[column, tick] = state[at + IN_WINDOW] / a_minute
            elif op == _UP:
                if limit_up[tick] > 0:
                    out[column, tick] = (limit_up[tick] - last[tick]) / last[tick]
            elif op == _DOWN and limit_down[tick] > 0:
                out[column, tick] = (last[tick] - limit_down[tick]) / last[tick]
        state[RING + count % ring] = price
        state[COUNT] = count + 1
