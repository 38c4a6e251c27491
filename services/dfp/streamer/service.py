"""The signal-streamer as a process."""

import asyncio
import contextlib
import time
from http import HTTPStatus

from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSListener,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from dfp.api.feed import Feed
from dfp.contracts.errors import ContractError
from dfp.log.connection import close, connect
from dfp.runtime.service import Service, serve
from dfp.runtime.tasks import end
from dfp.streamer import request
from dfp.streamer.backlog import RedisBacklog
from dfp.streamer.client import SocketClient
from dfp.streamer.hub import Hub
from dfp.streamer.settings import StreamerSettings

HEARTBEAT_S = 5.0
PING_S = 20.0
"""Below the idle time of the proxies in front, which is 60 s or more. A client that does not answer in time is cut."""

LARGEST_CLIENT_FRAME = 4096
GOODBYE_S = 2.0


class Door:
    """Accepts connections and hands them to the hub."""

    def __init__(self, hub: Hub, buffer_bytes: int) -> None:
        self.hub = hub
        self.buffer_bytes = buffer_bytes
        self.clients: set[SocketClient] = set()

    def __call__(self, upgrade: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        """The client behind a request, or an answer that says why there is none."""
        try:
            wanted = request.parse(upgrade.path)
        except request.NotFound as error:
            return _refuse(HTTPStatus.NOT_FOUND, str(error))
        except ContractError as error:
            return _refuse(HTTPStatus.BAD_REQUEST, str(error))
        if not self.hub.ready:
            return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the log is still being read; try again in a moment")
        return SocketClient(self.hub, self.clients, wanted.last_id, self.buffer_bytes)

    async def say_goodbye(self) -> None:
        """Close every connection with 1012; clients come back with their last id."""
        leaving = tuple(self.clients)
        for client in leaving:
            client.close(WSCloseCode.SERVICE_RESTART, "the streamer restarts")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for client in leaving:
                    await client.gone.wait()


def _refuse(status: HTTPStatus, detail: str) -> WSUpgradeResponseWithListener:
    body = f"{detail}\n".encode()
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status, body, headers), None)


async def _beat(hub: Hub) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        hub.heartbeat()


async def run(service: Service[StreamerSettings]) -> None:
    """Follow the log and serve clients until the service is told to stop."""
    settings = service.settings
    redis = connect(settings.redis_url)
    hub = Hub(RedisBacklog(redis, service.names.opportunities), time.time_ns)
    door = Door(hub, settings.client_buffer_bytes)
    feed = Feed(redis, service.names.opportunities, hub, service.health)
    server = await ws_create_server(
        door,
        str(settings.http_host),
        settings.http_port,
        enable_auto_ping=True,
        auto_ping_idle_timeout=PING_S,
        auto_ping_reply_timeout=PING_S,
        auto_ping_strategy=WSAutoPingStrategy.PING_PERIODICALLY,
        max_frame_size=LARGEST_CLIENT_FRAME,
    )
    tasks = [asyncio.create_task(work) for work in (feed.run(service.stop), _beat(hub), service.stop.wait())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # the feed and the heartbeat end only by an error
    finally:
        service.stop.set()
        server.close()
        await door.say_goodbye()
        await end(*tasks)
        await close(redis)


def main() -> None:
    """Entry of `dfp run streamer`."""
    serve("signal-streamer", StreamerSettings(), run)
