"""One connection of a follower: messages wait here, in bounds, until they are asked for."""

import asyncio
from collections import deque
from ssl import SSLContext

from picows import WSCloseCode, WSMsgType, WSTransport, ws_connect

from dfp.client.listener import LARGEST_FRAME, LineListener

MANY, FEW = 4096, 1024
"""Messages that wait before reading stops, and with which it starts again; meanwhile they wait at the server."""

SILENCE_S = 20.0
"""Four heartbeats."""


class Connection(LineListener):
    """An open WebSocket.

    Attributes:
        ended: why nothing more will come, None while something may.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ended: str | None = None
        self._transport: WSTransport | None = None
        self._lines: deque[tuple[bytes, int]] = deque()
        self._changed = asyncio.Event()
        self._paused = False

    async def open(self, url: str, tls: SSLContext | None) -> None:
        """Connect.

        Raises:
            OSError, WSError: as `picows.ws_connect`.
        """
        try:
            await ws_connect(lambda: self, url, ssl_context=tls, max_frame_size=LARGEST_FRAME)
        except BaseException:  # also when it is cancelled behind the handshake: nobody else knows the connection
            self.close()
            raise

    async def next(self) -> tuple[bytes, int] | None:
        """The next message and the wall clock at its receipt; None when the connection has ended."""
        while not self._lines:
            if self.ended is not None:
                return None
            self._changed.clear()
            try:
                async with asyncio.timeout(SILENCE_S):
                    await self._changed.wait()
            except TimeoutError:
                self.close(f"no sign of life for {SILENCE_S:g} s")
        line = self._lines.popleft()
        if self._paused and len(self._lines) <= FEW:
            self._read(on=True)
        return line

    def send(self, message: bytes) -> None:
        """Send a text, unless the connection has ended."""
        if self._transport is not None and self.ended is None:
            self._transport.send(WSMsgType.TEXT, message)

    def close(self, reason: str = "closed") -> None:
        """End it from this side."""
        self.on_end(reason)
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        if self.ended is not None:
            transport.disconnect()

    def on_lines(self, lines: list[bytes], received: int) -> None:
        """Keep messages until they are asked for."""
        self._lines.extend((line, received) for line in lines)
        self._changed.set()
        if len(self._lines) > MANY and not self._paused:
            self._read(on=False)

    def on_end(self, reason: str) -> None:
        """Let whoever waits know."""
        if self.ended is None:
            self.ended = reason
        self._changed.set()

    def _read(self, *, on: bool) -> None:
        self._paused = not on
        if self._transport is not None and self.ended is None:
            below = self._transport.underlying_transport
            below.resume_reading() if on else below.pause_reading()
