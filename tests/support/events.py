"""Events of a follower, for tests."""

import asyncio
from collections.abc import AsyncIterator

from dfp.client import Event


async def take(follow: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(30):
        return [await anext(follow) for _ in range(count)]


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]
