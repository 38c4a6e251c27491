"""Waiting for what another process does: there is nothing to await but the condition itself."""

import asyncio
import inspect
from collections.abc import Callable

from redis.asyncio import Redis

from dfp.log.extent import last_seq


async def until(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Return when the condition, which may be a coroutine function, holds.

    Args:
        timeout_s: bounds how long a failure takes; on a busy machine what succeeds may take long too.

    Raises:
        TimeoutError: it did not in time.
    """
    async with asyncio.timeout(timeout_s):
        while True:
            held = condition()
            if await held if inspect.isawaitable(held) else held:
                return
            await asyncio.sleep(0.01)


async def reached(redis: Redis, stream: str, seq: int) -> None:
    """Return when a stream's last entry has this sequence number or a later one."""

    async def is_there() -> bool:
        return await last_seq(redis, stream) >= seq

    await until(is_there)
