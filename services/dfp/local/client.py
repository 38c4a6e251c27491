"""A client of our own at the streamer's door: latencies are those of messages that really came through a socket."""

import asyncio
import time

import msgspec
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from dfp.contracts.entry import sequence
from dfp.local.latency import Latencies

RETRY_S = 0.2


class Message(msgspec.Struct):
    """What the client reads of a message; the payload is of no interest here."""

    type: str
    id: str
    hops: dict[str, int] = {}


_decoder = msgspec.json.Decoder(Message)


class Client:
    """Receives opportunities until cancelled; it resumes after a lost connection.

    Attributes:
        seen: sequence number up to which everything was received.
    """

    def __init__(self, port: int, latencies: Latencies) -> None:
        self.port = port
        self.latencies = latencies
        self.seen = 0
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Connect again and again; the supervisor tells people when the streamer is down."""
        while True:
            url = f"ws://127.0.0.1:{self.port}/ws/opportunities"
            if self.seen:
                url += f"?last_id=0-{self.seen}"
            try:
                transport, _ = await ws_connect(lambda: _Listener(self), url)
                await transport.wait_disconnected()
            except (OSError, WSError):
                pass
            self.connected.clear()
            await asyncio.sleep(RETRY_S)

    def take(self, data: bytes, now_ns: int) -> None:
        """One message, as it came off the socket.

        Args:
            now_ns: wall clock at its receipt, UTC nanoseconds.

        Raises:
            msgspec.MsgspecError, ContractError: it is not what the streamer sends.
        """
        message = _decoder.decode(data)
        seq = sequence(message.id)
        if message.type == "opportunity" and seq > self.seen:
            self.latencies.record({**message.hops, "receive": now_ns})
        if message.type == "resync":
            self.seen = 0
        else:
            self.seen = max(self.seen, seq)


class _Listener(WSListener):
    def __init__(self, client: Client) -> None:
        self.client = client
        self.parts = b""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.client.connected.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now_ns = time.time_ns()
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self.parts += frame.get_payload_as_bytes()
            if frame.fin:
                data, self.parts = self.parts, b""
                for line in data.split(b"\n"):
                    self.client.take(line, now_ns)
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
