"""Arithmetic on trading time: the hours in which prices are made, lunch and night left out.

A horizon of ten minutes said at 11:25 ends at 13:05, because nothing can happen in between. Trading time is what counts
as such in phases.py: continuous trading and the closing call, 240 minutes a day for shares.
"""

import re

from dfp.market.instruments import InstrumentClass
from dfp.market.phases import DAY_NS, SHANGHAI_NS, trading_spans

_UNITS = {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_DURATION = re.compile(r"([0-9]+)(ms|s|m|h)")
_MAX_NS = 2**63 - 1


def parse_duration(text: str) -> int:
    """Nanoseconds of `500ms`, `2s`, `10m` or `1h`.

    Raises:
        ValueError: another form, nothing at all, or more than an int64 of nanoseconds holds (292 years).
    """
    found = _DURATION.fullmatch(text)
    # Twenty digits are past the limit in any unit; Python itself refuses to read thousands of them.
    duration = int(found[1]) * _UNITS[found[2]] if found and len(found[1]) < 20 else 0
    if not 0 < duration <= _MAX_NS:
        raise ValueError(
            f"duration {text!r:.80} is not allowed; expected a whole number above 0 and ms, s, m or h, for example 10m"
        )
    return duration


def add(time_ns: int, duration_ns: int, cls: InstrumentClass = InstrumentClass.SHARE) -> int:
    """The first instant at which `duration_ns` of trading time has passed since `time_ns`, UTC nanoseconds.

    Never later than the end of that day's trading: a horizon does not carry overnight. Before the open the count begins
    at the open, at lunch after it; once trading has ended, the result is `time_ns` itself.

    Raises:
        ValueError: negative duration.
    """
    if duration_ns < 0:
        raise ValueError(f"duration {duration_ns} ns is not allowed; expected 0 or more")
    midnight = _midnight(time_ns)
    now = time_ns - midnight
    for start, end in trading_spans(cls):
        if now >= end:
            continue
        now = max(now, start) if duration_ns else now
        if duration_ns <= end - now:
            return midnight + now + duration_ns
        duration_ns -= end - now
        now = end
    return midnight + now


def elapsed(start_ns: int, end_ns: int, cls: InstrumentClass = InstrumentClass.SHARE) -> int:
    """Trading time between two instants, nanoseconds.

    From one session to the next it is the rest of the first and what has passed of the second. Days that lie wholly
    between count nothing, because which of them were sessions only a calendar knows.

    Raises:
        ValueError: the end is before the start.
    """
    if end_ns < start_ns:
        raise ValueError(f"end {end_ns} is not allowed; expected an instant at or after the start {start_ns}")
    overnight = _midnight(end_ns) != _midnight(start_ns)
    return _passed(end_ns, cls) - _passed(start_ns, cls) + (_session_length(cls) if overnight else 0)


def _midnight(time_ns: int) -> int:
    return time_ns - (time_ns + SHANGHAI_NS) % DAY_NS


def _passed(time_ns: int, cls: InstrumentClass) -> int:
    """Trading time of the day that has passed at an instant."""
    now = time_ns - _midnight(time_ns)
    return sum(min(max(now - start, 0), end - start) for start, end in trading_spans(cls))


def _session_length(cls: InstrumentClass) -> int:
    return sum(end - start for start, end in trading_spans(cls))
