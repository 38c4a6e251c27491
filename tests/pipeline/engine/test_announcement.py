"""An engine says what it runs, on a real server and with the service's own code."""

import asyncio
from functools import partial

from redis.asyncio import Redis

from conftest import ROOT, Server
from dfp.contracts import codec
from dfp.contracts.names import Names
from dfp.contracts.running_strategy import RunningStrategy
from dfp.engine.assembly import assemble
from dfp.engine.deadline import NoDeadline
from dfp.engine.service import run
from dfp.engine.settings import EngineSettings
from dfp.log.connection import connect
from dfp.runtime.service import Service
from running import running
from waiting import until

NAMES = Names("desk")
CODE = f"file:{ROOT / 'examples/breakout/breakout.py'}:Breakout"


async def told(redis: Redis) -> RunningStrategy:
    found: bytes | None = None

    async def there() -> bool:
        nonlocal found
        found = await redis.hget(NAMES.strategies, "breakout")
        return found is not None

    await until(there)
    assert found is not None
    return codec.decode(found, RunningStrategy)


def engine(url: str) -> Service[EngineSettings]:
    settings = EngineSettings(
        redis_url=url, stream_prefix=NAMES.prefix, strategy="breakout", strategy_code=CODE, strategy_mode="Live"
    )
    return Service("engine/breakout", settings, NAMES)


async def until_stopped(service: Service[EngineSettings], stop: asyncio.Event) -> None:
    core = assemble(NAMES, "breakout", code=CODE, parameters={}, universe={}, live=True, watch=NoDeadline())
    service.stop = stop
    await run(service, core)


async def test_an_engine_says_what_it_runs_in_which_mode_and_with_which_parameters(
    redis: Redis, redis_url: str
) -> None:
    async with running(partial(until_stopped, engine(redis_url))):
        found = await told(redis)
    assert (found.name, found.mode, found.instance, found.universe) == ("breakout", "Live", "local", {})
    assert found.parameters
    assert found.revision


async def test_a_server_that_comes_late_is_told_as_well(own_server: Server) -> None:
    own_server.kill()
    service = engine(own_server.url)
    async with running(partial(until_stopped, service)):
        await until(lambda: service.health.state == "waiting for the lease")
        own_server.start()
        redis = connect(own_server.url)
        assert (await told(redis)).mode == "Live"
        await redis.aclose()
