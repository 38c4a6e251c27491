"""What the times of rows say of their order: how far event time has come, which rows are late, which clock is wrong.

Event time moves with the rows (the *watermark* is the latest time seen), so the verdict on a row depends on the rows
alone. A single row with a clock far ahead must not drag the watermark along, or every good row behind it would be late:
a jump counts only when the next row does not contradict it, which also tells a skewed clock from the end of lunch.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from dfp.market.phases import DAY_NS, SHANGHAI_NS

LATENESS_NS = 3_000_000_000
"""Rows that are later than the watermark by no more than this are put back in order. It is one snapshot interval."""

JUMP_NS = 60_000_000_000
"""A step of event time that asks for a second row to agree. Far above a snapshot interval, far below lunch."""

UNSET = -(2**62)
"""Watermark before the first row."""

T = TypeVar("T", int, npt.NDArray[np.int64])

Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Order:
    """The verdict on rows in the order of their arrival; arrays have one value a row.

    Attributes:
        watermarks: watermark after each row.
        late: too old to be put back in order.
        skewed: time far ahead of the row before and of the row behind.
        stray: skewed into another day.
        undecided: the last row jumps ahead and no row behind it has been seen yet.
    """

    watermarks: Times
    late: Mask
    skewed: Mask
    stray: Mask
    undecided: bool


def judge(times: Times, watermark: int) -> Order:
    """Judge rows that arrive after `watermark`. Judging a part, then the rest with what it left, gives the same.

    An undecided last row has to be shown again, in front of the rows that follow it.
    """
    running = np.maximum.accumulate(np.concatenate((np.array([watermark], np.int64), times)))
    none = np.zeros(len(times), np.bool_)
    if not (np.diff(running) > JUMP_NS).any():
        return Order(running[1:], times < running[1:] - LATENESS_NS, none, none, undecided=False)
    watermarks, late, skewed, stray = np.empty(len(times), np.int64), none.copy(), none.copy(), none.copy()
    undecided = False
    listed: list[Any] = times.tolist()
    for index, time in enumerate(listed):
        if time <= watermark + JUMP_NS:
            late[index] = time < watermark - LATENESS_NS
            watermark = max(watermark, time)
        elif index + 1 == len(listed):
            undecided = True
        elif (follower := listed[index + 1]) < time - JUMP_NS:
            skewed[index] = True
            stray[index] = day_of(follower) != day_of(time)
        else:
            watermark = time
        watermarks[index] = watermark
    return Order(watermarks, late, skewed, stray, undecided)


def day_of(time_ns: T) -> T:
    """Days since 1970-01-01 at the exchange, of one time or of a column."""
    return (time_ns + SHANGHAI_NS) // DAY_NS
