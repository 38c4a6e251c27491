"""Which pipeline a command is about, and work on its server."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from dfp.contracts.names import Names
from dfp.local.mistake import UserMistake

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")

RedisOption: TypeAlias = Annotated[
    str | None, typer.Option(help="redis://, rediss:// or unix://; the `dfp up` that runs here unless given.")
]
PrefixOption: TypeAlias = Annotated[str | None, typer.Option(help="Stream prefix of the pipeline. [default: dfp]")]


def locate(redis: str | None, prefix: str | None) -> tuple[str, str]:
    """URL and prefix: what was given, else the environment's, else those of the pipeline that runs on this machine.

    Raises:
        UserMistake: no pipeline runs here and no URL was given, or it is none.
    """
    from dfp.local.directory import running
    from dfp.local.options import redis_url

    url = redis_url(redis or os.environ.get("DFP_REDIS_URL"))
    if url is not None:
        return url, prefix or os.environ.get("DFP_STREAM_PREFIX", "dfp")
    for run in running():
        if prefix in (None, run.prefix):
            return run.redis_url, run.prefix
    raise UserMistake("no `dfp up` runs here; start one, or give the server with --redis redis://HOST:PORT")


def on_server(redis: str | None, prefix: str | None, act: Callable[["Redis", Names], Awaitable[T]]) -> T:
    """What `act` gives on the server of a pipeline.

    Raises:
        UserMistake: there is no pipeline, or its server cannot be reached.
    """
    from dfp.local import options
    from dfp.local.owner import check_reachable
    from dfp.log.connection import UNREACHABLE, close, connect

    url, used = locate(redis, prefix)
    names = Names(options.prefix(used))

    async def run() -> T:
        server = connect(url)
        try:
            await check_reachable(server, url)
            return await act(server, names)
        except UNREACHABLE as error:
            raise UserMistake(f"the server went away: {error}") from None
        finally:
            await close(server)

    return asyncio.run(run())
