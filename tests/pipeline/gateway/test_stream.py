"""WebSocket clients behind the gateway: over restarts of streamers and of the gateway itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conftest import free_port
from door_processes import DoorProcess, Doors, lives, publish
from gateway_process import gateway
from waiting import until


def join(entrance: DoorProcess, query: str = "") -> connect:
    return connect(f"ws://127.0.0.1:{entrance.http_port}/ws/opportunities{query}", proxy=None, open_timeout=20)


async def messages(client: ClientConnection) -> AsyncIterator[dict[str, object]]:
    """Every message until the connection ends."""
    try:
        while True:
            for line in str(await client.recv()).split("\n"):
                yield json.loads(line)
    except ConnectionClosed:
        return


async def until_seen(client: ClientConnection, identifier: str) -> list[object]:
    """Ids up to this one."""
    seen: list[object] = []
    async with asyncio.timeout(20):
        async for message in messages(client):
            seen.append(message["id"])
            if message["id"] == identifier:
                return seen
    raise AssertionError(f"closed before {identifier}: {seen}")


async def test_a_client_lives_through_a_restart_of_the_streamer_and_misses_nothing(door: Doors, redis: Redis) -> None:
    everything = lives(9)
    await publish(redis, *everything[:3])
    await door.start("streamer", "gateway")
    async with join(door.gateway, "?last_id=0-0") as client:
        seen = await until_seen(client, "0-3")
        stopping = asyncio.create_task(asyncio.to_thread(door.streamer.stop))
        async for _ in messages(client):
            pass
        assert client.close_code == 1012
        assert await stopping == 0
    await publish(redis, *everything[3:])
    door.streamer.start()
    await door.streamer.ready()

    async def joined() -> bool:
        try:
            async with join(door.gateway, "?last_id=0-3") as client:
                seen.extend(await until_seen(client, "0-9"))
        except InvalidStatus:
            return False  # it starts, or the gateway does not know yet that it did
        return True

    await until(joined)
    assert seen == [f"0-{n}" for n in range(1, 10)]


async def test_a_gateway_that_ends_says_goodbye(door: Doors, redis: Redis) -> None:
    await publish(redis, *lives(3))
    await door.start("streamer", "gateway")
    async with join(door.gateway) as client:
        await until_seen(client, "0-3")
        assert await asyncio.to_thread(door.gateway.stop) == 0
        async for _ in messages(client):
            pass
        assert client.close_code == 1001


async def test_a_handshake_that_nobody_can_take_is_refused_with_a_problem_and_word_when_to_come_back(
    door: Doors,
) -> None:
    await door.start("gateway")
    with pytest.raises(InvalidStatus) as refused:
        await join(door.gateway).__aenter__()
    response = refused.value.response
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert json.loads(response.body)["status"] == 503


async def test_what_the_streamer_refuses_is_its_own_to_word(door: Doors) -> None:
    await door.start("streamer", "gateway")
    with pytest.raises(InvalidStatus) as refused:
        await join(door.gateway, "?nonsense=1").__aenter__()
    assert refused.value.response.status_code == 400
    assert b"nonsense" in refused.value.response.body


async def test_clients_are_spread_over_streamers_and_go_to_the_one_that_is_left(
    door: Doors, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """On one machine instances differ in their address, as pods do: the health port is the same for all."""
    await publish(redis, *lives(3))
    first, second = (
        DoorProcess(
            "streamer",
            dict(door.streamer.environment),
            tmp_path / f"{host}.log",
            http_port=door.streamer.http_port,
            health_port=door.streamer.health_port,
            host=host,
        )
        for host in ("127.0.0.2", "127.0.0.3")
    )
    addresses = [f"{streamer.host}:{streamer.http_port}" for streamer in (first, second)]
    health = str(first.health_port)
    with gateway(tmp_path, [free_port()], addresses, DFP_STREAMER_HEALTH_PORT=health) as entrance:
        try:
            first.start()
            second.start()
            await first.ready()
            await second.ready()
            entrance.start()
            await entrance.ready()
            clients = [await join(entrance).__aenter__() for _ in range(6)]
            for client in clients:
                await until_seen(client, "0-3")
            leaving = asyncio.create_task(asyncio.to_thread(second.stop))
            await until(lambda: any(client.close_code == 1012 for client in clients))
            await leaving
            assert [client.close_code for client in clients].count(1012) == 3
            for _ in range(3):
                async with join(entrance) as again:
                    await until_seen(again, "0-3")
            for client in clients:
                await client.close()
        finally:
            first.kill()
            second.kill()
