"""One WebSocket connection: sends, listens, notices when the other end does not keep up, says goodbye with a reason."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from dfp.contracts.errors import ContractError
from dfp.log.connection import UNREACHABLE
from dfp.streamer.client import Gone
from dfp.streamer.filters import Filter
from dfp.streamer.hub import FRAME_BYTES, Hub
from dfp.streamer.incoming import Incoming, Unacceptable
from dfp.streamer.metrics import Metrics
from dfp.streamer.request import Request, parse_message

CLOSE_S = 30.0
"""How long the other end may take to answer a close frame, behind all that still waits for it."""

MOST_ERRORS = 10

ANSWER_PAUSE_S = 0.1
"""Between two answers to one client: a snapshot costs some milliseconds, and others have their turn in between."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may demand.

    Attributes:
        buffer_bytes: how much may wait for it before it is behind.
        patience_s: how long it may then take to drain most of it.
    """

    buffer_bytes: int
    patience_s: float


class SocketClient(WSListener):
    """Implements `dfp.streamer.client.Client` on a picows transport.

    What waits for a client is `buffer_bytes` and one frame more at most: a client for which more waits leaves the
    broadcasts, and what it lacks is kept once for all clients, by the history and by Redis.
    """

    def __init__(
        self, hub: Hub, clients: "set[SocketClient]", request: Request, limits: Limits, metrics: Metrics
    ) -> None:
        super().__init__()
        self.hub = hub
        self.clients = clients
        self.last_id = request.last_id
        self.wanted: Filter = request.wanted
        self.limits = limits
        self.metrics = metrics
        self.seq = 0
        self.alerts = 0
        self.timeline = hub.timeline
        self.gone = asyncio.Event()
        self._transport: WSTransport
        self._incoming = Incoming()
        self._requests: list[Filter | ContractError] = []
        self._errors = 0
        self._answered = float("-inf")
        self._answering = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=self.limits.buffer_bytes)
        self.clients.add(self)
        self._start(self.hub.admit(self, self.last_id))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A client asks for another filter, or says goodbye."""
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            if not self._closing:
                self._closing = True
                self.metrics.closes["client"] += 1
                transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind == WSMsgType.PING:
            if self._writable.is_set():  # pongs for a client that reads nothing would pile up
                transport.send_pong(frame.get_payload_as_bytes())
        elif kind != WSMsgType.PONG and not self._closing and self._errors < MOST_ERRORS:
            self._listen(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection has ended, for whatever reason."""
        if not self._closing:
            sent = transport.close_handshake.sent if transport.close_handshake else None
            self.metrics.closes["lost" if sent is None else sent.code.name.lower()] += 1
        self._closing = True
        self.gone.set()
        self._writable.set()
        self.clients.discard(self)
        self.hub.leave(self)

    def pause_writing(self) -> None:
        """More is waiting for the client than it may: it is behind from now on."""
        self._writable.clear()
        self.wake()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        self._writable.set()

    def tell(self, frame: bytes) -> None:
        """Send without waiting."""
        if not self._closing:
            self._send(WSMsgType.TEXT, frame)

    async def give(self, parts: Iterable[bytes]) -> None:
        """Send one long frame in pieces, each when the client has taken enough of those before.

        Raises:
            Gone: it left, or was closed for being too slow.
        """
        kind, piece, size = WSMsgType.TEXT, list[bytes](), 0
        for part in parts:
            piece.append(part)
            size += len(part)
            if size >= FRAME_BYTES:
                self._send(kind, b"".join(piece), fin=False)
                kind, piece, size = WSMsgType.CONTINUATION, [], 0
                await self._drained()
        self._send(kind, b"".join(piece))

    async def drained(self) -> None:
        """Wait until little is waiting for the client.

        Raises:
            Gone: it left, was closed for being too slow, or has made too many mistakes.
        """
        await self._drained()
        if self._errors >= MOST_ERRORS and not self._requests:
            self.close(WSCloseCode.POLICY_VIOLATION, f"{MOST_ERRORS} errors, see the messages before")
            raise Gone

    def requests(self) -> Sequence[Filter | ContractError]:
        """What the client has sent since the last call."""
        found, self._requests = self._requests, []
        return found

    def wake(self) -> None:
        """Leave the broadcasts, and be brought up to date."""
        if self._task is None and not self._closing:
            self.hub.leave(self)
            self._start(self.hub.bring(self))

    def close(self, code: WSCloseCode, reason: str) -> None:
        """Say goodbye; the connection is cut when the other end does not answer."""
        if self._closing:
            return
        self._closing = True
        self.metrics.closes[code.name.lower()] += 1
        self.hub.leave(self)
        self._writable.set()
        self._transport.send_close(code, reason.encode()[:120])
        asyncio.get_running_loop().call_later(CLOSE_S, self._transport.disconnect, False)

    def _send(self, kind: WSMsgType, payload: bytes, *, fin: bool = True) -> None:
        self.metrics.frames += 1
        self.metrics.bytes += len(payload)
        self._transport.send(kind, payload, fin)

    def _listen(self, frame: WSFrame) -> None:
        begins = frame.msg_type != WSMsgType.CONTINUATION
        binary = frame.msg_type == WSMsgType.BINARY
        try:
            data = self._incoming.add(frame.get_payload_as_bytes(), begins=begins, binary=binary, fin=frame.fin)
            if data is None:
                return
            wanted = parse_message(data)
        except ContractError as error:
            self._errors += 1
            self._requests.append(error)
        except Unacceptable as error:
            self.close(WSCloseCode(error.code), str(error))
            return
        else:
            # Of filters that wait only the last one counts.
            self._requests = [one for one in self._requests if isinstance(one, ContractError)] + [wanted]
        if not self._answering:
            self._answering = True
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._answered + ANSWER_PAUSE_S), self._answer)

    def _answer(self) -> None:
        self._answering = False
        self._answered = asyncio.get_running_loop().time()
        self.wake()

    async def _drained(self) -> None:
        if not self._writable.is_set():
            try:
                await asyncio.wait_for(self._writable.wait(), self.limits.patience_s)
            except TimeoutError:
                size = self._transport.underlying_transport.get_write_buffer_size()
                reason = f"too slow: {size} bytes waited for {self.limits.patience_s:g} s"
                _log.info("a client is closed", reason=reason)
                self.close(WSCloseCode.TRY_AGAIN_LATER, reason)
        await asyncio.sleep(0)  # an event that is set gives nobody else a turn
        if self._closing:
            raise Gone

    def _start(self, work: Awaitable[None]) -> None:
        self._task = asyncio.create_task(self._run(work))

    async def _run(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Gone:
            return
        except UNREACHABLE as error:
            _log.warning("a client cannot resume while redis is away", error=str(error))
            self.close(WSCloseCode.TRY_AGAIN_LATER, "the log is not reachable")
        except Exception:
            _log.exception("a client could not be brought up to date")
            self.close(WSCloseCode.INTERNAL_ERROR, "an error in the streamer")
        finally:
            self._task = None
