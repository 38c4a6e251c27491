"""Bounds of a request: size of its head and of its body, checked before anything is done with them."""

import asyncio
import contextlib
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dfp.api.problem import problem
from dfp.runtime.http import MAX_HEAD

MAX_BODY = 64 * 1024

DRAINED_BYTES, DRAIN_S = 1024 * 1024, 2.0
"""What is still read of a body that is refused: a connection that is closed on unread bytes is reset, and the other end
may never see why."""


class Limits:
    """Refuses what is too large, around an ASGI application: 431 for a head, 413 for a body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it and close its connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = len(scope["raw_path"]) + len(scope["query_string"])
        length = 0
        for name, value in scope["headers"]:
            head += len(name) + len(value) + 4
            if name == b"content-length":
                length = int(value)
        if head > MAX_HEAD:
            await _refuse(431, f"the head of a request may have {MAX_HEAD} bytes", scope, receive, send)
        elif length > MAX_BODY:
            await _too_large(scope, receive, send)
        elif length or scope["method"] in ("POST", "PUT", "PATCH"):
            await self._counted(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A body without a length, or with a wrong one, is counted while it comes."""
        got = 0
        begun = False

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > MAX_BODY:
                raise _TooLarge
            return message

        async def note_begin(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, note_begin)
        except _TooLarge:
            if not begun:
                await _too_large(scope, receive, send)


class _TooLarge(BaseException):
    """Passes through the application, which would answer any `Exception` itself."""


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            left, more = DRAINED_BYTES, True
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)
    await _refuse(413, f"the body of a request may have {MAX_BODY} bytes", scope, receive, send)


async def _refuse(status: int, detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    # What is still to come of the request is not read, so the connection cannot be used again.
    await problem(status, detail, headers={"Connection": "close"})(scope, receive, send)
