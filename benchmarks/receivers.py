"""A process of WebSocket clients, each of which notes when it received which revision."""

import array
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from dfp.contracts.opportunity import CloseReason

FROM_THE_CLOCK = {CloseReason.EXPIRED, CloseReason.SESSION_END}
"""Revisions that no tick has made."""

REMEMBERED = 4_096


class _Payload(msgspec.Struct):
    as_of: int
    closed: CloseReason | None = None


class _Message(msgspec.Struct):
    type: str
    id: str
    payload: msgspec.Raw
    hops: dict[str, int] = {}


@dataclass
class Revision:
    """One revision that a tick has made.

    Attributes:
        event_time: of that tick.
        hops: wall clock of each hop.
    """

    id: str
    event_time: int
    hops: dict[str, int]


@dataclass
class Received:
    """What one client received: event time of the tick and wall clock of the receipt, in pairs."""

    event_times: "array.array[int]" = field(default_factory=lambda: array.array("q"))
    at: "array.array[int]" = field(default_factory=lambda: array.array("q"))
    lost: int = 0


class Frames:
    """Decodes frames, each one once for all clients: they get the same bytes.

    Attributes:
        revisions: every revision that was received, by its id.
    """

    def __init__(self) -> None:
        self.revisions: dict[str, Revision] = {}
        self._known: dict[bytes, list[int]] = {}
        self._decode = msgspec.json.Decoder(_Message).decode
        self._payload = msgspec.json.Decoder(_Payload).decode

    def event_times(self, frame: bytes) -> list[int]:
        """Event times of the ticks behind the revisions of a frame."""
        found = self._known.get(frame)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[frame] = [time for line in frame.split(b"\n") for time in self._line(line)]
        return found

    def _line(self, line: bytes) -> list[int]:
        message = self._decode(line)
        if message.type != "opportunity":
            return []
        payload = self._payload(message.payload)
        if payload.closed in FROM_THE_CLOCK:
            return []
        self.revisions[message.id] = Revision(message.id, payload.as_of, message.hops)
        return [payload.as_of]


class _Client(WSListener):
    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.received = Received()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now = time.time_ns()
        if frame.msg_type == WSMsgType.TEXT:
            for event_time in self.frames.event_times(frame.get_payload_as_bytes()):
                self.received.event_times.append(event_time)
                self.received.at.append(now)
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.received.lost += 1


async def receive(
    url: str, clients: int, ready: Callable[[], None], stop: Callable[[], bool]
) -> "tuple[list[Received], Frames]":
    """Connect clients and note what they receive.

    Args:
        ready: called when all are connected.
        stop: asked ten times a second whether it is over.
    """
    frames = Frames()
    connected: list[_Client] = []
    transports: list[WSTransport] = []
    for _ in range(clients):
        transport, client = await ws_connect(lambda: _Client(frames), url)
        transports.append(transport)
        connected.append(client)
    ready()
    while not stop():
        await asyncio.sleep(0.1)
    received = [client.received for client in connected]
    for transport in transports:
        transport.disconnect()
    return received, frames
