"""A stage on real servers: recovery, snapshots, halts, trims, a graceful end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from conftest import ROOT, Server
from dfp.contracts.entry import Entry, Kind
from dfp.contracts.names import Names
from dfp.log import snapshot
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.snapshot import Snapshot
from dfp.log.trim import trim
from dfp.log.work import Core, Work, Write
from dfp.runtime import stage as stage_module
from dfp.runtime.probes import Health
from dfp.runtime.retention import Retention
from dfp.runtime.stage import Stage, StageSpec
from proxy import Proxy
from running import running
from running_total import CommittedTotal, RunningTotal, totals
from service_process import ServiceProcess
from violations import entries
from waiting import reached, until

NAMES = Names("test")
LOG, OUT = "test:log", "test:out"
SUPPORT = ROOT / "tests" / "support"
SPEC = StageSpec("total", (LOG,), "total")


@pytest.fixture
async def source(redis: Redis) -> Chain:
    chain = Chain(redis, NAMES, "source", "s")
    await chain.claim()
    return chain


async def send(source: Chain, first: int, last: int) -> None:
    for value in range(first, last + 1):
        await source.commit(Work([Write(LOG, Kind.SIGNAL, b"%d" % value, seq=value)]), {})


@asynccontextmanager
async def stage(url: str, spec: StageSpec = SPEC, core: Core | None = None, **more: object) -> AsyncIterator[Health]:
    """A stage that runs; what its probes answer."""
    health = Health()
    made = Stage(spec, core or RunningTotal(OUT), connect(url), NAMES, "a", health, **more)  # type: ignore[arg-type]
    async with running(made.run):
        yield health


def process(url: str, core: str, folder: Path) -> ServiceProcess:
    """A stage in a process of its own."""
    return ServiceProcess([str(SUPPORT / "stage_process.py"), url, core, LOG, OUT], folder / "stage.log")


async def test_a_stage_processes_what_is_there_and_what_comes(redis: Redis, source: Chain, redis_url: str) -> None:
    await send(source, 1, 100)
    async with stage(redis_url) as health:
        await reached(redis, OUT, 100)
        await send(source, 101, 150)
        await reached(redis, OUT, 150)
        made = await entries(redis, OUT)
        assert [entry.payload for entry in made] == totals(range(1, 151))
        assert set(made[0].meta.hops) == {"total"}
        await until(lambda: health.ready)
    assert await redis.hget(NAMES.counts("total"), "inputs") == b"150"


async def test_a_killed_stage_goes_on_as_if_nothing_had_happened(
    redis: Redis, source: Chain, redis_url: str, tmp_path: Path
) -> None:
    for round_number in range(5):
        with process(redis_url, "RunningTotal", tmp_path):
            first = round_number * 40 + 1
            await send(source, first, first + 39)
            await reached(redis, OUT, first + 10)
    async with stage(redis_url):
        await reached(redis, OUT, 200)
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 201))


async def test_a_graceful_end_leaves_a_snapshot_and_frees_the_lease(
    redis: Redis, source: Chain, redis_url: str
) -> None:
    await send(source, 1, 20)
    async with stage(redis_url):
        await reached(redis, OUT, 20)
    assert not await redis.exists(NAMES.lease("total"))
    found = await snapshot.load(redis, Chain(redis, NAMES, "total", "a"))
    assert found == Snapshot(20, b"total:210")
    assert await redis.hget(NAMES.floors(LOG), "total") == b"20"


async def test_recovery_starts_from_the_snapshot_and_not_from_the_beginning(
    redis: Redis, source: Chain, redis_url: str
) -> None:
    await send(source, 1, 20)
    async with stage(redis_url):
        await reached(redis, OUT, 20)
    await redis.xtrim(LOG, minid="0-21", approximate=False)
    reruns: list[tuple[int, int]] = []

    async def note(first: int, last: int) -> None:
        reruns.append((first, last))

    await send(source, 21, 30)
    async with stage(redis_url, before_rerun=note):
        await reached(redis, OUT, 30)
    assert reruns == [(21, 20)]
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 31))


async def test_a_snapshot_of_another_version_is_replaced_by_a_run_from_the_beginning(
    redis: Redis, source: Chain, redis_url: str
) -> None:
    await send(source, 1, 20)
    async with stage(redis_url):
        await reached(redis, OUT, 20)
    await redis.hset(NAMES.snapshot("total"), "0", b"written by another version")
    await send(source, 21, 30)
    async with stage(redis_url):
        await reached(redis, OUT, 30)
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 31))


async def test_an_overtaken_owner_cannot_replace_a_snapshot(redis: Redis, source: Chain) -> None:
    old, new = Chain(redis, NAMES, "total", "a", (LOG,)), Chain(redis, NAMES, "total", "a", (LOG,))
    await old.claim()
    await old.commit(Work(), {LOG: 5})
    assert await snapshot.store(redis, old, LOG, Snapshot(5, b"x" * 600_000))
    await new.claim()
    assert not await snapshot.store(redis, old, LOG, Snapshot(3, b"old"))
    assert await snapshot.load(redis, new) == Snapshot(5, b"x" * 600_000)


async def test_a_snapshot_ahead_of_the_chain_is_refused(redis: Redis, source: Chain) -> None:
    chain = Chain(redis, NAMES, "total", "a", (LOG,))
    await chain.claim()
    await chain.commit(Work(), {LOG: 5})
    assert not await snapshot.store(redis, chain, LOG, Snapshot(6, b""))
    assert await snapshot.load(redis, chain) is None


async def test_while_halted_output_goes_to_the_shadow_stream_and_the_cursor_moves_on(
    redis: Redis, source: Chain, redis_url: str
) -> None:
    spec = replace(SPEC, halt_targets=("strategy/x",), shadow={OUT: "test:shadow"})
    async with stage(redis_url, spec, ManyWriters(OUT)):
        await send(source, 1, 5)
        await reached(redis, OUT, 5)
        await redis.hset(NAMES.halt, "strategy/x", b"{}")
        await send(source, 6, 10)
        await reached(redis, "test:shadow", 5)
        await redis.hdel(NAMES.halt, "strategy/x")
        await send(source, 11, 12)
        await reached(redis, OUT, 7)
    live, shadow = await entries(redis, OUT), await entries(redis, "test:shadow")
    expected = totals(range(1, 13))
    assert [entry.payload for entry in live] == expected[:5] + expected[10:]
    assert [entry.payload for entry in shadow] == expected[5:10]


class ManyWriters(RunningTotal):
    """Like `RunningTotal`, on streams whose numbers are given by the server."""

    def process(self, stream: str, entries: Sequence[Entry], work: Work) -> None:
        super().process(stream, entries, work)
        work.writes = [replace(write, seq=None) for write in work.writes]


async def test_state_that_rides_in_commits_is_exact_after_a_kill_without_any_rerun(
    redis: Redis, source: Chain, redis_url: str, tmp_path: Path
) -> None:
    for round_number in range(3):
        with process(redis_url, "CommittedTotal", tmp_path):
            first = round_number * 10 + 1
            await send(source, first, first + 9)
            await reached(redis, OUT, first + 5)
    async with stage(redis_url, core=CommittedTotal(OUT)):
        await reached(redis, OUT, 30)
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 31))


async def test_a_stage_waits_for_a_server_that_is_away_and_goes_on(own_server: Server) -> None:
    redis = connect(own_server.url)
    source = Chain(redis, NAMES, "source", "s")
    await source.claim()
    async with stage(own_server.url):
        await send(source, 1, 10)
        await reached(redis, OUT, 10)
        own_server.kill()
        own_server.start()
        await source.claim()
        await send(source, 11, 20)
        await reached(redis, OUT, 20)
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 21))
    await redis.aclose()


async def test_a_stage_that_lost_its_lease_stops_writing_and_asks_for_it_again(
    redis: Redis, source: Chain, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "RENEW_S", 0.05)
    async with stage(redis_url) as health:
        await send(source, 1, 5)
        await reached(redis, OUT, 5)
        await redis.set(NAMES.lease("total"), "somebody else")
        await until(lambda: health.state == "waiting for the lease")
        assert not health.ready
        await redis.delete(NAMES.lease("total"))
        await send(source, 6, 10)
        await reached(redis, OUT, 10)
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 11))


async def test_a_lost_connection_is_made_again_without_loss(redis: Redis, source: Chain, server: Server) -> None:
    async with Proxy(server.port) as proxy, stage(proxy.url):
        for first in range(1, 101, 10):
            await send(source, first, first + 9)
            await reached(redis, OUT, first + 2)
            proxy.cut()
        await reached(redis, OUT, 100)
    assert [entry.payload for entry in await entries(redis, OUT)] == totals(range(1, 101))


async def test_entries_trimmed_before_they_were_read_are_counted(redis: Redis, source: Chain, redis_url: str) -> None:
    await send(source, 1, 10)
    await redis.xtrim(LOG, minid="0-6", approximate=False)
    async with stage(redis_url):
        await reached(redis, OUT, 10)
    assert await redis.hget(NAMES.counts("total"), "holes") == b"1"
    assert [entry.seq for entry in await entries(redis, OUT)] == [6, 7, 8, 9, 10]


async def test_a_stage_trims_what_all_readers_are_done_with(
    redis: Redis, source: Chain, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "RENEW_S", 0.02)
    monkeypatch.setattr(stage_module, "TRIM_S", 0.04)
    await redis.hset(f"{OUT}:floors", mapping={"engine/a": "1500", "engine/b": "1900"})
    async with stage(redis_url, replace(SPEC, retention={OUT: Retention(2**30, behind_readers=True)})):
        await send(source, 1, 2000)
        await reached(redis, OUT, 2000)
        await until(lambda: _is_trimmed(redis))
    first = (await entries(redis, OUT))[0].seq
    assert 1 < first <= 1000, "only what every reader is past, and never the newest thousand"


async def _is_trimmed(redis: Redis) -> bool:
    return bool(await redis.xlen(OUT) < 2_000)


async def test_the_byte_cap_goes_before_slow_readers(redis: Redis, source: Chain) -> None:
    for value in range(1, 201):
        await source.commit(Work([Write(LOG, Kind.SIGNAL, b"x" * 1000, seq=value)]), {})
    await redis.hset(f"{LOG}:floors", "slow", "1")
    removed = await trim(redis, LOG, 50_000, behind_readers=True)
    assert 100 < removed < 200
    assert await redis.memory_usage(LOG, samples=0) < 80_000  # type: ignore[operator]
    assert await trim(redis, "test:none", 1, behind_readers=True) == 0
