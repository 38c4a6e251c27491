"""Something that runs beside a test, and whose death is the test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Awaitable[object]]) -> AsyncIterator[None]:
    """Let `run(stop)` run while the body does; at its end `stop` is set and the end of `run` awaited.

    When it ends before, the body is ended wherever it waits, and what `run` raised is raised.
    """
    stop = asyncio.Event()

    async def until_told() -> None:
        await run(stop)
        assert stop.is_set(), "it ended before it was told to"

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(until_told())
            try:
                yield
            finally:
                stop.set()
    except BaseExceptionGroup as failed:
        if len(failed.exceptions) > 1:
            raise
        raise failed.exceptions[0] from None
