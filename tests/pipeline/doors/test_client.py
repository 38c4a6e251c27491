"""The client on real doors: whatever is killed, a follower gets what the log holds, each revision once and in order."""

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis

from dfp.client import AsyncClient, Client, Connected, Event, Heartbeat, Lost, NotFound, Resync, Revision, Snapshot
from dfp.contracts import codec
from dfp.contracts.opportunity import State
from door_processes import Doors, lives, publish, stream_holds
from revisions import revision
from waiting import until

LAST = "the last"


def received(events: list[Event]) -> list[tuple[str, Any]]:
    """As `stream_holds` has it."""
    return [(event.id, json.loads(codec.encode(event.opportunity))) for event in events if isinstance(event, Revision)]


def is_last(event: Event) -> bool:
    return isinstance(event, Revision) and event.opportunity.id == LAST


async def follow(client: AsyncClient, last_id: str | None, events: list[Event]) -> None:
    async for event in client.follow(last_id):
        events.append(event)
        if is_last(event):
            return


def follow_plainly(url: str, events: list[Event]) -> None:
    with Client(url) as client:
        for event in client.follow("0-0"):
            events.append(event)
            if is_last(event):
                return


async def write(redis: Redis, stop: asyncio.Event) -> None:
    """Some hundred revisions a second until told to stop, then the last."""
    made = iter(lives(100_000))
    while not stop.is_set():
        await publish(redis, *(next(made) for _ in range(5)))
        await asyncio.sleep(0.01)
    await publish(redis, revision(LAST))


async def test_followers_lose_and_repeat_nothing_while_every_door_is_killed_under_load(
    door: Doors, redis: Redis
) -> None:
    await door.start("api", "streamer", "gateway")
    stop = asyncio.Event()
    all_of_it: list[Event] = []
    from_now: list[Event] = []
    plain: list[Event] = []
    async with AsyncClient(door.gateway_url, timeout_s=60) as client, asyncio.timeout(200):
        working = [
            asyncio.create_task(write(redis, stop)),
            asyncio.create_task(follow(client, "0-0", all_of_it)),
            asyncio.create_task(follow(client, None, from_now)),
            asyncio.create_task(asyncio.to_thread(follow_plainly, door.gateway_url, plain)),
        ]
        for service in ("streamer", "gateway", "api", "streamer"):
            for events in (all_of_it, from_now, plain):
                seen = len(events)
                await until(lambda events=events, seen=seen: len(events) > seen + 20)  # type: ignore[misc]
            getattr(door, service).kill()
            asking = asyncio.create_task(anext(client.opportunities(limit=1)))  # type: ignore[arg-type]
            await door.start(service)
            await asking  # it waited for the door
        stop.set()
        await asyncio.gather(*working)
    holds = await stream_holds(redis)
    assert received(all_of_it) == holds
    assert received(plain) == holds
    assert {type(event) for event in all_of_it + plain} <= {Connected, Lost, Revision, Heartbeat}
    assert sum(isinstance(event, Lost) for event in all_of_it) >= 3

    snapshots = [event for event in from_now if isinstance(event, Snapshot)]
    assert [snapshot.reason for snapshot in snapshots] == [None]
    assert received(from_now) == holds[int(snapshots[0].id.removeprefix("0-")) :]


async def test_a_follower_is_told_when_the_log_has_lost_what_it_knew(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(3))
    await door.start("streamer", "gateway")
    async with AsyncClient(door.gateway_url) as client, asyncio.timeout(60):
        events: list[Event] = []
        following = asyncio.create_task(follow(client, None, events))
        await until(lambda: any(isinstance(event, Snapshot) for event in events))
        await redis.flushall()
        await publish(redis, revision("after"))
        await until(lambda: isinstance(events[-1], Snapshot) and len(events) > 2)
        await publish(redis, revision(LAST))
        await following
    told = [event for event in events if isinstance(event, Resync | Snapshot | Revision)]
    assert [type(event) for event in told] == [Snapshot, Resync, Snapshot, Revision]


async def test_documents_come_through_the_gateway_in_their_types(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(12))
    await door.start("api", "gateway")
    async with AsyncClient(door.gateway_url, timeout_s=30) as client:
        closed = [found async for found in client.opportunities(state=State.CLOSED)]
        assert [found.id for found in closed] == ["0-3", "0-2", "0-1", "0-0"]
        assert await client.opportunity("0-1") == closed[2]
        assert [found.id async for found in client.opportunities(limit=2)] == ["0-3", "0-2"]
        with pytest.raises(NotFound) as missing:
            await client.opportunity("nothing")
        assert missing.value.value == "nothing"
        assert "still remembered" in missing.value.allowed
        assert (await client.version()).name == "dongfengpo"
