"""A WebSocket client that can do what no library would: wrong frames, no answers, no reading."""

import asyncio
import os
import struct
from typing import ClassVar

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA

REQUEST = (
    "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)


def request(target: str = "/ws/opportunities", more: str = "") -> bytes:
    """A handshake."""
    return REQUEST.format(target=target, more=more).encode()


def frame(kind: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A masked frame."""
    size = len(payload)
    head = bytes([kind | (0x80 if fin else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", size)
    mask = os.urandom(4)
    pad = mask * (size // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, pad, strict=False))


class RawSocket:
    """One connection; it reads only when it is told to."""

    opened: ClassVar[list["RawSocket"]] = []
    """For the fixture that closes all of them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.opened.append(self)

    @classmethod
    async def connect(cls, port: int) -> "RawSocket":
        """Without a handshake."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    @classmethod
    async def open(cls, port: int, target: str = "/ws/opportunities") -> "RawSocket":
        """With the handshake done."""
        made = await cls.connect(port)
        made.send(request(target))
        assert (await made.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        return made

    @classmethod
    def hang_up_all(cls) -> None:
        for client in cls.opened:
            client.writer.transport.abort()
        cls.opened.clear()

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def next(self) -> tuple[int, bytes]:
        """Kind and payload of the next frame."""
        async with asyncio.timeout(20):
            kind, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return kind & 0x0F, await self.reader.readexactly(size)

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the close frame, whatever comes before."""
        while True:
            kind, payload = await self.next()
            if kind == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    async def ended(self) -> bytes:
        """What comes until the other end hangs up."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""
