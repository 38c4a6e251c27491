"""The auditor reads what the aggregator knew, in that order, and is not held up for ever by one that stands still."""

import pytest
from redis.asyncio import Redis

from dfp.contracts.entry import Kind, Meta
from dfp.contracts.names import Names
from dfp.log.chain import Chain
from dfp.log.reader import Hole
from dfp.log.work import Work, Write
from dfp.risk import pacing
from dfp.risk.pacing import AuditReader

NAMES = Names("test")
VERDICTS, OPPORTUNITIES, FEATURES = NAMES.risk_verdicts, NAMES.opportunities, NAMES.features


async def wrote(redis: Redis, stream: str, kind: Kind, count: int) -> None:
    chain = Chain(redis, NAMES, f"writer of {stream}", "w")
    await chain.claim()
    await chain.commit(Work([Write(stream, kind, b"%d" % number) for number in range(1, count + 1)]), {})


async def aggregator(redis: Redis) -> Chain:
    chain = Chain(redis, NAMES, "aggregator", "a", (FEATURES, VERDICTS))
    await chain.claim()
    return chain


async def publish(chain: Chain, cites: list[int], *, features: int, verdicts: int) -> None:
    writes = [Write(OPPORTUNITIES, Kind.OPPORTUNITY, b"{}", Meta(cursor={VERDICTS: seq})) for seq in cites]
    await chain.commit(Work(writes), {FEATURES: features, VERDICTS: verdicts})


def reader(redis: Redis, count: int = 32) -> AuditReader:
    return AuditReader(redis, NAMES, {VERDICTS: 0, OPPORTUNITIES: 0, FEATURES: 0}, count)


async def read(audit: AuditReader) -> list[tuple[str, list[int]]]:
    return [(stream, [entry.seq for entry in found]) for stream, found in (await audit.read(block_ms=1)).items()]


async def test_verdicts_come_before_the_opportunities_that_cite_them_and_no_later_ones(redis: Redis) -> None:
    await wrote(redis, VERDICTS, Kind.VERDICTS, 9)
    await wrote(redis, FEATURES, Kind.CLOCK, 5)
    await publish(await aggregator(redis), [2, 2, 4, 7], features=5, verdicts=7)
    audit = reader(redis)
    assert await read(audit) == [(VERDICTS, [1, 2]), (OPPORTUNITIES, [1, 2])]
    assert await read(audit) == [(VERDICTS, [3, 4]), (OPPORTUNITIES, [3])]
    assert await read(audit) == [(VERDICTS, [5, 6, 7]), (OPPORTUNITIES, [4])]
    assert await read(audit) == [(FEATURES, [1, 2, 3, 4, 5])]  # not before it is known that no opportunity is left
    assert await read(audit) == []


async def test_features_are_read_no_further_than_the_aggregator_has(redis: Redis) -> None:
    await wrote(redis, FEATURES, Kind.CLOCK, 9)
    chain = await aggregator(redis)
    await publish(chain, [0], features=4, verdicts=0)
    audit = reader(redis)
    assert await read(audit) == [(OPPORTUNITIES, [1]), (FEATURES, [1, 2, 3, 4])]
    assert await read(audit) == []
    await publish(chain, [], features=6, verdicts=0)
    assert await read(audit) == [(FEATURES, [5, 6])]


async def test_while_opportunities_are_left_to_read_the_features_wait(redis: Redis) -> None:
    await wrote(redis, FEATURES, Kind.CLOCK, 4)
    await publish(await aggregator(redis), [0] * 5, features=4, verdicts=0)
    audit = reader(redis, count=2)
    assert [await read(audit) for _ in range(3)] == [
        [(OPPORTUNITIES, [1, 2])],
        [(OPPORTUNITIES, [3, 4])],
        [(OPPORTUNITIES, [5]), (FEATURES, [1, 2])],
    ]


async def test_without_opportunities_verdicts_follow_the_aggregator(redis: Redis) -> None:
    await wrote(redis, VERDICTS, Kind.VERDICTS, 9)
    await publish(await aggregator(redis), [], features=0, verdicts=6)
    assert await read(reader(redis)) == [(VERDICTS, [1, 2, 3, 4, 5, 6])]


async def test_without_an_aggregator_all_features_are_read(redis: Redis) -> None:
    audit = reader(redis)
    assert await read(audit) == []
    await wrote(redis, FEATURES, Kind.CLOCK, 3)
    assert await read(audit) == [(FEATURES, [1, 2, 3])]


async def test_an_aggregator_that_stands_still_no_longer_holds_the_features_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wrote(redis, FEATURES, Kind.CLOCK, 5)
    await publish(await aggregator(redis), [], features=2, verdicts=0)
    audit = reader(redis)
    assert await read(audit) == [(FEATURES, [1, 2])]
    monkeypatch.setattr(pacing, "STALLED_S", 0.0)
    assert await read(audit) == [(FEATURES, [3, 4, 5])]


async def test_a_hole_in_the_verdicts_loses_no_opportunity(redis: Redis) -> None:
    await wrote(redis, VERDICTS, Kind.VERDICTS, 6)
    await publish(await aggregator(redis), [5], features=0, verdicts=5)
    await redis.xtrim(VERDICTS, minid="0-4", approximate=False)
    audit = reader(redis)
    with pytest.raises(Hole, match="entries 1 to 3 are missing") as hole:
        await audit.read(block_ms=1)
    audit.cursor[VERDICTS] = hole.value.found - 1  # as the stage does
    assert await read(audit) == [(VERDICTS, [4, 5]), (OPPORTUNITIES, [1])]
