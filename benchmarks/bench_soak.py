"""A crowd that comes, goes, stalls and resumes: nobody misses or repeats a revision, and the streamer's memory is flat.

Each client keeps the id up to which it has everything, as real ones do. Ids of an unfiltered socket have no holes, so
that one revision too few or too many is seen at once.
"""

import asyncio
import enum
import os
import random
import re
import resource
import statistics
from dataclasses import dataclass

import psutil
import uvloop
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.bench_fanout import PAYLOAD
from benchmarks.processes import service
from benchmarks.redis_server import running
from benchmarks.result import Goal, Result, progress
from dfp.contracts.entry import NO_META, Kind, to_fields
from dfp.contracts.names import Names
from dfp.log.connection import connect

CLIENTS, SECONDS = (200, 40) if os.environ.get("QUICK") else (1_000, 600)
REVISIONS_A_S = 20
SETTLE_S = 60.0
"""After the last revision: in this time every client must have everything."""

LONGEST_STALL_S = 30.0
NAMES = Names("soak")

_HEAD = re.compile(rb'\{"type":"(\w+)","id":"0-(\d+)"')


class Manner(enum.Enum):
    """How a client behaves."""

    STEADY = enum.auto()
    COMES_AND_GOES = enum.auto()
    BREAKS_OFF = enum.auto()
    """Its connection is cut without a close frame."""

    STALLS = enum.auto()
    """It stops to read now and then."""


MANNERS = (Manner.STEADY,) * 4 + (Manner.COMES_AND_GOES,) * 3 + (Manner.BREAKS_OFF,) * 2 + (Manner.STALLS,)


@dataclass
class Tally:
    """What all clients have met.

    Attributes:
        snapshots: given to clients that had asked to resume.
        closed: connections that the streamer has ended.
    """

    received: int = 0
    lost: int = 0
    repeated: int = 0
    snapshots: int = 0
    connections: int = 0
    closed: int = 0


class Client:
    """One client over all its connections."""

    def __init__(self, url: str, manner: Manner, chance: random.Random, tally: Tally) -> None:
        self.url = url
        self.manner = manner
        self.chance = chance
        self.tally = tally
        self.seen: int | None = None

    async def run(self, over: asyncio.Event) -> None:
        """Behave until `over`, then only listen."""
        while True:
            listener = _Listener(self)
            target = self.url if self.seen is None else f"{self.url}?last_id=0-{self.seen}"
            try:
                transport, _ = await ws_connect(lambda: listener, target)  # noqa: B023
            except (OSError, WSError):
                await asyncio.sleep(0.2)
                continue
            self.tally.connections += 1
            await self._behave(transport, listener.gone, over)
            await _any(over, self.chance.uniform(0, 5))

    async def _behave(self, transport: WSTransport, gone: asyncio.Event, over: asyncio.Event) -> None:
        below = transport.underlying_transport
        while not gone.is_set():
            await _any(over, gone, self.chance.uniform(1, 20))
            if gone.is_set():
                self.tally.closed += 1
            elif over.is_set():
                await gone.wait()
            elif self.manner is Manner.COMES_AND_GOES:
                transport.send_close(1000)
                await gone.wait()
            elif self.manner is Manner.BREAKS_OFF:
                below.abort()
                await gone.wait()
            elif self.manner is Manner.STALLS:
                below.pause_reading()
                await _any(over, gone, self.chance.uniform(1, LONGEST_STALL_S))
                if not gone.is_set():
                    below.resume_reading()

    def take(self, frame: bytes) -> None:
        """One frame; each line is a message."""
        for line in frame.split(b"\n"):
            head = _HEAD.match(line)
            assert head is not None, line[:100]
            kind, seq = head[1], int(head[2])
            seen = self.seen
            if kind == b"snapshot":
                self.tally.snapshots += seen is not None
                self.seen = seq
            elif seen is not None and kind == b"opportunity":
                self.tally.received += 1
                self.tally.lost += max(0, seq - seen - 1)
                self.tally.repeated += seq <= seen
                self.seen = max(seq, seen)
            elif seen is not None and kind == b"heartbeat":
                self.tally.lost += max(0, seq - seen)
                self.seen = max(seq, seen)


class _Listener(WSListener):
    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.gone = asyncio.Event()
        self._parts: list[bytes] = []

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                whole, self._parts = b"".join(self._parts), []
                self.client.take(whole)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.gone.set()


def run() -> Result:
    """Measure."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    with running() as url, service("streamer", url, NAMES.prefix) as streamer:
        return uvloop.run(_soak(url, streamer.port, psutil.Process(streamer.process.pid)))


async def _soak(redis_url: str, port: int, streamer: psutil.Process) -> Result:
    redis, over, tally = connect(redis_url), asyncio.Event(), Tally()
    fields = to_fields(Kind.OPPORTUNITY, PAYLOAD, NO_META)
    chance = random.Random(1)
    url = f"ws://127.0.0.1:{port}/ws/opportunities"
    clients = [Client(url, MANNERS[n % len(MANNERS)], random.Random(n), tally) for n in range(CLIENTS)]
    tasks = [asyncio.create_task(client.run(over)) for client in clients]
    loop = asyncio.get_running_loop()
    began = due = loop.time()
    revisions, resident = 0, list[float]()
    while (due := due + chance.expovariate(REVISIONS_A_S)) < began + SECONDS:
        await asyncio.sleep(due - loop.time())
        await redis.execute_command("XADD", NAMES.opportunities, "0-*", *fields)
        revisions += 1
        if revisions % REVISIONS_A_S == 0:
            resident.append(streamer.memory_info().rss / 2**20)
            progress(f"soak: {began + SECONDS - due:4.0f} s left, {tally.connections:,} connections")
    over.set()
    behind = await _all_have(clients, revisions)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    await redis.aclose()
    if errors := [end for end in ended if not isinstance(end, asyncio.CancelledError)]:
        raise SystemExit(f"bench: a client failed: {errors[0]!r}")
    third = len(resident) // 3
    growth = statistics.median(resident[-third:]) - statistics.median(resident[third : 2 * third])
    figures = {
        "revisions_lost": float(tally.lost),
        "revisions_repeated": float(tally.repeated),
        "clients_behind_at_the_end": float(behind),
        "snapshots_instead_of_resume": float(tally.snapshots),
        "memory_growth_mb": growth,
        "memory_mb": resident[-1],
        "received": float(tally.received),
        "connections": float(tally.connections),
        "closed_by_the_streamer": float(tally.closed),
    }
    nothing = ("revisions_lost", "revisions_repeated", "clients_behind_at_the_end", "snapshots_instead_of_resume")
    goals = {**{name: Goal("<=", 0) for name in nothing}, "memory_growth_mb": Goal("<=", 20)}
    return Result("soak", figures, goals, {"clients": CLIENTS, "seconds": SECONDS, "revisions": revisions})


async def _all_have(clients: list[Client], last: int) -> int:
    """Wait until every client has everything; how many have not in time."""
    behind = len(clients)
    deadline = asyncio.get_running_loop().time() + SETTLE_S
    while behind and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.2)
        behind = sum(client.seen != last for client in clients)
        progress(f"soak: {behind} clients lack something")
    return behind


async def _any(*events: asyncio.Event | float) -> None:
    """Return when one of the events is set, or after so many seconds."""
    *waited, seconds = events
    assert isinstance(seconds, float)
    waits = [asyncio.ensure_future(event.wait()) for event in waited if isinstance(event, asyncio.Event)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
