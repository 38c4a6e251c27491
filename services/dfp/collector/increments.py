"""What a tick adds: its number within (symbol, session), and the volume and turnover since the symbol's previous tick.

Snapshots carry volume and turnover of the whole session so far. The difference belongs to the tick; when the sum falls,
the source began to count anew, and the tick says so. Trades and bars carry their own volume and turnover alone.
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
    """Per symbol: ticks of the session so far, the sums of the last tick that counted, and what waits for one to count.

    Symbols are slots, 0, 1, 2 …
    """

    def __init__(self) -> None:
        self.n = np.zeros(0, np.int64)
        self.volume = np.zeros(0, np.float64)
        self.turnover = np.zeros(0, np.float64)
        self.pending_volume = np.zeros(0, np.float64)
        self.pending_turnover = np.zeros(0, np.float64)

    def reset(self) -> None:
        """A new session begins: ticks are numbered from 1 and sums start at 0."""
        for name in _STATE:
            getattr(self, name)[:] = 0

    def reserve(self, slots: int) -> None:
        """Have room for so many symbols."""
        missing = slots - len(self.n)
        if missing > 0:
            for name in _STATE:
                column = getattr(self, name)
                setattr(self, name, np.concatenate((column, np.zeros(missing, column.dtype))))

    def save(self) -> list[bytes]:
        """The whole state, for `load`."""
        return [getattr(self, name).tobytes() for name in _STATE]

    def load(self, state: list[bytes]) -> None:
        """Replace the state by a saved one."""
        for name, data in zip(_STATE, state, strict=True):
            setattr(self, name, np.frombuffer(data, getattr(self, name).dtype).copy())

    def add(self, slots: Column, volume: Column, turnover: Column, per_row: Mask, counts: Mask) -> Added:
        """Number ticks and tell what each one added, in order.

        Args:
            volume, turnover: NaN = the source did not say.
            per_row: ticks whose volume and turnover are their own; those of the others are sums over the session so
                far, of which differences are taken.
            counts: ticks whose volume and turnover are taken. The others add nothing and leave what they would have
                added to the next one that counts: so the first continuous tick holds the opening auction's volume.
        """
        added = self._of_sums(slots, volume, turnover, counts & ~per_row)
        if per_row.any():
            own = per_row, slots, counts
            added.volume[per_row] = np.rint(_own(volume, self.pending_volume, *own)).astype(np.int64)
            added.turnover[per_row] = _own(turnover, self.pending_turnover, *own)
        return added

    def _of_sums(self, slots: Column, volume: Column, turnover: Column, counts: Mask) -> Added:
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


_STATE = ("n", "volume", "turnover", "pending_volume", "pending_turnover")


def _own(values: Column, pending: Column, per_row: Mask, slots: Column, counts: Mask) -> Column:
    """What the ticks of `per_row` add; `pending`, one value a slot, is brought up to date."""
    slots, counts, values = slots[per_row], counts[per_row], np.nan_to_num(values[per_row])
    added = np.where(counts, values, 0.0)
    waits = pending != 0
    waits[slots[~counts]] = True
    for index in np.flatnonzero(waits[slots]).tolist():  # an auction's trades, before the first one that counts
        slot = slots[index]
        if counts[index]:
            added[index] += pending[slot]
            pending[slot] = 0.0
        else:
            pending[slot] += values[index]
    return added
