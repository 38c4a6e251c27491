"""Ending tasks, above all those that do not end at the first word."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfp.runtime import tasks as tasks_module
from dfp.runtime.tasks import end, unless, until_one_ends


async def stubborn(swallowed: int) -> None:
    """Runs until it has been cancelled once more than `swallowed` times, as `asyncio.wait_for` of 3.11 may do."""
    for _ in range(swallowed):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


async def failing() -> None:
    raise ValueError("no")


@given(swallowed=st.lists(st.integers(0, 2), min_size=1, max_size=3))
def test_tasks_that_swallow_cancellations_are_ended_all_the_same(swallowed: list[int]) -> None:
    async def ended() -> list[bool]:
        tasks = [asyncio.create_task(stubborn(times)) for times in swallowed]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await end(*tasks)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(ended()) == [True] * len(swallowed)


async def test_the_error_of_a_task_that_has_failed_before_is_not_raised() -> None:
    task = asyncio.create_task(failing())
    await asyncio.wait({task})
    await end(task)
    assert task.done()


async def test_no_tasks_are_ended_at_once() -> None:
    async with asyncio.timeout(1):
        await end()


async def test_what_is_done_before_the_stop_is_awaited() -> None:
    assert await unless(asyncio.Event(), asyncio.sleep(0))


async def test_what_fails_before_the_stop_raises() -> None:
    with pytest.raises(ValueError, match="no"):
        await unless(asyncio.Event(), failing())


@pytest.mark.parametrize("swallowed", [0, 1])
async def test_a_stop_ends_what_is_waited_for(swallowed: int) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(stubborn(swallowed))
    asyncio.get_running_loop().call_later(0.01, stop.set)
    async with asyncio.timeout(10):
        assert not await unless(stop, task)
    assert task.cancelled()


async def test_after_the_stop_even_what_is_done_does_not_count() -> None:
    stop = asyncio.Event()
    stop.set()
    assert not await unless(stop, asyncio.sleep(0))


async def test_of_two_that_run_the_error_of_the_first_to_end_is_raised() -> None:
    lasting, short = asyncio.create_task(stubborn(0)), asyncio.create_task(failing())
    with pytest.raises(ValueError, match="no"):
        await until_one_ends(asyncio.Event(), lasting, short)
    await end(lasting)


async def test_who_is_told_to_stop_may_end_what_is_under_way_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()

    async def polite() -> None:
        await stop.wait()
        raise ValueError("at the end")

    stop.set()
    ending = asyncio.create_task(polite())
    with pytest.raises(ValueError, match="at the end"):
        await until_one_ends(stop, ending)
    monkeypatch.setattr(tasks_module, "LAST_COMMIT_S", 0.01)
    deaf = asyncio.create_task(stubborn(0))
    await until_one_ends(stop, deaf)
    assert not deaf.done()
    await end(deaf)
