"""Filters and alerts on real sockets. Each message that is read here is checked against its schema."""

import json
from typing import Any

import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from dfp.contracts import codec
from dfp.contracts.entry import Kind, Meta, to_fields
from dfp.contracts.risk import Alert, Severity
from door_processes import NAMES, Doors, publish
from revisions import revision
from socket_messages import any_message, next_message
from waiting import until

pytestmark = pytest.mark.parametrize("shared_server", ["valkey"], indirect=True)


async def told(client: ClientConnection, count: int) -> list[tuple[str, int]]:
    """(opportunity, revision) of the next messages."""
    found = [await next_message(client) for _ in range(count)]
    return [(message["payload"]["id"], message["payload"]["rev"]) for message in found]


async def alert(redis: Redis, identifier: str) -> None:
    made = Alert(
        id=identifier, rule="house/loss", severity=Severity.WARNING, target="pipeline", time=1, message="a loss"
    )
    fields = to_fields(Kind.ALERT, codec.encode(made), Meta())
    await redis.execute_command("XADD", NAMES.risk_alerts, "0-*", *fields)


async def subscribe(client: ClientConnection, **fields: Any) -> list[dict[str, Any]]:
    """Ask for another filter; the answer and the snapshot."""
    await client.send(json.dumps({"type": "subscribe", **fields}))
    return [await next_message(client), await next_message(client)]


async def test_a_filter_of_the_request_holds_from_the_snapshot_on(door: Doors, redis: Redis) -> None:
    await publish(redis, revision("a", confidence=0.9), revision("b", symbol="000001.SZ"), revision("c"))
    await door.start("streamer")
    async with connect(f"{door.socket_url}?symbols=600000.sh&min_confidence=0.8&states=Tracking,Closed") as client:
        snapshot = await next_message(client)
        assert [found["id"] for found in snapshot["payload"]] == ["a"]
        await publish(redis, revision("c", 2), revision("a", 2, confidence=0.5), revision("a", 3, confidence=0.4))
        await publish(redis, revision("c", 3, confidence=0.8))
        assert await told(client, 2) == [("a", 2), ("c", 3)]


async def test_a_filter_can_be_changed_on_the_open_socket(door: Doors, redis: Redis) -> None:
    await publish(redis, revision("a"), revision("b", symbol="000001.SZ"))
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-2") as client:
        subscribed, snapshot = await subscribe(client, symbols=["000001.SZ"], strategies=["breakout"])
        assert subscribed["payload"] == {"symbols": ["000001.SZ"], "strategies": ["breakout"]}
        assert [found["id"] for found in snapshot["payload"]] == ["b"]
        await publish(redis, revision("a", 2), revision("b", 2, symbol="000001.SZ"))
        assert await told(client, 1) == [("b", 2)]
        subscribed, snapshot = await subscribe(client)
        assert (subscribed["payload"], len(snapshot["payload"])) == ({}, 2)


async def test_heartbeats_move_a_filtered_client_on(door: Doors, redis: Redis) -> None:
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-0&symbols=000001.SZ") as client:
        await publish(redis, revision("a"), revision("b"))
        while (message := await any_message(client))["id"] != "0-2":
            pass
        assert message["type"] == "heartbeat"


async def test_alerts_come_to_those_who_asked_from_now_on(door: Doors, redis: Redis) -> None:
    await alert(redis, "old")
    await door.start("streamer")
    async with (
        connect(f"{door.socket_url}?last_id=0-0") as plain,
        connect(f"{door.socket_url}?last_id=0-0&alerts=true") as alerted,
    ):
        await redis.execute_command("XADD", NAMES.risk_alerts, "0-*", "k", "alert", "p", "{", "m", b"\x80")
        await alert(redis, "new")
        message = await next_message(alerted)
        assert (message["type"], message["id"], message["payload"]["id"]) == ("alert", "0-3", "new")
        await publish(redis, revision("a"))
        assert await told(plain, 1) == await told(alerted, 1) == [("a", 1)]


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ("symbols=600000", "symbols", "six digits"),
        ("sides=up", "sides", "Up, Down"),
        ("states=", "states", "Tracking, Confirmed, Closed"),
        ("min_confidence=high", "min_confidence", "0 to 1"),
        ("alerts=yes", "alerts", "true or false"),
        ("symbol=600000.SH", "symbol", "last_id, symbols, strategies"),
    ],
)
async def test_a_wrong_parameter_is_refused_with_what_is_allowed(
    door: Doors, query: str, field: str, allowed: str
) -> None:
    await door.start("streamer")
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{door.socket_url}?{query}")
    assert refused.value.response.status_code == 400
    text = refused.value.response.body.decode()
    assert field in text
    assert allowed in text


async def test_alerts_that_are_not_ours_stop_no_opportunity(door: Doors, redis: Redis) -> None:
    await redis.execute_command("XADD", NAMES.risk_alerts, "*", "what", "ever")
    await door.start("streamer")
    async with connect(f"{door.socket_url}?last_id=0-0&alerts=true") as client:
        await until(lambda: "the stream of alerts is not ours" in door.streamer.log.read_text())
        await publish(redis, revision("a"))
        assert await told(client, 1) == [("a", 1)]
