"""The signal-api as a process."""

import asyncio
from importlib import metadata

import msgspec
from redis.asyncio import Redis

from dfp.api.app import create_app
from dfp.api.feed import Feed
from dfp.api.settings import ApiSettings
from dfp.api.store import Store
from dfp.contracts.names import Names
from dfp.log.connection import UNREACHABLE, close, connect
from dfp.runtime.http import serve_http
from dfp.runtime.service import Service, serve
from dfp.runtime.tasks import end

FEED_NAME_TIMEOUT_S = 0.5


class _Owner(msgspec.Struct):
    feed: str


async def feed_name(redis: Redis, names: Names) -> str | None:
    """Which feed drives the pipeline, None when its owner did not say or cannot be asked."""
    try:
        async with asyncio.timeout(FEED_NAME_TIMEOUT_S):
            owner = await redis.get(names.owner)
    except UNREACHABLE:
        return None
    try:
        return msgspec.json.decode(owner, type=_Owner).feed if owner else None
    except msgspec.MsgspecError:
        return None


async def run(service: Service[ApiSettings]) -> None:
    """Follow the log and answer requests until the service is told to stop."""
    settings = service.settings
    redis = connect(settings.redis_url)
    store = Store()
    feed = Feed(redis, service.names.opportunities, store, service.health)
    app = create_app(store, service.health, _version(), lambda: feed_name(redis, service.names))
    following = asyncio.create_task(feed.run(service.stop))
    serving = asyncio.create_task(serve_http(app, str(settings.http_host), settings.http_port, service.stop))
    try:
        await asyncio.wait({following, serving}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()  # ends only by an error, which is not to be hidden behind old answers
        await serving
    finally:
        service.stop.set()
        await end(following)
        await asyncio.gather(serving, return_exceptions=True)
        await close(redis)


def _version() -> str:
    try:
        return metadata.version("dongfengpo")
    except metadata.PackageNotFoundError:
        return "0+checkout"


def main() -> None:
    """Entry of `dfp run api`."""
    serve("signal-api", ApiSettings(), run)
