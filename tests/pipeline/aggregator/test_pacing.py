"""The aggregator's clock never overtakes the engines, and an engine that stands still does not stop it for ever."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dfp.aggregator import pacing
from dfp.aggregator.pacing import PacedReader
from dfp.contracts.entry import Kind
from dfp.contracts.names import Names
from dfp.log.chain import Chain
from dfp.log.connection import connect
from dfp.log.reader import Hole
from dfp.log.work import Work, Write

NAMES = Names("test")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


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
    return PacedReader(redis, NAMES, {NAMES.signals: 0, NAMES.features: 0}, count)


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
