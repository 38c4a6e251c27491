"""An outside producer of raw ticks, and a hostile one.

Ids are made by hand, in a session of the future: then neither the hour nor the day at which a test runs matters.
"""

import random
import time
from collections.abc import Iterator

from raw_entries import Entries, document, time_text
from raw_rows import moment

DAY = "2099-11-25"
SYMBOLS = [f"{600000 + number:06d}.SH" for number in range(40)] + [f"{number:06d}.SZ" for number in range(1, 41)]
SHIFT_NS = moment("10:00:00", DAY) - time.time_ns()
"""From the wall clock to the session."""


def session_now() -> int:
    """The session's time, UTC nanoseconds."""
    return time.time_ns() + SHIFT_NS


class Producer:
    """Makes entries with rising ids.

    Attributes:
        sent: everything so far.
        good: the part of it that must be in the log.
        hostile: reason -> entries that must be refused for it.
    """

    def __init__(self, seed: int = 1) -> None:
        self.sent: Entries = []
        self.good: Entries = []
        self.hostile: dict[str, int] = {}
        self._dice = random.Random(seed)
        self._kinds = self._hostile_kinds()

    def tick(self, now: int) -> Entries:
        """One good tick that arrives now."""
        number = len(self.sent)
        made = self._entry(now, {b"d": self._good(now)}, number)
        self.good += made
        return made

    def junk(self, now: int) -> Entries:
        """One entry that must be refused."""
        reason, fields = next(self._kinds)(now)
        self.hostile[reason] = self.hostile.get(reason, 0) + 1
        return self._entry(now, fields, len(self.sent))

    def _entry(self, now: int, fields: dict[bytes, bytes], number: int) -> Entries:
        made = [(b"%d-%d" % (now // 10**6, number), fields)]
        self.sent += made
        return made

    def _good(self, now: int, **fields: object) -> bytes:
        number = len(self.sent)
        last = round(10 + self._dice.random(), 2)
        made = {"symbol": SYMBOLS[number % len(SYMBOLS)], "last": last, "volume": number, "turnover": number * last}
        return document(**{**made, "bid1": last, "ask1": last + 0.01, "time": time_text(now), **fields})

    def _hostile_kinds(self) -> Iterator:
        minute = 60 * 10**9
        kinds = [
            lambda now: ("unparsable", {b"d": b"{" + self._dice.randbytes(40)}),
            lambda now: ("unparsable", {b"d": b"\xff" + self._good(now)}),
            lambda now: ("unparsable", {b"d": b"[" * 4_000}),
            lambda now: ("unparsable", {b"d": self._good(now).replace(b'"last": ', b'"last": NaN, "x": ')}),
            lambda now: ("unparsable", {b"d": self._good(now, volume=None)[:-1] + b', "volume": 1e400}'}),
            lambda now: ("unknown-field", {b"d": self._good(now, volumne=1)}),
            lambda now: ("missing-field", {b"d": self._good(now, last=None)}),
            lambda now: ("wrong-type", {b"d": self._good(now, last="10")}),
            lambda now: ("wrong-type", {b"d": self._good(now, bid1=[[[]]])}),
            lambda now: ("repeated-field", {b"d": self._good(now)[:-1] + b', "last": 1}'}),
            lambda now: ("bad-time", {b"d": self._good(now, time=now // 10**6)}),
            lambda now: ("bad-time", {b"d": self._good(now, time="yesterday")}),
            lambda now: ("too-large", {b"d": self._good(now, symbol="6" * 20_000)}),
            lambda now: ("no-document", {b"payload": self._good(now)}),
            lambda now: ("no-document", {b"d": self._good(now), b"e": b"1"}),
            lambda now: ("unknown-symbol", {b"d": self._good(now, symbol="999999.XX")}),
            lambda now: ("bad-price", {b"d": self._good(now, last=-1)}),
            lambda now: ("bad-price", {b"d": self._good(now, ask1=2**70)}),
            lambda now: ("bad-quantity", {b"d": self._good(now, volume=-5)}),
            lambda now: ("clock-skew", {b"d": self._good(now, time=time_text(now + minute))}),
            lambda now: ("clock-skew", {b"d": self._good(now, time=time_text(now - minute))}),
            lambda now: ("exact-duplicate", self._last_good()),
        ]
        while True:
            self._dice.shuffle(kinds)
            yield from kinds

    def _last_good(self) -> dict[bytes, bytes]:
        return self.good[-1][1]
