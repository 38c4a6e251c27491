"""Many WebSocket clients in one process: `python -m benchmarks.fanout_receiver URL COUNT SECONDS`.

It says `ready` when all are connected, starts to record at the line `go`, and ends with one JSON document. Latency runs
from the time at which a message was due to be published to its receipt.
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections import Counter

import uvloop
from hdrh.histogram import HdrHistogram
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

LONGEST_US = 60_000_000
AT_ONCE = 50
SLACK_S = 2.0
"""For what is still under way at the end."""

_DUE = re.compile(rb'"due":(\d+)')


class Record:
    """What all clients of the process have received; most of them receive the same bytes one after the other."""

    def __init__(self) -> None:
        self.on = False
        self.frames = 0
        self.delays: Counter[int] = Counter()
        self._last: bytes = b""
        self._dues: list[int] = []

    def take(self, payload: bytes) -> None:
        """One frame."""
        now = time.time_ns()
        if payload != self._last:
            self._last, self._dues = payload, [int(due) for due in _DUE.findall(payload)]
        self.frames += 1
        for due in self._dues:
            self.delays[(now - due) // 1000] += 1

    def document(self) -> dict[str, object]:
        """Counts, and the histogram of microseconds in its own encoding."""
        histogram = HdrHistogram(1, LONGEST_US, 3)
        for delay, count in self.delays.items():
            histogram.record_value(min(max(delay, 1), LONGEST_US), count)
        return {
            "frames": self.frames,
            "messages": histogram.get_total_count(),
            "histogram": histogram.encode().decode(),
        }


class Receiver(WSListener):
    """One client."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Note the frame."""
        if frame.msg_type == WSMsgType.TEXT and self.record.on:
            self.record.take(frame.get_payload_as_bytes())


async def main(url: str, count: int, seconds: float) -> None:
    """Connect, wait for the start, record."""
    record = Record()
    for first in range(0, count, AT_ONCE):
        connecting = (ws_connect(lambda: Receiver(record), url) for _ in range(min(AT_ONCE, count - first)))
        await asyncio.gather(*connecting)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    record.on = True
    await asyncio.sleep(seconds + SLACK_S)
    record.on = False
    print(json.dumps(record.document()), flush=True)


if __name__ == "__main__":
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
