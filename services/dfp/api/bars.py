"""One-minute bars of each symbol: what traded prices did in each minute of event time.

Auctions show virtual prices while orders gather; they count with their match only, in the minute in which it is told.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from dfp.api.grown import grown
from dfp.contracts.flags import UNFIT
from dfp.contracts.frame import Column
from dfp.market.phases import SECOND_NS, Phase

KEPT = 242
"""Bars of each symbol: the 240 minutes of a session and the two matches. 5,551 symbols take 70 MB."""

MINUTE_NS = 60 * SECOND_NS
_UNFIT = int(UNFIT)
_TRADED = np.zeros(256, np.bool_)
_TRADED[[Phase.OPENING_PAUSE, Phase.CONTINUOUS, Phase.CLOSING_PAUSE]] = True

_COLUMNS: dict[str, np.dtype[Any]] = {
    "minute": np.dtype("i4"),  # since 1970
    "open": np.dtype("i8"),
    "high": np.dtype("i8"),
    "low": np.dtype("i8"),
    "close": np.dtype("i8"),
    "volume": np.dtype("i8"),
    "turnover": np.dtype("f8"),
}
_BAR = np.dtype(list(_COLUMNS.items()))


class Bars:
    """Bars in rings, one row a symbol; prices in 1/10,000 yuan.

    Args:
        most: symbols at most.
        kept: bars of each symbol.
    """

    def __init__(self, most: int, kept: int = KEPT) -> None:
        self.most = most
        self.kept = kept
        self._count = np.zeros(0, np.int64)
        self._ring = np.zeros((0, kept), _BAR)

    def take(self, rows: npt.NDArray[np.int64], columns: dict[str, Column]) -> None:
        """Take ticks in order.

        Args:
            rows: of the symbols.
            columns: time, phase, flags, last, volume, turnover.
        """
        self._grow(int(rows.max()) + 1)
        phase, volume = columns["phase"], columns["volume"]
        fit = _TRADED[phase] & ((columns["flags"] & _UNFIT) == 0) & (columns["last"] > 0)
        chosen = np.flatnonzero(fit & ((phase == Phase.CONTINUOUS) | (volume > 0)))
        if not len(chosen):
            return
        rows = rows[chosen]
        minute = columns["time"][chosen] // MINUTE_NS
        order = np.lexsort((minute, rows))
        chosen, rows, minute = chosen[order], rows[order], minute[order]
        new_row = np.concatenate([[True], rows[1:] != rows[:-1]])
        starts = np.flatnonzero(new_row | np.concatenate([[True], minute[1:] != minute[:-1]]))
        ends = np.append(starts[1:], len(rows)) - 1
        last = columns["last"][chosen]
        groups = np.empty(len(starts), _BAR)
        groups["minute"] = minute[starts]
        groups["open"] = last[starts]
        groups["high"] = np.maximum.reduceat(last, starts)
        groups["low"] = np.minimum.reduceat(last, starts)
        groups["close"] = last[ends]
        groups["volume"] = np.add.reduceat(volume[chosen], starts)
        groups["turnover"] = np.add.reduceat(columns["turnover"][chosen], starts)
        # A frame rarely has more than one minute of a symbol; each further one is a step of its own.
        first = np.flatnonzero(new_row[starts])
        step = np.arange(len(starts)) - np.repeat(first, np.diff(np.append(first, len(starts))))
        for number in range(int(step.max()) + 1):
            here = step == number
            self._merge(rows[starts[here]], groups[here])

    def last(self, row: int, limit: int) -> list[dict[str, float]]:
        """Up to `limit` bars of a symbol, the newest, which may still change, first."""
        if row >= len(self._count):
            return []
        count = int(self._count[row])
        slots = np.arange(count - 1, max(count - 1 - min(limit, self.kept), -1), -1) % self.kept
        return [dict(zip(_COLUMNS, bar, strict=True)) for bar in self._ring[row, slots].tolist()]

    def bytes(self) -> int:
        """Memory set aside; what no symbol has used of it costs nothing."""
        return self._ring.nbytes + self._count.nbytes

    def _merge(self, rows: npt.NDArray[np.int64], found: npt.NDArray[Any]) -> None:
        """Take at most one group of each row: into its open bar, also when it is late, or as a new one."""
        ring, counts = self._ring.reshape(-1), self._count[rows]
        places = rows * self.kept + (counts - 1) % self.kept
        held = ring[places]
        new = (counts == 0) | (found["minute"] > held["minute"])
        self._count[rows[new]] += 1
        places[new] = rows[new] * self.kept + counts[new] % self.kept
        held["high"] = np.maximum(held["high"], found["high"])
        held["low"] = np.minimum(held["low"], found["low"])
        held["close"] = found["close"]
        held["volume"] += found["volume"]
        held["turnover"] += found["turnover"]
        held[new] = found[new]
        ring[places] = held

    def _grow(self, need: int) -> None:
        self._count = grown(self._count, need, self.most)
        self._ring = grown(self._ring, need, self.most)
