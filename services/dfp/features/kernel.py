"""The hot loop: all features of all ticks of a frame in one compiled call.

Plain arithmetic only, no fused or reordered operations, no logarithm (its last bit depends on the processor), so that
its results equal those of `twin.py` bit for bit.
"""

import numpy as np
import numpy.typing as npt

from dfp.features.catalog import MACD_SIGNAL, MACD_SLOW, MAX_MOVE
from dfp.features.compiler import compiled
from dfp.features.program import (
    AVERAGE,
    BASE,
    BUCKETS,
    COUNT,
    EXTREME,
    FALL,
    FAST,
    IN_SESSION,
    IN_WINDOW,
    LONG,
    NEWEST,
    OP,
    OUT,
    PARTIAL,
    RISE,
    SESSION,
    SIGNAL,
    SLOW,
    SQUARES,
    SUM,
    TURNOVER,
    UNFIT_TURNOVER,
    UNFIT_VOLUME,
    VOLUME,
    WINDOW,
    WORDS,
    Op,
)
from dfp.features.steps import (
    add_extreme,
    add_square,
    add_volume,
    exponential,
    macd_lines,
    moments,
    trading_second,
    wilder,
)

# Numba freezes module globals; enum members must be plain numbers for it.
_SUMS, _MEAN, _STD, _ZSCORE, _UPPER, _LOWER, _RETURN, _EMA = (int(op) for op in list(Op)[:8])
_LINES, _MACD, _SIGNAL, _HISTOGRAM, _RSI, _ATR, _EWMA, _REALISED = (int(op) for op in list(Op)[8:16])
_HIGH, _LOW, _SESSION_SUMS, _VWAP, _TURNOVER, _VOLUME_RATIO = (int(op) for op in list(Op)[16:22])
_SPREAD, _IMBALANCE, _IMBALANCE_5, _UP, _DOWN = (int(op) for op in list(Op)[22:])
_PRICE_SCALE = 10_000.0
_MACD_TICKS = MACD_SLOW + MACD_SIGNAL - 1


