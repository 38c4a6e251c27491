"""A TCP proxy on loopback that can lose replies or cut the line: how a network fails, not how a mock does."""

import asyncio
import contextlib


class Proxy:
    """Forwards to `port`. While `mute` is set, requests pass and replies are lost: a write has an unknown outcome."""

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.mute = False
        self.lost = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            self._writers += [writer, up_writer]
            await asyncio.gather(self._pump(reader, up_writer, False), self._pump(up_reader, writer, True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if replies and self.mute:
                    self.lost.set()
                else:
                    writer.write(data)
                    await writer.drain()
        except (ConnectionError, RuntimeError):
            return
        finally:
            writer.close()
