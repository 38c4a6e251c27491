"""A bare ASGI application on the settings of the doors: what uvicorn itself can do, to compare the API with."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvloop

from dfp.runtime.http import serve_http


def application(body: bytes) -> Callable[..., Awaitable[None]]:
    """Answers every request with the same bytes."""
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]

    async def app(scope: MutableMapping[str, Any], receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


if __name__ == "__main__":
    port, size = int(sys.argv[1]), int(sys.argv[2])
    uvloop.run(serve_http(application(b"x" * size), "127.0.0.1", port, asyncio.Event()))
