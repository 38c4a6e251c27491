"""The grid of prices: equal distances of trading time within the continuous phases of a share's day.

A point lies at the end of its interval, and the price on it is the last one before it: phases are half-open everywhere,
and a clock entry parts the ticks before its time from those at or after it. Lunch lies between two points, so it is
one return; behind 14:57 there are none, because the closing call makes one price only.
"""

import functools
import itertools

from dfp.market.phases import Phase, phase_edges


@functools.lru_cache(maxsize=64)
def spans(session: int) -> tuple[tuple[int, int], ...]:
    """(start, end) of the continuous phases of a trading day, UTC nanoseconds.

    Raises:
        ValueError: `session` is no date.
    """
    edges = phase_edges(session)
    return tuple((start, end) for (start, phase), (end, _) in itertools.pairwise(edges) if phase is Phase.CONTINUOUS)


def points(session: int, grid_ns: int, time: int) -> int:
    """Grid points of a day at or before an event time: 1 at 09:31, 120 at 11:30, 121 at 13:01 on a grid of a minute."""
    return sum(max(0, min(time, end) - start) // grid_ns for start, end in spans(session))
