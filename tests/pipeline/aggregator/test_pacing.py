"""The aggregator's clock never overtakes the engines, and an engine that stands still does not stop it for ever."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from dfp.aggregator import pacing
from dfp.aggregator.pacing import PacedReader
from dfp.contracts.entry import Kind
from dfp.contracts.names import Names
from dfp.log.chain import Chain
from dfp.log.reader import Hole
from dfp.log.work import Work, Write
from waiting import until

NAMES = Names("test")


@pytest.fixture
async def redis(redis: Redis) -> Redis:
    """A server on which an aggregator has run."""
    await Chain(redis, NAMES, "aggregator", "a", (NAMES.signals, NAMES.risk_verdicts, NAMES.features)).claim()
    return redis


async def writer(redis: Redis, last: int) -> Chain:
    """The feature stage, after it has written entries 1 to `last`."""
    chain = Chain(redis, NAMES, "features", "f")
    await chain.claim()
    await chain.commit(
        Work([Write(NAMES.features, Kind.CLOCK, b"%d" % seq, seq=seq) for seq in range(1, last + 1)]), {}
    )
    return chain


async def engine(redis: Redis, name: str, upto: int, signals: int = 0) -> Chain:
    """An engine that has committed the features up to `upto`, and some signals with them."""
    chain = Chain(redis, NAMES, f"engine/{name}", name, (NAMES.features,))
    await chain.claim()
    await commit(chain, upto, signals)
    return chain


async def commit(chain: Chain, upto: int, signals: int = 0) -> None:
    work = Work([Write(NAMES.signals, Kind.SIGNAL, b"%d" % number) for number in range(signals)])
    await chain.commit(work, {NAMES.features: upto})


def reader(redis: Redis, count: int = 32) -> PacedReader:
    return PacedReader(redis, NAMES, {NAMES.signals: 0, NAMES.features: 0, NAMES.risk_verdicts: 0}, count)


async def test_features_are_read_up_to_what_the_slowest_engine_has_committed(redis: Redis) -> None:
    await writer(redis, 10)
    await engine(redis, "fast", 10)
    slow = await engine(redis, "slow", 4)
    paced = reader(redis)
    assert [entry.seq for entry in (await paced.read())[NAMES.features]] == [1, 2, 3, 4]
    assert await paced.read(block_ms=1) == {}
    await commit(slow, 7)
    assert [entry.seq for entry in (await paced.read())[NAMES.features]] == [5, 6, 7]


async def test_signals_come_before_the_features_that_may_have_caused_them(redis: Redis) -> None:
    await writer(redis, 10)
    await engine(redis, "one", 6, signals=3)
    read = await reader(redis).read()
    assert list(read) == [NAMES.signals, NAMES.features]
    assert len(read[NAMES.signals]) == 3


async def test_while_signals_are_left_to_read_the_clock_waits(redis: Redis) -> None:
    await writer(redis, 10)
    await engine(redis, "one", 6, signals=5)
    paced = reader(redis, count=2)
    reads = [await paced.read() for _ in range(3)]
    assert [NAMES.features in read for read in reads] == [False, False, True]
    assert [len(read[NAMES.signals]) for read in reads] == [2, 2, 1]


async def test_an_engine_that_stands_still_no_longer_holds_the_clock_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer(redis, 10)
    await engine(redis, "stuck", 2)
    paced = reader(redis)
    assert [entry.seq for entry in (await paced.read())[NAMES.features]] == [1, 2]
    monkeypatch.setattr(pacing, "STALLED_S", 0.0)
    assert [entry.seq for entry in (await paced.read())[NAMES.features]] == list(range(3, 11))


async def test_without_engines_everything_is_read(redis: Redis) -> None:
    paced = reader(redis)
    assert await paced.read(block_ms=1) == {}
    await writer(redis, 3)
    assert [entry.seq for entry in (await paced.read())[NAMES.features]] == [1, 2, 3]


async def test_a_hole_in_the_features_is_found(redis: Redis) -> None:
    await writer(redis, 10)
    await redis.xtrim(NAMES.features, minid="0-5", approximate=False)
    with pytest.raises(Hole, match="entries 1 to 4 are missing"):
        await reader(redis).read()


async def guard(redis: Redis, upto: int) -> Chain:
    """A risk guard that has judged the features up to `upto`, and said so."""
    chain = Chain(redis, NAMES, "risk-guard", "g", (NAMES.features,))
    await chain.claim()
    await judge(chain, upto)
    return chain


async def judge(chain: Chain, upto: int) -> None:
    work = Work([Write(NAMES.risk_verdicts, Kind.VERDICTS, b"%d" % upto)])
    await chain.commit(work, {NAMES.features: upto})


async def test_the_clock_does_not_overtake_the_guard(redis: Redis) -> None:
    await writer(redis, 10)
    await engine(redis, "one", 10)
    await guard(redis, 3)
    assert [entry.seq for entry in (await reader(redis).read())[NAMES.features]] == [1, 2, 3]


async def test_a_signal_waits_for_the_verdicts_on_all_that_its_engine_had_seen(redis: Redis) -> None:
    await writer(redis, 10)
    await engine(redis, "one", 8, signals=1)
    late = await guard(redis, 3)
    reading = asyncio.create_task(reader(redis).read())
    await until(lambda: redis.exists(NAMES.signals))
    done, _ = await asyncio.wait({reading}, timeout=0.1)
    assert not done
    await judge(late, 8)
    read = await reading
    assert list(read) == [NAMES.risk_verdicts, NAMES.signals, NAMES.features]
    assert [entry.payload for entry in read[NAMES.risk_verdicts]] == [b"3", b"8"]


async def test_a_guard_that_stands_still_holds_nothing_back(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    await writer(redis, 10)
    await engine(redis, "one", 8, signals=1)
    await guard(redis, 3)
    monkeypatch.setattr(pacing, "STALLED_S", 0.05)
    paced = reader(redis)
    read = await paced.read()
    assert list(read)[:2] == [NAMES.risk_verdicts, NAMES.signals]
    await until(lambda: _reads_up_to(paced, 8))


async def test_the_reader_comes_back_while_it_waits_for_the_guard_and_loses_no_signal(redis: Redis) -> None:
    await writer(redis, 10)
    loud = await engine(redis, "one", 8, signals=1)
    late = await guard(redis, 3)
    paced = reader(redis)
    assert list(await paced.read(block_ms=1)) == [NAMES.risk_verdicts]
    await commit(loud, 10, signals=1)
    assert await paced.read(block_ms=1) == {}
    await judge(late, 8)
    read = await paced.read(block_ms=1)
    assert list(read) == [NAMES.risk_verdicts, NAMES.signals]
    assert [entry.seq for entry in read[NAMES.signals]] == [1]
    assert await paced.read(block_ms=1) == {}
    await judge(late, 10)
    read = await paced.read(block_ms=1)
    assert list(read) == [NAMES.risk_verdicts, NAMES.signals]
    assert [entry.seq for entry in read[NAMES.signals]] == [2]
    assert [entry.seq for entry in (await paced.read())[NAMES.features]] == list(range(1, 11))


async def test_a_log_that_was_deleted_is_waited_for(redis: Redis) -> None:
    await redis.flushall()
    assert await reader(redis).read(block_ms=1) == {}


async def test_something_else_in_the_place_of_the_log_is_an_error(redis: Redis) -> None:
    await redis.delete(NAMES.features)
    await redis.set(NAMES.features, "no stream")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await reader(redis).read(block_ms=1)


async def _reads_up_to(paced: PacedReader, seq: int) -> bool:
    await paced.read(block_ms=1)
    return paced.cursor[NAMES.features] >= seq
