"""Raw ticks on real servers: each one is in the log once, whatever else is sent and whoever is killed."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from conftest import Server
from dfp.collector import live as live_module
from dfp.collector import writer as writer_module
from dfp.collector.live import LiveRunner
from dfp.contracts.codec import decode
from dfp.contracts.dead_letter import DeadLetter
from dfp.contracts.entry import Kind
from dfp.log.connection import connect
from dfp.log.work import Work, Write
from dfp.runtime.probes import Health
from raw_entries import Entries, document, feed, live
from raw_producer import SHIFT_NS, Producer, session_now
from raw_rows import NAMES, Log, read
from running import running
from service_process import ServiceProcess
from violations import entries
from waiting import until

QUICK = (
    "from dfp.collector import live, writer; writer.SNAPSHOT_S = live.TIDY_S = 0.3;"
    "from dfp.collector.service import main; main()"
)
"""The service with snapshots and trimming so often that kills fall between them."""


class Shifted(LiveRunner):
    """A collector whose server's clock runs in the session of the tests."""

    async def _quiet_until(self) -> int | None:
        found = await super()._quiet_until()
        return None if found is None else found + SHIFT_NS


def runner(url: str) -> Shifted:
    return Shifted(live(), connect(url), NAMES, "a", Health())


async def send(redis: Redis, sent: Entries) -> None:
    async with redis.pipeline(transaction=False) as together:
        for identifier, fields in sent:
            together.xadd(NAMES.raw_ticks, fields, identifier)
        await together.execute()


async def counts(redis: Redis) -> dict[str, int]:
    fields = await redis.hgetall(NAMES.counts("collector"))
    return {name.decode(): int(value) for name, value in fields.items()}


async def taken(redis: Redis, number: int, process: ServiceProcess | None = None) -> None:
    """Wait until so many entries were read, by a process that lives if one is given."""

    async def enough() -> bool:
        if process is not None:
            process.lives()
        return (await counts(redis)).get("read", 0) >= number

    await until(enough)


async def log_of(redis: Redis) -> Log:
    found = await entries(redis, NAMES.clean_ticks)
    assert [one.seq for one in found] == list(range(1, len(found) + 1))
    return read(Work([Write(NAMES.clean_ticks, one.kind, one.payload, seq=one.seq) for one in found]))


def ticks(log: Log) -> list[tuple[Any, ...]]:
    """Every column of every tick, by symbol and number."""
    return sorted(zip(*(column.tolist() for column in log.ticks.values()), strict=True))


async def test_a_tick_is_in_the_log_as_soon_as_it_arrives(redis_url: str, redis: Redis) -> None:
    one, producer = runner(redis_url), Producer()
    async with running(one.run):
        await until(lambda: one.health.ready)
        for number in range(1, 6):
            await send(redis, producer.tick(session_now()))
            await taken(redis, number)
        found = [write for write in await entries(redis, NAMES.clean_ticks) if write.kind is Kind.TICKS]
        assert len(found) == 5
        assert all(frame.meta.hops["exchange"] <= frame.meta.hops["ingest"] for frame in found)
    assert ticks(await log_of(redis)) == ticks(read(feed(live(), producer.sent)))


async def test_the_clock_goes_on_while_producers_are_silent(redis_url: str, redis: Redis) -> None:
    await send(redis, Producer().tick(session_now()))

    async def gone_on() -> bool:
        return await redis.exists(NAMES.clean_ticks) and len((await log_of(redis)).clocks) >= 3

    async with running(runner(redis_url).run):
        await until(gone_on)
    clocks = [clock.time for clock in (await log_of(redis)).clocks]
    assert clocks == [clocks[0] + second * 10**9 for second in range(len(clocks))]
    assert clocks[-1] <= session_now() - 2 * 10**9


