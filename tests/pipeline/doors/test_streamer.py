"""The WebSocket door on a real server: what clients receive is exactly what the log holds."""

import asyncio
import random
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conftest import Server
from dfp.log import connection as log_connection
from door_processes import NAMES, Doors, doors, lives, publish, stream_holds
from revisions import revision
from socket_messages import any_message, next_message
from waiting import until


async def receive(
    client: ClientConnection, until: str, found: list[tuple[str, Any]] | None = None
) -> list[tuple[str, Any]]:
    """(id, payload) of opportunities up to and with the id `until`, added to `found`."""
    found = [] if found is None else found
    while not found or found[-1][0] != until:
        message = await next_message(client)
        assert message["type"] == "opportunity"
        found.append((message["id"], message["payload"]))
    return found


async def test_a_client_that_reconnects_again_and_again_receives_exactly_what_the_stream_holds(
    door: Doors, redis: Redis
) -> None:
    await door.start("streamer")
    chance = random.Random(7)

    async def write() -> None:
        waiting = lives(400)
        while waiting:
            burst = chance.choice([1, 3, 40])
            await publish(redis, *waiting[:burst])
            del waiting[:burst]
            await asyncio.sleep(chance.choice([0, 0.005, 0.02]))

    writing = asyncio.create_task(write())
    received: list[tuple[str, Any]] = []
    connections = 0
    while len(received) < 400:
        last_id = received[-1][0] if received else "0-0"
        async with connect(f"{door.socket_url}?last_id={last_id}", max_queue=None) as client:
            connections += 1
            for _ in range(min(chance.randint(1, 60), 400 - len(received))):
                message = await next_message(client)
                assert message["type"] == "opportunity"
                received.append((message["id"], message["payload"]))
    await writing
    assert connections > 5
    assert received == await stream_holds(redis)


async def test_a_new_client_gets_the_open_opportunities_and_then_what_follows(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(10))
    await door.start("streamer")
    async with connect(door.socket_url) as client:
        snapshot = await next_message(client)
        assert (snapshot["type"], snapshot["id"], "reason" in snapshot) == ("snapshot", "0-10", False)
        # Two of the four lives are at their third revision, which closes them.
        assert [(found["id"], found["rev"]) for found in snapshot["payload"]] == [("0-2", 2), ("0-3", 2)]
        await publish(redis, *lives(12)[10:])
        update = await next_message(client)
        assert (update["type"], update["id"], update["payload"]["id"]) == ("opportunity", "0-11", "0-2")
        assert update["hops"].keys() == {"ingest", "opportunity", "push"}


@pytest.mark.parametrize(("last_id", "reason"), [("0-77", "the log ends at 0-3"), ("yesterday", "entry id")])
async def test_an_id_that_cannot_be_resumed_from_gets_a_snapshot_and_the_reason(
    door: Doors, redis: Redis, last_id: str, reason: str
) -> None:
    await publish(redis, *lives(3))
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id={last_id}") as client:
        snapshot = await next_message(client)
        assert snapshot["type"] == "snapshot"
        assert reason in snapshot["reason"]


async def test_what_was_trimmed_cannot_be_resumed_and_the_client_is_told(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(30))
    await redis.xtrim(NAMES.opportunities, minid="0-21", approximate=False)
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-5") as client:
        assert "no longer kept" in (await next_message(client))["reason"]
    async with connect(f"{door.socket_url}?last_id=0-20") as client:
        assert await receive(client, "0-30") == await stream_holds(redis)


MANY = 8_000
"""About 10 MB: far more than the kernel's buffers and ours together."""


