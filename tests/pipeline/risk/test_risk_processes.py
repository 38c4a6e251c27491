"""The risk guard as the process it is: what it says survives its death, and its silence is noticed."""

import asyncio
import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dfp.contracts import codec
from dfp.contracts.entry import Entry, Kind, Meta
from dfp.contracts.opportunity import Opportunity
from dfp.contracts.policy import Bundle
from dfp.contracts.risk import Alert, Verdicts
from dfp.log import conditions, policies
from dfp.log.chain import Chain
from dfp.log.work import Work, Write
from feature_log import NAMES, Item, log, moment
from risk_cases import (
    Guard,
    bundle_of,
    clock_at,
    equity_drawdown,
    no_prior_high,
    opportunity,
    price_drawdown,
    seesaw,
    session,
    tick,
    volatility,
)
from service_process import ServiceProcess
from violations import entries
from waiting import until

SYMBOLS = [f"60000{number}.SH" for number in range(4)]
RULES = bundle_of(volatility(0.05), price_drawdown(0.05, sessions=1))


def guard_process(url: str, folder: Path, instance: str = "a") -> ServiceProcess:
    """`dfp run risk-guard`."""
    settings = {"DFP_REDIS_URL": url, "DFP_STREAM_PREFIX": NAMES.prefix, "DFP_INSTANCE": instance}
    return ServiceProcess(["-m", "dfp.cli", "run", "risk-guard"], folder / f"guard-{instance}.log", **settings)


