"""Which ticks are fit, and where the state of their symbols lies."""

import numpy as np
import numpy.typing as npt

from dfp.contracts.flags import UNFIT
from dfp.features.catalog import MAX_PRICE, MAX_TURNOVER, MAX_VOLUME
from dfp.features.compiler import compiled
from dfp.market.phases import DAY_NS, Phase

# Numba freezes module globals; enum members must be plain numbers for it.
_CONTINUOUS = int(Phase.CONTINUOUS)
_UNFIT = int(UNFIT)
_HASH = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads neighbouring codes over the table
_HIGH_HALF = np.uint64(32)
_ONE, _FREE = np.uint64(1), np.uint64(0)

NO_ROW = -1


@compiled
def find_row(symbol: np.uint64, places: npt.NDArray[np.uint64], used: npt.NDArray[np.int64], limit: int) -> int:
    """The row of a symbol, by open addressing; a new symbol gets the next free row, or −1 if there is none.

    Args:
        symbol: not 0.
        places: (symbol, row) pairs, a power of two of them and never full; symbol 0 = free.
        used: one number, the rows in use.
        limit: how many rows there are.
    """
    mask = np.uint64(places.shape[0] - 1)
    place = (symbol * _HASH) >> _HIGH_HALF & mask
    while places[place, 0] != symbol:
        if places[place, 0] == _FREE:
            if used[0] == limit:
                return -1
            places[place, 0] = symbol
            places[place, 1] = used[0]
            used[0] += 1
            break
        place = (place + _ONE) & mask
    return np.int64(places[place, 1])  # type: ignore[return-value]


@compiled
def find_rows(
    places: npt.NDArray[np.uint64],
    used: npt.NDArray[np.int64],
    limit: int,
    midnight: int,
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
    rows: npt.NDArray[np.int64],
    fit: npt.NDArray[np.bool_],
    first: int,
) -> tuple[int, int]:
    """Find the row of each tick of a frame from `first` on.

    Cleaning lets no value pass that cannot be, but the log is read from a server, and a sum that wrapped around would
    be wrong all day.

    Args:
        midnight: UTC nanoseconds at which the session's day begins.
        rows: takes the rows, `NO_ROW` for ticks with a value beyond what there can be.
        fit: takes which ticks are fit.

    Returns:
        The tick for which there is no row left, or the number of ticks; and how many have got `NO_ROW`.
    """
    beyond = 0
    for tick in range(first, symbol.shape[0]):
        rows[tick] = NO_ROW
        plausible = (
            symbol[tick] != _FREE
            and midnight <= time[tick] < midnight + DAY_NS
            and 0 <= last[tick] <= MAX_PRICE
            and 0 <= bid[tick] <= MAX_PRICE
            and 0 <= ask[tick] <= MAX_PRICE
            and 0 <= limit_up[tick] <= MAX_PRICE
            and 0 <= limit_down[tick] <= MAX_PRICE
            and 0 <= volume[tick] <= MAX_VOLUME
            and 0 <= bid_volume[tick] <= MAX_VOLUME
            and 0 <= ask_volume[tick] <= MAX_VOLUME
            and 0.0 <= turnover[tick] <= MAX_TURNOVER
        )
        if not plausible:
            beyond += 1
            continue
        row = find_row(symbol[tick], places, used, limit)
        if row < 0:
            return tick, beyond
        rows[tick] = row
        fit[tick] = phase[tick] == _CONTINUOUS and not flags[tick] & _UNFIT and last[tick] > 0
    return symbol.shape[0], beyond
