"""The collector on real servers: what it writes is what its pure core writes, whatever happens to the process."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from conftest import Server
from dfp.collector import runner as runner_module
from dfp.collector import writer as writer_module
from dfp.collector.feed import Feed, FeedError, RawBatch
from dfp.collector.order import UNSET
from dfp.collector.pace import Pace
from dfp.collector.replay import ReplayFeed
from dfp.collector.runner import Runner
from dfp.contracts.entry import Kind
from dfp.log import snapshot
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.extent import last_seq
from dfp.log.work import Work
from dfp.runtime.probes import Health
from raw_rows import NAMES, batch, collector, run
from raw_rows import entries as written
from running import running
from service_process import ServiceProcess
from violations import entries
from waiting import reached, until

SZ = "ashare_sz5_snapshot_20220601.parquet"


class Rows:
    """A feed of given batches."""

    def __init__(self, *batches: RawBatch) -> None:
        self.given = batches

    def batches(self, after: int) -> Iterator[RawBatch]:
        for given in self.given:
            if given.position > after:
                yield given.split(after)[1]


def rows(count: int, first: int = 1, **row: object) -> RawBatch:
    """Rows a second apart from 10:00:00 on."""
    seconds = range(first - 1, first - 1 + count)
    return batch(*({**row, "time": f"10:{second // 60:02d}:{second % 60:02d}"} for second in seconds), first=first)


def runner(url: str, feed: Feed, speed: float | None = None, identity: str = "a") -> Runner:
    def pace(reached: int) -> Pace:
        return Pace(speed, UNSET, reached)

    return Runner(collector(), feed, pace, connect(url), NAMES, identity, Health())


async def counts(redis: Redis) -> dict[str, int]:
    fields = await redis.hgetall(NAMES.counts("collector"))  # type: ignore[misc]
    return {name.decode(): int(value) for name, value in fields.items()}


async def accepted(redis: Redis, rows: int) -> None:
    """Wait until more rows than these are in the log."""

    async def enough() -> bool:
        return (await counts(redis)).get("accepted", 0) > rows

    await until(enough)


async def finished(redis: Redis) -> bool:
    return (await counts(redis)).get("finished") == 1


async def begin(url: str, redis: Redis, feed: Feed, rows: int) -> Runner:
    """Run at a pace until some rows are in the log, then stop."""
    one = runner(url, feed, speed=50.0)
    async with running(one.run):
        await accepted(redis, rows)
    return one


async def finish(url: str, redis: Redis, feed: Feed, speed: float | None = None) -> None:
    """Run until the feed has ended."""
    async with running(runner(url, feed, speed).run):
        await until(lambda: finished(redis))


async def assert_log_is_that_of(redis: Redis, work: Work) -> None:
    found = [(entry.seq, entry.kind, entry.payload) for entry in await entries(redis, NAMES.clean_ticks)]
    assert found == [(write.seq, write.kind, write.payload) for write in written(work)]
    assert await counts(redis) == {**work.counts, "finished": 1}
    letters = [entry.payload for entry in await entries(redis, NAMES.dead_letters)]
    assert letters == [write.payload for write in work.writes if write.kind is Kind.DEAD_LETTER]


async def test_the_log_holds_what_the_core_writes(redis_url: str, redis: Redis, marketdata: Path) -> None:
    feed = ReplayFeed([marketdata / SZ])
    await finish(redis_url, redis, feed)
    await assert_log_is_that_of(redis, run(feed.batches(0)))


async def test_a_paced_run_writes_the_same_and_stamps_when_rows_were_due(redis_url: str, redis: Redis) -> None:
    bad = rows(2, first=41, symbol="nonsense")
    feed = Rows(rows(40), bad, rows(20, first=43))
    await finish(redis_url, redis, feed, speed=100.0)
    await assert_log_is_that_of(redis, run(feed.batches(0)))
    log = await entries(redis, NAMES.clean_ticks)
    assert all("ingest" in entry.meta.hops for entry in log)
    due = [entry.meta.hops for entry in log if "exchange" in entry.meta.hops]
    assert len(due) > 30
    assert all(hops["exchange"] <= hops["ingest"] for hops in due)
    assert due[-1]["ingest"] - due[0]["ingest"] > 300_000_000


async def test_the_clock_goes_on_while_the_source_is_silent(redis_url: str, redis: Redis) -> None:
    lunch = batch({"time": "11:29:59"}, {"time": "13:00:00"}, {"time": "13:00:00"})
    feed = Rows(lunch)
    async with running(runner(redis_url, feed, speed=600.0).run):
        await reached(redis, NAMES.clean_ticks, 600)  # minutes into lunch
        assert (await counts(redis))["accepted"] == 1
        assert await last_seq(redis, NAMES.clean_ticks) < 5400
    await finish(redis_url, redis, feed, speed=None)
    await assert_log_is_that_of(redis, run(feed.batches(0)))


async def test_a_feed_that_has_ended_is_not_read_again(redis_url: str, redis: Redis) -> None:
    await finish(redis_url, redis, Rows(rows(5)))
    seq = await last_seq(redis, NAMES.clean_ticks)
    again = runner(redis_url, Rows(rows(9)))
    async with running(again.run):
        await until(lambda: again.health.ready)
        assert again.health.state == "the feed has ended"
    assert await last_seq(redis, NAMES.clean_ticks) == seq


async def test_a_run_goes_on_from_its_snapshot(redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "SNAPSHOT_S", 0.0)
    feed = Rows(rows(60))
    first = await begin(redis_url, redis, feed, 20)
    kept = await snapshot.load(redis, Chain(redis, NAMES, "collector", "test"))
    assert kept is not None
    assert 0 < kept.seq <= first.core.position < 60
    asked: list[int] = []

    class Watched(Rows):
        def batches(self, after: int) -> Iterator[RawBatch]:
            asked.append(after)
            return super().batches(after)

    await finish(redis_url, redis, Watched(*feed.given))
    assert asked[0] >= kept.seq
    await assert_log_is_that_of(redis, run(feed.batches(0)))


async def test_a_snapshot_of_another_version_is_left_aside(redis_url: str, redis: Redis) -> None:
    feed = Rows(rows(60))
    await begin(redis_url, redis, feed, 20)
    await redis.hset(NAMES.snapshot("collector"), mapping={"seq": "3", "0": b"of another version"})  # type: ignore[misc]
    await finish(redis_url, redis, feed)
    await assert_log_is_that_of(redis, run(feed.batches(0)))


async def test_a_source_with_fewer_rows_than_the_log_is_refused(redis_url: str, redis: Redis) -> None:
    await begin(redis_url, redis, Rows(rows(30)), 5)
    with pytest.raises(FeedError, match=r"it has 2 rows, and [0-9]+ are in the log already"):
        await runner(redis_url, Rows(rows(2))).run(asyncio.Event())


async def test_it_waits_for_a_reader_that_is_far_behind(
    redis_url: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "FARTHEST_BEHIND", 40)
    monkeypatch.setattr(runner_module, "WRITES_A_COMMIT", 10)
    await redis.xgroup_create(NAMES.clean_ticks, "features", "0", mkstream=True)
    feed = Rows(*(rows(10, first=first) for first in range(1, 400, 10)))
    total = len(written(run(feed.batches(0))))
    last = 0
    async with running(runner(redis_url, feed).run):
        while last < total:
            await reached(redis, NAMES.clean_ticks, last + 1)
            await asyncio.sleep(0.05)  # lets it go on, if it does not wait
            before, last = last, await last_seq(redis, NAMES.clean_ticks)
            assert last - before < 150
            await redis.execute_command("XGROUP", "SETID", NAMES.clean_ticks, "features", f"0-{last}")


async def test_a_second_collector_waits_and_takes_over(redis_url: str, redis: Redis) -> None:
    feed = Rows(rows(300))
    second = runner(redis_url, feed, identity="second")
    async with AsyncExitStack() as behind:
        async with running(runner(redis_url, feed, speed=100.0, identity="first").run):
            await accepted(redis, 20)
            await behind.enter_async_context(running(second.run))
            await accepted(redis, 40)
            assert second.health.state == "waiting for the lease"
        await until(lambda: finished(redis))
    await assert_log_is_that_of(redis, run(feed.batches(0)))


async def test_an_overtaken_collector_recovers_and_nothing_is_doubled(redis_url: str, redis: Redis) -> None:
    feed = Rows(rows(300))
    async with running(runner(redis_url, feed, speed=150.0).run):
        await accepted(redis, 50)
        await redis.hset(NAMES.chain("collector"), "token", b"somebody else's")
        await until(lambda: finished(redis))
    await assert_log_is_that_of(redis, run(feed.batches(0)))


def process(url: str, file: Path, folder: Path) -> ServiceProcess:
    options = json.dumps({"files": [str(file)], "speed": 8000})
    settings = {"DFP_REDIS_URL": url, "DFP_STREAM_PREFIX": NAMES.prefix, "DFP_FEED": "replay"}
    return ServiceProcess(
        ["-c", "from dfp.collector.service import main; main()"],
        folder / "collector.log",
        **settings,
        DFP_FEED_OPTIONS=options,
    )


async def test_killed_again_and_again_it_writes_the_same_log(
    server: Server, redis: Redis, marketdata: Path, tmp_path: Path
) -> None:
    file = marketdata / SZ
    dice = random.Random(1)
    kills = 0
    with process(server.url, file, tmp_path) as collector:
        while True:
            wanted = await last_seq(redis, NAMES.clean_ticks) + dice.randrange(1, 4_000)

            async def got_on(upto: int = wanted) -> bool:
                collector.lives()
                return await last_seq(redis, NAMES.clean_ticks) >= upto or await finished(redis)

            await until(got_on)
            collector.kill()
            kills += 1
            if await finished(redis):
                break
            collector.start()
    assert kills >= 4
    await assert_log_is_that_of(redis, run(ReplayFeed([file]).batches(0)))


async def test_it_stops_when_it_is_asked_to(server: Server, redis: Redis, marketdata: Path, tmp_path: Path) -> None:
    with process(server.url, marketdata / SZ, tmp_path) as collector:
        await reached(redis, NAMES.clean_ticks, 1)
        assert await collector.stop() == 0
    assert await redis.get(NAMES.lease("collector")) is None
