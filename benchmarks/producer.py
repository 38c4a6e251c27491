"""A process that sends ticks when they are due, whatever becomes of them, and knows how late it was itself."""

import array
import contextlib
import selectors
import socket
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

AHEAD = 6_000
"""Ticks that are encoded before they are due: two waves."""

ENCODING_NS = 300_000
"""The last moments before a tick is due are not for encoding."""


@dataclass
class Sent:
    """What a producer did.

    Attributes:
        late_us: how long after it was due each tick was handed to the kernel.
        last_due: of the last tick, wall clock in UTC nanoseconds.
    """

    last_due: int = 0
    late_us: "array.array[int]" = field(default_factory=lambda: array.array("q"))


class Connection:
    """Writes commands and throws the answers away, once it has looked for an error among them."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._events = selectors.DefaultSelector()
        self._events.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def send(self, data: bytes) -> None:
        """Hand everything to the kernel."""
        view = memoryview(data)
        while view:
            self.swallow()
            try:
                view = view[self.socket.send(view) :]
            except BlockingIOError:
                self._events.select()

    def swallow(self) -> None:
        """Take the answers that are there.

        Raises:
            RuntimeError: one is an error.
        """
        with contextlib.suppress(BlockingIOError):
            while answers := self.socket.recv(1 << 20):
                if answers.startswith(b"-") or b"\n-" in answers:
                    raise RuntimeError(f"redis refused a tick: {answers[:200]!r}")
            raise RuntimeError("redis closed the connection of the producer")


def produce(url: str, schedule: Iterator[tuple[int, int]], encode: Callable[[int, int], bytes], shift_ns: int) -> Sent:
    """Send every tick of the schedule when it is due.

    Args:
        schedule: (due by the wall clock, number of a name), in that order.
        encode: from number and event time to a command.
        shift_ns: from the wall clock to event time; a tick is stamped with the time at which it was due.
    """
    connection, sent = Connection(url), Sent()
    ready: deque[tuple[int, bytes]] = deque()
    more = True
    while more or ready:
        now = time.time_ns()
        if ready and ready[0][0] <= now:
            _send_due(connection, ready, now, sent)
        elif more and len(ready) < AHEAD and (not ready or ready[0][0] - now > ENCODING_NS):
            upcoming = next(schedule, None)
            more = upcoming is not None
            if upcoming is not None:
                due, number = upcoming
                ready.append((due, encode(number, due + shift_ns)))
        else:
            time.sleep((ready[0][0] - now) / 1e9)
    return sent


def _send_due(connection: Connection, ready: deque[tuple[int, bytes]], now: int, sent: Sent) -> None:
    dues: list[int] = []
    commands: list[bytes] = []
    while ready and ready[0][0] <= now:
        due, command = ready.popleft()
        dues.append(due)
        commands.append(command)
    connection.send(b"".join(commands))
    done = time.time_ns()
    sent.late_us.extend((done - due) // 1_000 for due in dues)
    sent.last_due = dues[-1]
