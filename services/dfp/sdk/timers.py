"""Handlers that run by the log's clock: at a time of day, or at every multiple of a period.

Only clock entries move them, so they fire at the same place of the log live, in a re-run and in a backtest.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dfp.market.trading_time import parse_duration
from dfp.sdk.errors import StrategyError

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_UTC_OFFSET = 8 * 3_600 * _SECOND
"""Asia/Shanghai; no daylight saving time."""

Handler = TypeVar("Handler", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class At:
    """Due at the first clock entry of a session that is not earlier than a time of day."""

    time_of_day_ns: int

    def due(self, time: int, session: int, continuous: bool, mark: int) -> int | None:
        """The new mark when it fires at this clock entry, else None.

        Args:
            time: of the clock entry, UTC nanoseconds.
            session: trading day, yyyymmdd.
            continuous: whether the exchange trades continuously now.
            mark: what `due` returned when it fired last, 0 at first.
        """
        return session if session != mark and (time + _UTC_OFFSET) % _DAY >= self.time_of_day_ns else None


@dataclass(frozen=True, slots=True)
class Every:
    """Due at multiples of a period in exchange time, while in continuous trading."""

    period_ns: int

    def due(self, time: int, session: int, continuous: bool, mark: int) -> int | None:
        """As `At.due`; the mark is the number of the period, counted from 1970 in exchange time."""
        period = (time + _UTC_OFFSET) // self.period_ns
        return period if continuous and period > mark else None


@dataclass(frozen=True, slots=True)
class Timer:
    """A handler of a strategy and when it is due."""

    name: str
    schedule: At | Every


def at(time: str) -> Callable[[Handler], Handler]:
    """Call the handler once a session, at `HH:MM` or `HH:MM:SS` exchange time, for each symbol seen this session.

    The handler is `handler(self, symbol, memory, now)`, now in UTC nanoseconds; it may yield signals. With scope
    Universe it is `handler(self, memory, now)`, called once, also before any symbol was seen.

    Raises:
        StrategyError: not a time of day.
    """
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", str(time), re.ASCII)
    if found is None:
        raise StrategyError(f'@at({time!r}) is not allowed; expected HH:MM or HH:MM:SS, for example @at("14:55")')
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return _scheduled(At((hours * 3_600 + minutes * 60 + seconds) * _SECOND))


def every(period: str) -> Callable[[Handler], Handler]:
    """Call the handler at each multiple of `period` (`5s`, `1m`, `1h`) in exchange time during continuous trading.

    Otherwise like `at`.

    Raises:
        StrategyError: not a duration of whole seconds.
    """
    try:
        nanoseconds = parse_duration(period)
    except (ValueError, TypeError) as error:
        raise StrategyError(f"@every({period!r}): {error}") from None
    if nanoseconds < _SECOND or nanoseconds % _SECOND:
        raise StrategyError(f"@every({period!r}) is not allowed; expected whole seconds, as the log's clock has")
    return _scheduled(Every(nanoseconds))


def timers_of(namespace: Mapping[str, Any]) -> list[Timer]:
    """The timers among a class's attributes, in the order in which they were written."""
    found = ((name, getattr(value, "__schedule__", None)) for name, value in namespace.items())
    return [Timer(name, schedule) for name, schedule in found if isinstance(schedule, At | Every)]


def _scheduled(schedule: At | Every) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        handler.__schedule__ = schedule  # type: ignore[attr-defined]
        return handler

    return mark