def narrow_socket(port: int) -> socket.socket:
    """A connection whose own end takes little before it is read from."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    made.connect(("127.0.0.1", port))
    return made


async def publish_many(redis: Redis, quick: ClientConnection) -> None:
    """Publish `MANY` revisions at the pace of one client that keeps up."""
    for first in range(0, MANY, 200):
        await publish(redis, *(revision(f"{n}", reason="x" * 500) for n in range(first, first + 200)))
        assert len(await receive(quick, f"0-{first + 200}")) == 200


async def test_a_slow_client_holds_nobody_up_and_catches_up_without_a_loss(door: Doors, redis: Redis) -> None:
    await door.start("streamer")
    url = f"{door.socket_url}?last_id=0-0"
    narrow = narrow_socket(door.streamer.http_port)
    async with connect(url, sock=narrow, max_queue=1) as slow, connect(url) as quick:
        await publish_many(redis, quick)
        assert await receive(slow, f"0-{MANY}") == await stream_holds(redis)


async def test_a_client_that_takes_nothing_is_closed_with_a_reason_and_resumes(door: Doors, redis: Redis) -> None:
    door.streamer.environment["DFP_CLIENT_PATIENCE_S"] = "0.5"
    await door.start("streamer")
    url = f"{door.socket_url}?last_id=0-0"
    received: list[tuple[str, Any]] = []
    narrow = narrow_socket(door.streamer.http_port)
    async with connect(url, sock=narrow, max_queue=1) as slow, connect(url) as quick:
        await publish_many(redis, quick)
        await until(lambda: "too slow" in door.streamer.log.read_text())
        with pytest.raises(ConnectionClosed) as closed:
            await receive(slow, f"0-{MANY}", received)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert re.fullmatch(r"too slow: \d+ bytes waited for 0\.5 s", closed.value.rcvd.reason)
    assert 0 < len(received) < MANY
    async with connect(f"{door.socket_url}?last_id={received[-1][0]}") as again:
        await receive(again, f"0-{MANY}", received)
    assert received == await stream_holds(redis)


async def test_heartbeats_come_with_the_last_id(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(3))
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-3") as client, asyncio.timeout(10):
        assert await any_message(client) == {"type": "heartbeat", "id": "0-3", "payload": {}}


async def test_a_streamer_that_stops_says_goodbye_and_its_successor_goes_on(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(3))
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-0") as client:
        received = await receive(client, "0-3")
        assert await asyncio.to_thread(door.streamer.stop) == 0
        with pytest.raises(ConnectionClosed) as goodbye:
            await client.recv()
        assert goodbye.value.rcvd is not None
        assert (goodbye.value.rcvd.code, goodbye.value.rcvd.reason) == (1012, "the streamer restarts")
    await publish(redis, *lives(6)[3:])
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id={received[-1][0]}") as client:
        received += await receive(client, "0-6")
    assert received == await stream_holds(redis)


@pytest.mark.parametrize(("target", "status"), [("/ws/nothing", 404), ("/ws/opportunities?lastid=0-1", 400)])
async def test_a_wrong_question_is_refused_before_a_connection_is_made(door: Doors, target: str, status: int) -> None:
    await door.start("streamer")
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{door.streamer.http_port}{target}")
    assert refused.value.response.status_code == status
    assert b"opportunities" in refused.value.response.body or b"last_id" in refused.value.response.body


async def test_an_entry_that_is_no_opportunity_stops_nobody(door: Doors, redis: Redis) -> None:
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-0") as client:
        await publish(redis, revision("a"))
        await redis.execute_command("XADD", NAMES.opportunities, "0-*", "k", "opportunity", "p", "{", "m", b"\x80")
        await redis.execute_command("XADD", NAMES.opportunities, "0-*", "what", "ever")
        await publish(redis, revision("b"))
        assert [identifier for identifier, _ in await receive(client, "0-4")] == ["0-1", "0-4"]
    async with connect(f"{door.socket_url}?last_id=0-1") as client:
        assert [identifier for identifier, _ in await receive(client, "0-4")] == ["0-4"]


async def test_connected_clients_live_through_a_restart_of_the_server(own_server: Server, tmp_path: Path) -> None:
    redis = log_connection.connect(own_server.url)
    with doors(own_server.url, tmp_path) as door:
        await publish(redis, *lives(3))
        await door.start("streamer")
        async with connect(f"{door.socket_url}?last_id=0-0") as client:
            received = await receive(client, "0-3")
            await redis.config_set("appendfsync", "always")
            await redis.incr("written")  # its answer comes after everything before it is on disk
            own_server.kill()
            own_server.start()
            await redis.connection_pool.disconnect()
            await publish(redis, *lives(6)[3:])
            received += await receive(client, "0-6")
            assert received == await stream_holds(redis)
    await redis.aclose()


async def test_when_the_log_has_lost_what_clients_saw_they_are_told_to_start_again(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(3))
    await door.start("streamer")
    async with connect(door.socket_url) as client:
        assert (await next_message(client))["id"] == "0-3"
        await redis.flushall()
        await publish(redis, revision("after"))
        resync = await next_message(client)
        assert (resync["type"], resync["id"]) == ("resync", "0-1")
        snapshot = await next_message(client)
        assert (snapshot["type"], snapshot["id"]) == ("snapshot", "0-1")
        assert [found["id"] for found in snapshot["payload"]] == ["after"]
        await publish(redis, revision("later"))
        assert (await next_message(client))["id"] == "0-2"
