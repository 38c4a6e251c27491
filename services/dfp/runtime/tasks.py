"""How tasks are ended, for all who start some."""

import asyncio
from collections.abc import Awaitable
from typing import Any

LAST_COMMIT_S = 5.0
"""How long a graceful stop waits for the commit that is under way."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended; how they end is of no interest.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, in which redis-py sends, swallows a cancellation that
    comes in the moment in which it is done, and the task runs on.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def unless(stop: asyncio.Event, awaitable: Awaitable[Any]) -> bool:
    """Await something unless `stop` is set first; False when it was, and the other is then ended.

    Raises:
        Exception: what the awaitable raised.
    """
    task = asyncio.ensure_future(awaitable)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return False
        await task
        return True
    finally:
        await end(stopping, task)


async def until_one_ends(stop: asyncio.Event, *tasks: asyncio.Task[Any]) -> None:
    """Wait until one of the tasks has ended, or `stop` was set and `LAST_COMMIT_S` went by.

    Raises:
        Exception: what raised the first task, in the order given, that has ended.
    """
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            await asyncio.wait(tasks, timeout=LAST_COMMIT_S, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await end(stopping)
