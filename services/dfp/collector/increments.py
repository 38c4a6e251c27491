"""What a tick adds: its number within (symbol, session), and the volume and turnover since the symbol's previous tick.

Sources send volume and turnover of the whole session so far. The difference belongs to the tick; when the sum falls,
the source began to count anew, and the tick says so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Added:
    """One value a tick."""

    n: Column
    volume: Column
    turnover: Column
    rebased: Mask


class Increments:
    """Per symbol: ticks of the session so far, and the sums of the last tick that counted.

    Symbols are slots, 0, 1, 2 …
    """

    def __init__(self) -> None:
        self.n = np.zeros(0, np.int64)
        self.volume = np.zeros(0, np.float64)
        self.turnover = np.zeros(0, np.float64)

    def reset(self) -> None:
        """A new session begins: ticks are numbered from 1 and sums start at 0."""
        for column in (self.n, self.volume, self.turnover):
            column[:] = 0

    def reserve(self, slots: int) -> None:
        """Have room for so many symbols."""
        missing = slots - len(self.n)
        if missing > 0:
            self.n = np.concatenate((self.n, np.zeros(missing, np.int64)))
            self.volume = np.concatenate((self.volume, np.zeros(missing)))
            self.turnover = np.concatenate((self.turnover, np.zeros(missing)))

    def add(self, slots: Column, volume: Column, turnover: Column, counts: Mask) -> Added:
        """Number ticks and take differences, in order.

        Args:
            volume, turnover: sums over the session so far, NaN = the source did not say.
            counts: ticks whose sums are taken. The others add nothing and leave what they would have added to the next
                one that counts: so the first continuous tick holds the opening auction's volume.
        """
        order = np.argsort(slots, kind="stable")
        grouped = slots[order]
        place = np.arange(len(order))
        begins = np.flatnonzero(np.concatenate(([True], grouped[1:] != grouped[:-1])))
        start = np.repeat(begins, np.diff(np.append(begins, len(order))))
        ends = np.append(begins[1:], len(order)) - 1

        n = self.n[grouped] + (place - start) + 1
        self.n[grouped[ends]] = n[ends]
        counted = counts[order]
        traded, before, self.volume = _differences(volume[order], counted, self.volume, grouped, start, ends)
        paid, _, self.turnover = _differences(turnover[order], counted, self.turnover, grouped, start, ends)
        rebased = traded < 0
        if rebased.any():
            traded = np.where(rebased, traded + before, traded)
            paid = np.where(rebased, np.nan_to_num(turnover[order]), paid)
        back = np.empty_like(order)
        back[order] = place
        return Added(n[back].astype(np.uint32), np.rint(traded[back]).astype(np.int64), paid[back], rebased[back])


def _differences(
    sums: Column, counts: Mask, base: Column, grouped: Column, start: Column, ends: Column
) -> tuple[Column, Column, Column]:
    """Difference to the symbol's last sum that counted, that sum, and the sums to begin the next call with."""
    known = counts & ~np.isnan(sums)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(sums)), -1))
    earlier = np.concatenate(([-1], latest[:-1]))
    before = np.where(earlier >= start, sums[earlier], base[grouped])
    difference = np.where(known, sums - before, 0.0)
    after = base.copy()
    after[grouped[ends]] = np.where(latest[ends] >= start[ends], sums[latest[ends]], base[grouped[ends]])
    return difference, before, after
