"""The fenced commit on real servers: invariants I1, I2 and I3, and the guards in the script."""

import asyncio
import time

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from dfp.contracts import digest
from dfp.contracts.conditions import Conditions
from dfp.contracts.entry import Entry, Kind, Meta, from_fields, sequence
from dfp.contracts.names import Names
from dfp.log import conditions
from dfp.log.chain import COMMIT, VOUCHED_MS, Chain, ConditionsChanged, Fenced, Halted
from dfp.log.connection import check_server
from dfp.log.extent import last_seq
from dfp.log.reader import Hole, Reader
from dfp.log.work import Work, Write

NAMES = Names("test")
OUT = "test:out"


def one(payload: bytes, seq: int | None = None, **more: object) -> Work:
    return Work([Write(OUT, Kind.SIGNAL, payload, seq=seq, **more)])  # type: ignore[arg-type]


async def entries(redis: Redis, stream: str = OUT) -> list[Entry]:
    return [from_fields(identifier, fields) for identifier, fields in await redis.xrange(stream)]  # type: ignore[misc]


async def claimed(redis: Redis, stage: str = "stage", identity: str = "a", inputs: tuple[str, ...] = ()) -> Chain:
    chain = Chain(redis, NAMES, stage, identity, inputs)
    await chain.claim()
    return chain


async def test_the_server_is_new_enough_for_the_commit_script(redis: Redis) -> None:
    name, version = (await check_server(redis)).split()
    assert name in {"redis", "valkey"}
    assert int(version.split(".")[0]) >= 7


async def test_a_commit_appends_its_entries_and_moves_the_cursor(redis: Redis) -> None:
    chain = await claimed(redis)
    await chain.commit(one(b"1", seq=1, meta=Meta({"ingest": 5})), {"feed": 10})
    await chain.commit(one(b"2", seq=2), {"feed": 20})
    assert [(entry.seq, entry.payload) for entry in await entries(redis)] == [(1, b"1"), (2, b"2")]
    assert (await entries(redis))[0].meta.hops == {"ingest": 5}
    again = Chain(redis, NAMES, "stage", "a")
    assert not await again.claim()
    assert again.cursor == {"feed": 20}


async def test_entries_without_a_number_get_the_next_one_of_the_stream(redis: Redis) -> None:
    first, second = await claimed(redis, "first"), await claimed(redis, "second")
    for payload in (b"1", b"2", b"3"):
        await first.commit(one(payload), {})
        await second.commit(one(payload), {})
    assert [entry.seq for entry in await entries(redis)] == [1, 2, 3, 4, 5, 6]
    await redis.xtrim(OUT, maxlen=0, approximate=False)
    await first.commit(one(b"4"), {})
    assert [entry.seq for entry in await entries(redis)] == [7]


async def test_an_owner_that_was_overtaken_is_refused_and_writes_nothing(redis: Redis) -> None:
    old = await claimed(redis)
    await old.commit(one(b"1", seq=1), {"feed": 1})
    new = await claimed(redis)
    with pytest.raises(Fenced):
        await old.commit(one(b"zombie", seq=2), {"feed": 2})
    await new.commit(one(b"2", seq=2), {"feed": 2})
    assert [entry.payload for entry in await entries(redis)] == [b"1", b"2"]


async def test_the_same_commit_sent_again_is_answered_done_and_not_applied_twice(redis: Redis) -> None:
    chain = await claimed(redis)
    keys, arguments = chain._encode(b"t" * 16, digest.EMPTY, one(b"1"), {"feed": 1}, (), None, False)
    assert await COMMIT(redis, keys, arguments) == [b"ok"]
    assert await COMMIT(redis, keys, arguments) == [b"done"]
    assert len(await entries(redis)) == 1


async def test_a_claim_tells_whether_memory_is_still_good(redis: Redis) -> None:
    chain = await claimed(redis)
    await chain.commit(one(b"1"), {})
    assert await chain.claim()
    await claimed(redis)
    assert not await chain.claim()


async def test_the_lease_keeps_another_identity_waiting_until_it_is_released(redis: Redis) -> None:
    owner = await claimed(redis, identity="a")
    other = Chain(redis, NAMES, "stage", "b")
    claim = asyncio.create_task(other.claim())
    done, _ = await asyncio.wait({claim}, timeout=0.3)
    assert not done
    assert await owner.renew()
    await owner.release()
    await asyncio.wait_for(claim, 60)
    assert not await owner.renew()


