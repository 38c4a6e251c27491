"""What runs beside a test fails the test at once, with its own error."""

import asyncio

import pytest

from running import running


async def good(stop: asyncio.Event) -> None:
    await stop.wait()


async def dying(stop: asyncio.Event) -> None:
    await asyncio.sleep(0)
    raise LookupError("dead")


async def hasty(stop: asyncio.Event) -> None:
    await asyncio.sleep(0)


async def dying_at_the_end(stop: asyncio.Event) -> None:
    await stop.wait()
    raise LookupError("dead")


async def test_it_is_stopped_at_the_end() -> None:
    ended = asyncio.Event()

    async def noted(stop: asyncio.Event) -> None:
        await stop.wait()
        ended.set()

    async with running(noted):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()


async def test_its_death_ends_the_body_wherever_that_waits() -> None:
    with pytest.raises(LookupError, match="dead") as raised:
        async with running(dying):
            await asyncio.Event().wait()
    assert raised.traceback[-1].name == "dying"


async def test_an_end_before_its_time_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="before it was told to"):
        async with running(hasty):
            await asyncio.Event().wait()


async def test_an_error_at_its_end_is_raised_too() -> None:
    with pytest.raises(LookupError, match="dead"):
        async with running(dying_at_the_end):
            pass


async def test_the_error_of_the_body_is_raised_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with running(good):
            raise KeyError