async def test_the_stream_is_trimmed_behind_the_snapshot(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SNAPSHOT_S", 0.0)
    monkeypatch.setattr(live_module, "TIDY_S", 0.0)
    producer = Producer()

    async def trimmed() -> bool:
        await send(redis, [made for _ in range(100) for made in producer.tick(session_now())])
        return await redis.xlen(NAMES.raw_ticks) < len(producer.sent) // 2

    async with running(runner(redis_url).run):
        await until(trimmed)
        await taken(redis, len(producer.sent))
    async with running(runner(redis_url).run):
        await send(redis, producer.tick(session_now()))
        await taken(redis, len(producer.sent))
    assert "gaps" not in await counts(redis)
    assert ticks(await log_of(redis)) == ticks(read(feed(live(), producer.sent)))


async def test_more_than_the_cap_is_dropped_and_declared(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "RAW_BYTES", 200_000)
    monkeypatch.setattr(live_module, "COUNT", 10)
    producer = Producer()
    await send(redis, [made for _ in range(5_000) for made in producer.tick(session_now())])
    async with running(runner(redis_url).run):
        await taken(redis, 5_000)
    found = await counts(redis)
    assert found["read"] == 5_000 == found["accepted"] + found["rejected/overflow"]
    assert found["rejected/overflow"] > 1_000
    gaps = [one for one in await entries(redis, NAMES.clean_ticks) if one.kind is Kind.GAP]
    assert len(gaps) == found["gaps"] == 1


async def test_a_stream_that_was_deleted_begins_anew(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "TIDY_S", 0.0)
    producer = Producer()
    poisoned = [(b"18446744073709551615-1", {b"d": b"made up"})]
    async with running(runner(redis_url).run):
        await send(redis, producer.tick(session_now()) + poisoned)
        await taken(redis, 2)
        await redis.delete(NAMES.raw_ticks)
        await send(redis, producer.tick(session_now()))
        await taken(redis, 3)
    assert await counts(redis) == {"read": 3, "accepted": 2, "rejected/bad-id": 1, "phase/CONTINUOUS": 2}


async def test_a_stream_may_be_deleted_at_any_moment(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, producer = runner(redis_url), Producer()
    send_command, sent = one.redis.execute_command, 0

    async def after_deletion(*arguments: Any, **options: Any) -> Any:
        nonlocal sent
        if sent == moment:
            await redis.delete(NAMES.raw_ticks)
        sent += 1
        return await send_command(*arguments, **options)

    monkeypatch.setattr(one.redis, "execute_command", after_deletion)
    monkeypatch.setattr(live_module, "RAW_BYTES", 0)
    moment = 0
    while sent >= moment:
        await send(redis, [made for _ in range(10) for made in producer.tick(session_now())])
        sent = 0
        await one._tidy()
        moment += 1
    assert moment > 5
    await one.redis.aclose()


async def test_believed_ticks_of_a_past_day_go_on_after_a_restart(redis_url: str, redis: Redis) -> None:
    sent: Entries = []
    for run in range(3):
        async with running(LiveRunner(live(by_wall=False), connect(redis_url), NAMES, "a", Health()).run):
            for second in range(10 * run, 10 * run + 10):
                text = document(time=f"2026-11-25 10:00:{second:02d}", volume=100 * second)
                sent.append((await redis.xadd(NAMES.raw_ticks, {"d": text}), {b"d": text}))
            await taken(redis, len(sent))
    expected = read(feed(live(by_wall=False), sent))
    log = await log_of(redis)
    assert ticks(log) == ticks(expected)
    assert log.clocks == expected.clocks


async def test_entries_that_are_gone_after_a_crash_are_declared(redis_url: str, redis: Redis) -> None:
    producer = Producer()
    async with running(runner(redis_url).run):
        await send(redis, [made for _ in range(200) for made in producer.tick(session_now())])
        await taken(redis, 200)
    await redis.xtrim(NAMES.raw_ticks, maxlen=0, approximate=False)
    async with running(runner(redis_url).run):
        await send(redis, [made for _ in range(100) for made in producer.tick(session_now())])
        await taken(redis, 300)
    found = await entries(redis, NAMES.clean_ticks)
    assert [one.kind for one in found].count(Kind.GAP) == 1
    log = read(Work([Write(NAMES.clean_ticks, one.kind, one.payload) for one in found if one.kind is not Kind.GAP]))
    numbers = list(zip(log.symbols, log.ticks["n"].tolist(), strict=True))
    assert len(set(numbers)) == len(numbers) == 300


def process(url: str, folder: Path) -> ServiceProcess:
    settings = {"DFP_REDIS_URL": url, "DFP_STREAM_PREFIX": NAMES.prefix, "DFP_FEED": "raw_ticks"}
    return ServiceProcess(["-c", QUICK], folder / "collector.log", **settings, DFP_FEED_OPTIONS="{}")


async def test_killed_again_and_again_it_loses_and_doubles_nothing(
    server: Server, redis: Redis, tmp_path: Path
) -> None:
    producer, dice = Producer(), random.Random(1)

    async def produce(done: asyncio.Event) -> None:
        while not done.is_set():
            if len(producer.sent) < (await counts(redis)).get("read", 0) + 4_000:  # however slowly it starts
                now = session_now()
                await send(redis, [made for _ in range(20) for made in producer.tick(now) + producer.junk(now)])
            await asyncio.sleep(0.05)

    with process(server.url, tmp_path) as collector:
        async with running(produce):
            for _ in range(6):
                seen = (await counts(redis)).get("read", 0)
                await taken(redis, seen + 1, collector)
                await asyncio.sleep(dice.uniform(0.0, 1.2))
                collector.kill()
                collector.start()
        await taken(redis, len(producer.sent), collector)
    expected = feed(uncertain(), producer.sent)
    assert await counts(redis) == expected.counts
    log = await log_of(redis)
    assert ticks(log) == ticks(read(expected))
    assert log.clocks == read(expected).clocks


async def test_a_hostile_half_is_accounted_for_and_leaves_the_other_unharmed(
    server: Server, redis: Redis, tmp_path: Path
) -> None:
    producer = Producer()
    with process(server.url, tmp_path) as collector:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for batch in range(200):
            now = session_now()
            await send(redis, [made for _ in range(50) for made in producer.tick(now) + producer.junk(now)])
            await asyncio.sleep(max(0.0, begun + 0.02 * (batch + 1) - loop.time()))  # 5,000 a second
        huge = [(b"%d-%d" % (session_now() // 10**6, len(producer.sent) + n), {b"d": b"1" * 10**7}) for n in range(3)]
        await send(redis, huge)
        await taken(redis, len(producer.sent) + 3, collector)
    producer.hostile["too-large"] += 3
    found = await counts(redis)
    assert {name.removeprefix("rejected/"): n for name, n in found.items() if name.startswith("rejected/")} == (
        producer.hostile
    )
    assert found["accepted"] == len(producer.good) == 10_000
    assert found["read"] == 20_003
    alone = feed(uncertain(), producer.good)
    assert ticks(await log_of(redis)) == ticks(read(alone))
    letters = [decode(one.payload, DeadLetter) for one in await entries(redis, NAMES.dead_letters)]
    assert {letter.reason for letter in letters} <= producer.hostile.keys()


def uncertain() -> Any:
    """A core as the service has it: the year 2099 is past the calendar's end."""
    return live(is_session=lambda _: None)
