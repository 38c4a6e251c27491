"""An ASGI application on uvicorn, inside a loop that is not uvicorn's own."""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Any

import uvicorn

KEEP_ALIVE_S = 75
"""Longer than the idle time of the proxies in front: uvicorn's own 5 s cause random 502 answers behind them."""


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
        timeout_graceful_shutdown=2,
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
