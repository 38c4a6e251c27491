"""The signal-streamer as a process."""

import asyncio
import os
import time
from collections.abc import Sequence

from picows import WSAutoPingStrategy, ws_create_server

from dfp.api.feed import Feed
from dfp.log.connection import close, connect
from dfp.runtime.service import Service, serve
from dfp.runtime.tasks import end
from dfp.streamer import authorize, incoming
from dfp.streamer.alert_feed import AlertFeed
from dfp.streamer.backlog import RedisBacklog
from dfp.streamer.door import Door
from dfp.streamer.hub import Hub
from dfp.streamer.listening import BACKLOG, allow_many_connections, bind
from dfp.streamer.metrics import Metrics
from dfp.streamer.sender import Sender
from dfp.streamer.settings import StreamerSettings
from dfp.streamer.shards import supervise
from dfp.streamer.socket_client import Limits

HEARTBEAT_S = 5.0
HANDSHAKE_S = 5.0
PARENT_S = 1.0
READY_S = 0.005
READ_BUFFER = 2048
"""Bytes of a connection's read buffer at first: most clients send nothing, and it grows for those that do."""


async def _beat(hub: Hub) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        hub.heartbeat()


async def _fail_with(sender: Sender) -> None:
    await sender.failed


async def _end_with(parent: int) -> None:
    """Return when the process that has started this one is gone."""
    while True:
        await asyncio.sleep(PARENT_S)
        if os.getppid() != parent:
            return


async def _until_ready(hub: Hub, tasks: Sequence[asyncio.Task[object]]) -> None:
    """Return when clients can be admitted, or when a task has ended."""
    while not hub.ready:
        done, _ = await asyncio.wait(tasks, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return


async def run(service: Service[StreamerSettings]) -> None:
    """Serve clients until the service is told to stop, here or in shards."""
    await (supervise(service) if service.settings.shards > 1 else serve_clients(service))


async def serve_clients(service: Service[StreamerSettings]) -> None:
    """Follow the log and serve clients until the service is told to stop."""
    settings = service.settings
    metrics = Metrics()
    service.health.metrics = metrics.text
    allow_many_connections()
    redis = connect(settings.redis_url)
    sender = Sender()
    hub = Hub(RedisBacklog(redis, service.names.opportunities), time.time_ns, sender.wake, metrics.delay.observe)
    sender.flush = hub.flush
    limits = Limits(settings.client_buffer_bytes, settings.client_patience_s)
    door = Door(hub, authorize.load(settings.authorize), limits, metrics)
    metrics.watch(door.clients, hub)
    feed = Feed(redis, service.names.opportunities, hub, service.health)
    alerts = AlertFeed(redis, service.names.risk_alerts, hub.take_alert)
    shared = settings.shard_of is not None
    listening = bind(settings.http_host, settings.http_port, shared=shared, send_buffer=settings.client_buffer_bytes)
    end_feeds = asyncio.Event()  # clients are told what happens until the last of them is gone
    work = (feed.run(end_feeds), alerts.run(end_feeds), _beat(hub), _fail_with(sender), service.stop.wait())
    tasks = [asyncio.create_task(each) for each in work]
    if settings.shard_of is not None:
        tasks.append(asyncio.create_task(_end_with(settings.shard_of)))
        await _until_ready(hub, tasks)  # until then, the other shards serve
    server = await ws_create_server(
        door,
        sock=listening,
        backlog=BACKLOG,
        enable_auto_ping=True,
        auto_ping_idle_timeout=settings.ping_s,
        auto_ping_reply_timeout=settings.ping_s,
        auto_ping_strategy=WSAutoPingStrategy.PING_PERIODICALLY,
        enable_auto_pong=False,  # it would answer clients that read nothing, without end
        websocket_handshake_timeout=HANDSHAKE_S,
        max_frame_size=incoming.LARGEST,
        read_buffer_init_size=READ_BUFFER,
    )
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # the feeds, the heartbeat and the sender end only by an error
    finally:
        service.stop.set()
        await door.say_goodbye(settings.drain_s)
        server.close()
        end_feeds.set()
        await end(*tasks)
        await close(redis)


def main() -> None:
    """Entry of `dfp run streamer`."""
    serve("signal-streamer", StreamerSettings(), run)
