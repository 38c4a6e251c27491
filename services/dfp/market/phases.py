"""The hours of a trading day: which phase holds at an instant, from our own half-open table.

Ticks arrive outside continuous trading too: auctions, the lunch break, after the close. Each one is accepted and tagged
with the phase of its time, and only the tag decides what it may build; a vendor's tag is kept, but never decides.

All edges are half-open: a tick at 14:57:00.000 exactly belongs to the closing call. Whether a day is a trading day is
the calendar's knowledge (calendar.py); here every day has the hours of one. They are those of today's market: shares
of Shanghai have their closing call since 2018-08-20, stock-index futures these hours since 2016 and treasury futures
since 2020-07-20. Shanghai's funds and convertible bonds trade on until 15:00 without a closing call; they are tagged as
shares are, so that the features of the whole market stop at one instant.
"""

import bisect
import datetime as dt
import enum
import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from dfp.market.instruments import InstrumentClass

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
SHANGHAI_NS = 8 * 3_600 * SECOND_NS
"""Exchange time is UTC+8 all year, so plain arithmetic is exact and a core needs no time zone database."""

_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()


class Phase(enum.IntEnum):
    """Part of a trading day. The numbers are stored in the log: never renumber."""

    CLOSED = 0
    PRE_OPEN = 1
    """Feeds are up, orders are not taken yet."""

    OPENING_CALL = 2
    """Orders gather for the opening auction; the book may be crossed, and bid 1 = ask 1 is the virtual price."""

    OPENING_PAUSE = 3
    """The opening auction is matched and published, continuous trading has not begun."""

    CONTINUOUS = 4
    LUNCH = 5
    CLOSING_CALL = 6
    CLOSING_PAUSE = 7
    """The close is matched and published."""

    AFTER_HOURS = 8
    """Trading at the fixed closing price."""


_Hours = tuple[tuple[str, Phase], ...]

_SHARE_HOURS: _Hours = (
    ("00:00", Phase.CLOSED),
    ("08:30", Phase.PRE_OPEN),
    ("09:15", Phase.OPENING_CALL),
    ("09:25", Phase.OPENING_PAUSE),
    ("09:30", Phase.CONTINUOUS),
    ("11:30", Phase.LUNCH),
    ("13:00", Phase.CONTINUOUS),
    ("14:57", Phase.CLOSING_CALL),
    ("15:00", Phase.CLOSING_PAUSE),
    ("15:05", Phase.AFTER_HOURS),
    ("15:30", Phase.CLOSED),
)

_INDEX_FUTURE_HOURS: _Hours = (
    ("00:00", Phase.CLOSED),
    ("08:30", Phase.PRE_OPEN),
    ("09:25", Phase.OPENING_CALL),
    ("09:29", Phase.OPENING_PAUSE),
    ("09:30", Phase.CONTINUOUS),
    ("11:30", Phase.LUNCH),
    ("13:00", Phase.CONTINUOUS),
    ("15:00", Phase.CLOSED),
)

_TREASURY_FUTURE_HOURS: _Hours = (*_INDEX_FUTURE_HOURS[:-1], ("15:15", Phase.CLOSED))

_TRADING = frozenset({Phase.CONTINUOUS, Phase.CLOSING_CALL})


@functools.cache
def _edges(cls: InstrumentClass) -> tuple[tuple[int, ...], tuple[Phase, ...]]:
    """Starts of the phases in nanoseconds after midnight, and the phases."""
    match cls:
        case InstrumentClass.FUTURE:
            hours = _INDEX_FUTURE_HOURS
        case InstrumentClass.TREASURY_FUTURE:
            hours = _TREASURY_FUTURE_HOURS
        case _:
            hours = _SHARE_HOURS
    clocks = [dt.time.fromisoformat(text) for text, _ in hours]
    return (
        tuple((clock.hour * 60 + clock.minute) * 60 * SECOND_NS for clock in clocks),
        tuple(phase for _, phase in hours),
    )


@functools.cache
def _edge_arrays(cls: InstrumentClass) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    starts, phases = _edges(cls)
    return np.array(starts, dtype=np.int64), np.array(phases, dtype=np.uint8)


