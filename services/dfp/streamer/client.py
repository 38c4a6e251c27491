"""One WebSocket connection: sends, notices when the other end does not keep up, says goodbye with a reason."""

import asyncio

import structlog
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from dfp.log.connection import UNREACHABLE
from dfp.streamer.hub import Gone, Hub

DRAIN_S = 60.0
"""How long a client may take for one chunk of what it lacks, or for its snapshot."""

CLOSE_S = 30.0
"""How long the other end may take to answer a close frame, behind all that still waits for it."""

_log = structlog.get_logger(__name__)


class SocketClient(WSListener):
    """Implements `dfp.streamer.hub.Client` on a picows transport.

    Args:
        last_id: the last id that the client knows, None when it did not say.
        buffer_bytes: how much may wait for the client.
    """

    def __init__(self, hub: Hub, clients: "set[SocketClient]", last_id: str | None, buffer_bytes: int) -> None:
        super().__init__()
        self.hub = hub
        self.clients = clients
        self.last_id = last_id
        self.buffer_bytes = buffer_bytes
        self.seq = 0
        self.gone = asyncio.Event()
        self._transport: WSTransport
        self._writable = asyncio.Event()
        self._writable.set()
        self._closing = False
        self._admission: asyncio.Task[None]

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        self.clients.add(self)
        self._admission = asyncio.create_task(self._admit())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Clients have nothing to say but goodbye; pings are answered by picows."""
        if frame.msg_type == WSMsgType.CLOSE:
            if not self._closing:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection has ended, for whatever reason."""
        self._closing = True
        self.gone.set()
        self._writable.set()
        self.clients.discard(self)
        self.hub.leave(self)

    def pause_writing(self) -> None:
        """More is waiting for the client than the transport likes."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        self._writable.set()

    def tell(self, message: bytes) -> None:
        """Send, or close the connection when too much is waiting already."""
        if self._closing:
            return
        if self._transport.underlying_transport.get_write_buffer_size() > self.buffer_bytes:
            self.close(WSCloseCode.TRY_AGAIN_LATER, "too slow")
        else:
            self._transport.send(WSMsgType.TEXT, message)

    async def drained(self) -> None:
        """Wait until the client has taken what was sent.

        Raises:
            Gone: it left, or did not take it in time.
        """
        try:
            await asyncio.wait_for(self._writable.wait(), DRAIN_S)
        except TimeoutError:
            self.close(WSCloseCode.TRY_AGAIN_LATER, "too slow")
        await asyncio.sleep(0)  # an event that is set gives nobody else a turn
        if self._closing:
            raise Gone

    def close(self, code: WSCloseCode, reason: str) -> None:
        """Say goodbye; the connection is cut when the other end does not answer."""
        if self._closing:
            return
        self._closing = True
        self.hub.leave(self)
        self._transport.send_close(code, reason.encode())
        asyncio.get_running_loop().call_later(CLOSE_S, self._transport.disconnect, False)

    async def _admit(self) -> None:
        try:
            await self.hub.admit(self, self.last_id)
        except Gone:
            return
        except UNREACHABLE as error:
            _log.warning("a client cannot resume while redis is away", error=str(error))
            self.close(WSCloseCode.TRY_AGAIN_LATER, "the log is not reachable")
        except Exception:
            _log.exception("a client could not be admitted")
            self.close(WSCloseCode.INTERNAL_ERROR, "an error in the streamer")
