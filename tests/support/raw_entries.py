"""Entries of `raw_ticks` by hand, as XREAD gives them, and a live core over them."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any

from dfp.collector.framing import FrameRows
from dfp.collector.live_core import LiveCore
from dfp.collector.raw_ticks import read
from dfp.log.work import Work
from raw_rows import NAMES, always, moment

Entries = list[tuple[bytes, dict[bytes, bytes]]]

SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def document(**fields: Any) -> bytes:
    """A tick at 10:00:00 unless told otherwise; a field that is None is left out."""
    made = {"symbol": "600000.SH", "time": "2026-11-25 10:00:00", "last": 10.0, **fields}
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode()


def entry(clock: str = "10:00:00", number: int = 0, text: bytes | None = None, /, **fields: Any) -> Entries:
    """One entry: when it arrives on the day, and a tick of that time unless told otherwise."""
    arrived = moment(clock)
    if text is None:
        text = document(**{"time": time_text(arrived), **fields})
    return [(b"%d-%d" % (arrived // 10**6, number), {b"d": text})]


def time_text(time_ns: int) -> str:
    """Exchange time."""
    seconds, nanoseconds = divmod(time_ns, 10**9)
    return f"{dt.datetime.fromtimestamp(seconds, SHANGHAI):%Y-%m-%d %H:%M:%S}.{nanoseconds:09d}"


def live(
    *, by_wall: bool = True, is_session: Callable[[int], bool | None] = always, levels: int = 1, rows: str = "512"
) -> LiveCore:
    return LiveCore(NAMES, is_session, FrameRows.parse(rows), levels=levels, by_wall=by_wall)


def feed(core: LiveCore, entries: Sequence[Any], work: Work | None = None) -> Work:
    """What the core leaves behind when it takes these entries at once."""
    work = work if work is not None else Work()
    core.receive(read(entries, core.position, core.levels), work)
    return work
