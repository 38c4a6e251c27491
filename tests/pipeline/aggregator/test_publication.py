"""I7 on real servers: nothing is published against a halt or without a fresh verdict, and the checker is on trial."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import numpy as np
import pytest

from dfp.contracts import codec
from dfp.contracts.entry import Kind
from dfp.contracts.held import Held
from dfp.contracts.opportunity import CloseReason, Opportunity
from dfp.contracts.risk import Alert
from dfp.log.chain import Chain
from dfp.log.work import Work
from mornings import GUARDED
from publication import NAMES, Load, aggregator, violations_of_publication, vouch
from risk_cases import bundle_of, volatility
from violations import entries
from waiting import until

HALT = ("HSET", NAMES.halt, "pipeline", "{}")
RELEASE = ("HDEL", NAMES.halt, "pipeline")
STALE = ("SET", NAMES.risk_fresh_until, "1")
LOOSER = bundle_of(volatility(0.06))


class Unconditional(Chain):
    """Planted bug: the commit does not say under which conditions it was made."""

    async def commit(self, work: Work, cursor: Mapping[str, int], **guards: Any) -> None:
        await super().commit(work, cursor, **{**guards, "conditions": None})


async def halts(load: Load, tries: int) -> None:
    """Halt and release under load, at any moment of the aggregator's work."""
    rng = random.Random(7)
    until_silent_ms = []
    for _ in range(tries):
        await asyncio.sleep(rng.random() * 0.01)
        silence = await load.silence(*HALT)
        await load.takes(3)
        until_silent_ms.append(max(0.0, load.heard - silence.ordered) * 1_000)
        await load.release(*RELEASE)
        await load.publishes()
    half, most, worst = np.percentile(until_silent_ms, (50, 99, 100))
    print(f"from the halt to the last opportunity at a subscriber: p50 {half:.1f} p99 {most:.1f} max {worst:.1f} ms")


async def silent_guards(load: Load, tries: int) -> None:
    """Let the verdicts go stale and fresh again under load."""
    rng = random.Random(8)
    for _ in range(tries):
        await asyncio.sleep(rng.random() * 0.01)
        await load.silence(*STALE)
        await load.takes(3)
        await load.release("PING")
        await vouch(load.redis, 3_600)
        await load.publishes()


async def flapping(load: Load, tries: int) -> None:
    """Change any condition under load, faster than the aggregator can follow."""
    rng = random.Random(9)
    bundles = [GUARDED, LOOSER]
    for _ in range(tries):
        await asyncio.sleep(rng.random() * 0.02)
        match rng.randrange(4):
            case 0:
                await load.redis.execute_command(*rng.choice([HALT, RELEASE]))
            case 1:
                await load.redis.execute_command(rng.choice(["HSET", "HDEL"]), NAMES.halt, "strategy/another", "{}")
            case 2:
                await vouch(load.redis, rng.choice([-1, 3_600]))
            case 3:
                await load.goes_by(rng.choice(bundles))
    await load.redis.delete(NAMES.halt)
    await vouch(load.redis, 3_600)
    await load.publishes()


Fault = Callable[[Load, int], Coroutine[Any, Any, None]]


async def under_load(url: str, fault: Fault, tries: int, chain: type[Chain] = Chain) -> set[str]:
    """What a fault violates."""
    async with aggregator(url, chain) as load:
        async with asyncio.TaskGroup() as feeding:
            feeding.create_task(load.feed())
            await load.publishes()
            await fault(load, tries)
            load.enough = True
        await load.drains()
        return await violations_of_publication(load)


async def test_no_opportunity_is_published_after_a_halt_in_200_tries_under_load(redis_url: str) -> None:
    assert await under_load(redis_url, halts, 200) == set()


async def test_no_opportunity_is_published_without_fresh_verdicts_in_50_tries_under_load(redis_url: str) -> None:
    assert await under_load(redis_url, silent_guards, 50) == set()


async def test_conditions_that_flap_50_times_under_load_lose_and_double_nothing(redis_url: str) -> None:
    assert await under_load(redis_url, flapping, 50) == set()


@pytest.mark.parametrize("fault", [halts, silent_guards])
async def test_without_conditions_in_the_commit_something_is_published(redis_url: str, fault: Fault) -> None:
    assert "I7" in await under_load(redis_url, fault, 3, Unconditional)


async def test_what_is_live_at_a_halt_is_closed_as_halted_on_release_and_the_stream_has_no_gap(redis_url: str) -> None:
    async with aggregator(redis_url) as load:
        await load.feed(20)
        await load.takes(0)
        await until(lambda: _length(load, NAMES.opportunities, 20))
        silence = await load.silence(*HALT)
        await load.feed(20)
        await until(lambda: _length(load, NAMES.opportunities_held, 20))
        await load.release(*RELEASE)
        await until(lambda: _length(load, NAMES.opportunities, 40))
        published = await entries(load.redis, NAMES.opportunities)
        after = [codec.decode(entry.payload, Opportunity) for entry in published if entry.seq > silence.after]
        assert [entry.seq for entry in published] == list(range(1, 41))
        assert {(one.closed, one.rev) for one in after} == {(CloseReason.HALTED, 2)}
        held = [codec.decode(entry.payload, Held) for entry in await entries(load.redis, NAMES.opportunities_held)]
        assert {one.reason for one in held} == {"Halted"}


async def test_the_aggregator_itself_says_that_the_guard_is_silent_and_that_it_is_back(redis_url: str) -> None:
    async with aggregator(redis_url) as load:
        await load.feed(2)
        await until(lambda: _length(load, NAMES.opportunities, 2))
        await load.silence(*STALE)
        await until(lambda: _length(load, NAMES.risk_alerts, 1))
        await load.feed(2)
        await until(lambda: _length(load, NAMES.opportunities_held, 2))
        await vouch(load.redis, 3_600)
        await until(lambda: _length(load, NAMES.risk_alerts, 2))
        alerts = [entry for entry in await entries(load.redis, NAMES.risk_alerts) if entry.kind is Kind.ALERT]
        assert [codec.decode(entry.payload, Alert).rule for entry in alerts] == ["RiskGuardStale"] * 2
        assert await violations_of_publication(load) == set()


async def _length(load: Load, stream: str, wanted: int) -> bool:
    return int(await load.redis.xlen(stream)) >= wanted
