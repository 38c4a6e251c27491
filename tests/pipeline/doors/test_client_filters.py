"""The client and the services agree on filters, alerts and halts."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dfp.client import (
    AsyncClient,
    AsyncFollow,
    Connected,
    Event,
    Heartbeat,
    NotFound,
    Refused,
    Revision,
    RiskAlert,
    Snapshot,
    Subscribed,
)
from dfp.contracts.opportunity import State
from dfp.log import connection as log_connection
from dfp.log.chain import Chain
from door_processes import NAMES, Doors, publish
from revisions import revision


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A server on which a pipeline with one strategy has run."""
    client = log_connection.connect(redis_url)
    for stage in ("aggregator", "engine/breakout"):
        await Chain(client, NAMES, stage, "x").claim()
    yield client
    await client.aclose()


async def next_event(follow: AsyncFollow) -> Event:
    async with asyncio.timeout(30):
        while isinstance(event := await anext(follow), Heartbeat):
            pass
        return event


async def snapshot(follow: AsyncFollow) -> list[str]:
    event = await next_event(follow)
    assert isinstance(event, Snapshot)
    return [found.id for found in event.opportunities]


async def test_a_filter_holds_from_the_handshake_on_and_can_be_changed(door: Doors, redis: Redis) -> None:
    await publish(redis, revision("a"), revision("b", symbol="000001.SZ"))
    await door.start("streamer", "gateway")
    async with AsyncClient(door.gateway_url) as client:
        follow = client.follow(symbols=["600000.sh"], min_confidence=0.5)
        assert isinstance(await next_event(follow), Connected)
        assert await snapshot(follow) == ["a"]
        await follow.subscribe(symbols=["000001.SZ", "000001.sz"], sides=["Up"], states=["Tracking"], alerts=True)
        assert isinstance(await next_event(follow), Subscribed)
        assert await snapshot(follow) == ["b"]
        await publish(redis, revision("a", 2), revision("b", 2, symbol="000001.SZ"))
        await publish(redis, revision("b", 3, symbol="000001.SZ", state=State.CLOSED))
        changes = [await next_event(follow), await next_event(follow)]
        told = [(one.opportunity.id, one.opportunity.rev) for one in changes if isinstance(one, Revision)]
        assert told == [("b", 2), ("b", 3)]  # the last leaves the filter, and says so
        assert follow.last_id == "0-5"


async def test_a_halt_is_told_as_an_alert_holds_once_and_is_released_once(door: Doors, redis: Redis) -> None:
    await door.start("api", "streamer", "gateway")
    async with AsyncClient(door.gateway_url, timeout_s=30) as client:
        follow = client.follow(last_id="0-0", alerts=True)
        assert isinstance(await next_event(follow), Connected)
        assert (await client.halt("strategy/breakout", "why")).new
        assert not (await client.halt("strategy/breakout", "again")).new
        alert = await next_event(follow)
        assert isinstance(alert, RiskAlert)
        assert alert.alert.target == "strategy/breakout"
        assert [found.target for found in await client.halts()] == ["strategy/breakout"]
        assert [(found.name, found.halted) for found in await client.strategies()] == [("breakout", True)]
        await client.release("strategy/breakout", "mended")
        with pytest.raises(NotFound):
            await client.release("strategy/breakout", "mended")
        with pytest.raises(Refused) as refused:
            await client.halt("strategy/other", "why")
        assert (refused.value.field, "strategy/breakout" in refused.value.allowed) == ("target", True)
