"""Whole messages out of the frames of a WebSocket: fragments are put together, lines are taken apart."""

import time
from abc import abstractmethod

from picows import WSFrame, WSListener, WSMsgType, WSTransport

LARGEST_FRAME = 64 * 1024 * 1024
"""A snapshot of every symbol is some 10 MB."""


class LineListener(WSListener):
    """The receiving end of a connection that carries JSON Lines; picows answers pings."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._goodbye = "the connection was closed"

    @abstractmethod
    def on_lines(self, lines: list[bytes], received: int) -> None:
        """One frame's messages, with the wall clock at its receipt, UTC nanoseconds."""

    def on_end(self, reason: str) -> None:
        """Nothing more will come."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take one frame."""
        received = time.time_ns()
        if frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                lines = b"".join(self._parts).split(b"\n")
                self._parts.clear()
                self.on_lines(lines, received)
        elif frame.msg_type == WSMsgType.CLOSE:
            words = (frame.get_close_message() or b"").decode("utf-8", "replace")
            self._goodbye = f"closed by the server: {words or frame.get_close_code().name}"
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection has ended, for whatever reason."""
        self.on_end(self._goodbye)
