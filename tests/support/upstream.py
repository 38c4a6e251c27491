"""A small HTTP server on loopback that misbehaves as a test asks: what a real service does only in an accident."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

PROBE = "/health/ready"


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    body: bytes


Behaviour: TypeAlias = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


async def echo(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer with the path that was asked for."""
    await answer(writer, 200, request.path.encode())


async def fail(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answer that the service is at fault."""
    await answer(writer, 500, b"broken")


async def break_off(_: Request, __: asyncio.StreamWriter) -> None:
    """Take the request and close the connection."""


async def silence(_: Request, __: asyncio.StreamWriter) -> None:
    """Take the request and say nothing, with the connection open."""
    await asyncio.Event().wait()


async def answer(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    writer.write(b"HTTP/1.1 %d X\r\nserver: toy\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
    await writer.drain()


@dataclass
class Upstream:
    """An instance of a service; its probe says what `ready` says, everything else is up to `behaviour`."""

    behaviour: Behaviour = echo
    ready: bool = True
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "Upstream":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def seen(self, method: str) -> int:
        """How many requests with this method arrived."""
        return sum(request.method == method for request in self.requests)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; True when the connection stays."""
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head.split(" ")
        length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
        chunked = any(line.lower() == "transfer-encoding: chunked" for line in lines)
        body = await (reader.readuntil(b"\r\n0\r\n\r\n") if chunked else reader.readexactly(length))
        request = Request(method, path, body)
        if path == PROBE:
            # The gateway sends requests over the connections of its probes too, and a write that meets one which is
            # just being closed is rightly not sent again.
            status = 200 if self.ready else 503
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            return False
        self.requests.append(request)
        await self.behaviour(request, writer)
        return self.behaviour is not break_off
