"""Small real servers that speak the contract of REST and WebSocket, for what no service of this tree says on demand."""

import asyncio
import contextlib
import json
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

import uvicorn
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from conftest import free_port

SILENCE = object()
"""In place of a document: no answer until the client leaves."""


@dataclass
class Asked:
    """A question that a server got."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class SmallApi:
    """Answers each question with the next of its answers: (status, document, headers); the last is repeated."""

    answers: list[tuple[int, object, dict[str, str]]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, document: object, status: int = 200, **headers: str) -> None:
        self.answers.append((status, document, headers))

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        """The ASGI application."""
        body = (await receive())["body"]
        query = dict(urllib.parse.parse_qsl(scope["query_string"].decode()))
        self.asked.append(Asked(scope["method"], scope["raw_path"].decode(), query, json.loads(body) if body else None))
        status, document, more = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        while document is SILENCE:
            if (await receive())["type"] == "http.disconnect":
                return
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})


@contextlib.asynccontextmanager
async def small_api(**tls: str) -> AsyncIterator[SmallApi]:
    """The application on a free port."""
    api, port = SmallApi(), free_port()
    config = uvicorn.Config(api, port=port, lifespan="off", ws="none", log_config=None, access_log=False, **tls)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    api.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    yield api
    server.should_exit = True
    await serving


class Caller(WSListener):
    """One connection of a client: what it asked for, what it said, and a way to speak."""

    def __init__(self, path: str, query: dict[str, str], greet: "Callable[[Caller], None]") -> None:
        super().__init__()
        self.path = path
        self.query = query
        self.heard: list[bytes] = []
        self.pongs = 0
        self.transport: WSTransport
        self._greet = greet

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._greet(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.heard.append(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.PONG:
            self.pongs += 1
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def tell(self, *messages: bytes) -> None:
        """One frame."""
        self.transport.send(WSMsgType.TEXT, b"\n".join(messages))


@dataclass
class SmallStreamer:
    """Greets its n-th caller as the n-th greeting does, the last again and again; a status refuses instead."""

    greetings: list[Callable[[Caller], None] | HTTPStatus] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    refused: int = 0
    url: str = ""

    def __call__(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        greeting = self.greetings.pop(0) if len(self.greetings) > 1 else self.greetings[0]
        if isinstance(greeting, HTTPStatus):
            self.refused += 1
            words = b"sides: 'Left' is not allowed; expected Up, Down\n"
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(greeting, words), None)
        split = urllib.parse.urlsplit(request.path.decode())
        self.callers.append(Caller(split.path, dict(urllib.parse.parse_qsl(split.query)), greeting))
        return self.callers[-1]


@contextlib.asynccontextmanager
async def small_streamer(
    *greetings: Callable[[Caller], None] | HTTPStatus, tls: SSLContext | None = None
) -> AsyncIterator[SmallStreamer]:
    """A server of WebSockets on a free port."""
    streamer, port = SmallStreamer(list(greetings)), free_port()
    streamer.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    async with await ws_create_server(streamer, "127.0.0.1", port, ssl=tls):
        yield streamer
        for caller in streamer.callers:
            caller.transport.disconnect()
