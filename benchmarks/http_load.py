"""A closed-loop HTTP client on plain asyncio protocols: one request at a time on each connection, latencies in µs.

It is told nothing of HTTP but that every answer to the same request has the same length, so it takes some ten
microseconds a request and is never what is measured.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import cast

from hdrh.histogram import HdrHistogram


@dataclass
class Load:
    """What came of some seconds of requests."""

    latencies_us: HdrHistogram
    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    def milliseconds(self, percentile: float) -> float:
        """A latency that so many of 100 requests did not exceed."""
        return float(self.latencies_us.get_value_at_percentile(percentile)) / 1000


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, answer_bytes: int, histogram: HdrHistogram) -> None:
        self.request = request
        self.answer_bytes = answer_bytes
        self.histogram = histogram
        self.requests = 0
        self.stopped = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._missing = 0
        self._began = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's have the methods, not the base class
        self._ask()

    def _ask(self) -> None:
        self._missing = self.answer_bytes
        self._began = time.perf_counter_ns()
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing > 0:
            return
        self.histogram.record_value((time.perf_counter_ns() - self._began) // 1000)
        self.requests += 1
        if self._missing < 0 or self.stopped:
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._missing:
            self.done.set_exception(RuntimeError(f"an answer has another length than {self.answer_bytes} bytes"))
        else:
            self.done.set_result(None)


async def answer_length(port: int, request: bytes) -> int:
    """How long the answer is, head and body; it must be a 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"bench: the answer is {head[:200]!r}")
    (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    writer.close()
    return len(head) + int(length.partition(b":")[2])


async def load(port: int, path: str, connections: int, seconds: float) -> Load:
    """Ask for so many seconds."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n".encode()
    answer_bytes = await answer_length(port, request)
    histogram = HdrHistogram(1, 10_000_000, 3)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        (await loop.create_connection(lambda: _Connection(request, answer_bytes, histogram), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for connection in made:
        connection.stopped = True
    await asyncio.gather(*(connection.done for connection in made))
    return Load(histogram, sum(connection.requests for connection in made), time.perf_counter() - began)
