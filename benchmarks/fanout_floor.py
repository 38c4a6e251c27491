"""A bare picows sender: `python -m benchmarks.fanout_floor PORT`. What it takes a send is the floor of any streamer.

Each line of standard input is a message, which it sends to all of its clients.
"""

import asyncio
import sys

import uvloop
from picows import WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from dfp.streamer.listening import BACKLOG, allow_many_connections

clients: set[WSTransport] = set()


class Bare(WSListener):
    """One client."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take part from now on."""
        clients.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Take no part any more."""
        clients.discard(transport)


def accept(request: WSUpgradeRequest) -> WSListener:
    """Everyone may."""
    return Bare()


async def main(port: int) -> None:
    """Serve until the input ends."""
    allow_many_connections()
    await ws_create_server(accept, "127.0.0.1", port, backlog=BACKLOG)
    reader = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        message = line.rstrip(b"\n")
        for client in clients:
            client.send(WSMsgType.TEXT, message)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