@pytest.fixture
def guard(redis_url: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    """One that the test starts."""
    process = guard_process(redis_url, tmp_path)
    yield process
    process.kill()


class Features:
    """The feature stage: writes a log entry by entry."""

    def __init__(self, redis: Redis) -> None:
        self.chain = Chain(redis, NAMES, "features", "f")
        self.written = 0

    async def write(self, log_entries: Sequence[Entry]) -> None:
        writes = []
        for entry in log_entries:
            self.written += 1
            writes.append(Write(NAMES.features, entry.kind, entry.payload, seq=self.written))
        await self.chain.commit(Work(writes), {})


async def features(redis: Redis) -> Features:
    made = Features(redis)
    await made.chain.claim()
    return made


async def acknowledged(redis: Redis, policies_of: Bundle) -> None:
    async def done() -> bool:
        known = await policies.acknowledged(redis, NAMES)
        return known.get("risk-guard") == known.get("risk-audit") == policies_of.version

    await until(done)


async def read_up_to(redis: Redis, seq: int, stage: str = "risk-guard") -> None:
    async def done() -> bool:
        return await _progress(redis, stage) == seq

    await until(done)


async def told(redis: Redis) -> list[Verdicts]:
    return [codec.decode(entry.payload, Verdicts) for entry in await entries(redis, NAMES.risk_verdicts)]


async def warned(redis: Redis) -> list[Alert]:
    return [codec.decode(entry.payload, Alert) for entry in await entries(redis, NAMES.risk_alerts)]


def market() -> list[Item]:
    """An hour in which four symbols breach at different times."""
    items: list[Item] = []
    for number, symbol in enumerate(SYMBOLS):
        own = session(seesaw(20 + 10 * number, high=101.0 + number % 2), "10:30:00", symbol)
        items += own if not items else [item for item in own if not hasattr(item, "phase") or hasattr(item, "n")]
    return sorted(items, key=lambda item: (item.time, hasattr(item, "n")))


def expected(items: list[Item]) -> tuple[list[Verdicts], list[str]]:
    """What a guard says that nobody disturbs: changes of its verdicts, and ids of alerts."""
    undisturbed = Guard(RULES, no_prior_high)
    work = undisturbed.take(*items)
    said = [codec.decode(write.payload, Verdicts) for write in work.writes if write.kind is Kind.VERDICTS]
    alerts = [codec.decode(write.payload, Alert).id for write in work.writes if write.kind is Kind.ALERT]
    return [one for one in said if not one.complete], alerts


async def test_verdicts_and_alerts_are_written_and_the_policies_acknowledged(
    redis: Redis, guard: ServiceProcess
) -> None:
    await policies.write(redis, NAMES, RULES)
    guard.start()
    await acknowledged(redis, RULES)
    source = await features(redis)
    await source.write(log(market()))
    await read_up_to(redis, source.written)
    changes, alerts = expected(market())
    said = await told(redis)
    assert [one for one in said if not one.complete] == changes
    assert len(changes) >= 2
    assert said[0].complete
    assert [one.id for one in await warned(redis)] == alerts


async def _never_far_ahead(redis: Redis, source: Features, log_entries: Sequence[Entry]) -> None:
    """Write entry by entry, and wait for a guard that is behind: however slowly it starts, it has many lives."""
    for entry in log_entries:

        async def is_near() -> bool:
            return await _progress(redis) >= source.written - 10

        await until(is_near)
        await source.write([entry])


async def _progress(redis: Redis, stage: str = "risk-guard") -> int:
    return int(await redis.hget(NAMES.chain(stage), f"in:{NAMES.features}") or 0)


async def test_a_guard_that_is_killed_again_and_again_says_everything_once(redis: Redis, guard: ServiceProcess) -> None:
    await policies.write(redis, NAMES, RULES)
    guard.start()
    await acknowledged(redis, RULES)
    source, rng = await features(redis), random.Random(4)
    kills = 0
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(_never_far_ahead(redis, source, log(market())))
        while not writing.done():
            wanted = await _progress(redis) + rng.randrange(5, 15)

            async def went_on(upto: int = wanted) -> bool:
                guard.lives()
                return writing.done() or await _progress(redis) >= upto

            await until(went_on)
            guard.kill()  # with a batch read, processed or under way
            guard.start()
            kills += 1
    await read_up_to(redis, source.written)
    changes, alerts = expected(market())
    stream = await entries(redis, NAMES.risk_verdicts)
    assert kills >= 4
    assert [entry.seq for entry in stream] == list(range(1, len(stream) + 1))
    assert [one for one in await told(redis) if not one.complete] == changes
    assert [one.id for one in await warned(redis)] == alerts
    assert await redis.exists(NAMES.dead_letters) == 0


async def test_verdicts_stay_fresh_while_the_guard_lives_and_only_then(redis: Redis, guard: ServiceProcess) -> None:
    async def fresh() -> bool:
        return bool((await conditions.read(redis, NAMES)).risk_fresh)

    async def stale() -> bool:
        return not await fresh()

    async def fresh_until() -> int:
        return int(await redis.get(NAMES.risk_fresh_until) or 0)

    guard.start()
    await until(fresh)
    first = await fresh_until()

    async def a_second_later() -> bool:
        return await fresh_until() > first + 1_000_000

    await until(a_second_later)  # nothing arrives, and it vouches on
    guard.send(signal.SIGSTOP)
    await until(stale)
    stopped = await fresh_until()
    guard.send(signal.SIGCONT)
    await until(fresh)
    assert await fresh_until() > stopped
    guard.kill()
    await until(stale)
    assert await fresh_until() > 0


async def test_a_guard_that_slept_is_refused_when_another_has_taken_over(
    redis: Redis, redis_url: str, guard: ServiceProcess, tmp_path: Path
) -> None:
    await policies.write(redis, NAMES, RULES)
    guard.start()
    await acknowledged(redis, RULES)
    source = await features(redis)
    half = len(log(market())) // 2
    await source.write(log(market())[:half])
    await read_up_to(redis, half)
    guard.send(signal.SIGSTOP)
    with guard_process(redis_url, tmp_path, "b"):

        async def has_taken_over() -> bool:
            return await redis.get(NAMES.lease("risk-guard")) == b"b"

        await until(has_taken_over)
        guard.send(signal.SIGCONT)
        await source.write(log(market())[half:])
        await read_up_to(redis, source.written)
        await until(lambda: ", recovering" in guard.log.read_text())  # it lost the chain, or first its connection
        assert await redis.get(NAMES.lease("risk-guard")) == b"b"
        assert [one for one in await told(redis) if not one.complete] == expected(market())[0]


class Aggregator:
    """An aggregator that publishes what it is told, whatever the policies say."""

    def __init__(self, redis: Redis) -> None:
        self.chain = Chain(redis, NAMES, "aggregator", "g", (NAMES.features, NAMES.risk_verdicts))

    async def publish(self, *opportunities: Opportunity, cites: int, upto: int) -> None:
        meta = Meta(cursor={NAMES.risk_verdicts: cites} if cites else {})
        writes = [Write(NAMES.opportunities, Kind.OPPORTUNITY, codec.encode(one), meta) for one in opportunities]
        await self.chain.commit(Work(writes), {NAMES.features: upto, NAMES.risk_verdicts: cites})


async def test_the_auditor_reports_what_got_past_the_gate(redis: Redis, guard: ServiceProcess) -> None:
    await policies.write(redis, NAMES, RULES)
    guard.start()
    await acknowledged(redis, RULES)
    source, aggregator = await features(redis), Aggregator(redis)
    await aggregator.chain.claim()
    await source.write(log([clock_at(moment("09:59:59")), clock_at(moment("10:00:00"))]))
    await read_up_to(redis, 2)
    verdicts = len(await entries(redis, NAMES.risk_verdicts))
    await aggregator.publish(opportunity(SYMBOLS[0]), cites=verdicts, upto=1)
    await read_up_to(redis, 1, "risk-audit")  # and no further than the aggregator
    await aggregator.publish(opportunity(SYMBOLS[1]), cites=0, upto=2)

    async def reported() -> bool:
        return any(alert.rule == "GateBypassed" for alert in await warned(redis))

    await until(reported)
    (alert,) = await warned(redis)
    assert alert.target == f"symbol/{SYMBOLS[1]}"


async def test_equity_that_falls_halts_its_strategy(redis: Redis, guard: ServiceProcess) -> None:
    rules = bundle_of(equity_drawdown(0.004))
    await policies.write(redis, NAMES, rules)
    guard.start()
    await acknowledged(redis, rules)
    source, aggregator = await features(redis), Aggregator(redis)
    await aggregator.chain.claim()
    await source.write(log([clock_at(moment("09:59:59"))]))
    await aggregator.publish(opportunity(SYMBOLS[0], "momentum", at=moment("10:00:00")), cites=0, upto=1)
    fall = [
        tick("10:00:00", 10.0, SYMBOLS[0], ask1=10.0),
        tick("10:00:30", 9.0, SYMBOLS[0]),
        clock_at(moment("10:01:00")),
    ]
    await source.write(log(fall))
    await aggregator.publish(cites=0, upto=source.written)
    await until(lambda: redis.hexists(NAMES.halt, "strategy/momentum"))
    await until(lambda: _is_told(redis))


async def _is_told(redis: Redis) -> bool:
    return [(one.rule, one.severity) for one in await warned(redis)] == [("house/equity", "Critical")]
