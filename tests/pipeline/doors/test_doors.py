"""REST door, gateway and page as processes: they answer, they survive a lost server, they end when they are told to."""

import asyncio
import json
from pathlib import Path

import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from conftest import Server
from dfp.log import connection as log_connection
from door_processes import NAMES, Doors, doors, fetch, lives, publish
from revisions import revision
from socket_messages import next_message


async def listed(url: str) -> list[tuple[str, int]]:
    status, body = await fetch(f"{url}/opportunities?limit=1000")
    assert status == 200, body
    return [(found["id"], found["rev"]) for found in json.loads(body)["opportunities"]]


async def until_listed(url: str, identifier: str) -> None:
    """Wait until the API has followed the log to this opportunity."""
    async with asyncio.timeout(20):
        while True:
            status, _ = await fetch(f"{url}/opportunities/{identifier}")
            if status == 200:
                return
            await asyncio.sleep(0.02)


async def test_the_api_answers_with_what_the_log_holds_and_follows_it(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(10))
    await door.start("api")
    assert await listed(door.api_url) == [("0-1", 3), ("0-0", 3), ("0-3", 2), ("0-2", 2)]
    await publish(redis, revision("next"))
    await until_listed(door.api_url, "next")


async def test_the_api_reads_a_long_log_to_its_end_before_it_is_ready(door: Doors, redis: Redis) -> None:
    await publish(redis, *(revision(f"{n}") for n in range(1_200)))
    await door.start("api")
    status, body = await fetch(f"{door.api_url}/opportunities?limit=1")
    assert (status, json.loads(body)["id"]) == (200, "0-1200")


async def test_the_api_starts_at_what_is_left_of_a_trimmed_log(door: Doors, redis: Redis) -> None:
    await publish(redis, *(revision(f"{n}") for n in range(20)))
    await redis.xtrim(NAMES.opportunities, minid="0-19", approximate=False)
    await door.start("api")
    assert await listed(door.api_url) == [("19", 1), ("18", 1)]


async def test_the_api_forgets_what_the_log_has_lost(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(4))
    await door.start("api")
    await redis.flushall()
    await publish(redis, revision("after"))
    await until_listed(door.api_url, "after")
    assert await listed(door.api_url) == [("after", 1)]


@pytest.mark.parametrize(
    ("owner", "feed"), [(b'{"feed":"replay","pid":1}', "replay"), (None, None), (b"{", None), (b"[]", None)]
)
async def test_the_version_names_the_feed_when_the_owner_says_it(
    door: Doors, redis: Redis, owner: bytes | None, feed: str | None
) -> None:
    if owner is not None:
        await redis.set(NAMES.owner, owner)
    await door.start("api")
    _, body = await fetch(f"{door.api_url}/version")
    assert json.loads(body)["feed"] == feed


async def test_the_api_answers_from_memory_while_the_server_is_away_and_goes_on_after(
    own_server: Server, tmp_path: Path
) -> None:
    redis = log_connection.connect(own_server.url)
    with doors(own_server.url, tmp_path) as door:
        await publish(redis, revision("before"))
        await door.start("api")
        await redis.config_set("appendfsync", "always")
        await redis.incr("written")  # its answer comes after everything before it is on disk
        own_server.kill()
        assert await listed(door.api_url) == [("before", 1)]
        _, version = await fetch(f"{door.api_url}/version")
        assert json.loads(version)["feed"] is None
        own_server.start()
        await redis.connection_pool.disconnect()
        await publish(redis, revision("after"))
        await until_listed(door.api_url, "after")
        assert door.api.stop() == 0
    await redis.aclose()


async def test_the_gateway_leads_to_all_doors_and_to_the_page(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(5))
    await door.start("api", "streamer", "gateway")
    url = door.gateway_url
    direct = await fetch(f"{door.api_url}/opportunities")
    assert direct[0] == 200
    assert await fetch(f"{url}/opportunities") == await fetch(f"{url}/api/opportunities") == direct
    assert (await fetch(f"{url}/opportunities/0-3"))[0] == 200
    assert (await fetch(f"{url}/health/ready")) == (200, b"serving\n")
    assert (await fetch(f"{url}/version")) == await fetch(f"{url}/api/version")
    async with connect(f"{url.replace('http', 'ws')}/ws/opportunities?last_id=0-0") as client:
        ids = [(await next_message(client))["id"] for _ in range(5)]
    assert ids == [f"0-{n}" for n in range(1, 6)]
    for path, piece in (("/", b"Dongfengpo"), ("/main.js", b"import"), ("/style.css", b"--up")):
        status, body = await fetch(f"{url}{path}")
        assert (status, piece in body) == (200, True)


async def test_the_gateways_own_errors_are_problems(door: Doors) -> None:
    await door.start("gateway")
    status, body = await fetch(f"{door.gateway_url}/nothing")
    assert (status, json.loads(body)["status"]) == (404, 404)
    status, body = await fetch(f"{door.gateway_url}/opportunities")
    assert (status, json.loads(body)["title"]) == (503, "Service Unavailable")


async def test_a_request_waits_for_a_door_that_restarts(door: Doors) -> None:
    await door.start("gateway")
    asking = asyncio.create_task(fetch(f"{door.gateway_url}/health/live"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nback")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", door.api.http_port):
        assert await asking == (200, b"back")


@pytest.mark.parametrize("service", ["api", "streamer", "gateway"])
async def test_a_door_that_is_told_to_end_ends_well(door: Doors, service: str) -> None:
    await door.start(*(["api"] if service == "gateway" else []), service)
    process = getattr(door, service)
    assert (await fetch(f"http://127.0.0.1:{process.health_port}/health/live"))[0] == 200
    assert await asyncio.to_thread(process.stop) == 0


@pytest.mark.parametrize("service", ["api", "streamer"])
async def test_a_door_whose_port_is_taken_says_so_and_ends(door: Doors, service: str) -> None:
    await door.start("api")
    process = getattr(door, service) if service == "streamer" else door.gateway
    if service == "api":
        process.service, process.environment = "api", dict(door.api.environment)
    process.http_port = door.api.http_port
    process.start()
    assert await asyncio.to_thread(process.process.wait, 20) != 0
    assert str(process.http_port) in process.log.read_text()
