"""A client of our own at the streamer's door: latencies are those of messages that really came through a socket."""

import asyncio

from dfp.client import AsyncClient, Connected, Event, Heartbeat, Lost, Resync, Revision, Snapshot
from dfp.contracts.entry import sequence
from dfp.local.latency import Latencies


class Client:
    """Follows opportunities until cancelled, and times each of them.

    Attributes:
        seen: sequence number up to which everything was received.
        connected: while a connection stands; the supervisor tells people when the streamer is down.
    """

    def __init__(self, port: int, latencies: Latencies) -> None:
        self.port = port
        self.latencies = latencies
        self.seen = 0
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever."""
        async with AsyncClient(f"http://127.0.0.1:{self.port}") as client:
            async for event in client.follow():
                self.take(event)

    def take(self, event: Event) -> None:
        """One event."""
        match event:
            case Connected():
                self.connected.set()
            case Lost():
                self.connected.clear()
            case Revision():
                self.latencies.record({**event.hops, "receive": event.received})
                self.seen = sequence(event.id)
            case Snapshot() | Heartbeat():
                self.seen = sequence(event.id)
            case Resync():
                self.seen = 0
            case _:
                pass  # this client has no filter and wants no alerts
