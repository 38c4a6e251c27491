"""What a streamer counts can be read on its health port."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from door_processes import Doors, fetch, publish
from raw_socket import TEXT, RawSocket, frame
from revisions import revision
from socket_messages import next_message
from waiting import until

pytestmark = pytest.mark.parametrize("shared_server", ["valkey"], indirect=True)


async def values(door: Doors) -> dict[str, float]:
    """Name, with its labels, -> value."""
    status, body = await fetch(f"http://127.0.0.1:{door.streamer.health_port}/metrics")
    assert status == 200
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


async def test_clients_frames_bytes_delays_and_the_ends_of_connections_are_counted(door: Doors, redis: Redis) -> None:
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-0") as client:
        await publish(redis, revision("one"))
        await next_message(client)
        rude = await RawSocket.open(door.streamer.http_port)
        rude.send(frame(TEXT, b"\xff"))
        assert (await rude.closed())[0] == 1007
        rude.writer.transport.abort()
        found = await values(door)
        assert found["dfp_streamer_frames_total"] == 2  # the revision, and the snapshot of the other one
        assert found["dfp_streamer_bytes_total"] > 500
        assert found["dfp_streamer_delay_seconds_count"] == 1
        assert found["dfp_streamer_history_messages"] == 1
        assert found["dfp_streamer_history_bytes"] > 300
        assert found["dfp_streamer_closes_total invalid_text"] == 1
        assert found["dfp_streamer_clients"] >= 1

    async def the_client_is_counted() -> bool:
        found = await values(door)
        return found["dfp_streamer_clients"] == 0 and found.get("dfp_streamer_closes_total client") == 1

    await until(the_client_is_counted)
    await asyncio.to_thread(door.streamer.stop)
