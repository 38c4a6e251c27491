"""Runs `async def` handlers to their end, in the order of the log, without an event loop.

Whatever a handler awaits must be there at once: what is not comes from outside of the log, and would make the output
depend on when it arrives.
"""

import inspect
from collections.abc import Coroutine
from typing import Any

from dfp.sdk.errors import StrategyError

_NOT_THERE = "the handler awaits something that is not there yet; only what is in the log can be awaited"


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns.

    Raises:
        StrategyError: it waits for something outside; whatever it raises itself.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise StrategyError(_NOT_THERE)


def resolved(produced: Any, most: int) -> Any:
    """What a handler gave, with an `async def` run to its end; other values as they are.

    Args:
        most: values that an async generator may give before it is left.

    Raises:
        StrategyError: see `finished`.
    """
    if inspect.iscoroutine(produced):
        produced = finished(produced)
    if not inspect.isasyncgen(produced):
        return produced
    found: list[Any] = []
    try:
        while len(found) < most:
            found.append(finished(_next(produced)))
    except StopAsyncIteration:
        return found
    finished(produced.aclose())
    return found


async def _next(generator: Any) -> Any:
    return await generator.__anext__()
