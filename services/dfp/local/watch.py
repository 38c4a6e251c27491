"""Follows a pipeline's WebSocket for a person or a script: connects again by itself and goes on where it was."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from dfp.contracts import codec
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.signal import Direction
from dfp.local.backoff import Backoff

BACKLOG = 10_000
"""Frames that wait while a terminal is slow; then the connection waits too."""


class Message(msgspec.Struct):
    """What the streamer sends; see `dfp.streamer.messages`."""

    type: str
    id: str
    payload: msgspec.Raw


class Wanted(msgspec.Struct, frozen=True):
    """Which opportunities are of interest; None and empty mean all."""

    symbols: frozenset[str] = frozenset()
    strategy: str | None = None
    side: Direction | None = None

    def has(self, found: Opportunity) -> bool:
        """Whether an opportunity passes."""
        return (
            (not self.symbols or found.symbol in self.symbols)
            and (self.side is None or found.side is self.side)
            and (self.strategy is None or any(one.strategy == self.strategy for one in found.members))
        )


async def messages(url: str, on_loss: Callable[[str, float], None]) -> AsyncGenerator[Message, None]:
    """Messages of a streamer for ever, over lost connections; after one it resumes behind the last id.

    Args:
        on_loss: told why a connection was lost, and how long it waits before the next.
    """
    last_id, failures, backoff = "", 0, Backoff()
    while True:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
        separator = "&" if "?" in url else "?"
        target = f"{url}{separator}last_id={last_id}" if last_id else url
        reason = "the connection was closed"
        try:
            transport, _ = await ws_connect(lambda: _Listener(queue), target)  # noqa: B023
        except (OSError, WSError) as error:
            reason = str(error)
        else:
            try:
                while (data := await queue.get()) is not None:
                    failures = 0
                    for line in data.split(b"\n"):
                        message = msgspec.json.decode(line, type=Message)
                        last_id = "" if message.type == "resync" else message.id
                        yield message
            finally:
                transport.disconnect()
        failures += 1
        pause = backoff.delay(failures)
        on_loss(reason, pause)
        await asyncio.sleep(pause)


class _Listener(WSListener):
    """Puts whole messages into a queue, and None at the end."""

    def __init__(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queue = queue
        self._parts = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._parts += frame.get_payload_as_bytes()
            if frame.fin:
                data, self._parts = self._parts, b""
                if self._queue.full():
                    transport.disconnect()  # the reader is too slow: it comes back and resumes
                else:
                    self._queue.put_nowait(data)
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


def opportunities(message: Message) -> list[tuple[Opportunity, bytes]]:
    """The opportunities in a message, each with its payload: one, those of a snapshot, or none.

    Raises:
        ContractError: a payload that is no opportunity.
    """
    if message.type == "opportunity":
        payloads = [bytes(message.payload)]
    elif message.type == "snapshot":
        payloads = [bytes(one) for one in msgspec.json.decode(message.payload, type=list[msgspec.Raw])]
    else:
        payloads = []
    return [(codec.decode(payload, Opportunity), payload) for payload in payloads]
