"""Two processes on one port: clients are spread over them, and one that dies is replaced."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from door_processes import Doors, doors, fetch, publish
from revisions import revision
from socket_messages import next_message
from waiting import until

pytestmark = pytest.mark.parametrize("shared_server", ["valkey"], indirect=True)

COUNT = 40


@pytest.fixture
def door(redis_url: str, tmp_path: Path) -> Iterator[Doors]:
    with doors(redis_url, tmp_path, DFP_SHARDS="2", DFP_DRAIN_S="0.2") as found:
        yield found


def shards(door: Doors) -> list[psutil.Process]:
    assert door.streamer.process is not None
    return psutil.Process(door.streamer.process.pid).children()


async def samples(door: Doors, name: str) -> dict[str, float]:
    """Shard -> a value of its metrics."""
    status, body = await fetch(f"http://127.0.0.1:{door.streamer.health_port}/metrics")
    assert status == 200
    families = text_string_to_metric_families(body.decode())
    return {
        sample.labels["shard"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and sample.labels.keys() == {"shard"}
    }


async def received(door: Doors, until_id: str) -> list[str]:
    """Ids of opportunities that a client receives that comes back after each loss of its connection."""
    found: list[str] = []
    last_id = "0-0"
    while not found or found[-1] != until_id:
        with contextlib.suppress(WebSocketException, OSError):
            async with connect(f"{door.socket_url}?last_id={last_id}") as client:
                while not found or found[-1] != until_id:
                    message = await next_message(client)
                    last_id = message["id"]
                    found.append(message["payload"]["id"])
        await asyncio.sleep(0.05)
    return found


async def test_a_shard_that_is_killed_is_replaced_and_its_clients_lose_nothing(door: Doors, redis: Redis) -> None:
    await door.start("streamer")
    following = [asyncio.create_task(received(door, "last")) for _ in range(COUNT)]

    async def both_have_clients() -> bool:
        clients = (await samples(door, "dfp_streamer_clients")).values()
        return len(clients) == 2 and min(clients) > 0 and sum(clients) == COUNT

    await until(both_have_clients)
    await publish(redis, revision("before"))
    victim, survivor = shards(door)
    victim.kill()
    await publish(redis, revision("while"))
    await until(lambda: victim.pid not in {shard.pid for shard in shards(door)} and len(shards(door)) == 2)
    await door.streamer.ready()
    await publish(redis, revision("last"))
    assert await asyncio.gather(*following) == [["before", "while", "last"]] * COUNT
    assert survivor.is_running()
    left = shards(door)
    assert await asyncio.to_thread(door.streamer.stop) == 0
    assert not any(shard.is_running() for shard in left)


async def test_shards_end_when_the_process_is_gone_that_has_started_them(door: Doors) -> None:
    await door.start("streamer")
    left = shards(door)
    door.streamer.kill()
    await until(lambda: not any(shard.is_running() for shard in left))


async def test_a_port_that_is_taken_is_said_and_not_tried_for_ever(door: Doors) -> None:
    await door.start("api")
    door.streamer.http_port = door.api.http_port
    door.streamer.start()
    assert door.streamer.process is not None
    assert await asyncio.to_thread(door.streamer.process.wait, 20) != 0
    assert f"cannot listen on 127.0.0.1:{door.streamer.http_port}" in door.streamer.log.read_text()