@compiled
def compute(
    steps: npt.NDArray[np.int64],
    ring: int,
    words: npt.NDArray[np.int64],
    reals: npt.NDArray[np.float64],
    long: npt.NDArray[np.int32],
    session: int,
    midnight: int,
    partial: bool,
    rows: npt.NDArray[np.int64],
    fit: npt.NDArray[np.bool_],
    time: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    volume: npt.NDArray[np.int64],
    turnover: npt.NDArray[np.float64],
    bid: npt.NDArray[np.int64],
    ask: npt.NDArray[np.int64],
    bid_volume: npt.NDArray[np.int64],
    ask_volume: npt.NDArray[np.int64],
    limit_up: npt.NDArray[np.int64],
    limit_down: npt.NDArray[np.int64],
    bid_depth: npt.NDArray[np.int64],
    ask_depth: npt.NDArray[np.int64],
    out: npt.NDArray[np.float64],
) -> int:
    """Take the ticks of a frame in order: change the state, and fill `out` that comes full of NaN.

    Args:
        reals: the memory of `words`, seen as float64.
        midnight: UTC nanoseconds at which the session's day begins.
        partial: symbols that begin the session now may have begun it before.
        rows, fit: of each tick, see `rows.py`.
        bid_depth, ask_depth: volume of five levels, −1 = unknown.
        out: [features, ticks].

    Returns:
        How many ticks were left out because they are of a session that is over, or too far from its first price.
    """
    beyond = 0
    mean = deviation = line = signal = yuan = 0.0
    warm = whole = False
    shares = 0
    for tick in range(rows.shape[0]):
        row = rows[tick]
        if row < 0:
            continue
        if session < words[row, SESSION]:
            beyond += 1
            continue
        if session > words[row, SESSION]:
            words[row, :] = 0
            long[row, :] = 0
            words[row, SESSION] = session
            words[row, PARTIAL] = partial
        count = words[row, COUNT]
        if count == 0:
            words[row, BASE] = last[tick]
        base = words[row, BASE]
        price = last[tick] - base
        far = abs(price) > MAX_MOVE
        if far or not fit[tick]:
            beyond += far and fit[tick]
            words[row, UNFIT_VOLUME] += volume[tick]
            reals[row, UNFIT_TURNOVER] += turnover[tick]
            continue
        traded, paid = volume[tick] + words[row, UNFIT_VOLUME], turnover[tick] + reals[row, UNFIT_TURNOVER]
        words[row, UNFIT_VOLUME], reals[row, UNFIT_TURNOVER] = 0, 0.0
        previous = np.int64(long[row, (count - 1) & (ring - 1)])
        change = price - previous
        for step in range(steps.shape[0]):
            op, column, window = steps[step, OP], steps[step, OUT], steps[step, WINDOW]
            at = steps[step, WORDS]
            seen = words[row, at]
            if op == _SUMS:
                words[row, at] = seen + 1
                words[row, at + SUM] += price
                words[row, at + SQUARES] += price * price
                if seen >= window:
                    gone = np.int64(long[row, (count - window) & (ring - 1)])
                    words[row, at + SUM] -= gone
                    words[row, at + SQUARES] -= gone * gone
                warm = seen + 1 >= window
                if warm:
                    mean, deviation = moments(words, row, at, window)
            elif op == _MEAN:
                if warm:
                    out[column, tick] = (mean + base) / _PRICE_SCALE
            elif op == _STD:
                if warm:
                    out[column, tick] = deviation / _PRICE_SCALE
            elif op == _ZSCORE:
                if warm and deviation > 0.0:
                    out[column, tick] = (price - mean) / deviation
            elif op == _UPPER:
                if warm:
                    out[column, tick] = (mean + base + 2.0 * deviation) / _PRICE_SCALE
            elif op == _LOWER:
                if warm:
                    out[column, tick] = (mean + base - 2.0 * deviation) / _PRICE_SCALE
            elif op == _RETURN:
                words[row, at] = seen + 1
                if seen >= window:
                    out[column, tick] = last[tick] / (long[row, (count - window) & (ring - 1)] + base) - 1.0
            elif op == _EMA:
                words[row, at] = seen + 1
                exponential(reals, row, at + AVERAGE, seen + 1, window, price)
                if seen + 1 >= window:
                    out[column, tick] = (reals[row, at + AVERAGE] + base) / _PRICE_SCALE
            elif op == _LINES:
                words[row, at] = seen + 1
                macd_lines(reals, row, at, seen + 1, price)
                warm = seen + 1 >= _MACD_TICKS
                line, signal = reals[row, at + FAST] - reals[row, at + SLOW], reals[row, at + SIGNAL]
            elif op == _MACD:
                if warm:
                    out[column, tick] = line / _PRICE_SCALE
            elif op == _SIGNAL:
                if warm:
                    out[column, tick] = signal / _PRICE_SCALE
            elif op == _HISTOGRAM:
                if warm:
                    out[column, tick] = (line - signal) / _PRICE_SCALE
            elif op == _RSI:
                words[row, at] = seen + 1
                if seen > 0:
                    wilder(reals, row, at + RISE, seen, window, max(change, 0))
                    wilder(reals, row, at + FALL, seen, window, max(-change, 0))
                if seen >= window:
                    moved = reals[row, at + RISE] + reals[row, at + FALL]
                    out[column, tick] = 100.0 * reals[row, at + RISE] / moved if moved > 0.0 else 0.0
            elif op == _ATR:
                words[row, at] = seen + 1
                if seen > 0:
                    wilder(reals, row, at + AVERAGE, seen, window, abs(change))
                if seen >= window:
                    out[column, tick] = reals[row, at + AVERAGE] / _PRICE_SCALE
            elif op == _EWMA:
                words[row, at] = seen + 1
                if seen > 0:
                    ratio = change / (previous + base)
                    exponential(reals, row, at + AVERAGE, seen, window, ratio * ratio)
                if seen >= window:
                    out[column, tick] = np.sqrt(reals[row, at + AVERAGE])
            elif op == _REALISED:
                words[row, at] = seen + 1
                if seen > 0:
                    ratio = change / (previous + base)
                    total = add_square(reals, row, at, seen, window, ratio * ratio)
                    if seen >= window:
                        out[column, tick] = np.sqrt(total)
            elif op in (_HIGH, _LOW):
                words[row, at] = seen + 1
                if seen >= window:
                    out[column, tick] = (words[row, at + EXTREME] + base) / _PRICE_SCALE
                sign = 1 if op == _HIGH else -1
                queue = steps[step, LONG]
                add_extreme(words, long, row, at, queue, ring, window, price * sign, change * sign, sign)
            elif op == _SESSION_SUMS:
                words[row, at] = seen + 1
                words[row, at + VOLUME] += traded
                reals[row, at + TURNOVER] += paid
                whole = seen == count and words[row, PARTIAL] == 0
                shares, yuan = words[row, at + VOLUME], reals[row, at + TURNOVER]
            elif op == _VWAP:
                if whole and shares > 0:
                    out[column, tick] = yuan / shares
            elif op == _TURNOVER:
                if whole:
                    out[column, tick] = yuan
            elif op == _VOLUME_RATIO:
                words[row, at] = seen + 1
                second = trading_second(time[tick] - midnight)
                if seen > 0:
                    add_volume(words, row, at, second, traded)
                else:
                    words[row, at + NEWEST] = second
                whole = seen == count and words[row, PARTIAL] == 0
                if whole and second >= BUCKETS and words[row, at + IN_SESSION] > 0:
                    a_minute = words[row, at + IN_SESSION] / (second / 60.0)
                    out[column, tick] = words[row, at + IN_WINDOW] / a_minute
            elif op == _SPREAD:
                if bid[tick] > 0 and ask[tick] > 0:
                    out[column, tick] = (ask[tick] - bid[tick]) / ((ask[tick] + bid[tick]) / 2.0)
            elif op == _IMBALANCE:
                both = bid_volume[tick] + ask_volume[tick]
                if both > 0:
                    out[column, tick] = (bid_volume[tick] - ask_volume[tick]) / both
            elif op == _IMBALANCE_5:
                both = bid_depth[tick] + ask_depth[tick]
                if bid_depth[tick] >= 0 and ask_depth[tick] >= 0 and both > 0:
                    out[column, tick] = (bid_depth[tick] - ask_depth[tick]) / both
            elif op == _UP:
                if limit_up[tick] > 0:
                    out[column, tick] = (limit_up[tick] - last[tick]) / last[tick]
            elif op == _DOWN and limit_down[tick] > 0:
                out[column, tick] = (last[tick] - limit_down[tick]) / last[tick]
        long[row, count & (ring - 1)] = price
        words[row, COUNT] = count + 1
    return beyond
