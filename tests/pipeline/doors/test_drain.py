"""A streamer that is told to end sends its clients away one after the other, and lets nobody in."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State

from door_processes import Doors, doors, publish
from revisions import revision
from socket_messages import next_message

pytestmark = pytest.mark.parametrize("shared_server", ["valkey"], indirect=True)

COUNT = 200


@pytest.fixture
def door(redis_url: str, tmp_path: Path) -> Iterator[Doors]:
    with doors(redis_url, tmp_path, DFP_DRAIN_S="3") as found:
        yield found


async def until_closed(client: ClientConnection) -> list[str]:
    """The opportunities that it is told before it is closed."""
    told: list[str] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = await next_message(client)
            if message["type"] == "opportunity":
                told.append(message["payload"]["id"])
    return told


async def test_clients_leave_one_after_the_other_and_new_ones_are_told_to_come_back(door: Doors, redis: Redis) -> None:
    await door.start("streamer")
    clients = [await connect(f"{door.socket_url}?last_id=0-0") for _ in range(COUNT)]
    leaving = [asyncio.create_task(until_closed(client)) for client in clients]
    assert door.streamer.process is not None
    door.streamer.process.terminate()
    await asyncio.wait(leaving, return_when=asyncio.FIRST_COMPLETED)
    open_yet = sum(client.state is State.OPEN for client in clients)
    await publish(redis, revision("late"))
    with pytest.raises(InvalidStatus) as refused:
        await connect(door.socket_url)
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "1"
    told = await asyncio.gather(*leaving)
    assert open_yet > 0
    assert [client.close_code for client in clients] == [1012] * COUNT
    assert ["late"] in told, "until they are sent away, clients are served"
    assert await asyncio.to_thread(door.streamer.process.wait, 20) == 0


async def test_without_clients_it_ends_at_once(door: Doors) -> None:
    await door.start("streamer")
    assert await asyncio.to_thread(door.streamer.stop) == 0
