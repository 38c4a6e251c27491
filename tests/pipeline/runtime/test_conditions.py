"""A stage that publishes under conditions: it never commits what it decided under others, and loses nothing by it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from conditional_total import ConditionalTotal
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Kind
from dfp.contracts.names import Names
from dfp.contracts.policy import Policy, bundle
from dfp.log import policies
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.extent import last_seq
from dfp.log.work import Work, Write
from dfp.runtime.probes import Health
from dfp.runtime.stage import Stage, StageSpec
from running import running
from running_total import totals
from violations import entries
from waiting import until

NAMES = Names("test")
LOG, OUT, HELD = "test:log", "test:out", "test:held"
SPEC = StageSpec("total", (LOG,), "total")


class Fed:
    """A conditional stage, with what feeds it."""

    def __init__(self, url: str, redis: Redis, spec: StageSpec = SPEC) -> None:
        self.redis = redis
        self.core = ConditionalTotal(OUT, HELD)
        self.stage = Stage(spec, self.core, connect(url), NAMES, "a", Health())
        self.source = Chain(redis, NAMES, "source", "s")
        self.sent = 0

    async def send(self, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            await self.source.commit(Work([Write(LOG, Kind.SIGNAL, b"%d" % self.sent, seq=self.sent)]), {})

    async def caught_up(self) -> None:
        async def done() -> bool:
            return bool(await self.redis.hget(NAMES.chain("total"), f"in:{LOG}") == b"%d" % self.sent)

        await until(done)


@asynccontextmanager
async def started(url: str, redis: Redis, spec: StageSpec = SPEC) -> AsyncIterator[Fed]:
    one = Fed(url, redis, spec)
    await one.source.claim()
    async with running(one.stage.run):
        yield one


async def test_nothing_is_published_after_a_halt_and_the_held_part_and_the_rest_make_the_whole(
    redis: Redis, redis_url: str
) -> None:
    rng = random.Random(4)
    async with started(redis_url, redis) as one:
        await one.send(20)
        for _ in range(15):
            async with asyncio.TaskGroup() as feeding:
                feeding.create_task(one.send(40))
                await asyncio.sleep(rng.random() * 0.02)
                await redis.hset(NAMES.halt, "pipeline", "{}")
                published = await last_seq(redis, OUT)
            await one.caught_up()
            assert await last_seq(redis, OUT) == published
            await redis.hdel(NAMES.halt, "pipeline")
            await one.send(10)
            await one.caught_up()
        out, held = await entries(redis, OUT), await entries(redis, HELD)
    both = sorted([entry.payload for entry in (*out, *held)], key=int)
    assert both == totals(range(1, one.sent + 1))
    assert out
    assert held


async def test_a_condition_that_changes_while_nothing_arrives_is_taken_too(redis: Redis, redis_url: str) -> None:
    async with started(redis_url, redis) as one:
        await one.send(1)
        await one.caught_up()
        await redis.set(NAMES.risk_fresh_until, int((time.time() + 60) * 1e6))
        await until(lambda: one.core.conditions == Conditions(risk_fresh=True))


async def test_a_new_bundle_is_taken_and_acknowledged(redis: Redis, redis_url: str) -> None:
    written = bundle([Policy(name="house", strategies=None, enforce=True, rules=[])])
    async with started(redis_url, redis) as one:
        await until(lambda: _acknowledges(redis, ""))
        await policies.write(redis, NAMES, written)
        await until(lambda: _acknowledges(redis, written.version))
        assert one.core.bundle == written


async def test_a_restarted_stage_is_given_the_bundle_again(redis: Redis, redis_url: str) -> None:
    written = bundle([Policy(name="house", strategies=None, enforce=True, rules=[])])
    await policies.write(redis, NAMES, written)
    async with started(redis_url, redis) as one:
        await one.send(3)
        await one.caught_up()
    async with started(redis_url, redis) as again:
        await until(lambda: again.core.bundle == written)
        assert again.core.total == 6


async def test_a_stage_that_vouches_keeps_risk_fresh_while_nothing_arrives(redis: Redis, redis_url: str) -> None:
    spec = StageSpec("total", (LOG,), "total", vouches=True)
    async with started(redis_url, redis, spec):
        await until(lambda: redis.exists(NAMES.risk_fresh_until))
        first = int(await redis.get(NAMES.risk_fresh_until))

        async def later() -> bool:
            return int(await redis.get(NAMES.risk_fresh_until)) > first + 1_500_000

        await until(later)


async def _acknowledges(redis: Redis, version: str) -> bool:
    return (await policies.acknowledged(redis, NAMES)).get("total") == version
