"""An ASGI application on uvicorn, inside a loop that is not uvicorn's own."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Generator
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_S = 75
"""Longer than the idle time of the proxies in front: uvicorn's own 5 s cause random 502 answers behind them."""

MAX_HEAD = 16 * 1024
"""Bytes of a request's head. h11 keeps to it while a head comes; httptools takes heads without end."""

GRACE_S = 2
"""For requests under way when the service stops."""


class _Protocol(H11Protocol):
    """HTTP that refuses what it cannot read with a problem, as the application behind it does."""

    def send_400_response(self, msg: str) -> None:
        """Refuse and close the connection; h11 says which status fits."""
        error = sys.exc_info()[1]
        status = HTTPStatus(error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400)
        detail = f"{msg} {error or ''} (heads may have {MAX_HEAD} bytes)"
        body = json.dumps({"status": status, "title": status.phrase, "detail": detail}).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # an answer is under way: the connection just ends
            for event in (
                h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve_http(app: Any, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish the requests that are under way.

    Raises:
        OSError: the port cannot be bound.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        http=_Protocol,
        h11_max_incomplete_event_size=MAX_HEAD,
        server_header=False,
    )
    server = _Server(config)
    serving = asyncio.create_task(_serve(server, host, port))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()


async def _serve(server: _Server, host: str, port: int) -> None:
    try:
        await server.serve()
    except SystemExit:  # uvicorn's answer to a port that it cannot bind
        raise OSError(f"cannot listen on {host}:{port}") from None
