"""Halts that people set: latched once, told once, released with a reason."""

from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.names import Names
from dfp.contracts.risk import Alert, Severity
from dfp.log.halts import halt, halts, release
from violations import entries

NAMES = Names("test")


async def alerts(redis: Redis) -> list[Alert]:
    return [codec.decode(entry.payload, Alert) for entry in await entries(redis, NAMES.risk_alerts)]


async def test_a_halt_is_latched_and_told_with_its_reason(redis: Redis) -> None:
    assert await halt(redis, NAMES, "pipeline", "wrong prices") is None
    (held,) = await halts(redis, NAMES)
    assert (held.target, held.cause, held.reason) == ("pipeline", "person", "wrong prices")
    (alert,) = await alerts(redis)
    assert (alert.rule, alert.severity, alert.target) == ("Halted", Severity.CRITICAL, "pipeline")
    assert "wrong prices" in alert.message


async def test_a_second_halt_changes_nothing_and_says_who_was_first(redis: Redis) -> None:
    await halt(redis, NAMES, "pipeline", "first")
    held = await halt(redis, NAMES, "pipeline", "second")
    assert held is not None
    assert held.reason == "first"
    assert len(await alerts(redis)) == 1


async def test_a_release_ends_the_halt_and_is_told(redis: Redis) -> None:
    await halt(redis, NAMES, "strategy/a", "why")
    await halt(redis, NAMES, "strategy/b", "why")
    assert await release(redis, NAMES, "strategy/a", "mended")
    assert [one.target for one in await halts(redis, NAMES)] == ["strategy/b"]
    assert [one.rule for one in await alerts(redis)] == ["Halted", "Halted", "Released"]


async def test_what_is_not_halted_cannot_be_released(redis: Redis) -> None:
    assert not await release(redis, NAMES, "pipeline", "mended")
    assert await alerts(redis) == []


async def test_subscribers_hear_of_halts(redis: Redis) -> None:
    subscriber = redis.pubsub()
    await subscriber.subscribe(NAMES.risk_alerts)
    await subscriber.get_message(timeout=5)
    await halt(redis, NAMES, "pipeline", "why")
    message = await subscriber.get_message(timeout=5)
    assert message is not None
    assert message["data"].startswith(b'{"id":"0-1","payload":{')
    await subscriber.aclose()  # type: ignore[no-untyped-call]