async def test_state_and_counters_ride_in_the_commit(redis: Redis) -> None:
    chain = await claimed(redis)
    await chain.commit(Work(counts={"ticks": 3}, state={"a": b"1", "b": b""}), {})
    await chain.commit(Work(counts={"ticks": 4}, state={"a": None}), {})
    assert await redis.hgetall(NAMES.state("stage")) == {b"b": b""}
    assert await redis.hgetall(NAMES.counts("stage")) == {b"ticks": b"7"}


async def test_the_digest_of_a_chain_goes_on_after_a_new_claim(redis: Redis) -> None:
    chain = await claimed(redis)
    await chain.commit(Work(digested=[b"1", b"2"]), {})
    again = await claimed(redis)
    await again.commit(Work(digested=[b"3"]), {})
    assert again.digest == digest.roll(digest.EMPTY, [b"1", b"2", b"3"])
    assert await redis.hget(NAMES.chain("stage"), "digest") == again.digest.hex().encode()


async def test_a_halt_refuses_the_commit_until_it_is_lifted(redis: Redis) -> None:
    chain = await claimed(redis)
    await redis.hset(NAMES.halt, "strategy/x", b"{}")
    await chain.commit(one(b"other"), {}, halt_targets=("pipeline", "strategy/y"))
    with pytest.raises(Halted, match="strategy/x"):
        await chain.commit(one(b"halted"), {}, halt_targets=("pipeline", "strategy/x"))
    await redis.hdel(NAMES.halt, "strategy/x")
    await chain.commit(one(b"free"), {}, halt_targets=("pipeline", "strategy/x"))
    assert [entry.payload for entry in await entries(redis)] == [b"other", b"free"]


@pytest.mark.parametrize(
    ("assumed", "change"),
    [
        (Conditions(halts=("pipeline",)), "HSET {halt} strategy/x {{}}"),
        (Conditions(halts=()), "HSET {halt} pipeline {{}}"),
        (Conditions(risk_fresh=True), "SET {fresh} 0"),
        (Conditions(policies="v1"), "HSET {policies} version v2"),
    ],
)
async def test_a_commit_made_under_conditions_that_no_longer_hold_is_refused(
    redis: Redis, assumed: Conditions, change: str
) -> None:
    chain = await claimed(redis)
    if assumed.halts:
        await redis.hset(NAMES.halt, "pipeline", "{}")
    if assumed.risk_fresh:
        await redis.set(NAMES.risk_fresh_until, int((time.time() + 60) * 1e6))
    if assumed.policies:
        await redis.hset(NAMES.risk_policies, "version", "v1")
    await chain.commit(one(b"1"), {"feed": 1}, conditions=assumed)
    names = {"halt": NAMES.halt, "fresh": NAMES.risk_fresh_until, "policies": NAMES.risk_policies}
    await redis.execute_command(*change.format(**names).split())
    with pytest.raises(ConditionsChanged) as refused:
        await chain.commit(one(b"2"), {"feed": 2}, conditions=assumed)
    assert refused.value.conditions == await conditions.read(redis, NAMES) != assumed
    await chain.commit(one(b"3"), {"feed": 2}, conditions=refused.value.conditions)
    assert [entry.payload for entry in await entries(redis)] == [b"1", b"3"]


async def test_a_condition_that_does_not_matter_refuses_nothing(redis: Redis) -> None:
    chain = await claimed(redis)
    await redis.hset(NAMES.halt, "pipeline", "{}")
    await chain.commit(one(b"1"), {}, conditions=Conditions(halts=None, risk_fresh=None, policies=""))
    await redis.hset(NAMES.risk_policies, "version", "v2")
    with pytest.raises(ConditionsChanged):
        await chain.commit(one(b"2"), {}, conditions=Conditions(halts=None, risk_fresh=None, policies=""))


async def test_a_commit_that_vouches_makes_risk_fresh_for_a_while(redis: Redis) -> None:
    chain = await claimed(redis)
    assert not (await conditions.read(redis, NAMES)).risk_fresh
    await chain.commit(Work(), {}, vouches=True)
    assert (await conditions.read(redis, NAMES)).risk_fresh
    seconds, micros = await redis.time()
    left = int(await redis.get(NAMES.risk_fresh_until)) / 1e6 - (seconds + micros / 1e6)
    assert 0 < left <= VOUCHED_MS / 1000


