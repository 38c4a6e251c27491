"""The signal-api as a process."""

import asyncio
import gc
from importlib import metadata

from dfp.api.app import create_app
from dfp.api.inquiry import TIMEOUT_S, Inquiry
from dfp.api.memory import Feeds, Memory
from dfp.api.settings import ApiSettings
from dfp.log.connection import close, connect
from dfp.runtime.http import serve_http
from dfp.runtime.service import Service, serve
from dfp.runtime.tasks import end


async def run(service: Service[ApiSettings]) -> None:
    """Follow the log and answer requests until the service is told to stop."""
    settings = service.settings
    redis = connect(settings.redis_url)
    asking = connect(settings.redis_url, socket_timeout=TIMEOUT_S)
    memory = Memory()
    feeds = Feeds(redis, service.names, memory, service.health)
    app = create_app(memory, Inquiry(asking, service.names), service.health, _version(), feeds.all)
    gc.collect()
    gc.freeze()  # modules and routes stay for good: later collections, which delay requests, need not walk them
    following = asyncio.create_task(feeds.run(service.stop))
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
        await close(asking)


def _version() -> str:
    try:
        return metadata.version("dongfengpo")
    except metadata.PackageNotFoundError:
        return "0+checkout"


def main() -> None:
    """Entry of `dfp run api`."""
    serve("signal-api", ApiSettings(), run)
