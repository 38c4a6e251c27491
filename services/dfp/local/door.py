"""Asks a pipeline's door as its clients do: REST and WebSocket through the gateway."""

import asyncio

from picows import WSError, WSFrame, WSListener, WSTransport, ws_connect

from dfp.local.probe import NO_ANSWER, http_probe

TIMEOUT_S = 3.0


async def rest_answers(host: str, port: int) -> tuple[bool, str]:
    """Whether REST answers through the gateway, and what it says."""
    found = await http_probe(port, host=host)()
    if found == NO_ANSWER:
        return False, f"no answer on http://{host}:{port}; is the gateway there? (--port)"
    return found.ready, found.words


async def socket_answers(host: str, port: int) -> tuple[bool, str]:
    """Whether a WebSocket client gets its first message through the gateway."""
    url = f"ws://{host}:{port}/ws/opportunities"
    first: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            transport, _ = await ws_connect(lambda: _First(first), url)
            size = await first
    except (OSError, TimeoutError, WSError) as error:
        return False, f"no message on {url}: {error or 'too slow'}"
    transport.disconnect()
    return True, f"first message of {size:,} bytes"


class _First(WSListener):
    """Notes the size of the first message."""

    def __init__(self, first: asyncio.Future[int]) -> None:
        self._first = first

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self._first.done():
            self._first.set_result(len(frame.get_payload_as_bytes()))