async def test_a_halt_that_a_commit_sets_does_not_replace_an_older_one(redis: Redis) -> None:
    chain = await claimed(redis)
    await chain.commit(Work(halts={"strategy/x": b"first"}), {})
    await chain.commit(Work(halts={"strategy/x": b"second", "pipeline": b"third"}), {})
    assert await redis.hgetall(NAMES.halt) == {b"strategy/x": b"first", b"pipeline": b"third"}  # type: ignore[misc]
    assert (await conditions.read(redis, NAMES)).halts == ("pipeline", "strategy/x")


@pytest.mark.parametrize("key", [OUT, NAMES.state("stage"), NAMES.counts("stage"), NAMES.halt])
async def test_a_key_of_another_type_is_refused_before_anything_is_written(redis: Redis, key: str) -> None:
    chain = await claimed(redis)
    await redis.set(key, "a string")
    work = Work([Write("test:first", Kind.SIGNAL, b"1"), Write(OUT, Kind.SIGNAL, b"2")], {"n": 1}, {"s": b"1"})
    with pytest.raises(ResponseError, match=key):
        await chain.commit(work, {"feed": 1})
    assert not await redis.exists("test:first")
    assert await chain.intact()


async def test_a_number_that_was_used_is_refused_before_anything_is_written(redis: Redis) -> None:
    chain = await claimed(redis)
    await redis.xadd(OUT, {"foreign": "1"}, id="0-5")
    with pytest.raises(ResponseError, match="equal or smaller"):
        await chain.commit(Work([Write("test:second", Kind.SIGNAL, b"1"), Write(OUT, Kind.SIGNAL, b"2", seq=5)]), {})
    assert not await redis.exists("test:second")
    assert await chain.intact()


async def test_a_mirrored_entry_is_published_with_its_id(redis: Redis) -> None:
    chain = await claimed(redis)
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("mirror")
        assert await pubsub.get_message(timeout=5) is not None
        await chain.commit(one(b'{"x":1}', channel="mirror"), {})
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
    assert message is not None
    assert message["data"] == b'{"id":"0-1","payload":{"x":1}}'


async def test_the_lag_that_redis_reports_is_exact(redis: Redis) -> None:
    writer = await claimed(redis, "writer")
    reader = await claimed(redis, "reader", inputs=(OUT,))
    for number in range(1, 11):
        await writer.commit(one(b"x", seq=number), {})
    await reader.commit(Work(), {OUT: 4})
    (group,) = await redis.xinfo_groups(OUT)
    assert group["lag"] == 6
    await redis.xtrim(OUT, minid="0-3", approximate=False)
    await reader.commit(Work(), {OUT: 7})
    (group,) = await redis.xinfo_groups(OUT)
    assert group["lag"] == 3


async def test_a_lost_consumer_group_does_not_fail_a_commit(redis: Redis) -> None:
    writer = await claimed(redis, "writer")
    reader = await claimed(redis, "reader", inputs=(OUT,))
    await writer.commit(one(b"x", seq=1), {})
    await redis.xgroup_destroy(OUT, "reader")
    await reader.commit(Work([Write("test:next", Kind.SIGNAL, b"y")]), {OUT: 1})
    assert len(await entries(redis, "test:next")) == 1


async def test_scripts_that_the_server_forgot_are_loaded_again(redis: Redis) -> None:
    chain = await claimed(redis)
    await redis.script_flush()
    await chain.commit(one(b"1"), {})
    assert len(await entries(redis)) == 1


async def test_a_reader_moves_over_contiguous_entries_and_waits_at_the_end(redis: Redis) -> None:
    chain = await claimed(redis)
    for number in range(1, 6):
        await chain.commit(one(b"x", seq=number), {})
    reader = Reader(redis, {OUT: 2}, count=2)
    assert [entry.seq for entry in (await reader.read())[OUT]] == [3, 4]
    assert [entry.seq for entry in (await reader.read())[OUT]] == [5]
    assert await reader.read(block_ms=20) == {}
    assert await last_seq(redis, OUT) == 5
    assert await last_seq(redis, "test:none") == 0


async def test_a_reader_that_finds_a_hole_says_which_entries_are_missing(redis: Redis) -> None:
    chain = await claimed(redis)
    for number in range(1, 6):
        await chain.commit(one(b"x", seq=number), {})
    await redis.xtrim(OUT, minid="0-4", approximate=False)
    reader = Reader(redis, {OUT: 1})
    with pytest.raises(Hole, match="entries 2 to 3 are missing"):
        await reader.read()
    assert reader.cursor == {OUT: 1}


def test_an_id_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="0-<sequence number>"):
        sequence(b"1700000000000-0")
