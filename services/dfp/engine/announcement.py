"""Says in Redis which strategy an engine runs, and how."""

import asyncio

from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.names import Names
from dfp.contracts.running_strategy import RunningStrategy
from dfp.log.connection import UNREACHABLE

RETRY_S = 0.5


async def announce(redis: Redis, names: Names, running: RunningStrategy) -> None:
    """Write the document, however long the server is away. The engine's own work does not wait for this."""
    while True:
        try:
            await redis.hset(names.strategies, running.name, codec.encode(running))
        except UNREACHABLE:
            await asyncio.sleep(RETRY_S)
        else:
            return
