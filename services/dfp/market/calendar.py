"""Which days are trading days: XSHG of exchange-calendars, and an honest assumption outside of what it knows.

China publishes each year's holidays in the autumn before, so every calendar has an end. Past it a pipeline must go on:
Monday to Friday is assumed, and `certain` says that it is an assumption. Shanghai, Shenzhen, Beijing and CFFEX share
their trading days.
"""

import bisect
import datetime as dt
import functools
import warnings
from dataclasses import dataclass
from typing import Self

from dfp.market.phases import date_of, session_of_date

_WEEKEND = 5
"""First weekday number that is none."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Trading days, as yyyymmdd.

    Attributes:
        sessions: all trading days in the range that is known, ascending.
        known_from: first day of that range.
        known_until: last day of that range.
    """

    sessions: tuple[int, ...]
    known_from: int
    known_until: int

    @classmethod
    def shanghai(cls) -> Self:
        """The trading days of the Chinese exchanges, from the first in 1990 to the end that exchange-calendars has."""
        return cls(*_xshg())

    def certain(self, session: int) -> bool:
        """Whether answers about this day are known, not assumed."""
        return self.known_from <= session <= self.known_until

    def is_session(self, session: int) -> bool:
        """Whether this is a trading day; outside the known range any day from Monday to Friday is assumed to be one.

        Raises:
            ValueError: no date.
        """
        date = date_of(session)
        if self.certain(session):
            place = bisect.bisect_left(self.sessions, session)
            return place < len(self.sessions) and self.sessions[place] == session
        return date.weekday() < _WEEKEND

    def next_session(self, session: int) -> int:
        """The first trading day after this day; see `certain`.

        Raises:
            ValueError: no date.
        """
        return self._step(session, dt.timedelta(days=1))

    def previous_session(self, session: int) -> int:
        """The last trading day before this day; see `certain`.

        Raises:
            ValueError: no date.
        """
        return self._step(session, dt.timedelta(days=-1))

    def _step(self, session: int, step: dt.timedelta) -> int:
        # The longest closure on record is nineteen days (1999), so walking costs nothing.
        date = date_of(session) + step
        while not self.is_session(session_of_date(date)):
            date += step
        return session_of_date(date)


@functools.cache
def _xshg() -> tuple[tuple[int, ...], int, int]:
    # Imported late: it brings pandas, 75 MB and a second or two, and most processes never need it.
    from exchange_calendars.exchange_calendar_xshg import XSHGExchangeCalendar

    # Both ends are given, because by default they move with today's date; past its bound the class raises.
    first, last = dt.date(1990, 12, 19), XSHGExchangeCalendar.bound_max().date()
    with warnings.catch_warnings():
        # exchange-calendars 4.13 uses what pandas 3.1 deprecates; that is theirs to mend, not our users' to read.
        warnings.simplefilter("ignore", DeprecationWarning)
        calendar = XSHGExchangeCalendar(start=first.isoformat(), end=last.isoformat())
    sessions = tuple(session_of_date(day.date()) for day in calendar.sessions)
    return sessions, session_of_date(first), session_of_date(last)
