"""Messages of the streamer as a client of the tests reads them: a frame holds one or more, a line each."""

import asyncio
import json
from collections import deque
from typing import Any
from weakref import WeakKeyDictionary

from websockets.asyncio.client import ClientConnection

from dfp.streamer import schema

_read: WeakKeyDictionary[ClientConnection, deque[str]] = WeakKeyDictionary()


async def any_message(client: ClientConnection) -> dict[str, Any]:
    """The next message. Each one is checked against the schema of its type."""
    lines = _read.setdefault(client, deque())
    if not lines:
        async with asyncio.timeout(20):
            frame = await client.recv()
        assert isinstance(frame, str)
        lines.extend(frame.split("\n"))
    line = lines.popleft()
    schema.decode(line)
    found: dict[str, Any] = json.loads(line)
    return found


async def next_message(client: ClientConnection) -> dict[str, Any]:
    """The next message that is no heartbeat."""
    while (message := await any_message(client))["type"] == "heartbeat":
        pass
    return message
