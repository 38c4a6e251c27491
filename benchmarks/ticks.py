"""A market of raw ticks that makes the shipped strategies speak at a known rate, and the times at which ticks are due.

Every name stands still but for a few cents of noise. Once in a while one of them does what a strategy waits for: in the
one half the book leans to the buyers for five ticks (order-book imbalance), in the other the price drops for one tick
below its mean while buyers outnumber sellers (mean reversion); then the book turns, or the price is back, and the
strategy says Flat. Each strategy opens about 100 views a minute, below the 120 at which the house policy blocks it.
"""

import itertools
from collections.abc import Iterator

SECOND_NS = 10**9
WAVE_NS = 3 * SECOND_NS
OPENED_PER_MINUTE = 100
"""Views that each of the two strategies opens."""

NOISE = (0, 1, -1, 0, 1, 0, -1)
LEANS = 5
"""Ticks in a row that the book has to lean."""

TURNS = 8
"""The tick at which it turns."""


class Market:
    """Encodes the ticks of all names, as XADD commands that a Redis takes as they are.

    Args:
        symbols: how many names.
        warm: ticks of each name in which nothing happens.
        ticks_per_minute: of all names together.
    """

    def __init__(self, symbols: int, warm: int, ticks_per_minute: int) -> None:
        self.names = _names(symbols)
        self.warm = warm
        self.period = ticks_per_minute // 2 // OPENED_PER_MINUTE
        self._sent = [0] * symbols
        self._turnover = [0] * symbols

    def tick(self, number: int, time_ns: int) -> bytes:
        """The next tick of a name.

        Args:
            number: of the name.
            time_ns: event time.
        """
        sent = self._sent[number]
        self._sent[number] = sent + 1
        base = 2_000 + number % 4_000  # cents: a spread of one cent is then below a thousandth
        last, bid, ask = base + NOISE[(sent + number) % 7], 500, 500
        moment = (sent - self.warm + number * 104_729) % self.period if sent >= self.warm else self.period
        if number % 2 and moment == 0:
            last, bid, ask = base - 8, 700, 300
        elif number % 2 and moment == 1:
            last = base
        elif number % 2 == 0 and moment <= TURNS:
            bid, ask = (900, 100) if moment < LEANS else (700, 300) if moment < TURNS else (300, 700)
        self._turnover[number] += last
        return _command(
            b'{"symbol":"%b","time":%d,"last":%d.%02d,"volume":%d,"turnover":%d,"bid1":%d.%02d,"ask1":%d.%02d,'
            b'"bid1_volume":%d,"ask1_volume":%d,"pre_close":%d.%02d}'
            % (
                self.names[number],
                time_ns,
                *divmod(last, 100),
                (sent + 1) * 100,
                self._turnover[number],
                *divmod(base, 100),
                *divmod(base + 1, 100),
                bid,
                ask,
                *divmod(base, 100),
            )
        )


def wave(start_ns: int, seconds: float, at_once: int, spread: int) -> Iterator[tuple[int, int]]:
    """(due, number of a name) of waves: each 3 s some names at once, then the others evenly until the next one."""
    for due in range(start_ns, start_ns + int(seconds * SECOND_NS), WAVE_NS):
        for number in range(at_once):
            yield due, number
        for place in range(spread):
            yield due + (place + 1) * WAVE_NS // (spread + 1), at_once + place


def smooth(start_ns: int, seconds: float, symbols: int, per_second: int) -> Iterator[tuple[int, int]]:
    """(due, number of a name), evenly, one name after the other."""
    for count, number in zip(range(int(seconds * per_second)), itertools.cycle(range(symbols))):
        yield start_ns + count * SECOND_NS // per_second, number


def _names(symbols: int) -> list[bytes]:
    ranges = (("SH", (600, 601, 603, 605)), ("SZ", (0, 1, 2, 3)))
    found = (
        f"{prefix * 1_000 + n:06d}.{place}" for place, prefixes in ranges for prefix in prefixes for n in range(1_000)
    )
    return [name.encode() for name in itertools.islice(found, symbols)]


def _command(document: bytes) -> bytes:
    return b"*5\r\n$4\r\nXADD\r\n$13\r\ndfp:raw_ticks\r\n$1\r\n*\r\n$1\r\nd\r\n$%d\r\n%b\r\n" % (
        len(document),
        document,
    )