def phase_at(time_ns: int, cls: InstrumentClass = InstrumentClass.SHARE) -> Phase:
    """The phase that holds at an instant, UTC nanoseconds."""
    starts, phases = _edges(cls)
    return phases[bisect.bisect_right(starts, (time_ns + SHANGHAI_NS) % DAY_NS) - 1]


def phases_of(times_ns: npt.NDArray[Any], cls: InstrumentClass = InstrumentClass.SHARE) -> npt.NDArray[np.uint8]:
    """`phase_at` of a column of instants (int64 UTC nanoseconds): uint8, same shape."""
    starts, phases = _edge_arrays(cls)
    return phases[np.searchsorted(starts, (times_ns + SHANGHAI_NS) % DAY_NS, side="right") - 1]


def phase_edges(session: int, cls: InstrumentClass = InstrumentClass.SHARE) -> list[tuple[int, Phase]]:
    """When each phase of a trading day begins (UTC nanoseconds) and which, from PRE_OPEN to the last CLOSED, in order.

    Raises:
        ValueError: `session` is no date.
    """
    midnight = midnight_ns(session)
    return [(midnight + start, phase) for start, phase in zip(*_edges(cls), strict=True)][1:]


@functools.cache
def trading_spans(cls: InstrumentClass) -> tuple[tuple[int, int], ...]:
    """Half-open spans of a day in which prices are made, continuous trading and closing call, ns after midnight.

    Adjoining phases make one span: 09:30–11:30 and 13:00–15:00 for shares.
    """
    starts, phases = _edges(cls)
    spans: list[tuple[int, int]] = []
    for start, end, phase in zip(starts, starts[1:], phases, strict=False):
        if phase not in _TRADING:
            continue
        if spans and spans[-1][1] == start:
            start, _ = spans.pop()
        spans.append((start, end))
    return tuple(spans)


def session_open_ns(session: int, cls: InstrumentClass = InstrumentClass.SHARE) -> int:
    """When continuous trading begins (09:30), UTC nanoseconds.

    Raises:
        ValueError: `session` is no date.
    """
    return midnight_ns(session) + trading_spans(cls)[0][0]


def session_close_ns(session: int, cls: InstrumentClass = InstrumentClass.SHARE) -> int:
    """When trading ends, the closing call included (15:00 for shares), UTC nanoseconds.

    Raises:
        ValueError: `session` is no date.
    """
    return midnight_ns(session) + trading_spans(cls)[-1][1]


def session_of(time_ns: int) -> int:
    """Day at the exchange, yyyymmdd, of an instant in UTC nanoseconds."""
    return session_of_date(dt.date.fromordinal(_EPOCH_DAY + (time_ns + SHANGHAI_NS) // DAY_NS))


def sessions_of(times_ns: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """`session_of` of a column of instants (int64 UTC nanoseconds): int64, same shape."""
    days = ((times_ns + SHANGHAI_NS) // DAY_NS).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    since_1970 = months.astype(np.int64)
    year, month, day = 1970 + since_1970 // 12, since_1970 % 12 + 1, (days - months).astype(np.int64) + 1
    session: npt.NDArray[np.int64] = year * 10_000 + month * 100 + day
    return session


def midnight_ns(session: int) -> int:
    """Midnight at the exchange at which a session's day begins, UTC nanoseconds.

    Raises:
        ValueError: `session` is no date.
    """
    return (date_of(session).toordinal() - _EPOCH_DAY) * DAY_NS - SHANGHAI_NS


def date_of(session: int) -> dt.date:
    """The date of a session.

    Raises:
        ValueError: `session` is no date.
    """
    try:
        return dt.date(session // 10_000, session // 100 % 100, session % 100)
    except ValueError:
        raise ValueError(f"session {session} is not a date; expected yyyymmdd, for example 20220601") from None


def session_of_date(date: dt.date) -> int:
    """A date as a session, yyyymmdd."""
    return date.year * 10_000 + date.month * 100 + date.day
